"""Converts entries to DynamoDB items and back.

Unknown attributes are ignored and missing ones take their defaults, as entries outlive deploys.
"""

import dataclasses
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, TypeVar

from backburner.protocol.entry import Answer, Entry, Job

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import AttributeValueTypeDef

MIN_NUMBER, MAX_NUMBER = 1e-130, 1e38
"""DynamoDB's numbers have up to 38 digits, as do whole numbers under MAX_NUMBER."""

Facet = TypeVar("Facet", Answer, Job)


def attribute(value: object) -> "AttributeValueTypeDef":
    """A value in DynamoDB's form. Fields that are None are left out."""
    match value:
        case str():
            return {"S": value}
        case bytes():
            return {"B": value}
        case Real():
            return {"N": _number(value)}
        case Answer() | Job():
            return {"M": {k: attribute(v) for k, v in _facet(value).items() if v is not None}}
    raise TypeError(f"{value!r} cannot be stored in an entry; add its type here")


def _number(value: Real) -> str:
    """A number in DynamoDB's form. Real numbers come in many types, each with its own repr."""
    plain = int(value) if isinstance(value, Integral) else float(value)
    if isinstance(value, bool) or not (plain == 0 or MIN_NUMBER <= abs(plain) < MAX_NUMBER):
        raise ValueError(
            f"{value!r} is not a number for an item: 0, or {MIN_NUMBER} to under {MAX_NUMBER}; "
            "check it where it comes in"
        )
    return repr(plain)


def read(item: Mapping[str, Any], empty: Entry) -> Entry:
    """The entry in an item; `empty` if there is no item."""
    if not item:
        return empty
    return Entry(
        signature=empty.signature,
        computation=item["computation"]["S"],
        private_to=item.get("private_to", {}).get("S", ""),
        answer=_read_facet(Answer, item.get("answer")),
        job=_read_facet(Job, item.get("job")),
    )


def _facet(facet: Answer | Job) -> dict[str, object]:
    return {field.name: getattr(facet, field.name) for field in dataclasses.fields(facet)}


def _read_facet(kind: type[Facet], stored: Mapping[str, Any] | None) -> Facet | None:
    if stored is None:
        return None
    known = {field.name for field in dataclasses.fields(kind)}
    return kind(**{k: _value(v) for k, v in stored["M"].items() if k in known})


def _value(stored: Mapping[str, Any]) -> Any:
    [(kind, value)] = stored.items()
    if kind != "N":
        return value
    return int(value) if value.lstrip("-").isdigit() else float(value)
