"""Writes equal values as the same JSON: what is signed, and what a result is compared by."""

import json
from typing import Any

MAX_PLAIN = 1e21
"""From here on a whole float is written as a float: 1e300 has 301 digits."""


def canonical(value: Any) -> bytes:
    """JSON in the one form that equal values share: sorted keys, no spaces, 1.0 written as 1."""
    return json.dumps(
        _with_plain_numbers(value), sort_keys=True, separators=(",", ":"), allow_nan=False
    ).encode("ascii")


def _with_plain_numbers(value: Any) -> Any:
    match value:
        case float():
            return plain(value)
        case dict():
            return {key: _with_plain_numbers(inner) for key, inner in value.items()}
        case list() | tuple():
            return [_with_plain_numbers(inner) for inner in value]
        case _:
            return value


def plain(number: float) -> int | float:
    """Turn 1.0 into 1, the same number."""
    return int(number) if number.is_integer() and abs(number) < MAX_PLAIN else number
