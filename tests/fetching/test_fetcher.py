"""The guard against request forgery, with a resolver and a network of the test's own.

The network counts what is connected to: nothing that is refused sends a packet.
"""

import asyncio
import gzip
import os
import socket
import tracemalloc
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import httpcore
import pytest
from httpcore import AsyncMockStream

from backburner.errors import TryAgain, Uncomputable
from backburner.fetching import Fetched, Fetcher, Refused
from tests.fetching.test_addresses import NOT_PUBLIC

PUBLIC = "93.184.215.14"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
NAMES = {
    "example.com": [PUBLIC],
    "xn--bcher-kva.example": [PUBLIC],
    "two.example": [PUBLIC, "2606:2800:220:1:248:1893:25c8:1946"],
    "localhost": ["127.0.0.1"],
    "localhost.": ["127.0.0.1"],
    "metadata.google.internal": ["169.254.169.254"],
    "metadata": ["169.254.169.254"],
    "instance-data": ["169.254.169.254"],
    "instance-data.ec2.internal": ["169.254.169.254"],
    "metadata.azure.internal": ["168.63.129.16"],
    "localtest.example": ["127.0.0.1"],
    "six.example": ["::1"],
    "mixed.example": [PUBLIC, "10.0.0.1"],
    "mixed6.example": [PUBLIC, "::ffff:10.0.0.1"],
    "nat64.example": ["64:ff9b::a9fe:a9fe"],
    "scoped.example": ["fe80::1%2"],
    "empty.example": [],
}
"""As the resolver knows them; it reads numbers as inet_aton does, as getaddrinfo would."""
ADDRESSES = [address for address in NOT_PUBLIC if address[0].isdigit() or ":" in address]
IN_URLS = [f"[{address}]" if ":" in address else address for address in ADDRESSES]
HOSTS = str.split("""
2130706433 2852039166 0x7f000001 0x7f.1 0x7f.0.0.1 0X7F.0.0.1 0177.0.0.1 0177.1 017700000001 127.1
127.0.1 0 0x0 00 0.0 127.0.0.1. 169.254.169.254. 169.254.43518 0xa9fea9fe 0xa9.0xfe.0xa9.0xfe
0251.0376.0251.0376 025177524776 169.0xfe.43518 10.1 192.168.1 3232235521 0xc0a80001 8.8.8 08.8.8.8
134744072 0x08080808 010.010.010.010 127.0.0.1.. 127..0.0.1 .127.0.0.1 256.256.256.256 1.2.3.4.5
4294967296 0x1ffffffff 127.0.0.0x 0x 127.0.0.08
localhosT LOCALHOST
localhost localhost. localtest.example metadata metadata.google.internal instance-data
instance-data.ec2.internal metadata.azure.internal six.example mixed.example mixed6.example
nat64.example scoped.example empty.example unknown.example unknown.internal
[::ffff:7f00:1] [0:0:0:0:0:0:0:1] [::1%25lo] [fe80::1%25eth0] [::1%lo] [::] [v1.x] [::1 ]
[127.0.0.1] [] [::1].example.com ::1 127.0.0.1%00 127.0.0.1%2f %31%32%37.0.0.1 %6cocalhost
example.com%00.internal exa_mple..com -- ..
""")
IN_OTHER_DIGITS = [
    *("\uff11\uff12\uff17.\uff10.\uff10.\uff11", "127\u30020\u30020\u30021"),
    *("169\uff0e254\uff0e169\uff0e254", "\u2460\u2461\u2466.\u24ea.\u24ea.\u2460"),
    "\u24db\u24de\u24d2\u24d0\u24db\u24d7\u24de\u24e2\u24e3",
    "\uff11\uff16\uff19.\uff12\uff15\uff14.\uff11\uff16\uff19.\uff12\uff15\uff14",
    "\u0661\u0662\u0667.0.0.1",
]
URLS = [
    *("", " ", "/", "//example.com/", "example.com", "http:", "http://", "http:///", "http:/x"),
    *("ftp://example.com/", "file:///etc/passwd", "gopher://example.com/_x", "data:text/html,x"),
    *("javascript:alert(1)", "dict://example.com/", "ldap://example.com/", "ws://example.com/"),
    *("unix:///run/x", "http+unix://x", "jar:http://example.com!/", "blob:http://example.com/"),
    *("http://u@example.com/", "http://u:p@example.com/", "http://@example.com/"),
    *("http://example.com@127.0.0.1/", "http://127.0.0.1@example.com/", "http://:@example.com"),
    *("http://example.com:22/", "http://example.com:8080/", "https://example.com:6379/"),
    *("http://example.com:0/", "http://example.com:65536/", "http://example.com:-80/"),
    *("http://example.com:x/", "http://example.com:80:80/", "http://example.com:11211/"),
    *("http://exam\rple.com/", "http://example.com/\r\nHost: x", "http://example.com/\n"),
    *("http://example.com/ x", "http://example.com/\tx", "\thttp://example.com/", "http://a b/"),
    *("http://example.com\\@127.0.0.1/", "http:\\\\127.0.0.1/", "http://example.com/\x00"),
    *("http://127.0.0.1\\.example.com/", "http://127.0.0.1#@example.com/", "http://[::1"),
    *("http://127.0.0.1?@example.com/", "http://127.0.0.1;@example.com/", "http://::1]/"),
    "http://" + "a" * 64 + "é.example/",
    "http://example.com/" + "a" * 3_000,
]
HOSTILE = [*(f"http://{host}/" for host in [*HOSTS, *IN_OTHER_DIGITS, *IN_URLS]), *URLS]
LEGAL = str.split("""
http://example.com http://example.com/ https://example.com/ HTTP://EXAMPLE.COM/
http://example.com:80/ https://example.com:443/ http://example.com:443/ http://example.com/a?b=c#d http://example.com?b
http://bücher.example/ http://BÜCHER.example/ http://xn--bcher-kva.example/ http://two.example/
http://1.1.1.1/ https://8.8.8.8:443/x http://[2606:2800:220:1:248:1893:25c8:1946]/
http://example.com/ü http://example.com/%zz http://example.com/@x http://example.com/a:b@c
""")


