"""Asks to be shown in a way that nobody knows yet."""

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, expected_time=0.1)
EXAMPLE = {"number": 1}


class Parameters(computation.Parameters):
    number: int = Field(description="Any number.")


class Result(computation.Result, json_schema_extra={"x-shown-as": "hologram"}):
    number: int = Field(description="The same number.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    return Result(number=parameters.number)
