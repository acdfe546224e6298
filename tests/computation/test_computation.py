"""What a policy may say, and what a computation may expect."""

import math
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backburner.computation import BOUNDS, Computation, Policy, registry
from backburner.errors import BrokenComputation


def policy(**values: Any) -> Policy:
    return Policy(**{"version": 1, "fresh_for": 600, **values})


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"fresh_for": 59}, "under 60 s"),
        ({"failure_kept_for": 1}, "under 60 s"),
        ({"version": 0}, "not positive"),
        ({"attempts": 0}, "not positive"),
        ({"time_limit": 4000}, "longer"),
        ({"stale_for": -1}, "is negative; give 0 or more"),
        ({"time_limit": 0}, "not positive"),
        ({"expected_time": 0}, "not positive"),
        ({"expected_time": -1}, "not positive"),
        ({"version": 1.5}, "not whole"),
        ({"attempts": 2.0}, "not whole"),
        ({"attempts": 101}, "over 100; give 100 or less"),
        ({"private": "no"}, "neither True nor False"),
    ],
)
def test_a_policy_that_would_hurt_clients_is_refused(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        policy(**wrong)


@pytest.mark.parametrize("name", BOUNDS)
@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, math.nan, np.float64("nan"), "600", None, True, 1j, [1]]
)
def test_what_is_no_finite_number_is_refused_in_every_field(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=rf"^{name}=.* is not a finite number; give one"):
        policy(**{name: value})


@pytest.mark.parametrize("name", BOUNDS)
def test_every_field_has_a_most(name: str) -> None:
    with pytest.raises(ValueError, match=rf"{name}=.* is over"):
        policy(**{name: 10**16})


def test_an_expected_time_that_is_none_is_refused() -> None:
    policy = Policy(version=1, fresh_for=600, expected_time=lambda _: 0)
    broken = replace(registry.load("doubling"), policy=policy)
    with pytest.raises(BrokenComputation, match="expected_time=0 of doubling is not positive"):
        broken.expected_time(broken.parameters.model_validate(broken.example))


def expecting(expected_time: Any) -> Computation:
    policy = Policy(version=1, fresh_for=600, expected_time=lambda _: expected_time)
    return replace(registry.load("doubling"), policy=policy)


@pytest.mark.parametrize(
    ("expected_time", "what"),
    [(math.inf, "float"), (math.nan, "float"), ("3", "str"), (None, "NoneType"), (True, "bool")],
)
def test_an_expected_time_that_is_no_finite_number_is_refused(
    expected_time: Any, what: str
) -> None:
    broken = expecting(expected_time)
    with pytest.raises(BrokenComputation, match=f"doubling gives a {what}, not a finite"):
        broken.expected_time(broken.parameters.model_validate(broken.example))


@pytest.mark.parametrize(
    ("said", "expected"),
    [(np.float64(2), 2), (np.int64(3), 3), (1e308, 3600), (10**400, 3600), (5e-324, 0.001)],
)
def test_an_expected_time_is_plain_and_no_longer_than_until_the_job_is_given_up(
    said: Any, expected: float
) -> None:
    bounded = expecting(said)
    found = bounded.expected_time(bounded.parameters.model_validate(bounded.example))
    assert (type(found), found) == (float, expected)


def test_an_expected_time_that_raises_is_a_broken_computation() -> None:
    def expected_time(_: object) -> float:
        raise ZeroDivisionError("mark-7d1f")

    policy = Policy(version=1, fresh_for=600, expected_time=expected_time)
    broken = replace(registry.load("doubling"), policy=policy)
    with pytest.raises(BrokenComputation, match="of doubling raises ZeroDivisionError") as caught:
        broken.expected_time(broken.parameters.model_validate(broken.example))
    assert re.search(rf" at {re.escape(__file__)}, line \d+; mend it$", str(caught.value))
    assert "mark" not in str(caught.value)


def test_an_expected_time_that_cannot_be_called_with_parameters_is_a_broken_computation() -> None:
    policy = Policy(version=1, fresh_for=600, expected_time=lambda: 1)  # type: ignore[misc, arg-type]
    broken = replace(registry.load("doubling"), policy=policy)
    with pytest.raises(BrokenComputation, match="of doubling raises TypeError; mend it"):
        broken.expected_time(broken.parameters.model_validate(broken.example))