async def resolve(host: str, port: int) -> Sequence[str]:
    if host in NAMES:
        return NAMES[host]
    with suppress(OSError):
        return [socket.inet_ntoa(socket.inet_aton(host))]
    if ":" in host:
        return [host]
    raise socket.gaierror(socket.EAI_NONAME, "not known")


class Network(httpcore.AsyncNetworkBackend):
    """Answers each connection with the next of the responses, and keeps what was connected to."""

    def __init__(self, *responses: bytes) -> None:
        self.responses = list(responses) or [OK]
        self.connected: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.connected.append((host, port))
        return AsyncMockStream([self.responses.pop(0)])


def fetch(url: str, network: Network, resolve: Any = resolve, **options: Any) -> Fetched:
    return asyncio.run(Fetcher(resolve=resolve, backend=network, **options).fetch(url))


def redirect(url: str) -> bytes:
    location = url.encode("utf-8", "surrogateescape")
    return b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + location + b"\r\n\r\n"


def reply(body: bytes, *headers: str, status: int = 200) -> bytes:
    head = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(head).encode("utf-8", "surrogatepass") + body


def test_there_are_many() -> None:
    assert len(set(HOSTILE)) >= 150


@pytest.mark.parametrize("url", HOSTILE)
def test_a_hostile_url_is_refused_without_a_packet_and_as_any_other(url: str) -> None:
    network = Network()
    with pytest.raises(Refused) as refused:
        fetch(url, network)
    assert str(refused.value) == str(Refused())
    assert network.connected == []


IN_A_HEADER = [
    url
    for url in HOSTILE
    if url.isascii() and url.isprintable() and url.strip() == url and ":" in url[:18]
]


@pytest.mark.parametrize(
    "url", [url for url in IN_A_HEADER if len(url) > 7 and "//" in url and "///" not in url]
)
def test_a_redirect_to_it_is_refused_too(url: str) -> None:
    network = Network(redirect(url))
    with pytest.raises(Refused):
        fetch("http://example.com/", network)
    assert network.connected == [(PUBLIC, 80)]


@pytest.mark.parametrize("address", ADDRESSES)
def test_a_name_that_resolves_to_it_is_refused(address: str) -> None:
    async def to_it(host: str, port: int) -> Sequence[str]:
        return [PUBLIC, address]

    network = Network()
    with pytest.raises(Refused):
        fetch("http://rebound.example/", network, to_it)
    assert network.connected == []


@pytest.mark.parametrize("url", LEGAL)
def test_a_legal_url_is_fetched(url: str) -> None:
    network = Network()
    assert fetch(url, network).body == b"hi"
    assert len(network.connected) == 1


def test_the_connection_goes_to_the_address_that_was_checked() -> None:
    """A second look-up would find another: there is none for a hop."""
    answers = iter([[PUBLIC], ["127.0.0.1"]])

    async def rebinding(host: str, port: int) -> Sequence[str]:
        return next(answers)

    network = Network(redirect("http://rebound.example/2"), OK)
    with pytest.raises(Refused):
        fetch("http://rebound.example/", network, rebinding)
    assert network.connected == [(PUBLIC, 80)]


def test_a_redirect_is_followed_and_the_final_url_told() -> None:
    network = Network(redirect("/b"), redirect("http://two.example/c"), OK)
    assert fetch("http://example.com/a", network).url == "http://two.example/c"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("/t/café", "http://example.com/t/caf%C3%A9"),
        ("/t/caf\udce9?\udce9", "http://example.com/t/caf%E9?%E9"),
        ("http://bücher.example/ü", "http://xn--bcher-kva.example/%C3%BC"),
        ("//two.example//c//d?e=//f", "http://two.example//c//d?e=//f"),
        ("/%2f%C3%a9", "http://example.com/%2f%C3%a9"),
        ("?b\r\nLocation: /c", "http://example.com/a?b"),
    ],
)
def test_a_redirect_is_read_as_browsers_read_it(location: str, url: str) -> None:
    network = Network(redirect(location), OK)
    assert fetch("http://example.com/a", network).url == url


