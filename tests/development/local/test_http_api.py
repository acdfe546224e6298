import base64
import json
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
from werkzeug.test import Client, TestResponse

from backburner.development.local.function import EventTooLarge, InvocationError
from backburner.development.local.http_api import MAX_BODY_BYTES, MAX_HEAD_BYTES, HttpApi


class Lambda:
    """A function that keeps the events it gets, and answers as it is told."""

    def __init__(self) -> None:
        self.events: list[Any] = []
        self.answer: Any = {"statusCode": 204}

    def __call__(self, event: object) -> Any:
        self.events.append(event)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    @property
    def event(self) -> Any:
        return self.events[-1]


@pytest.fixture
def function() -> Lambda:
    return Lambda()


@pytest.fixture
def client(function: Lambda) -> Iterator[Client]:
    http_api = HttpApi(function)
    yield Client(http_api, use_cookies=False)
    http_api.close()


def test_a_request_becomes_an_event_of_payload_2(client: Client, function: Lambda) -> None:
    client.get(
        "/a/b?x=1&y=2&x=3&empty=&sum=1%2B1",
        headers={"X-Thing": "one", "User-Agent": "tester", "Cookie": "a=1; b=2"},
        environ_overrides={"REMOTE_ADDR": "10.0.0.9"},
    )
    event = function.event
    assert event["version"] == "2.0"
    assert event["routeKey"] == event["requestContext"]["routeKey"] == "$default"
    assert event["requestContext"]["stage"] == "$default"
    assert event["rawPath"] == "/a/b"
    assert event["rawQueryString"] == "x=1&y=2&x=3&empty=&sum=1%2B1"
    assert event["queryStringParameters"] == {"x": "1,3", "y": "2", "empty": "", "sum": "1+1"}
    assert event["cookies"] == ["a=1", "b=2"]
    assert event["headers"]["x-thing"] == "one"
    assert event["headers"]["x-forwarded-for"] == "10.0.0.9"
    assert "cookie" not in event["headers"]
    assert event["requestContext"]["http"] == {
        "method": "GET",
        "path": "/a/b",
        "protocol": "HTTP/1.1",
        "sourceIp": "10.0.0.9",
        "userAgent": "tester",
    }


def test_what_a_request_lacks_its_event_lacks(client: Client, function: Lambda) -> None:
    client.get("/")
    assert not {"body", "cookies", "queryStringParameters"} & set(function.event)
    assert function.event["rawQueryString"] == ""
    assert function.event["isBase64Encoded"] is False


def test_every_request_has_an_id_of_its_own_and_a_time(client: Client, function: Lambda) -> None:
    client.get("/")
    client.get("/")
    first, second = (event["requestContext"] for event in function.events)
    assert first["requestId"] != second["requestId"]
    assert second["timeEpoch"] >= first["timeEpoch"] > 1_700_000_000_000
    assert first["time"].endswith(" +0000")


@pytest.mark.parametrize(
    ("url", "path"),
    [("/a/", "/a/"), ("/a%20b/%C3%A9", "/a b/é"), ("/a%2Fb", "/a/b")],
)
def test_a_path_is_decoded_and_otherwise_left_alone(
    client: Client, function: Lambda, url: str, path: str
) -> None:
    client.get(url)
    assert function.event["rawPath"] == function.event["requestContext"]["http"]["path"] == path


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_every_method_reaches_the_function(client: Client, function: Lambda, method: str) -> None:
    client.open("/", method=method)
    assert function.event["requestContext"]["http"]["method"] == method


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "application/json; charset=utf-8", "text/csv", "application/xml"],
)
def test_a_body_of_text_is_handed_over_as_it_is(
    client: Client, function: Lambda, content_type: str
) -> None:
    client.post("/", data='{"é": 1}', content_type=content_type)
    assert function.event["body"] == '{"é": 1}'
    assert function.event["isBase64Encoded"] is False


