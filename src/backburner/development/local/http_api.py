"""Acts as an API Gateway HTTP API with one $default route: HTTP to payload 2.0 and back.

https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-integrations-lambda.html
"""

import base64
import json
import sys
import uuid
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from werkzeug import Request, Response
from werkzeug.exceptions import ClientDisconnected, RequestEntityTooLarge

from backburner.development.local.authorizer import authorizer_of
from backburner.development.local.function import EventTooLarge, InvocationError, Invoke
from backburner.development.local.template import ACCOUNT_ID
from backburner.development.terminal import say

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_HEAD_BYTES = 10240
"""Bytes of the request line and the headers' values together."""
INTEGRATION_TIMEOUT_S = 30.0
MAX_REQUESTS = 100

TEXT = {"application/json", "application/javascript", "application/xml"}
"""API Gateway hands over these and text/* as text. This is not documented; others have tried it."""


class HttpApi:
    """The WSGI application in front of a function."""

    def __init__(self, invoke: Invoke, timeout: float = INTEGRATION_TIMEOUT_S) -> None:
        self._invoke = invoke
        self._timeout = timeout
        self._invocations = ThreadPoolExecutor(MAX_REQUESTS)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        request = Request(environ)
        request.max_content_length = MAX_BODY_BYTES
        response = self._respond(request)
        return response(environ, start_response)

    def close(self) -> None:
        self._invocations.shutdown(wait=False, cancel_futures=True)

    def _respond(self, request: Request) -> Response:
        if head_size(request) > MAX_HEAD_BYTES:
            return refusal(431, "Request Header Fields Too Large")
        try:
            invocation = self._invocations.submit(self._invoke, event_of(request))
            return response_of(invocation.result(self._timeout))
        except ClientDisconnected:  # the body is incomplete, or its chunks are not valid
            return refusal(400, "Bad Request")
        except (RequestEntityTooLarge, EventTooLarge):
            return refusal(413, "Request Entity Too Large")
        except TimeoutError:
            return refusal(503, "Service Unavailable")
        except InvocationError as error:
            say(error, sys.stderr)
            return refusal(500, "Internal Server Error")


def event_of(request: Request) -> dict[str, Any]:
    body = request.get_data()
    # `rawPath` is decoded in spite of its name, as others have found by trying.
    path = request.environ["PATH_INFO"].encode("latin-1").decode(errors="replace")
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": request.query_string.decode("latin-1"),
        **cookies_of(request),
        "headers": headers_of(request, body),
        **query_of(request),
        "requestContext": context_of(request, path),
        **body_of(request, body),
    }


def context_of(request: Request, path: str) -> dict[str, Any]:
    now = datetime.now(UTC)
    return {
        "accountId": ACCOUNT_ID,
        "apiId": "local",
        **authorizer_of(request),
        "domainName": request.host,
        "domainPrefix": "local",
        "http": http_of(request, path),
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": round(now.timestamp() * 1000),
    }


def http_of(request: Request, path: str) -> dict[str, Any]:
    return {
        "method": request.method,
        "path": path,
        "protocol": request.environ["SERVER_PROTOCOL"],
        "sourceIp": request.remote_addr,
        "userAgent": request.user_agent.string,
    }


def headers_of(request: Request, body: bytes) -> dict[str, str]:
    """Headers by lower-case name; werkzeug joins repeated ones with commas."""
    headers = {name.lower(): value for name, value in request.headers if name != "Cookie"}
    return headers | {
        "content-length": str(len(body)),
        "x-forwarded-for": request.remote_addr or "",
        "x-forwarded-port": request.environ["SERVER_PORT"],
        "x-forwarded-proto": request.scheme,
    }


def cookies_of(request: Request) -> dict[str, list[str]]:
    cookies = request.headers.get("Cookie")
    return {"cookies": cookies.split("; ")} if cookies else {}


def query_of(request: Request) -> dict[str, dict[str, str]]:
    values: dict[str, list[str]] = {}
    for name, value in parse_qsl(request.query_string.decode("latin-1"), keep_blank_values=True):
        values.setdefault(name, []).append(value)
    joined = {name: ",".join(several) for name, several in values.items()}
    return {"queryStringParameters": joined} if joined else {}


def body_of(request: Request, body: bytes) -> dict[str, Any]:
    if not body:
        return {"isBase64Encoded": False}
    if request.mimetype.startswith("text/") or request.mimetype in TEXT:
        return {"body": body.decode(errors="replace"), "isBase64Encoded": False}
    return {"body": base64.b64encode(body).decode(), "isBase64Encoded": True}


def response_of(answer: Any) -> Response:
    """The response to a client. An answer without a statusCode is a body, as in API Gateway."""
    if not isinstance(answer, dict) or "statusCode" not in answer:
        body = answer if isinstance(answer, str) else json.dumps(answer)
        return Response(body, content_type="application/json")
    try:
        return _response(answer)
    except (TypeError, ValueError, AttributeError) as error:
        raise InvocationError(f"{answer!r:.200} is not a response: {error!r}") from error


def _response(answer: dict[str, Any]) -> Response:
    body = answer.get("body") or ""
    response = Response(
        base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body,
        status=int(answer["statusCode"]),
        content_type="text/plain;charset=utf-8",
    )
    for name, value in (answer.get("headers") or {}).items():
        if name.lower() != "content-length":  # the body decides its length
            response.headers[name] = value if isinstance(value, str) else json.dumps(value)
    for cookie in answer.get("cookies") or []:
        response.headers.add("Set-Cookie", cookie)
    return response


def refusal(status: int, message: str) -> Response:
    """An error in API Gateway's own words; the function has not answered."""
    return Response(json.dumps({"message": message}), status, content_type="application/json")


def head_size(request: Request) -> int:
    return len(request.environ["REQUEST_URI"]) + sum(len(value) for _, value in request.headers)
