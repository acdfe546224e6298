"""Responses as API Gateway takes them."""

import base64
import gzip

import pytest

from backburner.http import response
from backburner.http.response import FOR_BROWSERS, Response
from backburner.problems import MethodNotAllowed, Unauthorized, Unavailable


def test_what_is_compressed_is_base64_and_what_is_text_is_not() -> None:
    compressed = gzip.compress(b"{}", mtime=0)
    packed = Response(status=200, headers={"content-encoding": "gzip"}, body=compressed)
    event = packed.as_event()
    assert (event["isBase64Encoded"], base64.b64decode(event["body"])) == (True, compressed)
    event = Response(status=200, body=b"{}").as_event()
    assert (event["isBase64Encoded"], event["body"]) == (False, "{}")


def test_a_response_to_head_has_every_header_and_no_body() -> None:
    packed = Response(status=200, headers={"content-encoding": "gzip"}, body=b"x")
    with_body, without = packed.as_event(), packed.as_event(with_body=False)
    assert without["headers"] == with_body["headers"]
    assert (without["body"], without["isBase64Encoded"]) == ("", False)


def test_pages_of_any_origin_may_ask() -> None:
    assert FOR_BROWSERS.items() <= Response(status=200).as_event()["headers"].items()


@pytest.mark.parametrize(
    ("problem", "name", "value"),
    [
        (Unavailable("later", retry_after=0.2), "retry-after", "1"),
        (Unavailable("later", retry_after=1.2), "retry-after", "2"),
        (Unauthorized("who", headers={"www-authenticate": "Bearer"}), "www-authenticate", "Bearer"),
        (MethodNotAllowed("no", headers={"allow": "GET, HEAD"}), "allow", "GET, HEAD"),
    ],
)
def test_a_problem_says_in_its_headers_what_to_do(problem: object, name: str, value: str) -> None:
    found = response.problem_response(problem)  # type: ignore[arg-type]
    assert found.headers[name] == value
    assert found.headers["cache-control"] == "no-store"
