"""An API Gateway event as a request."""

import pytest

from backburner.http.event import Request
from tests.conftest import http_event


def request(**headers: str) -> Request:
    return Request.from_event(http_event("GET", "/v1/doubling", headers=headers))


@pytest.mark.parametrize(
    ("header", "accepts"),
    [
        ("gzip", True),
        ("GZIP;q=0.5, br", True),
        ("br, *", True),
        ("", False),
        ("br, deflate", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000", False),
        ("x-gzip-not", False),
    ],
)
def test_a_client_takes_gzip_only_if_it_says_so(header: str, accepts: bool) -> None:
    assert request(accept_encoding=header).accepts_gzip is accepts


def test_header_names_have_no_case() -> None:
    assert request(Prefer="RETURN = minimal").prefers_minimal
    assert not request(prefer="return=representation").prefers_minimal


def test_an_event_may_lack_headers_query_and_body() -> None:
    event = http_event("GET", "/")
    for name in ("headers", "rawQueryString", "body"):
        del event[name]
    bare = Request.from_event(event)
    assert (bare.headers, bare.query, bare.body) == ({}, "", b"")
