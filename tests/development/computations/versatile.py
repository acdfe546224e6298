"""Does as it is told: what a computation may do while its author works on it."""

import math
import sys
from typing import Any, Literal

from pydantic import Field, field_validator

from backburner import computation
from backburner.computation import Policy, Progress, Uncomputable

POLICY = Policy(version=1, fresh_for=600, expected_time=2, time_limit=60)
EXAMPLE = {"how": "returns"}


class Parameters(computation.Parameters):
    how: Literal[
        "breaks", "exits", "interrupted", "misreports", "prints", "raises", "refuses",
        "returns", "reports", "validates", "wrong",
    ] = Field(description="What it does.")  # fmt: skip
    number: float = Field(1, description="Comes back.")

    @field_validator("how")
    @classmethod
    def _reads(cls, how: str) -> str:
        if how == "validates":
            raise ZeroDivisionError
        return how


class Result(computation.Result):
    number: float = Field(description="The number.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    act(parameters, progress)
    if parameters.how == "wrong":
        return Result.model_construct(None, number="none")  # type: ignore[arg-type]
    return Result(number=parameters.number)


def act(parameters: Parameters, progress: Progress) -> None:
    actions: dict[str, Any] = {
        "breaks": breakpoint,
        "exits": lambda: sys.exit(7),
        "misreports": lambda: progress(math.nan),
        "prints": lambda: print("printed"),  # noqa: T201
        "raises": lambda: fails(parameters.number),
        "refuses": lambda: refuses(parameters.number),
        "reports": lambda: reports(progress),
        "interrupted": interrupt,
    }
    if parameters.how in actions:
        actions[parameters.how]()


def reports(progress: Progress) -> None:
    for done in range(101):
        progress(done / 100)


def fails(number: float) -> None:
    raise ArithmeticError(f"it was {number}")


def refuses(number: float) -> None:
    raise Uncomputable(f"{number} is too much; ask for less")


def interrupt() -> None:
    raise KeyboardInterrupt
