"""Keeps the values of a computation's secrets out of what an attempt hands over."""

import json

from pydantic_core import to_json

from backburner.computation import Secret, declared
from backburner.errors import AttemptFailed

MASK = "***"
MIN_FOUND = 8
"""Characters. A shorter value may be in a result by chance."""


def masked(text: str) -> str:
    """The text with *** for each secret, also where it is as repr() or JSON writes it."""
    forms = {form for value in _secrets().values() for form in _forms(value)}
    for form in sorted(forms - {""}, key=len, reverse=True):
        text = text.replace(form, MASK)
    return text


def check(result: bytes) -> None:
    """Raise AttemptFailed if the result, as JSON, contains a secret."""
    for secret, value in _secrets().items():
        if len(value) >= MIN_FOUND and to_json(value)[1:-1] in result:
            raise AttemptFailed(
                f"returns a result that contains the secret {secret.name!r}; leave it out"
            )


def _secrets() -> declared.Values:
    return {each: v for each, v in declared.values().items() if isinstance(each, Secret)}


def _forms(value: str) -> set[str]:
    as_json = {json.dumps(value), json.dumps(value, ensure_ascii=False)}
    return {value, *(text[1:-1] for text in (repr(value), *as_json))}