@pytest.mark.parametrize(
    "content_type", [None, "image/png", "application/octet-stream", "application/problem+json"]
)
def test_any_other_body_is_handed_over_in_base64(
    client: Client, function: Lambda, content_type: str | None
) -> None:
    client.post("/", data=b"\xff\x00", content_type=content_type)
    assert base64.b64decode(function.event["body"]) == b"\xff\x00"
    assert function.event["isBase64Encoded"] is True


def test_a_response_has_the_status_headers_cookies_and_body_of_the_answer(
    client: Client, function: Lambda
) -> None:
    function.answer = {
        "statusCode": 202,
        "headers": {"Retry-After": 3, "Content-Type": "application/json"},
        "cookies": ["a=1; Secure", "b=2"],
        "body": '{"é": 1}',
    }
    response = client.get("/")
    assert response.status_code == 202
    assert response.headers["Retry-After"] == "3"
    assert response.headers["Content-Type"] == "application/json"
    assert response.headers.getlist("Set-Cookie") == ["a=1; Secure", "b=2"]
    assert response.data.decode() == '{"é": 1}'


def test_a_body_in_base64_is_decoded(client: Client, function: Lambda) -> None:
    body = base64.b64encode(b"\x1f\x8b").decode()
    function.answer = {"statusCode": 200, "isBase64Encoded": True, "body": body}
    assert client.get("/").data == b"\x1f\x8b"


@pytest.mark.parametrize(("answer", "body"), [({"a": 1}, '{"a": 1}'), ("plain", "plain")])
def test_an_answer_without_a_status_is_a_body(
    client: Client, function: Lambda, answer: object, body: str
) -> None:
    function.answer = answer
    response = client.get("/")
    assert (response.status_code, response.text) == (200, body)
    assert response.content_type == "application/json"


def test_the_response_to_head_has_no_body(client: Client, function: Lambda) -> None:
    function.answer = {"statusCode": 200, "body": "four"}
    response = client.head("/")
    assert (response.data, response.headers["Content-Length"]) == (b"", "4")


def test_a_304_keeps_its_etag(client: Client, function: Lambda) -> None:
    function.answer = {"statusCode": 304, "headers": {"ETag": '"x"'}}
    response = client.get("/")
    assert (response.status_code, response.data, response.headers["ETag"]) == (304, b"", '"x"')


@pytest.mark.parametrize(
    "answer",
    [
        InvocationError("the process ended"),
        {"statusCode": "many"},
        {"statusCode": 200, "headers": ["no", "names"]},
        {"statusCode": 200, "isBase64Encoded": True, "body": "?"},
    ],
)
def test_a_failure_of_the_function_is_a_500(
    client: Client, function: Lambda, answer: object
) -> None:
    function.answer = answer
    assert refused(client.get("/")) == (500, "Internal Server Error")


def test_a_body_over_10_mb_is_refused_before_the_function(client: Client, function: Lambda) -> None:
    response = client.post("/", data=b"x" * (MAX_BODY_BYTES + 1))
    assert refused(response) == (413, "Request Entity Too Large")
    assert function.events == []


def test_an_event_that_lambda_does_not_take_is_refused_likewise(
    client: Client, function: Lambda
) -> None:
    function.answer = EventTooLarge("over 6 MB")
    assert refused(client.post("/", data=b"x")) == (413, "Request Entity Too Large")


def test_a_head_over_10240_bytes_is_refused(client: Client, function: Lambda) -> None:
    response = client.get(f"/?q={'x' * MAX_HEAD_BYTES}")
    assert refused(response) == (431, "Request Header Fields Too Large")
    assert function.events == []


def test_a_function_that_takes_too_long_is_not_waited_for() -> None:
    answered = Event()
    http_api = HttpApi(lambda _event: answered.wait(10), timeout=0.05)
    assert refused(Client(http_api).get("/")) == (503, "Service Unavailable")
    answered.set()
    http_api.close()


def refused(response: TestResponse) -> tuple[int, str]:
    assert response.content_type == "application/json"
    return response.status_code, json.loads(response.data)["message"]
