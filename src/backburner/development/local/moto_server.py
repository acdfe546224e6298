"""The table, the queues and the bucket: moto as a server, python moto_server.py FD.

FD is a socket that already listens, so that clients can connect while moto is still imported. The
first line of stdin is a Setup, in JSON; the first line of stdout says in JSON how it went. The
server ends when its stdin does.
"""

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable
from hmac import compare_digest
from io import BytesIO
from math import inf
from pathlib import Path
from threading import Condition, Thread
from typing import TYPE_CHECKING, Any, TypedDict
from urllib.parse import parse_qs

from moto.core.models import DEFAULT_ACCOUNT_ID as ACCOUNT_ID
from moto.dynamodb.models.table import Table
from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from moto.s3.models import FakeBucket
from moto.sqs.models import Queue
from werkzeug import Request, Response
from werkzeug.serving import make_server

from backburner.development.local.kept import (
    Keeper,
    NotKept,
    NotReadable,
    call,
    opened,
    queues,
)
from backburner.development.local.loopback import is_local, problem, wrong_host

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

MAKERS: dict[str, Any] = {
    "AWS::DynamoDB::Table": Table,
    "AWS::SQS::Queue": Queue,
    "AWS::S3::Bucket": FakeBucket,
}
"""moto's own for CloudFormation, which as a whole would import all of moto: 140 MB."""
SQS_WRITES = re.compile(r"AmazonSQS\.(Send|Delete|Purge)\w*")
CREDENTIAL = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(\w+)/\d{8}/[a-z0-9-]+/([a-z0-9-]+)/aws4_request"
)
REMEDY = "take that of .backburner/running.json, or `backburner redrive --local`"
OPEN_TO_URLS = ("dynamodb", "sqs", "s3")


class Setup(TypedDict):
    """What the deployment asks for."""

    region: str
    resources: list[tuple[str, str, dict[str, Any]]]
    """Type, name and properties of each, in the order in which they are made."""
    key: str
    url_key: str
    """An access key that stands in URLs, which clients see. It opens no secrets."""
    hosts: list[str]
    folder: str | None
    """Where to keep what is stored."""
    is_fresh: bool


