"""REDbot's linter finds no fault in what is sent: every kind of response, over a socket."""

import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Thread
from typing import Any, cast

import pytest
from httplint import HttpRequestLinter, HttpResponseLinter, Note, levels
from werkzeug.serving import make_server

from backburner.development.local.http_api import HttpApi
from backburner.development.local.server import BoundedRequestHandler
from backburner.http.event import Site
from backburner.request import respond
from tests.conftest import MotoDeployment
from tests.http.test_openapi import SilentTable
from tests.support.tokens import bearer

pytestmark = pytest.mark.enable_socket

EXPLAINED = {
    "STORE_PUBLIC_UNNECESSARY": "a request with Authorization is kept only if it says public",
    "LOCATION_UNDEFINED": "RFC 9110 leaves it open for 202; docs/http.md says what it is",
    "STATUS_BAD_REQUEST": "it is one, and that is the test",
}
"""Warnings that stay, and why."""

ASKED = "/v1/doubling?number=21"
LARGE = "/v1/noise?size=400000"
SIGNED = "AWS4-HMAC-SHA256 Credential=AKID/20270115/us-east-1/execute-api/aws4_request"


@dataclass(frozen=True)
class LintedReply:
    status: int
    headers: dict[str, str]
    notes: list[Note]


class Linted:
    """A client of a deployment, with a linter between them."""

    def __init__(self, deployment: MotoDeployment) -> None:
        self.deployment = deployment
        http_api = HttpApi(self.invoke)
        self.server = make_server("127.0.0.1", 0, http_api, request_handler=BoundedRequestHandler)

    def invoke(self, event: Any) -> Any:
        is_head = event["requestContext"]["http"]["method"] == "HEAD"
        return respond(event, self.deployment.request_handler).as_event(with_body=not is_head)

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> LintedReply:
        host = f"127.0.0.1:{self.server.server_port}"
        sent = {"user-agent": "lint", "host": host}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(host, timeout=5)
        connection.request(method, path, body or None, sent)
        received = connection.getresponse()
        notes = lint(method, f"http://{host}{path}", sent, received)
        connection.close()
        named = {name.lower(): value for name, value in received.getheaders()}
        return LintedReply(received.status, named, notes)


def lint(
    method: str, url: str, sent: dict[str, str], received: http.client.HTTPResponse
) -> list[Note]:
    asked = HttpRequestLinter()
    asked.process_request_topline(method.encode(), url.encode(), b"HTTP/1.1")
    asked.process_headers([(name.encode(), value.encode()) for name, value in sent.items()])
    asked.finish_content(True)
    answer = HttpResponseLinter(start_time=time.time())
    answer.request = asked
    answer.base_uri = url
    answer.is_head_response = method == "HEAD"
    answer.process_response_topline(b"HTTP/1.1", str(received.status).encode())
    fields = [(name.encode(), value.encode()) for name, value in received.getheaders()]
    answer.process_headers(fields)
    answer.feed_content(received.read())
    answer.finish_content(True)
    return list(answer.notes)


@pytest.fixture
def linted(deployment: MotoDeployment) -> Iterator[Linted]:
    linted = Linted(deployment)
    Thread(target=linted.server.serve_forever, args=[0.01], daemon=True).start()
    yield linted
    linted.server.shutdown()
    linted.server.server_close()


def faults(*replies: LintedReply) -> list[tuple[int, str, str]]:
    """What is bad, and warnings that nobody has explained."""
    return [
        (reply.status, type(note).__name__, str(note.summary))
        for reply in replies
        for note in reply.notes
        if note.level is levels.BAD
        or (note.level is levels.WARN and type(note).__name__ not in EXPLAINED)
    ]


def test_a_202_is_without_fault(linted: Linted) -> None:
    replies = [
        linted.ask("GET", ASKED),
        linted.ask("GET", ASKED),
        linted.ask("HEAD", ASKED),
        linted.ask("GET", ASKED, prefer="return=minimal"),
        linted.ask("POST", "/v1/doubling", '{"number": 2}', content_type="application/json"),
    ]
    assert {reply.status for reply in replies} == {202}
    assert faults(*replies) == []


