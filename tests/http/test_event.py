"""An API Gateway event as a request."""

import re

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


def asked_by(address: str = "192.0.2.1", **claims: str) -> Request:
    event = http_event("GET", "/v1/doubling")
    event["requestContext"]["http"]["sourceIp"] = address
    if claims:
        event["requestContext"]["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
    return Request.from_event(event)


def test_a_caller_is_who_the_token_says_wherever_they_are() -> None:
    ann = asked_by(iss="https://issuer.example", sub="ann")
    assert ann.caller == asked_by("192.0.2.2", iss="https://issuer.example", sub="ann").caller
    assert ann.caller != asked_by(iss="https://issuer.example", sub="bob").caller
    assert ann.caller != asked_by(iss="https://other.example", sub="ann").caller
    assert ann.identity == ann.caller


def test_without_a_token_a_caller_is_an_address_and_has_no_identity() -> None:
    assert asked_by().caller == asked_by().caller != asked_by("192.0.2.2").caller
    assert asked_by().identity is None


@pytest.mark.parametrize("claims", [{"iss": "https://issuer.example"}, {"sub": "ann"}])
def test_a_token_that_does_not_say_who_it_is_gives_no_identity(claims: dict[str, str]) -> None:
    assert asked_by(**claims).identity is None


def test_neither_an_address_nor_a_name_can_be_read_from_a_caller() -> None:
    for caller in (asked_by(), asked_by(iss="https://issuer.example", sub="ann")):
        assert re.fullmatch("[0-9a-f]{64}", caller.caller)