def test_redirects_end() -> None:
    network = Network(*[redirect("/again")] * 9)
    with pytest.raises(Uncomputable, match="more than 5"):
        fetch("http://example.com/", network)
    assert len(network.connected) == 6


def test_variables_of_the_environment_play_no_part(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    network = Network()
    fetch("http://example.com/", network)
    assert network.connected == [(PUBLIC, 80)]


def test_what_is_allowed_may_be_elsewhere() -> None:
    network = Network()
    url = "http://not-there.example/"
    assert fetch(url, network, allowed=["not-there.example:80=127.0.0.1:8080"]).url == url
    assert network.connected == [("127.0.0.1", 8080)]


def test_what_is_allowed_may_be_private() -> None:
    network = Network()
    assert fetch("http://127.0.0.1:8080/", network, allowed=["127.0.0.1:8080"]).status == 200
    with pytest.raises(Refused):
        fetch("http://127.0.0.1:8081/", network, allowed=["127.0.0.1:8080"])


def test_no_more_is_read_than_the_limit_also_of_what_was_compressed() -> None:
    bomb = reply(gzip.compress(bytes(50_000_000)), "Content-Encoding: gzip")
    for response in (bomb, reply(bytes(3_000_000))):
        fetched = fetch("http://example.com/", Network(response))
        assert (len(fetched.body), fetched.is_whole) == (2_000_000, False)


def zipped(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)


def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    network = Network(reply(zipped(bytes(50_000_000)), "Content-Encoding: gzip"))
    tracemalloc.start()
    try:
        fetch("http://example.com/", network)
        _, taken = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert taken < 20_000_000


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        ("gzip", zipped(b"hi")),
        ("X-GZip", zipped(b"h") + zipped(b"") + zipped(b"i")),
        ("identity, gzip", zipped(b"hi")),
        ("none", b"hi"),
        ("identity", b"hi"),
        (",", b"hi"),
    ],
)
def test_what_is_gzipped_is_read(coding: str, body: bytes) -> None:
    response = reply(body, f"Content-Encoding: {coding}")
    assert fetch("http://example.com/", Network(response)).body == b"hi"
    assert fetch("http://example.com/", Network(reply(b"", "Content-Encoding: gzip"))).body == b""


CUT = zipped(os.urandom(5_000))[:-9]


@pytest.mark.parametrize(
    ("coding", "body"),
    [
        *((coding, b"xyz") for coding in ("br", "deflate", "gzip, gzip", "gzip")),
        ("gzip", CUT),
        ("gzip", zipped(b"hi") + CUT),
        ("gzip", zipped(b"hi") + b"xyz"),
        ("gzip", zipped(b"") * 101),
    ],
)
def test_what_cannot_be_unpacked_is_refused(coding: str, body: bytes) -> None:
    with pytest.raises(Uncomputable):
        fetch("http://example.com/", Network(reply(body, f"Content-Encoding: {coding}")))


def test_of_what_is_too_large_the_beginning_is_unpacked() -> None:
    response = reply(zipped(os.urandom(5_000)), "Content-Encoding: gzip")
    fetched = fetch("http://example.com/", Network(response), max_bytes=4_000)
    assert (1_000 < len(fetched.body) <= 4_000, fetched.is_whole) == (True, False)


def test_a_body_in_tiny_pieces_is_read_up_to_a_number_of_them() -> None:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    fetched = fetch("http://example.com/", Network(head + b"1\r\nx\r\n" * 30_000 + b"0\r\n\r\n"))
    assert (len(fetched.body), fetched.is_whole) == (20_001, False)


def test_headers_are_told_alone_and_together_and_long_ones_are_cut() -> None:
    response = reply(b"", "X-A: b", "x-a: c", *["X-Long: " + "d" * 9_000] * 2)
    fetched = fetch("http://example.com/", Network(response))
    assert (fetched.fields["x-a"], fetched.headers["x-a"]) == (["b", "c"], "b, c")
    assert [len(each) for each in fetched.fields["x-long"]] == [4_096] * 2
    assert len(fetched.headers["x-long"]) == 4_096


def test_a_name_that_cannot_be_resolved_now_is_tried_again() -> None:
    async def later(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    with pytest.raises(TryAgain):
        fetch("http://example.com/", Network(), later)


@pytest.mark.parametrize("response", [b"", b"SSH-2.0-x\r\n", b"HTTP/1.1 200 OK\r\nX"])
def test_what_is_no_http_is_tried_again(response: bytes) -> None:
    with pytest.raises(TryAgain):
        fetch("http://example.com/", Network(response))
