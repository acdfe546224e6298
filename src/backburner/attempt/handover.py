"""Checks and bounds what a computation hands over: its progress, result and reasons."""

import math
from collections.abc import Iterable
from decimal import Decimal
from json import loads
from typing import Any

from pydantic import BaseModel, ValidationError

from backburner.attempt import masking
from backburner.attempt.frames import MAX_REASON_BYTES
from backburner.computation import Computation, registry, written_form
from backburner.errors import AttemptFailed, BackburnerError
from backburner.telemetry import what, where

SHOWN = 5
"""How many invalid places of a result the message lists."""
MAX_REASON_LENGTH = MAX_REASON_BYTES // 4
"""In characters, each of up to four bytes."""
MAX_LINE_LENGTH = 500
"""Characters that say in one line what was raised."""
DIGITS = 4
"""Decimal places of a progress."""
NO_NUMBERS = (None, "NaN", "-NaN", "sNaN", "-sNaN", "Infinity", "-Infinity")
"""What pydantic writes for a number that JSON lacks, where a field may have any type."""


def fraction(done: Any) -> float:
    """The progress as a float from 0.0 to 1.0, from any kind of number."""
    try:
        is_number = not math.isnan(done)  # takes what float() takes, except text
    except (TypeError, ValueError, OverflowError):
        is_number = False
    if not is_number:
        what = "NaN" if isinstance(done, float) else f"the type {type(done).__name__}"
        raise AttemptFailed(f"calls progress with {what}; give a number from 0.0 to 1.0")
    return round(min(max(float(done), 0.0), 1.0), DIGITS)


def json_of(computation: Computation, found: object) -> bytes:
    """The result as JSON, validated here: a model can be made without validation."""
    if not isinstance(found, computation.result):
        raise AttemptFailed(f"returns the type {type(found).__name__}; return its own Result")
    json = found.model_dump_json(by_alias=True, warnings=False).encode()
    _refuse_no_numbers(found, json)
    del found
    try:
        written_form.validate(computation.result, json)
    except ValidationError as error:
        raise AttemptFailed(
            f"returns a Result that is not valid at {_places(error, computation.result)}; "
            "make it with Result(…), and of what it declares"
        ) from None
    masking.check(json)
    return json


def _refuse_no_numbers(found: BaseModel, json: bytes) -> None:
    """Refuse NaN and infinities; a result without null and such text has none."""
    if any(text in json for text in (b"null", b"NaN", b"Infinity")):
        written = loads(json, parse_constant=lambda _: None)
        if _has_no_number(found.model_dump(warnings=False), written):
            raise AttemptFailed("returns a Result with NaN or an infinity; give None instead")


def _has_no_number(value: Any, written: Any) -> bool:
    if isinstance(value, dict) and isinstance(written, dict):
        return any(map(_has_no_number, value.values(), written.values()))
    if isinstance(written, list) and isinstance(value, Iterable):
        return any(map(_has_no_number, value, written))
    return isinstance(value, float | Decimal) and written in NO_NUMBERS


def reason(error: BackburnerError) -> bytes:
    """The error's text, shortened if it is too long."""
    text = masking.masked(str(error))
    return (text if len(text) <= MAX_REASON_LENGTH else text[: MAX_REASON_LENGTH - 1] + "…").encode(
        errors="replace"
    )


def crash(error: BaseException) -> bytes:
    """What was raised, in a line; then its traceback, of which only the end if it is long."""
    folders = registry.path()
    said = masking.masked(what(error, folders)).partition("\n")[0][:MAX_LINE_LENGTH]
    line = f"{said}\n".encode(errors="replace")
    trace = masking.masked(where(error, folders)).encode(errors="replace")
    return line + trace[len(line) - MAX_REASON_BYTES :]


def _places(error: ValidationError, model: type[BaseModel]) -> str:
    """Each invalid field and its error. Keys and unknown names become `*`: they are values."""
    schema = model.model_json_schema(mode="serialization")
    models = [schema, *schema.get("$defs", {}).values()]
    known = {name for each in models for name in each.get("properties", {})}
    wrong = error.errors(include_input=False, include_url=False, include_context=False)
    places = [
        ".".join(str(p) if isinstance(p, int) or p in known else "*" for p in each["loc"])
        + f" ({each['type']})"
        for each in wrong[:SHOWN]
    ]
    return ", ".join(places) + (" …" if len(wrong) > SHOWN else "")
