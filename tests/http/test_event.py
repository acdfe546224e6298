"""An API Gateway event as a request."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from backburner.http import event
from backburner.http.event import PUBLIC, Request, Site, read_json
from backburner.problems import Problem
from tests.conftest import http_event

OWN = "abc123.execute-api.eu-central-1.amazonaws.com"


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
        ("*, gzip;q=0", False),
        ("*;q=0, gzip", True),
        ("*;q=0", False),
        ("*;q=0.1", True),
        ("gzip;q=0.0, *", False),
        ("x-gzip", True),
        ("X-GZIP;q=0, *", False),
        (" gzip ; q=1.000 ", True),
        ("gzip;Q=0.001", True),
        ("gzip;q=0.", False),
        ("gzip;q=2", False),
        ("gzip;q=-1", False),
        ("gzip;q=0.0001", False),
        ("gzip;q=", False),
        ("gzip;level=9", False),
        ("gzip;q=much, *;q=0.5", True),
        ("gzip;q=0.5, identity", False),
        ("gzip;q=0.5, identity;q=0.5", True),
        ("identity;q=0", False),
        ("identity;q=0, *", True),
        ("identity, *;q=0", False),
        (",, gzip,,", True),
    ],
)
def test_a_client_takes_gzip_only_if_it_says_so(header: str, accepts: bool) -> None:
    assert request(accept_encoding=header).accepts_gzip is accepts


@pytest.mark.parametrize(("method", "counts"), [("GET", True), ("HEAD", True), ("POST", False)])
def test_an_etag_that_the_client_has_counts_for_get_and_head(method: str, counts: bool) -> None:
    event = http_event(method, "/v1/doubling", headers={"if-none-match": '"1", W/"2"'})
    assert Request.from_event(event).has('W/"2"') is counts


MAPPED = Site(base_path="/orders")


@pytest.mark.parametrize(
    ("raw_path", "stage", "domain", "site", "path", "base"),
    [
        ("/v1/doubling", "$default", OWN, PUBLIC, ("v1", "doubling"), ""),
        ("/beta/v1/doubling", "beta", OWN, PUBLIC, ("v1", "doubling"), "/beta"),
        ("/beta", "beta", OWN, PUBLIC, ("",), "/beta"),
        ("/v1/v1/doubling", "v1", OWN, PUBLIC, ("v1", "doubling"), "/v1"),
        ("/v1/doubling", "$default", "api.example.com", MAPPED, ("v1", "doubling"), "/orders"),
        ("/beta/v1/doubling", "beta", "api.example.com", MAPPED, ("v1", "doubling"), "/orders"),
        ("/beta/v1/doubling", "beta", "api.example.com", PUBLIC, ("v1", "doubling"), ""),
        ("/beta/v1/doubling", "beta", OWN, MAPPED, ("v1", "doubling"), "/orders"),
    ],
)
def test_a_path_is_without_what_the_address_has_before_it(
    raw_path: str, stage: str, domain: str, site: Site, path: tuple[str, ...], base: str
) -> None:
    event = http_event("GET", raw_path)
    event["requestContext"] |= {"stage": stage, "domainName": domain}
    request = Request.from_event(event, site)
    assert (request.path, request.base) == (path, base)


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


# JSON is read by pydantic where that is the same

SPACES = st.sampled_from(["", "", " ", "\n", "\t "])
WHOLE = ["1.0", "1e3", "-0", "-0.0", "100e-2", "0.99999999999999999999", "9007199254740993.0"]
FRACTIONS = ["1E-05", "5e-324", "1e-999", "1e21", "1e22", "9007199254740993"]
NO_NUMBERS = ["1e999", "-1e999", "NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1"]
LONG_NUMBERS = ["9" * 400, "9" * 299 + "e99", "9" * 300, "1" + "0" * 308]
NUMBERS = st.sampled_from([*WHOLE, *FRACTIONS, *NO_NUMBERS, *LONG_NUMBERS]) | st.floats().map(repr)
TEXTS = st.text(max_size=3).map(json.dumps) | st.sampled_from(
    [
        '"a"',
        '"a"',
        '"b:"',
        '"\\":"',
        '"\\u0000"',
        '"\\ud800"',
        '"a :"',
        '"\\ud83d\\ude00"',
        '"\x01"',
        '"é"',
    ]
)


def texts_of(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    member = st.tuples(TEXTS, SPACES, SPACES, inner).map(lambda m: f"{m[0]}{m[1]}:{m[2]}{m[3]}")
    return st.lists(inner, max_size=4).map(lambda items: f"[{','.join(items)}]") | st.lists(
        member, max_size=4
    ).map(lambda members: f"{{{','.join(members)}}}")


def told(read: Callable[[bytes], Any], text: bytes) -> str:
    try:
        return repr(read(text))
    except Problem as problem:
        return f"{type(problem).__name__}: {problem}"


@given(
    st.recursive(
        NUMBERS | TEXTS | st.sampled_from(["true", "null", "[1,]", "{,}", "nul"]), texts_of
    )
)
@example("\ufeff[1.0]")
@example('{"a" :1,"a":2}')
@example('{"a":1,"a":"\\":"}')
@example("[" * 101 + "]" * 101)
@example("[" * 300 + "]" * 300)
@example('[{"a":1.0,"b":[2.0,{"c":3.0}]},4.5]')
@settings(max_examples=1000)
def test_json_is_the_same_whichever_reads_it(text: str) -> None:
    def exactly(text: bytes) -> Any:
        value = event._read_exactly(text)
        event._Weight().of(value)
        return value

    assert told(read_json, text.encode()) == told(exactly, text.encode())


def test_usual_json_is_read_by_pydantic() -> None:
    stops = [{"at": "12:30", "url": "https://a.example", "lat": 52.0, "id": "\u00e9"}] * 3
    values: list[Any] = [{"stops": stops}, [1.5, 2.0, -1e-7], {"weights": [0.1] * 1000}]
    for value in values:
        for indent, is_ascii in ((None, True), (2, True), (None, False)):
            text = json.dumps(value, indent=indent, ensure_ascii=is_ascii)
            read, size = event._read_fast(text.encode())
            assert read == value
            assert size == event._Weight().of(value)
