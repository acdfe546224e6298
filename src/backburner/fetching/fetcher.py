"""Fetches from the public web, and from nowhere else: a guard against request forgery.

    page = await Fetcher().fetch("https://example.com/")

Only http and https, without user information, on the allowed ports, to names all of whose addresses
are public. The connection goes to an address that was checked: there is no second look-up. Each
redirect is checked anew. Proxies and other variables of the environment play no part.

Import it inside `compute`: httpcore is in the layer (layer/requirements.txt).
"""

import asyncio
import socket
import ssl
import zlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

import certifi
import httpcore
import idna

from backburner import __version__
from backburner.errors import TryAgain, Uncomputable
from backburner.fetching.addresses import is_public

MAX_BYTES = 2_000_000
MAX_REDIRECTS = 5
MAX_URL = 2_048
MAX_HEADER = 4_096
"""Characters of a header's value; the rest is cut off before anybody reads it."""
MAX_PIECES = 20_000
"""Of a body: each takes a while, however short it is."""
MAX_MEMBERS = 100
"""Of a gzip body: each costs a copy of the rest."""
PORTS = {"http": 80, "https": 443}
REDIRECTS = (301, 302, 303, 307, 308)
USER_AGENT = f"backburner/{__version__}"
IN_HOSTS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_.")
IN_TARGETS = "!$%&'()*+,-./:;=?@_~[]"

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""The addresses of a name; raises OSError if there are none."""
Allowed = Mapping[str, str]
"""By host:port, what to connect to instead; empty: what the host resolves to."""


class Refused(Uncomputable):
    """Not fetched. For all reasons alike, so that nobody learns what a private network has."""

    def __init__(self) -> None:
        super().__init__(
            "the URL is not that of a public web site, or redirects to one that is not"
        )


@dataclass(frozen=True)
class Fetched:
    url: str
    """After redirects."""
    status: int
    fields: Mapping[str, Sequence[str]]
    """By lowercase names, the values of all headers of that name."""
    body: bytes
    """Decompressed."""
    is_whole: bool
    """False if there was more than `max_bytes`."""

    @property
    def headers(self) -> dict[str, str]:
        """By lowercase names; of headers that are there more than once, all values with commas."""
        return {name: ", ".join(values)[:MAX_HEADER] for name, values in self.fields.items()}


@dataclass(frozen=True)
class Target:
    """A URL that may be fetched, in parts."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        shown = host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"
        return f"{self.scheme}://{shown}{self.path}"


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certifi.where())


