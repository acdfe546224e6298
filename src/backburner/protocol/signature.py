"""Signs a question: all ways to write the same question have the same signature."""

import hashlib
import json
import re
from typing import Any, NewType

Signature = NewType("Signature", str)
"""The key of an entry: SHA-256, in hex, of computation, version and canonical parameters."""

MAX_PLAIN = 1e21
"""From here on a whole float is written as a float: 1e300 has 301 digits."""

FORM = re.compile(r"[0-9a-f]{64}", re.ASCII)


def sign(computation: str, version: int, parameters: bytes, private_to: str = "") -> Signature:
    """The signature of a question; `parameters` are validated and canonical.

    If answers are private, the caller is part of the question.
    """
    whose = [private_to] if private_to else []
    question = canonical([computation, version, *whose]) + b"\n" + parameters
    return Signature(hashlib.sha256(question).hexdigest())


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
