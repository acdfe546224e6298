"""Doubles a number: what a computation can be at its simplest. Negative ones it refuses."""

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress, Uncomputable

POLICY = Policy(
    version=1, fresh_for=600, stale_for=3600, expected_time=lambda given: given.takes, time_limit=30
)
EXAMPLE = {"number": 21}


class Parameters(computation.Parameters):
    number: float = Field(description="What is doubled.")
    label: str = Field("", description="Comes back as it is.")
    takes: float = Field(2, gt=0, description="How long it is said to take, in seconds.")
    weights: list[int] = Field([], description="Not used.")


class Result(computation.Result):
    doubled: float = Field(description="Twice the number.")
    label: str = Field(description="The label that came in.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    if parameters.number < 0:
        raise Uncomputable(f"{parameters.number} is negative; give a number of at least 0")
    progress(0.5)
    return Result(doubled=2 * parameters.number, label=parameters.label)
