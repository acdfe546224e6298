"""What DynamoDB takes as a number, what it would refuse, and items of other versions."""

import dataclasses
import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backburner.protocol.entry import Entry, Job
from backburner.protocol.item import attribute, read
from backburner.protocol.signature import Signature

EMPTY = Entry(signature=Signature("a" * 64), computation="doubling")
REQUIRED: dict[str, Any] = {
    "version": 1,
    "parameters": b"{}",
    "correlation_id": "request-1",
    "requested_at": 0,
    "expected_time": 1,
    "gives_up_at": 3600,
    "failure_kept_for": 60,
    "max_attempts": 3,
}
"""What every version has set in a job."""


@pytest.mark.parametrize(
    ("value", "stored"),
    [
        (0, "0"),
        (3, "3"),
        (-0.5, "-0.5"),
        (1_800_000_000.25, "1800000000.25"),
        (np.float64(0.1), "0.1"),
        (np.float32(0.5), "0.5"),
        (np.int64(7), "7"),
        (Fraction(1, 4), "0.25"),
        (10**37, "1" + 37 * "0"),
    ],
)
def test_a_real_number_is_stored_as_its_digits(value: Any, stored: str) -> None:
    assert attribute(value) == {"N": stored}


@pytest.mark.parametrize(
    "value", [math.inf, -math.inf, math.nan, np.float64("nan"), 1e300, 1e-200, 10**400, True]
)
def test_a_number_that_dynamodb_would_refuse_is_refused_here(value: Any) -> None:
    with pytest.raises(ValueError, match=r"is not a number for an item: .*; check it"):
        attribute(value)


@pytest.mark.parametrize("value", [Decimal(1), 1j, [1], None])
def test_what_is_no_value_of_an_entry_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="cannot be stored in an entry"):
        attribute(value)


def test_what_a_later_version_adds_to_a_job_is_ignored() -> None:
    job = Job(**REQUIRED, lane="async", progress=0.5)
    assert stored({**attribute(job)["M"], "region": {"S": "eu-north-1"}}) == job


def test_what_a_job_of_an_earlier_version_lacks_has_its_default() -> None:
    written = attribute(Job(**REQUIRED))["M"]
    added = {each.name for each in dataclasses.fields(Job)} - set(REQUIRED)
    assert stored({k: v for k, v in written.items() if k not in added}) == Job(**REQUIRED)


def stored(job: Any) -> Job | None:
    return read({"computation": {"S": "doubling"}, "job": {"M": job}}, EMPTY).job
