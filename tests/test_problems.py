"""Problems as clients know them: their types stay, whatever the classes are called."""

import json

import pytest

from backburner.problems import Problem

TYPES = {
    "malformed-json": 400,
    "unauthorized": 401,
    "forbidden": 403,
    "not-found": 404,
    "method-not-allowed": 405,
    "too-large": 413,
    "not-json": 415,
    "invalid-parameters": 422,
    "cannot-be-computed": 422,
    "gave-up": 500,
    "result-too-large": 500,
    "internal-error": 500,
    "unavailable": 503,
}
"""Clients rely on them: add some, change none."""

KINDS = Problem.__subclasses__()


def test_the_types_and_their_statuses_are_those_that_clients_rely_on() -> None:
    assert {kind.slug: kind.status for kind in KINDS} == TYPES


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_says_its_type_title_status_and_detail(kind: type[Problem]) -> None:
    said = json.loads(kind("why", errors=[]).as_json())
    assert said == {
        "type": f"urn:problem-type:backburner:{kind.slug}",
        "title": kind.title,
        "status": kind.status,
        "detail": "why",
        "errors": [],
    }
