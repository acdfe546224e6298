"""What a computation hands over, checked and bounded where it enters: progress, result, reasons."""

import math
from typing import Any

from pydantic import BaseModel, ValidationError

from backburner.attempt.frames import MAX_REASON_BYTES
from backburner.computation import Computation
from backburner.errors import AttemptFailed, BackburnerError, where

SHOWN = 5
"""How many of the places where a result is not valid are told."""
MAX_REASON_LENGTH = MAX_REASON_BYTES // 4
"""Characters, of up to four bytes."""
DIGITS = 4
"""Decimals of a progress."""


def fraction(done: Any) -> float:
    """What is done, 0.0 to 1.0, whatever kind of number it comes as."""
    try:
        is_number = not math.isnan(done)  # takes what float() takes, but no text
    except (TypeError, ValueError, OverflowError):
        is_number = False
    if not is_number:
        what = "NaN" if isinstance(done, float) else f"the type {type(done).__name__}"
        raise AttemptFailed(f"calls progress with {what}; give a number from 0.0 to 1.0")
    return round(min(max(float(done), 0.0), 1.0), DIGITS)


def json_of(computation: Computation, found: object) -> bytes:
    """A result as JSON that its own model accepts: what was not validated when made is now."""
    if not isinstance(found, computation.result):
        raise AttemptFailed(f"returns the type {type(found).__name__}; return its own Result")
    json = found.model_dump_json(warnings=False).encode()
    del found
    try:
        computation.result.model_validate_json(json, strict=True)
    except ValidationError as error:
        raise AttemptFailed(
            f"returns a Result that is not valid at {_places(error, computation.result)}; "
            "make it with Result(…), and of what it declares"
        ) from None
    return json


def reason(error: BackburnerError) -> bytes:
    """Its text, cut off where it is too long."""
    text = str(error)
    return (text if len(text) <= MAX_REASON_LENGTH else text[: MAX_REASON_LENGTH - 1] + "…").encode(
        errors="replace"
    )


def crash(error: BaseException) -> bytes:
    """Where it was: the end of that, if it is long."""
    return b"crashed; mend it:\n" + where(error).encode(errors="replace")[100 - MAX_REASON_BYTES :]


def _places(error: ValidationError, model: type[BaseModel]) -> str:
    """Fields and what is wrong with them, without values: keys and unknown names may be some."""
    schema = model.model_json_schema()
    models = [schema, *schema.get("$defs", {}).values()]
    known = {name for each in models for name in each.get("properties", {})}
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    places = [
        ".".join(str(p) if isinstance(p, int) or p in known else "*" for p in each["loc"])
        + f" ({each['type']})"
        for each in wrong[:SHOWN]
    ]
    return ", ".join(places) + (" …" if len(wrong) > SHOWN else "")
