"""The contract where it needs to know the computation: what route-plan refuses, and its defaults.

BACKBURNER_URL=https://… make contract
"""

import re
from typing import Any

import pytest

from backburner.development.suites.api import Api, Reply
from backburner.development.suites.questions import dice

ROUTE = "/v1/route-plan"


def plan(**changes: Any) -> dict[str, Any]:
    """A plan that is quick to make and that nobody has asked for before."""
    return {
        "depot": {"x": 0, "y": 0},
        "stops": [
            {"x": 3, "y": 4},
            {"x": 6, "y": 8},
            {"x": round(dice.uniform(10, 1000), 6), "y": 0},
        ],
        "vehicles": {"count": 2, "capacity": 2},
        "effort": "quick",
        **changes,
    }


@pytest.fixture(scope="module")
def failure(api: Api) -> Reply:
    """A question that cannot be answered: more demand than the fleet carries."""
    return api.answer(plan(vehicles={"count": 1, "capacity": 1}), ROUTE)


def test_a_default_given_or_left_out_makes_no_difference(
    api: Api,
) -> None:
    asked = plan()
    signature = api.post(ROUTE, asked).signature
    stops = [{**stop, "demand": 1, "id": str(n)} for n, stop in enumerate(asked["stops"], start=1)]
    assert api.post(ROUTE, {**asked, "stops": stops, "speed": 1}).signature == signature


def test_422_points_at_each_parameter_that_does_not_validate(api: Api) -> None:
    reply = api.post(ROUTE, plan(effort="heroic", stops=[{"x": 1, "y": "north"}]))
    assert reply.status == 422
    assert {error["pointer"] for error in reply.json["errors"]} == {"/effort", "/stops/0/y"}
    assert all(error["reason"] for error in reply.json["errors"])


def test_422_for_what_cannot_be_computed_with_the_numbers(failure: Reply) -> None:
    assert failure.status == 422
    assert "3" in failure.json["detail"]


def test_a_failure_says_when_it_may_be_tried_again(failure: Reply) -> None:
    assert re.fullmatch(r"[1-9]\d*", failure.headers["retry-after"])


def test_a_failure_is_not_to_be_stored_by_caches(failure: Reply) -> None:
    assert failure.headers["cache-control"] == "no-store"


def test_a_failure_is_the_answer_for_a_while(api: Api, failure: Reply) -> None:
    again = api.get(failure.headers["content-location"])
    assert (again.status, again.body) == (failure.status, failure.body)


def test_what_cannot_be_computed_is_a_problem_of_its_own(api: Api, failure: Reply) -> None:
    assert failure.media_type == "application/problem+json"
    assert failure.json["type"] != api.post(ROUTE, {}).json["type"]
