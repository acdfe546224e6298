"""Questions that nobody has asked before, made from a computation's example."""

import random
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import islice
from math import prod
from typing import Any

from backburner.development.suites.api import Api

Path = tuple[str | int, ...]
"""Where a value is in the example."""
MAX_VARIED = 3
"""So many values are enough, and finding each asks a question."""
SPANS = (10**12, 10**6, 10**4, 900, 90, 30)
"""How far a number may be from the example's, the widest first: until one is allowed."""
ENOUGH = 10**6
"""Questions, so that hardly any is asked twice, also by another run."""
MAX_DAYS = 5000
"""How far a date may be before the example's."""
DATE = re.compile(r"\d{4}-\d\d-\d\d")
dice = random.SystemRandom()


@dataclass(frozen=True)
class Questions:
    """Questions to the computation at `route`. Each differs from the example in some values."""

    route: str
    example: dict[str, Any]
    spans: Mapping[Path, int]
    """Of the values that differ."""

    asked: list[dict[str, Any]] = field(default_factory=list)

    @property
    def room(self) -> int:
        """About how many questions there are; texts and dates count as their numbers would."""
        return prod(self.spans.values())

    def __call__(self) -> dict[str, Any]:
        while True:
            question = deepcopy(self.example)
            for path, span in self.spans.items():
                put(question, path, another(at(self.example, path), span))
            if question not in self.asked or len(self.asked) >= self.room / 2:
                self.asked.append(question)
                return question


def questions_to(api: Api, wanted: str = "") -> Questions:
    """Of the wanted computation, or of the first that answers its example and that may be asked
    with enough other values in it; else of that with most."""
    found = []
    for listed in api.get("/v1").json["computations"]:
        if wanted in ("", listed["name"]):
            route, example = f"/v1/{listed['name']}", listed["example"]
            spans = dict(islice(find_spans(api, route, example), MAX_VARIED))
            if spans and api.answer(example, route).status == 200:
                found.append(Questions(route, example, spans))
                if found[-1].room >= ENOUGH:
                    break
    if found:
        return max(found, key=lambda questions: questions.room)
    raise LookupError(
        f"no computation {wanted} answers its example and has a text, number or date in it that "
        "may be another; mend it, or widen its parameters"
    )


def find_spans(api: Api, route: str, example: dict[str, Any]) -> Iterator[tuple[Path, int]]:
    """Each value that may be another, with the widest span that is allowed."""
    for path in leaves(example):
        value = at(example, path)
        for span in SPANS if isinstance(value, int) else SPANS[:1]:
            question = deepcopy(example)
            put(question, path, furthest(value, span))
            if api.post(route, question).status in (200, 202):
                yield path, span
                break


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    match value:
        case dict():
            for name, inner in value.items():
                yield from leaves(inner, (*path, name))
        case list():
            for index, inner in enumerate(value):
                yield from leaves(inner, (*path, index))
        case bool():
            return
        case str() | int() | float():
            yield path


def another(value: str | float, span: int) -> str | float:
    """A value of the same kind that is hardly ever the same twice."""
    match value:
        case str() if DATE.fullmatch(value):
            return days_before(value, dice.randrange(1, MAX_DAYS))
        case str():
            return f"{value} {dice.getrandbits(48):x}"
        case int():
            return value + dice.randrange(1, span)
    return round(value + dice.random() / 1000, 9)


def furthest(value: str | float, span: int) -> str | float:
    """If this is allowed, so is every other that `another` makes."""
    match value:
        case str() if DATE.fullmatch(value):
            return days_before(value, MAX_DAYS)
        case int():
            return value + span
    return another(value, span)


def days_before(value: str, days: int) -> str:
    return str(date.fromisoformat(value) - timedelta(days=days))


def at(value: Any, path: Path) -> Any:
    for step in path:
        value = value[step]
    return value


def put(question: Any, path: Path, value: object) -> None:
    *above, last = path
    at(question, tuple(above))[last] = value
