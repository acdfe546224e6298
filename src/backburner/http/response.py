"""The answers of the HTTP face: 200, 202, redirects, 304 and problems, with their headers."""

import base64
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Any

from backburner.entry import Answer, Entry
from backburner.http.event import Request
from backburner.problems import Problem
from backburner.waiting import Wait

UrlOf = Callable[[Answer, str, float], str]
"""Where a client of that method gets a large result from now on: see large_results.py."""

JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT = "text/plain"
FOR_BROWSERS = {
    "access-control-allow-origin": "*",
    "access-control-expose-headers": "age, cache-status, content-location, etag, location, "
    "preference-applied, retry-after",
}
"""CORS is answered here, not by API Gateway: so it is the same wherever the function runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def as_event(self, *, with_body: bool = True) -> dict[str, Any]:
        """As API Gateway takes it (payload 2.0)."""
        is_binary = "content-encoding" in self.headers
        body = base64.b64encode(self.body) if is_binary else self.body
        return {
            "statusCode": self.status,
            "headers": {**self.headers, **FOR_BROWSERS},
            "body": body.decode() if with_body else "",
            "isBase64Encoded": is_binary and with_body,
        }


def document(value: object) -> Response:
    """JSON that is neither a result nor a problem."""
    return Response(status=200, headers={"content-type": JSON}, body=json.dumps(value).encode())


def preflight() -> Response:
    """What a browser asks before it asks from another origin: any page may."""
    headers = {
        "access-control-allow-methods": "GET, HEAD, POST",
        "access-control-allow-headers": "content-type, if-none-match, prefer",
        "access-control-max-age": "86400",
    }
    return Response(status=204, headers=headers)


def problem(problem: Problem) -> Response:
    headers = {"content-type": PROBLEM, "cache-control": "no-store"}
    if problem.retry_after is not None:
        headers["retry-after"] = _whole_seconds(problem.retry_after)
    if problem.allow:
        headers["allow"] = problem.allow
    return Response(status=problem.status, headers=headers, body=problem.as_json())


def answered(entry: Entry, answer: Answer, request: Request, now: float, url_of: UrlOf) -> Response:
    """200 with the bytes as they are stored, a redirect, 304, or the problem's own status."""
    headers = _headers(entry, answer, now)
    # With a 304, too: API Gateway would put in text/plain, and a cache would believe it.
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
    """The result is elsewhere: 307 keeps the method, and 303 makes a POST a GET (RFC 9110).

    It is not to be stored: a cache that revalidates it by the result's ETag would get 304, and go
    on with a URL that has ended.
    """
    elsewhere = {"location": url, "cache-control": "no-store", "content-type": TEXT}
    return Response(status=303 if method == "POST" else 307, headers=headers | elsewhere)


def come_back(entry: Entry, request: Request, wait: Wait, *, collapsed: bool) -> Response:
    """202: not yet. The client asks again, here or at Location, after that many seconds."""
    headers = {
        "retry-after": _whole_seconds(wait.seconds),
        "location": path(entry),
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


def path(entry: Entry) -> str:
    return f"/v1/{entry.computation}/{entry.signature}"


def _headers(entry: Entry, answer: Answer, now: float) -> dict[str, str]:
    how = f"ttl={int(answer.fresh_until - now)}" if answer.is_fresh(now) else "fwd=stale"
    headers = {
        "cache-status": f"backburner; hit; {how}",
        "content-location": path(entry),
        "vary": "accept-encoding",
    }
    if not answer.is_result:
        retry_after = _whole_seconds(answer.renew_at - now)
        return headers | {"cache-control": "no-store", "retry-after": retry_after}
    fresh_for = int(answer.fresh_until - answer.computed_at)
    stale_for = int(answer.ends_at - answer.fresh_until)
    return headers | {
        "etag": answer.etag_header,
        "cache-control": f"public, max-age={fresh_for}, stale-while-revalidate={stale_for}",
        "age": str(max(0, int(now - answer.computed_at))),
    }


def _whole_seconds(seconds: float) -> str:
    return str(max(1, ceil(seconds)))


def _timestamp(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
