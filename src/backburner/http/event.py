"""An HTTP request, read from API Gateway's event (payload 2.0)."""

import base64
import binascii
import hashlib
import json
import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, Self

from pydantic_core import from_json

from backburner.canonical_json import canonical, plain
from backburner.problems import MalformedJson, NotJson, TooLarge

MAX_BODY_BYTES = 1_000_000
"""1,000 stops take about 100,000 bytes."""
MAX_DEPTH = 100
"""How deep values may be nested. Pydantic reads JSON up to a depth of 200."""
MAX_POINTERS_BYTES = 4_000_000
"""Bytes of the pointers to all values. This bounds memory even if every value is invalid.

It allows a list of 50,000 numbers, and 5,000 stops, which hardly compress enough to be accepted.
A long name over many values, or deep nesting, can take up to a million times its own size.
"""
ITEM, MEMBER = 32, 96
"""Bytes counted for a value besides its name. Members count more, as unknown ones are copied."""
BEFORE_A_COLON = (b" :", b"\t:", b"\n:", b"\r:")
"""What JSON may have between a key and its colon, but hardly ever has."""
LONG = b"0" * 300
"""From so many digits on, a whole number may be beyond the range of floats."""
DIGITS_AS_ZEROS = bytes.maketrans(b"123456789", b"000000000")

UNNAMED = "$default"
"""The stage whose name is not in its URLs."""
WEIGHT = re.compile(r"(?:q=(0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?))?")
"""RFC 9110, 12.4.2; no weight means 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """How the deployment is reached."""

    base_path: str = ""
    """What comes before the paths at the clients' address, such as `/orders`, or empty."""
    needs_token: bool = False
    """True if API Gateway requires a token for answers."""
    large_results: str = ""
    """The origin of large results, from which the console may fetch."""


PUBLIC = Site()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    method: str
    path: tuple[str, ...]
    """The segments of the path, without the stage."""
    base: str
    """What comes before the path in a link for this client."""
    query: str
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes
    correlation_id: str
    needs_token: bool
    """True if API Gateway requires a token for answers."""
    large_results: str
    """The origin of large results."""
    address: str
    """The IP address of the client."""
    identity: str | None
    """A hash of the token's issuer and subject, if API Gateway has checked such a token."""
    operator: str | None
    """The ARN of the request's signer, if API Gateway has checked an AWS signature."""

    @classmethod
    def from_event(cls, event: Mapping[str, Any], site: Site = PUBLIC) -> Self:
        context = event["requestContext"]
        return cls(
            method=context["http"]["method"],
            path=_path(event),
            base=_base(context, site),
            query=event.get("rawQueryString") or "",
            headers={name.lower(): text for name, text in event.get("headers", {}).items()},
            body=_body(event),
            correlation_id=context["requestId"],
            needs_token=site.needs_token,
            large_results=site.large_results,
            address=context["http"]["sourceIp"],
            identity=_identity(context),
            operator=_authorizer(context, "iam").get("userArn"),
        )

    @property
    def caller(self) -> str:
        """The identity or, without one, a hash of the IP address."""
        return self.identity or _hash(self.address)

    @property
    def accepts_gzip(self) -> bool:
        """True if gzip is accepted and not less preferred than identity (RFC 9110, 12.5.3)."""
        weights = dict(_weights(self.headers.get("accept-encoding", "")))
        weight = weights.get("gzip", weights.get("*", 0.0))
        return weight > 0 and weight >= weights.get("identity", 0.0)

    @property
    def prefers_minimal(self) -> bool:
        preferences = self.headers.get("prefer", "").lower().split(",")
        return "return=minimal" in (p.replace(" ", "") for p in preferences)

    def has(self, etag: str) -> bool:
        """True if the client has it (If-None-Match, weak comparison); only for GET and HEAD."""
        if self.method not in ("GET", "HEAD"):
            return False
        seen = self.headers.get("if-none-match", "").split(",")
        tags = [tag.strip().removeprefix("W/") for tag in seen]
        return "*" in tags or etag.removeprefix("W/") in tags

    def json(self) -> Any:
        """The body's JSON; TooLarge, NotJson or MalformedJson if it cannot be read."""
        if len(self.body) > MAX_BODY_BYTES:
            raise TooLarge(f"the body has {len(self.body)} bytes; send {MAX_BODY_BYTES} at most")
        media_type = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise NotJson(f"the content-type is {media_type[:80]!r}; send application/json")
        coding = self.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):
            raise NotJson(f"the content-encoding is {coding[:80]!r}; send the body without one")
        return read_json(self.body)


def read_json(text: bytes | str) -> Any:
    """The JSON in the text, with 1.0 as 1. Refuses duplicate keys, NaN and infinities."""
    value, size = _read_fast(text) if isinstance(text, bytes) else (None, None)
    if size is None:
        value = _read_exactly(text)
        size = _Weight().of(value)
    if size > MAX_POINTERS_BYTES:
        raise TooLarge(
            f"the pointers to all its values together have {size} bytes; "
            f"{MAX_POINTERS_BYTES} are the most: nest less, or use shorter names"
        )
    return value


