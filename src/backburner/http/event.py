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

from backburner.problems import MalformedJson, NotJson, TooLarge
from backburner.protocol.signature import canonical, plain

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
        return read_json(self.body)


def read_json(text: bytes | str) -> Any:
    """The JSON in the text. Refuses duplicate keys, NaN and infinities."""
    try:
        # json.loads would guess at UTF-16 and UTF-32.
        decoded = text.decode("utf-8-sig") if isinstance(text, bytes) else text
        value = json.loads(
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
    if (size := _pointers(value)) > MAX_POINTERS_BYTES:
        raise TooLarge(
            f"the pointers to all its values together have {size} bytes; "
            f"{MAX_POINTERS_BYTES} are the most: nest less, or use shorter names"
        )
    return value


def _pointers(value: Any, above: int = 0, depth: int = 1) -> int:
    """The size of the pointers to all inner values; `above` is the size of the value's own."""
    if depth > MAX_DEPTH:
        raise _too_deep()
    match value:
        case dict():
            size = sum(map(len, value)) + (above + MEMBER) * len(value)
            for name, inner in value.items():
                if isinstance(inner, dict | list):
                    size += _pointers(inner, above + ITEM + len(name), depth + 1)
        case list():
            size = (above + ITEM) * len(value)
            for inner in value:
                if isinstance(inner, dict | list):
                    size += _pointers(inner, above + ITEM, depth + 1)
        case _:
            size = 0
    return size


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