class OneAtATime:
    """Handles one request at a time: moto's writes and receives are not atomic across threads.

    A long poll asks moto at its start, when a message can be received, and at its end; other
    requests run while it waits.
    """

    def __init__(
        self,
        moto: "WSGIApplication",
        turn: Condition,
        hidden_for: Callable[[str], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`hidden_for` tells how many seconds all messages of a queue are still hidden."""
        self._moto = moto
        self._turn = turn
        self._hidden_for = hidden_for
        self._clock = clock
        self.note: Callable[[WSGIEnvironment, bytes], None] = lambda *_: None
        """Is told of every call that has written."""
        self.sizes: Callable[[], object] = lambda: None
        """Of all queues: a receive may move messages to the dead letters."""

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        body = Request(environ).get_data()
        if environ.get("HTTP_X_AMZ_TARGET") == "AmazonSQS.ReceiveMessage":
            return self._long_poll(environ, json.loads(body))(environ, start_response)
        with self._turn:
            return self._ask(environ, body)(environ, start_response)

    def _ask(self, environ: "WSGIEnvironment", body: bytes) -> Response:
        again = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        response = Response.from_app(self._moto, {**environ, **again})
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        if target.startswith("AmazonSQS."):
            self._turn.notify_all()
        if response.status_code < 300 and (
            not target.startswith("AmazonSQS.") or SQS_WRITES.fullmatch(target)
        ):
            self.note({**environ, **again}, body)
        return response

    def _long_poll(self, environ: "WSGIEnvironment", asked: dict[str, Any]) -> Response:
        end = self._clock() + asked.get("WaitTimeSeconds", 0)
        body = json.dumps({**asked, "WaitTimeSeconds": 0}).encode()
        with self._turn:
            while True:
                response = self._short_poll(environ, body)
                if _has_messages(response) or self._clock() >= end:
                    return response
                self._wait(asked["QueueUrl"].rpartition("/")[2], end)

    def _short_poll(self, environ: "WSGIEnvironment", body: bytes) -> Response:
        before = self.sizes()
        request = {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        response = Response.from_app(self._moto, {**environ, **request})
        if self.sizes() != before:
            self._turn.notify_all()
            self.note(environ, body)
        return response

    def _wait(self, queue: str, end: float) -> None:
        """Until a message can be received, or the poll is over."""
        while (left := end - self._clock()) > 0 and (hidden := self._hidden_for(queue)) > 0:
            self._turn.wait(min(left, hidden))


class Door:
    """Lets calls in that have a key of this run, and pages of this machine that have a URL."""

    def __init__(self, moto: "WSGIApplication", start: Setup) -> None:
        self._moto = moto
        self._start = start
        buckets = [name for kind, name, _ in start["resources"] if "Bucket" in kind]
        self._objects = tuple(f"/{name}/" for name in buckets)

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        response = wrong_host(environ, self._start["hosts"]) or self._wrong_key(environ)
        origin = environ.get("HTTP_ORIGIN", "")
        # A page that was redirected here by another origin is "null"; it got the URL there.
        if not response and origin not in ("", "null") and not is_local(origin):
            response = problem(403, f"Origin {origin!r:.99} is not of this machine; ask from there")
        response = response or self._answered(environ, origin)
        return response(environ, start_response)

    def _answered(self, environ: "WSGIEnvironment", origin: str) -> Response:
        is_preflight = environ["REQUEST_METHOD"] == "OPTIONS"
        response = Response(status=204) if is_preflight else Response.from_app(self._moto, environ)
        if origin:
            asked = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "")
            response.headers.update(
                {
                    "Access-Control-Allow-Origin": origin,
                    "Access-Control-Allow-Methods": "GET, HEAD",
                    "Access-Control-Allow-Headers": asked,
                    "Access-Control-Expose-Headers": "x-amz-meta-etag",
                    "Vary": "Origin",
                }
            )
        return response

    def _wrong_key(self, environ: "WSGIEnvironment") -> Response | None:
        path, signed = environ["PATH_INFO"], CREDENTIAL.match(environ.get("HTTP_AUTHORIZATION", ""))
        given = signed[1] if signed else _in_query(environ)
        # Without a signed header, moto would guess the service from path, target or query.
        is_object = path.startswith(self._objects) and "HTTP_X_AMZ_TARGET" not in environ
        is_read = is_object and environ["REQUEST_METHOD"] in ("GET", "HEAD", "OPTIONS")
        is_data = signed and signed[2] in OPEN_TO_URLS and not path.startswith("/moto-api")
        if compare_digest(given.encode(), self._start["key"].encode()) and (signed or is_read):
            return None
        is_url_key = compare_digest(given.encode(), self._start["url_key"].encode())
        if is_url_key and (is_data if signed else is_read):
            return None
        return problem(403, f"the access key is not this run's; {REMEDY}")


def _in_query(environ: "WSGIEnvironment") -> str:
    """The access key of a signed URL."""
    [credential] = parse_qs(environ["QUERY_STRING"]).get("X-Amz-Credential", [""])[:1]
    return str(credential).partition("/")[0]


def _has_messages(response: Response) -> bool:
    return response.status_code != 200 or bool(json.loads(response.get_data()).get("Messages"))


class _RequestHandler(MotoRequestHandler):
    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


def hidden_for(queue: str, region: str, clock: Callable[[], float] = time.time) -> float:
    """Seconds until moto would give one of the queue's messages; 0 if it does at once."""
    found = queues(region).get(queue)
    times = [max(m.visible_at, m.delayed_until) for m in found._messages] if found else []
    # moto has milliseconds, and hides a message up to and with the last.
    return max(0.0, (min(times, default=inf) + 1) / 1000 - clock())


def main(fd: str) -> None:
    start: Setup = json.loads(sys.stdin.buffer.readline())
    make(start["resources"], start["region"])
    moto, turn = DomainDispatcherApplication(create_backend_app), Condition()
    one = OneAtATime(moto, turn, lambda queue: hidden_for(queue, start["region"]))
    one.sizes = lambda: [len(each._messages) for each in queues(start["region"]).values()]
    for target in ("DynamoDB_20120810.ListTables", "AmazonSQS.ListQueues"):  # imports the rest
        Response.from_app(moto, call(target, {}, start["region"]))
    kept, said = keeping(start, moto, turn)
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nobody reads the pipe any more
    server = make_server(
        "127.0.0.1",
        0,
        Door(one, start),
        threaded=True,
        request_handler=_RequestHandler,
        fd=int(fd),
    )
    if kept:
        one.note = kept.note
        Thread(target=kept.keep_on, daemon=True).start()
    Thread(target=server.serve_forever, args=[None], daemon=True).start()
    sys.stdin.buffer.read()
    if kept:
        kept.write(time.time())
    os._exit(0)


def make(resources: list[tuple[str, str, dict[str, Any]]], region: str) -> None:
    for kind, name, properties in resources:
        made = {"Properties": properties}
        MAKERS[kind].create_from_cloudformation_json(name, made, ACCOUNT_ID, region)


def keeping(
    start: Setup, moto: "WSGIApplication", turn: Condition
) -> tuple[Keeper | None, dict[str, str]]:
    """What was kept is back in moto; and what to tell: why it is not kept, or not readable."""
    if start["folder"] is None:
        return None, {}
    try:
        kept = Keeper(
            database=opened(Path(start["folder"]), is_fresh=start["is_fresh"]),
            moto=moto,
            turn=turn,
            region=start["region"],
            properties={name: properties for _, name, properties in start["resources"]},
        )
        kept.put_back(time.time())
    except NotKept as error:
        return None, {"not_kept": str(error)}
    except NotReadable as error:
        return None, {"not_readable": str(error)}
    return kept, {}


if __name__ == "__main__":
    main(sys.argv[1])