def _read_fast(text: bytes) -> tuple[Any, int | None]:
    """The JSON and the size of its pointers; no size if it is one to read exactly.

    Pydantic's reader is several times as fast, but takes the last of equal keys. It is trusted if
    the text has as many keys as the value. A key is what comes before `":`, if nothing is between.
    Text that contains this itself makes only more of them.
    """
    keys = text.count(b'":')
    may_be_spaced = keys < text.count(b":") and any(each in text for each in BEFORE_A_COLON)
    if may_be_spaced or LONG in text.translate(DIGITS_AS_ZEROS):
        return None, None
    try:
        value, weight = from_json(text, allow_inf_nan=False), _Weight()
        size = weight.of(value)
    except (ValueError, OverflowError):
        return None, None
    is_whole = keys == weight.members and isinstance(value, dict | list)
    return (value, size) if is_whole else (None, None)


def _read_exactly(text: bytes | str) -> Any:
    """The JSON in the text; a refusal says what is wrong, and where."""
    try:
        # json.loads would guess at UTF-16 and UTF-32.
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        return json.loads(
            decoded,
            object_pairs_hook=_object,
            parse_int=_finite_int,
            parse_float=_finite,
            parse_constant=_no_number,
        )
    except RecursionError as error:
        raise _too_deep() from error
    except ValueError as error:
        raise MalformedJson(f"{error}; send one JSON object in UTF-8") from error


class _Weight:
    """Walks through a value once: adds up its pointers and makes 1.0 to 1 in it.

    Raises OverflowError for an infinity.
    """

    def __init__(self) -> None:
        self.members = 0

    def of(self, value: Any, above: int = 0, depth: int = 1) -> int:
        """The size of the pointers to all inner values; `above` is the size of the value's own."""
        if depth > MAX_DEPTH:
            raise _too_deep()
        if isinstance(value, dict):
            return self._of_members(value, above, depth)
        return self._of_items(value, above, depth) if isinstance(value, list) else 0

    def _of_members(self, members: dict[str, Any], above: int, depth: int) -> int:
        self.members += len(members)
        size = len("".join(members)) + (above + MEMBER) * len(members)
        for name, inner in members.items():
            kind = type(inner)
            if kind is float:
                if not inner % 1 > 0:
                    members[name] = _plain_if_finite(inner)
            elif kind is dict or kind is list:
                size += self.of(inner, above + ITEM + len(name), depth + 1)
        return size

    def _of_items(self, items: list[Any], above: int, depth: int) -> int:
        above += ITEM
        size, kinds = above * len(items), set(map(type, items))
        if float in kinds:
            items[:] = [
                _plain_if_finite(each) if type(each) is float and not each % 1 > 0 else each
                for each in items
            ]
        if kinds == {dict} and depth < MAX_DEPTH:
            return size + sum([self._of_members(each, above, depth + 1) for each in items])
        if dict in kinds or list in kinds:
            size += sum(self.of(each, above, depth + 1) for each in items)
        return size


def _plain_if_finite(number: float) -> int | float:
    if math.isinf(number):
        raise OverflowError
    return plain(number)


def _too_deep() -> MalformedJson:
    return MalformedJson(f"it is nested too deeply; {MAX_DEPTH} levels are the most")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError(f"the key {_twice(pairs)[:80]!r} appears twice in one object")
    return members


def _twice(pairs: list[tuple[str, Any]]) -> str:
    counts = Counter(name for name, _ in pairs)
    return next(name for name, count in counts.items() if count > 1)


def _finite(text: str) -> int | float:
    number = float(text)
    return plain(number) if math.isfinite(number) else _no_number(text)


def _finite_int(text: str) -> int:
    """A whole number, within the range of floats: 1 and 1.0 are the same number."""
    return int(text) if math.isfinite(float(text)) else _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:80]} is not a finite number")


def _path(event: Mapping[str, Any]) -> tuple[str, ...]:
    """The path without the stage: API Gateway removes a mapping's key, but not a stage's name."""
    steps = event["rawPath"].strip("/").split("/")
    stage = event["requestContext"].get("stage", UNNAMED)
    if stage != UNNAMED and steps[0] == stage:
        steps = steps[1:] or [""]
    return tuple(steps)


def _base(context: Mapping[str, Any], site: Site) -> str:
    """The configured base path; without one, the stage, but only at API Gateway's own address."""
    stage = context.get("stage", UNNAMED)
    is_own = ".execute-api." in context.get("domainName", "")
    return site.base_path or (f"/{stage}" if stage != UNNAMED and is_own else "")


def _weights(accepted: str) -> Iterator[tuple[str, float]]:
    """Yield the accepted codings and their weights; ignore what cannot be read."""
    for item in accepted.lower().split(","):
        coding, _, parameter = (part.strip() for part in item.partition(";"))
        if found := WEIGHT.fullmatch(parameter):
            yield coding.removeprefix("x-"), float(found[1] or 1)


def _identity(context: Mapping[str, Any]) -> str | None:
    claims = _authorizer(context, "jwt").get("claims", {})
    issuer, subject = claims.get("iss"), claims.get("sub")
    return _hash(issuer, subject) if issuer and subject else None


def _authorizer(context: Mapping[str, Any], kind: str) -> Mapping[str, Any]:
    """What API Gateway's authorizer found out about the caller; empty without an authorizer."""
    found: Mapping[str, Any] = (context.get("authorizer") or {}).get(kind) or {}
    return found


def _hash(*parts: str) -> str:
    return hashlib.sha256(canonical(parts)).hexdigest()


def _body(event: Mapping[str, Any]) -> bytes:
    body = event.get("body") or ""
    if not event.get("isBase64Encoded"):
        return str(body).encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise MalformedJson(f"the event's body is not base64 ({error}); send it again") from error
