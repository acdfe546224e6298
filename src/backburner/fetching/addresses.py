"""Which addresses are on the public internet: those that a computation may connect to.

What `is_global` of the standard library lets through and no web site has is in a table here.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

PUBLIC_IPV6 = IPv6Network("2000::/3")
"""All that is handed out. So no IPv4 in IPv6 is left but the two in the table: mapped, compatible,
translated and NAT64 addresses are elsewhere."""
NOT_PUBLIC_IPV4 = [
    IPv4Network("168.63.129.16/32"),  # Azure's wire server
    IPv4Network("192.0.0.0/24"),  # protocol assignments; Oracle's metadata
    IPv4Network("192.31.196.0/24"),  # AS112
    IPv4Network("192.52.193.0/24"),  # AMT
    IPv4Network("192.88.99.0/24"),  # 6to4 relays
    IPv4Network("192.175.48.0/24"),  # AS112
]
NOT_PUBLIC_IPV6 = [
    IPv6Network("2001::/23"),  # protocol assignments: Teredo, ORCHID, benchmarks
    IPv6Network("2001:db8::/32"),
    IPv6Network("2002::/16"),  # 6to4
    IPv6Network("2620:4f:8000::/48"),  # AS112
    IPv6Network("3ffe::/16"),  # 6bone, given back
    IPv6Network("3fff::/20"),  # documentation
]
ISATAP = (0x00005EFE, 0x02005EFE)
"""The upper half of an interface identifier whose lower half is an IPv4 address."""


def is_public(text: str) -> bool:
    """Whether a packet to this address leaves for the public internet; False for no address."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return _is_public_ipv4(address)
    return _is_public_ipv6(address)


def _is_public_ipv4(address: IPv4Address) -> bool:
    is_one = address.is_global and not address.is_multicast and not address.is_reserved
    return is_one and not any(address in network for network in NOT_PUBLIC_IPV4)


def _is_public_ipv6(address: IPv6Address) -> bool:
    if address.scope_id is not None or address not in PUBLIC_IPV6 or not address.is_global:
        return False
    if (int(address) >> 32) & 0xFFFFFFFF in ISATAP:
        return False
    return not any(address in network for network in NOT_PUBLIC_IPV6)
