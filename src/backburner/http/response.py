"""HTTP responses: 200, 202, redirects, 304 and problems, with their headers."""

import base64
import gzip
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil, floor
from typing import Any, Self

from backburner.http.event import Request
from backburner.problems import Problem
from backburner.protocol.entry import Answer, Entry
from backburner.retry_after.estimate import Wait

UrlOf = Callable[[Answer, str, float], str]
"""Gives the URL of a large result for an HTTP method and the current time: large_results.py."""

JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = "text/plain"
DOCUMENT_KEPT_FOR = 300
"""Seconds for which clients may still see the old document after a deployment."""
FOR_BROWSERS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "age, cache-status, content-location, etag, location, "
    "preference-applied, retry-after, www-authenticate",
    "x-content-type-options": "nosniff",
}
"""CORS is handled here, not in API Gateway, so that it is the same wherever the function runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def as_event(self, *, with_body: bool = True) -> dict[str, Any]:
        """The response in API Gateway's form (payload 2.0)."""
        is_binary = "content-encoding" in self.headers
        body = base64.b64encode(self.body) if is_binary else self.body
        return {
            "statusCode": self.status,
            "headers": {**self.headers, **FOR_BROWSERS},
            "body": body.decode() if with_body else "",
            "isBase64Encoded": is_binary and with_body,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A page or file that stays the same until the next deployment."""

    body: bytes
    compressed: bytes
    headers: Mapping[str, str]

    @classmethod
    def of(cls, body: bytes, media_type: str, **headers: str) -> Self:
        about = {
            "content-type": media_type,
            "etag": f'W/"{hashlib.sha256(body).hexdigest()[:32]}"',
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        return cls(body=body, compressed=gzip.compress(body, mtime=0), headers=about)

    def answer(self, request: Request, *, needs_token: bool = False) -> Response:
        """The document, plain or gzipped, or 304."""
        headers = {**self.headers, **_kept(DOCUMENT_KEPT_FOR, needs_token=needs_token)}
        if request.has(headers["etag"]):
            return Response(status=304, headers=headers)
        if request.accepts_gzip:
            headers["content-encoding"] = "gzip"
            return Response(status=200, headers=headers, body=self.compressed)
        return Response(status=200, headers=headers, body=self.body)


def health(version: str) -> Response:
    body = json.dumps({"status": "ok", "version": version}).encode()
    headers = {"content-type": JSON, "cache-control": "no-store"}
    return Response(status=200, headers=headers, body=body)


def preflight() -> Response:
    """The answer to a CORS preflight: pages of any origin may ask."""
    headers = {
        "access-control-allow-methods": "DELETE, GET, HEAD, POST",
        "access-control-allow-headers": "authorization, content-type, if-none-match, prefer, "
        "traceparent, tracestate, x-amz-date, x-amz-security-token",
        "access-control-max-age": "86400",
    }
    return Response(status=204, headers=headers)


def forgotten() -> Response:
    """204, whether the entry existed or not."""
    return Response(status=204, headers={"cache-control": "no-store"})


def problem_response(problem: Problem) -> Response:
    headers = {"content-type": PROBLEM, "cache-control": "no-store"}
    if problem.retry_after is not None:
        headers["retry-after"] = _whole_seconds(problem.retry_after)
    headers |= problem.headers
    return Response(status=problem.status, headers=headers, body=problem.as_json())


def answered(entry: Entry, answer: Answer, request: Request, now: float, url_of: UrlOf) -> Response:
    """200 with the stored bytes, a redirect, 304, or the problem's own status."""
    headers = _headers(entry, answer, request, now)
    # Even with a 304: API Gateway would add text/plain, and caches would believe it.
    headers["content-type"] = JSON if answer.is_result else PROBLEM
    if answer.is_result and request.has(headers["etag"]):
        return Response(status=304, headers=headers)
    if answer.object_key:
        return _redirect(headers, request.method, url_of(answer, request.method, now))
    if request.accepts_gzip:
        headers["content-encoding"] = "gzip"
        return Response(status=answer.status, headers=headers, body=answer.body)
    return Response(status=answer.status, headers=headers, body=gzip.decompress(answer.body))


def _redirect(headers: dict[str, str], method: str, url: str) -> Response:
    """Redirect to the result: 307 keeps the method, 303 turns a POST into a GET (RFC 9110).

    Caches must not store it: revalidating it with the result's ETag would give 304, and they
    would keep a URL that has ended.
    """
    elsewhere = {"location": url, "cache-control": "no-store", "content-type": TEXT}
    return Response(status=303 if method == "POST" else 307, headers=headers | elsewhere)


def accepted(entry: Entry, request: Request, wait: Wait, *, collapsed: bool) -> Response:
    """202: the client asks again after that many seconds, at the same URL or at Location."""
    headers = {
        "retry-after": _whole_seconds(wait.seconds),
        "location": path(entry, request),
        "cache-control": "no-store",
        "cache-status": "backburner; fwd=miss" + ("; collapsed" if collapsed else ""),
    }
    if request.prefers_minimal:
        headers |= {"content-type": TEXT, "preference-applied": "return=minimal"}
        return Response(status=202, headers=headers)
    job = entry.the_job
    headers["content-type"] = JSON
    status = {
        "state": job.state,
        "signature": entry.signature,
        "requested_at": _timestamp(job.requested_at),
        "attempts": job.attempts,
        "progress": job.progress,
        "retry_after": round(wait.seconds, 3),
        "expected_at": _timestamp(wait.expected_at),
        "gives_up_at": _timestamp(job.gives_up_at),
    }
    return Response(status=202, headers=headers, body=json.dumps(status).encode())


def path(entry: Entry, request: Request) -> str:
    return f"{request.base}/v1/{entry.computation}/{entry.signature}"


def _headers(entry: Entry, answer: Answer, request: Request, now: float) -> dict[str, str]:
    needs_token = request.needs_token or bool(entry.private_to)
    headers = {
        "cache-status": _hit(entry, answer, now),
        "content-location": path(entry, request),
        **_kept(int(answer.fresh_until - answer.computed_at), needs_token=needs_token),
    }
    if not answer.is_result:
        retry_after = _whole_seconds(answer.renew_at - now)
        return headers | {"cache-control": "no-store", "retry-after": retry_after}
    stale_for = int(answer.ends_at - answer.fresh_until)
    headers["cache-control"] += f", stale-while-revalidate={stale_for}"
    return headers | {
        "etag": answer.etag_header,
        "age": str(max(0, int(now - answer.computed_at))),
    }


def _hit(entry: Entry, answer: Answer, now: float) -> str:
    """The Cache-Status of a hit (RFC 9211); a negative ttl means stale."""
    left = floor(answer.fresh_until - now)
    ttl = left if answer.is_fresh(now) else min(left, -1)
    detail = "; detail=refreshing" if entry.is_alive(now) else ""
    return f"backburner; hit; ttl={ttl}{detail}"


def _kept(seconds: int, *, needs_token: bool) -> dict[str, str]:
    """Headers for caches. Shared caches must not store an answer that needs a token."""
    who = "private" if needs_token else "public"
    varies = "accept-encoding, authorization" if needs_token else "accept-encoding"
    return {"cache-control": f"{who}, max-age={seconds}", "vary": varies}


def _whole_seconds(seconds: float) -> str:
    return str(max(1, ceil(seconds)))


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
