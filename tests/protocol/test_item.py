"""What DynamoDB takes as a number, and what it would refuse."""

import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from backburner.protocol.item import attribute


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
