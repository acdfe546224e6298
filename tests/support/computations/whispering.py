"""Doubles a number for its caller alone: nobody else gets the answer."""

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, stale_for=3600, private=True)
EXAMPLE = {"number": 21}


class Parameters(computation.Parameters):
    number: float = Field(description="What is doubled.")


class Result(computation.Result):
    doubled: float = Field(description="Twice the number.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    return Result(doubled=2 * parameters.number)