async def resolved(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


class Guard(httpcore.AsyncNetworkBackend):
    """Connects to what it has checked."""

    def __init__(
        self, backend: httpcore.AsyncNetworkBackend, resolve: Resolve, allowed: Allowed
    ) -> None:
        self._backend, self._resolve, self._allowed = backend, resolve, allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        if elsewhere := self._allowed.get(f"{host}:{port}"):
            host, _, at = elsewhere.rpartition(":")
            return await self._backend.connect_tcp(
                host, int(at), timeout, local_address, socket_options
            )
        failure: Exception = Refused()
        for address in await self._checked(host, port):
            try:
                return await self._backend.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        await self._backend.sleep(seconds)

    async def _checked(self, host: str, port: int) -> list[str]:
        try:
            addresses = list(dict.fromkeys(await self._resolve(host, port)))
        except (OSError, UnicodeError) as error:
            if getattr(error, "errno", None) == socket.EAI_AGAIN:
                raise TryAgain("the name cannot be resolved now") from error
            raise Refused from None
        if f"{host}:{port}" not in self._allowed and not all(map(is_public, addresses)):
            raise Refused
        return addresses


class Fetcher:
    """Of `allowed`, "host:port" may be private or on another port: for tests alone.

    "host:port=address:port" is fetched from that address, as with curl's --connect-to.
    """

    def __init__(
        self,
        *,
        resolve: Resolve = resolved,
        backend: httpcore.AsyncNetworkBackend | None = None,
        allowed: Collection[str] = (),
        user_agent: str = USER_AGENT,
        max_bytes: int = MAX_BYTES,
        max_redirects: int = MAX_REDIRECTS,
    ) -> None:
        self._allowed = dict(each.partition("=")[::2] for each in allowed)
        self._guard = Guard(backend or httpcore.AnyIOBackend(), resolve, self._allowed)
        self._user_agent = user_agent
        self._max_bytes, self._max_redirects = max_bytes, max_redirects

    async def fetch(self, url: str, accept: str = "*/*") -> Fetched:
        """GET it, whatever its status. Refused, TryAgain or Uncomputable if that fails.

        It has no time limit: put `asyncio.timeout` around all that has to be done in time.
        """
        for _ in range(self._max_redirects + 1):
            fetched = await self._get(target(url, self._allowed), accept)
            if fetched.status not in REDIRECTS or "location" not in fetched.fields:
                return fetched
            url = _joined(fetched.url, fetched.fields["location"][0])
        raise Uncomputable(f"it redirects more than {self._max_redirects} times")

    async def _get(self, target: Target, accept: str) -> Fetched:
        pool = httpcore.AsyncConnectionPool(ssl_context=_tls(), network_backend=self._guard)
        url = httpcore.URL(
            scheme=target.scheme, host=target.host, port=target.port, target=target.path
        )
        headers = [
            ("Host", urlsplit(target.url).netloc),
            ("User-Agent", self._user_agent),
            ("Accept", accept),
            ("Accept-Encoding", "gzip"),
        ]
        try:
            async with pool, pool.stream("GET", url, headers=headers) as response:
                return await self._read(target, response)
        except (httpcore.TimeoutException, httpcore.NetworkError, ssl.SSLError) as error:
            raise TryAgain(f"the connection failed ({type(error).__name__})") from error
        except httpcore.ProtocolError as error:
            raise TryAgain("the origin does not speak HTTP") from error

    async def _read(self, target: Target, response: httpcore.Response) -> Fetched:
        head = Fetched(target.url, response.status, _fields(response.headers), b"", is_whole=True)
        if head.status in REDIRECTS and "location" in head.fields:
            return head  # nothing of its body is of use
        is_gzip = _is_gzip(head.headers.get("content-encoding", ""))
        sent, pieces = bytearray(), 0
        async for piece in response.aiter_stream():
            sent += piece
            pieces += 1
            if len(sent) > self._max_bytes or pieces > MAX_PIECES:
                break
        is_whole = len(sent) <= self._max_bytes and pieces <= MAX_PIECES
        body = _unpacked(bytes(sent), self._max_bytes + 1, is_whole) if is_gzip else bytes(sent)
        is_whole = is_whole and len(body) <= self._max_bytes
        return replace(head, body=body[: self._max_bytes], is_whole=is_whole)


def target(url: str, allowed: Collection[str] = ()) -> Target:
    """The URL in parts if it may be asked for, before any look-up; else Refused."""
    if len(url) > MAX_URL or any(c <= " " or c in "\\\x7f" for c in url):
        raise Refused
    try:
        parts = urlsplit(url)
        scheme, port = parts.scheme, parts.port
        host = _host(parts.netloc, parts.hostname or "")
    except (ValueError, idna.IDNAError):
        raise Refused from None
    if scheme not in PORTS:
        raise Refused
    port = PORTS[scheme] if port is None else port
    if f"{host}:{port}" not in allowed and (port not in PORTS.values() or not _is_name(host)):
        raise Refused
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Target(scheme, host, port, quote(path, safe=IN_TARGETS))


def _host(authority: str, host: str) -> str:
    """As it is looked up; ValueError if it is none."""
    if not host or "@" in authority or "%" in authority:
        raise ValueError(authority)
    if ":" in host:
        return str(IPv6Address(host))
    if not host.isascii():
        host = idna.encode(host, uts46=True).decode()
    if not IN_HOSTS.issuperset(host) or ".." in host or host.startswith("."):
        raise ValueError(host)
    return host


def _is_name(host: str) -> bool:
    """True for a public address and for a name; False for a number that may be read as either."""
    last = host.removesuffix(".").rpartition(".")[2]
    if ":" in host or last.isdigit() or _is_hexadecimal(last):
        return is_public(host.removesuffix("."))
    return True


def _is_hexadecimal(label: str) -> bool:
    return label.startswith("0x") and set(label[2:]) <= set("0123456789abcdef")


def _joined(url: str, location: str) -> str:
    """Bytes of a Location that are no UTF-8 are kept as they are, as browsers do."""
    try:
        return urljoin(url, location.encode("latin-1").decode())
    except UnicodeDecodeError:
        return _joined(url, quote(location, safe=IN_TARGETS + "#", encoding="latin-1"))
    except ValueError:
        raise Refused from None


def _fields(given: Iterable[tuple[bytes, bytes]]) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, value in given:
        values = fields.setdefault(name.decode("latin-1").lower(), [])
        values.append(value[:MAX_HEADER].decode("latin-1"))
    return fields


def _is_gzip(content_encoding: str) -> bool:
    codings = [coding.strip().lower() for coding in content_encoding.split(",")]
    match [coding for coding in codings if coding not in ("", "identity", "none")]:
        case []:
            return False
        case ["gzip" | "x-gzip"]:
            return True
    raise Uncomputable("it is compressed in a way that was not asked for")


def _unpacked(packed: bytes, most: int, is_whole: bool) -> bytes:
    """At most so many bytes, however well they were compressed; all of it if it is whole."""
    body = bytearray()
    for _ in range(MAX_MEMBERS):
        if not packed or len(body) == most:
            return bytes(body)
        member = zlib.decompressobj(wbits=31)
        try:
            body += member.decompress(packed, most - len(body))
        except zlib.error:
            break
        if is_whole and not member.eof and len(body) < most:
            break  # it was cut on its way
        packed = member.unused_data
    raise Uncomputable("it is not compressed as it says")
