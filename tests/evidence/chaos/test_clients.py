"""What a client takes for an answer, for a reason to wait, and for trouble."""

import json
import time

import pytest
import urllib3

from tests.evidence.chaos.clients import PATIENCE, Asked

PROBLEM, GATEWAYS_OWN = "application/problem+json", "application/json"
LOCATION = "/v1/witnessed/" + "a" * 64
ELSEWHERE = "/v1/witnessed/" + "b" * 64
RIGHT = {"power": 3**7}


def said(status: int, body: object, **headers: str) -> urllib3.HTTPResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return urllib3.HTTPResponse(json.dumps(body).encode(), named, status)


def not_yet(location: str = LOCATION) -> urllib3.HTTPResponse:
    return said(202, {"expected_at": "2027-01-15T08:00:00.500+00:00"}, location=location)


def test_the_right_answer_is_one_and_its_signature_is_known() -> None:
    asked = Asked(number=7)
    asked.hear(said(200, RIGHT, content_location=LOCATION))
    assert asked.is_over
    assert not asked.trouble
    assert asked.signature == "a" * 64


def test_what_was_expected_is_as_told_first() -> None:
    asked = Asked(number=7)
    asked.hear(not_yet())
    asked.hear(said(202, {"expected_at": "2027-01-15T09:00:00.000+00:00"}, location=LOCATION))
    assert (asked.location, asked.expected_at) == (LOCATION, 1_800_000_000.5)
    assert not asked.is_over


@pytest.mark.parametrize(
    "response",
    [
        said(503, {}, content_type=PROBLEM, retry_after="2"),
        said(500, {"message": "Internal Server Error"}, content_type=GATEWAYS_OWN),
    ],
)
def test_a_refusal_and_an_error_of_the_gateway_are_reasons_to_wait(
    response: urllib3.HTTPResponse,
) -> None:
    asked = Asked(number=7)
    asked.hear(response)
    assert not asked.is_over


@pytest.mark.parametrize(
    "response",
    [
        said(200, {"power": 3**8}, content_location=LOCATION),
        said(404, {}, content_type=PROBLEM),
        said(500, {"detail": "gave up"}, content_type=PROBLEM),
        not_yet(ELSEWHERE),
    ],
    ids=["a wrong answer", "forgotten", "given up", "another signature"],
)
def test_what_must_not_happen_is_trouble(response: urllib3.HTTPResponse) -> None:
    asked = Asked(number=7)
    asked.hear(not_yet())
    asked.hear(response)
    assert asked.trouble


def test_no_client_waits_for_ever() -> None:
    asked = Asked(number=7, asked_at=time.time() - PATIENCE - 1)
    asked.hear(not_yet())
    assert "no answer" in asked.trouble
