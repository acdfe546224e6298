"""A light client for the calls of a request: five operations of DynamoDB and SQS.

botocore takes half of a cold start and most of each call. These services take a signed POST of JSON
to `/` (AWS JSON 1.0). Answers and errors are botocore's. environment.py says when it is used.
"""

import hashlib
import hmac
import json
import ssl
import time
from base64 import b64decode, b64encode
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, partialmethod
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from select import select
from typing import Any, NamedTuple, cast
from urllib.parse import quote, urlsplit

from botocore import exceptions

from backburner import settings
from backburner.aws.time_limits import TimeLimits

TARGETS = {"dynamodb": "DynamoDB_20120810", "sqs": "AmazonSQS"}
"""What comes before the operation in the header `X-Amz-Target`."""
MAX_ANSWER_BYTES = 10_000_000
"""An item has 400 KB at most."""


class Credentials(NamedTuple):
    key_id: str
    secret: str
    token: str | None = None


@dataclass(kw_only=True, eq=False)
class LightClient:
    """A client of one service, for any thread. Connections that are not in use are kept."""

    service: str
    url: str
    region: str
    credentials: Credentials
    time_limits: TimeLimits
    clock: Callable[[], float] = time.time
    _idle: deque[HTTPConnection] = field(default_factory=deque, init=False)

    def __del__(self) -> None:
        for connection in self._idle:
            connection.close()

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Call AWS; ClientError if it refuses, BotoCoreError if there is no answer in time."""
        body = json.dumps(parameters, default=lambda value: b64encode(value).decode()).encode()
        for attempt in count(1):
            self.time_limits.check()
            try:
                answer, content = self.attempt(operation, body)
                return _told(operation, answer, content, retries=attempt - 1)
            except (exceptions.ClientError, exceptions.BotoCoreError) as error:
                pause = self.time_limits.pause(attempt, operation, error)
                if pause is None:
                    raise
            time.sleep(pause)
        raise AssertionError("count() does not end")

    get_item = partialmethod(_call, "GetItem")
    update_item = partialmethod(_call, "UpdateItem")
    delete_item = partialmethod(_call, "DeleteItem")
    send_message = partialmethod(_call, "SendMessage")
    get_queue_attributes = partialmethod(_call, "GetQueueAttributes")

    def headers(self, operation: str, body: bytes) -> dict[str, str]:
        """The headers of a signed request."""
        headers = {
            "content-type": "application/x-amz-json-1.0",
            "host": urlsplit(self.url).netloc,
            "x-amz-date": time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.clock())),
            "x-amz-target": f"{TARGETS[self.service]}.{operation}",
        }
        if self.credentials.token:
            headers["x-amz-security-token"] = self.credentials.token
        if self.service == "sqs":
            headers["x-amzn-query-mode"] = "true"  # errors keep the codes that botocore tells
        signed = authorization(headers, body, self.credentials, self.region, self.service)
        return {**headers, "authorization": signed, **_trace()}

    def attempt(self, operation: str, body: bytes) -> tuple[HTTPResponse, bytes]:
        """Ask once."""
        connection = self._connected()
        try:
            connection.request("POST", "/", body, self.headers(operation, body))
            answer = connection.getresponse()
            content = answer.read(MAX_ANSWER_BYTES)
            if answer.length or not answer.isclosed():
                raise HTTPException("half an answer, or one that is too long")  # noqa: TRY301
        except (HTTPException, OSError) as error:
            connection.close()
            late = isinstance(error, TimeoutError)
            kind = exceptions.ReadTimeoutError if late else exceptions.ConnectionClosedError
            raise kind(endpoint_url=self.url, error=error) from error
        self._idle.append(connection)
        return answer, content

    def connect(self) -> None:
        """Connect before the first call."""
        self._idle.append(self._connected())

    def _connected(self) -> HTTPConnection:
        """A kept connection, if the other side has not closed it meanwhile; else a new one."""
        while self._idle:
            kept = self._idle.pop()
            if kept.sock and not select([kept.sock], [], [], 0)[0]:
                return kept
            kept.close()
        new = _connection(self.url, self.time_limits.connect)
        try:
            new.connect()
        except OSError as error:
            new.close()
            late = isinstance(error, TimeoutError)
            kind = exceptions.ConnectTimeoutError if late else exceptions.EndpointConnectionError
            raise kind(endpoint_url=self.url, error=error) from error
        new.sock.settimeout(self.time_limits.read)
        return new


def authorization(
    headers: Mapping[str, str], body: bytes, credentials: Credentials, region: str, service: str
) -> str:
    """AWS's Signature Version 4 for a POST to `/`; the names of the headers are in lower case."""
    signed = sorted(headers)
    names, at = ";".join(signed), headers["x-amz-date"]
    lines = [f"{name}:{headers[name]}" for name in signed]
    canonical = "\n".join(["POST", "/", "", *lines, "", names, hashlib.sha256(body).hexdigest()])
    scope = [at[:8], region, service, "aws4_request"]
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    to_sign = "\n".join(["AWS4-HMAC-SHA256", at, "/".join(scope), digest])
    key = f"AWS4{credentials.secret}".encode()
    for part in (*scope, to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = "/".join([credentials.key_id, *scope])
    return f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"


def _trace() -> dict[str, str]:
    """The trace of Lambda's event, by which AWS also stops loops of functions and queues."""
    trace = settings.trace()
    return {} if not trace else {"x-amzn-trace-id": quote(trace, safe="-=;:+&[]{}\"',")}


def _connection(url: str, timeout: float) -> HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == "https":
        return HTTPSConnection(parts.netloc, timeout=timeout, context=_trusted())
    return HTTPConnection(parts.netloc, timeout=timeout)


@cache
def _trusted() -> ssl.SSLContext:
    """The certificates that botocore trusts: certifi's if it is there, else its own."""
    package: Any = find_spec("certifi") or find_spec("botocore")
    return ssl.create_default_context(cafile=Path(package.origin).with_name("cacert.pem"))


def _told(operation: str, answer: HTTPResponse, content: bytes, retries: int) -> dict[str, Any]:
    """The answer as botocore tells it; ClientError if it is an error."""
    try:
        told: dict[str, Any] = json.loads(content, object_hook=_with_bytes)
    except ValueError as error:
        if answer.status < 300:
            raise exceptions.HTTPClientError(error=error) from error
        told = {}
    told["ResponseMetadata"] = {
        "RequestId": answer.headers.get("x-amzn-requestid", ""),
        "HTTPStatusCode": answer.status,
        "HTTPHeaders": {name.lower(): value for name, value in answer.headers.items()},
        "RetryAttempts": retries,
    }
    if answer.status < 300:
        return told
    code = told.get("__type", str(answer.status))
    code = answer.headers.get("x-amzn-query-error", code).split(";")[0]  # of SQS
    told["Error"] = {
        "Code": code.split(":")[0].split("#")[-1],
        "Message": told.get("message", told.get("Message", "")),
    }
    raise exceptions.ClientError(cast("Any", told), operation)


def _with_bytes(told: dict[str, Any]) -> dict[str, Any]:
    """An attribute of type B has bytes."""
    match told:
        case {"B": str(text)} if len(told) == 1:
            return {"B": b64decode(text)}
    return told
