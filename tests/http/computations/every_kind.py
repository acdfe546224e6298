"""Counts what it is given: parameters of every kind that there is, for whoever makes requests up.

It takes whatever its schema allows, and it is done at once.
"""

from datetime import date
from enum import StrEnum
from typing import Literal
from uuid import UUID

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, stale_for=3600)
EXAMPLE = {"text": "a", "number": 1.5, "points": [{"x": 1, "y": 2}], "either": "high"}


class Colour(StrEnum):
    RED = "red"
    GREEN = "green"


class Point(computation.Parameters):
    x: float = Field(description="East.")
    y: float = Field(0, description="North.")
    next: "Point | None" = Field(None, description="A point after this one.")


class Parameters(computation.Parameters):
    text: str = Field(description="Any text.", max_length=100)
    number: float = Field(description="Any number.")
    share: float = Field(0.5, ge=0, lt=1, description="A number within bounds.")
    whole: int = Field(1, gt=-100, le=100, description="A whole number within bounds.")
    flag: bool = Field(False, description="Yes or no.")
    code: str = Field("ab", pattern="^[a-z]{2}$", description="Text in a form.")
    choice: Literal["low", "high"] = Field("low", description="One of two texts.")
    either: Literal["high"] | int = Field(1, description="A text or a number.")
    colour: Colour = Field(Colour.RED, description="One of two colours.")
    day: date | None = Field(None, description="A day, or none.")
    key: UUID | None = Field(None, description="A UUID, or none.")
    note: str | None = Field(None, description="Any text, or none.")
    numbers: list[int] = Field([], max_length=10, description="Some numbers.")
    points: list[Point] = Field([], max_length=3, description="Some points.")
    named: dict[str, bool] = Field({}, max_length=3, description="What is what.")
    pair: tuple[int, str] | None = Field(None, description="A number and a text, or nothing.")


class Result(computation.Result):
    count: int = Field(description="How many parameters have not their default.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    return Result(count=len(parameters.model_dump(exclude_defaults=True)))
