"""Which addresses are public."""

import pytest

from backburner.fetching.addresses import is_public

NOT_PUBLIC = str.split("""
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 127.0.0.1 127.1.2.3 168.63.129.16
169.254.0.1 169.254.169.123 169.254.169.253 169.254.169.254 169.254.170.2 169.254.170.23 172.16.0.1
172.31.255.255 192.0.0.1 192.0.0.9 192.0.0.10 192.0.0.192 192.0.2.1 192.88.99.1 192.168.0.1
192.175.48.1 192.31.196.1 192.52.193.1
198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1
255.255.255.255 :: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:a9fe:a9fe
::ffff:0:127.0.0.1 64:ff9b::127.0.0.1 64:ff9b::a9fe:a9fe 64:ff9b::8.8.8.8 64:ff9b:1::127.0.0.1
100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:2::1 2001:10::1 2001:20::1 2001:db8::1
2002:7f00:1:: 2002:a9fe:a9fe::1 2002:808:808::1 2a00:1450::5efe:127.0.0.1
2a00:1450::200:5efe:10.0.0.1 3ffe::1 3fff::1 5f00::1 fc00::1 fd00:ec2::254 fd00:ec2::23
fd20:ce::254 fe80::1 fe80::1%eth0 fe80::a9fe:a9fe fec0::1 ff02::1 ff0e::1 4000::1
2606:2800::1%1 2620:4f:8000::1 localhost example.com 8.8.8 0x8080808 010.8.8.8 8.8.8.8.
""")
PUBLIC = str.split("""
1.1.1.1 8.8.8.8 93.184.215.14 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.3.1 198.20.0.1
223.255.255.255 2606:2800:220:1:248:1893:25c8:1946 2a00:1450:4001:80b::200e 2001:4860:4860::8888
2620:fe::fe 2400:cb00::1
""")


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_no_packet_goes_to_an_address_of_another_kind(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_may_be_reached(address: str) -> None:
    assert is_public(address)
