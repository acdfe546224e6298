"""What DynamoDB bills for a call, by the rules that it publishes.

Sizes: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
Units: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
moto says one unit, or half a one, whatever the item: it cannot be asked.
"""

from collections.abc import Mapping
from math import ceil
from typing import Any

KILOBYTE = 1024
READ, WRITTEN = 4 * KILOBYTE, KILOBYTE
"""Bytes in a unit."""


def read_units(size: int, *, consistent: bool) -> float:
    """Of the whole item, whatever part is asked for; one that is not there counts as well."""
    return max(1, ceil(size / READ)) * (1.0 if consistent else 0.5)


def write_units(before: int, after: int) -> float:
    """Of the larger of what was there and what is there; a write whose condition fails counts."""
    return float(max(1, ceil(max(before, after) / WRITTEN)))


def size_of_item(item: Mapping[str, Mapping[str, Any]]) -> int:
    """In bytes: names and values, as the API has them ({"S": "…"})."""
    return sum(len(name.encode()) + size_of_value(value) for name, value in item.items())


def size_of_value(value: Mapping[str, Any]) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(content.encode())
        case "N":
            return ceil(len(content.strip("-").replace(".", "").strip("0")) / 2) + 1
        case "B":
            return len(content)
        case "NULL" | "BOOL":
            return 1
        case "L":
            return 3 + sum(1 + size_of_value(each) for each in content)
        case "M":
            return 3 + len(content) + size_of_item(content)
    raise ValueError(f"an attribute of type {kind}: no entry of ours has one; add its size here")