@pytest.mark.parametrize("site", [Site(), Site(needs_token=True), Site(base_path="/orders")])
@pytest.mark.parametrize("age", [0, 30, 700])
def test_a_result_is_without_fault(site: Site, age: int, linted: Linted) -> None:
    deployment = linted.deployment
    deployment.request_handler = replace(deployment.request_handler, site=site)
    linted.ask("GET", ASKED)
    deployment.work()
    deployment.clock.passes(age)
    whole = linted.ask("GET", ASKED)
    location = whole.headers["content-location"].removeprefix(site.base_path)
    replies = [
        whole,
        linted.ask("GET", location, accept_encoding="gzip", origin="https://page.example"),
        linted.ask("HEAD", location),
        linted.ask("POST", "/v1/doubling", '{"number": 21}', content_type="application/json"),
    ]
    assert {reply.status for reply in replies} == {200}
    unchanged = linted.ask("GET", ASKED, if_none_match=whole.headers["etag"])
    assert unchanged.status == 304
    assert faults(*replies, unchanged) == []


def test_a_private_result_is_without_fault(linted: Linted) -> None:
    asked = "/v1/whispering?number=1"
    pending = linted.ask("GET", asked, authorization=bearer("ann"))
    linted.deployment.work()
    result = linted.ask("GET", asked, authorization=bearer("ann"))
    nobody = linted.ask("GET", asked)
    assert [reply.status for reply in (pending, result, nobody)] == [202, 200, 401]
    assert faults(pending, result, nobody) == []


def test_a_redirect_is_without_fault(linted: Linted) -> None:
    linted.ask("GET", LARGE)
    linted.deployment.work()
    asked = json.dumps({"size": 400_000})
    redirects = [
        linted.ask("GET", LARGE),
        linted.ask("HEAD", LARGE),
        linted.ask("POST", "/v1/noise", asked, content_type="application/json"),
    ]
    assert [reply.status for reply in redirects] == [307, 307, 303]
    assert faults(*redirects) == []


@pytest.mark.parametrize("path", ["/", "/health", "/openapi.json", "/v1"])
def test_a_document_is_without_fault(path: str, linted: Linted) -> None:
    whole = linted.ask("GET", path)
    replies = [
        whole,
        linted.ask("HEAD", path),
        linted.ask("GET", path, accept_encoding="gzip"),
        linted.ask("GET", path, if_none_match=whole.headers.get("etag", '"none"')),
        linted.ask("POST", path),
    ]
    known = 200 if path == "/health" else 304
    assert [reply.status for reply in replies] == [200, 200, 200, known, 405]
    assert faults(*replies) == []


@pytest.mark.parametrize(
    ("status", "method", "path", "body", "content_type"),
    [
        (400, "POST", "/v1/doubling", "{", "application/json"),
        (403, "DELETE", f"/v1/doubling/{'a' * 64}", "", ""),
        (404, "GET", "/v2", "", ""),
        (404, "HEAD", f"/v1/doubling/{'a' * 64}", "", ""),
        (405, "PUT", "/v1/doubling", "{}", "application/json"),
        (413, "POST", "/v1/doubling", " " * 1_000_001, "application/json"),
        (415, "POST", "/v1/doubling", "{}", "text/plain"),
        (422, "POST", "/v1/doubling", "{}", "application/json"),
        (422, "GET", "/v1/doubling?more=1", "", ""),
    ],
)
def test_a_problem_is_without_fault(
    status: int, method: str, path: str, body: str, content_type: str, linted: Linted
) -> None:
    about = {"content_type": content_type} if content_type else {}
    reply = linted.ask(method, path, body, **about)
    assert reply.status == status
    assert faults(reply) == []


def test_a_failure_that_is_kept_is_without_fault(linted: Linted) -> None:
    refused = "/v1/doubling?number=-1"
    linted.ask("GET", refused)
    linted.deployment.work()
    replies = [linted.ask("GET", refused), linted.ask("GET", refused, accept_encoding="gzip")]
    assert {reply.status for reply in replies} == {422}
    assert faults(*replies) == []


def test_a_fault_of_ours_and_of_aws_is_without_fault(linted: Linted) -> None:
    request_handler = linted.deployment.request_handler
    linted.deployment.request_handler = replace(request_handler, random=lambda: 1 / 0)
    broken = linted.ask("GET", ASKED)
    linted.deployment.store.client = cast("Any", SilentTable())
    unavailable = linted.ask("GET", ASKED)
    assert [broken.status, unavailable.status] == [500, 503]
    assert faults(broken, unavailable) == []


def test_forgetting_and_a_preflight_are_without_fault(linted: Linted) -> None:
    location = linted.ask("GET", ASKED).headers["location"]
    preflight = linted.ask(
        "OPTIONS",
        ASKED,
        origin="https://page.example",
        access_control_request_method="POST",
        access_control_request_headers="content-type",
    )
    forgotten = linted.ask("DELETE", location, authorization=SIGNED)
    assert [preflight.status, forgotten.status] == [204, 204]
    assert faults(preflight, forgotten) == []
