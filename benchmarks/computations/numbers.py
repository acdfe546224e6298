"""Adds numbers: a large body that is quickly validated."""

from pydantic import Field

from backburner import computation
from backburner.computation import DAY, Policy, Progress

POLICY = Policy(version=1, fresh_for=7 * DAY, stale_for=DAY, expected_time=1, time_limit=60)
EXAMPLE = {"numbers": [1, 2.5]}


class Parameters(computation.Parameters):
    numbers: list[float] = Field(max_length=100_000, description="What is added.")


class Result(computation.Result):
    total: float = Field(description="The sum.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    return Result(total=sum(parameters.numbers))
