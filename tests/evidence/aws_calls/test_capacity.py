"""What DynamoDB bills, as its documentation says."""

from typing import Any

import pytest

from tests.support.aws_calls.capacity import read_units, size_of_item, write_units


@pytest.mark.parametrize(("size", "units"), [(0, 0.5), (4096, 0.5), (4097, 1), (400 * 1024, 50)])
def test_a_read_is_billed_by_4_kb_half_as_much_unless_it_is_consistent(
    size: int, units: float
) -> None:
    assert read_units(size, consistent=False) == units
    assert read_units(size, consistent=True) == 2 * units


@pytest.mark.parametrize(
    ("before", "after", "units"), [(0, 0, 1), (0, 1024, 1), (1025, 10, 2), (10, 3000, 3)]
)
def test_a_write_is_billed_by_the_larger_of_before_and_after(
    before: int, after: int, units: float
) -> None:
    assert write_units(before, after) == units


def test_an_item_is_as_large_as_its_names_and_values() -> None:
    item: dict[str, dict[str, Any]] = {
        "signature": {"S": "ä"},
        "n": {"N": "-1800000600.25"},
        "zero": {"N": "0.0"},
        "b": {"B": b"12345"},
        "map": {"M": {"a": {"BOOL": True}, "l": {"L": [{"N": "1"}, {"NULL": True}]}}},
    }
    names, scalars = 9 + 1 + 4 + 1 + 3, 2 + 7 + 1 + 5
    nested = 3 + 2 + (1 + 1) + (1 + 3 + 2 + 2 + 1)
    assert size_of_item(item) == names + scalars + nested
