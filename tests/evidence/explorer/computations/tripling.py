"""Triples a number, with a policy whose times lie close together: every order of them happens."""

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(
    version=1,
    fresh_for=60,
    stale_for=70,
    failure_kept_for=60,
    expected_time=2,
    time_limit=40,
    attempts=2,
    gives_up_after=130,
)
EXAMPLE = {"number": 7}


class Parameters(computation.Parameters):
    number: int = Field(description="What is tripled.")


class Result(computation.Result):
    tripled: int = Field(description="Three times the number.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    return Result(tripled=3 * parameters.number)
