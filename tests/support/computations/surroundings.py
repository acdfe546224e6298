"""Says what an environment variable is in its process."""

import os

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, time_limit=30)
EXAMPLE = {"name": "HOME"}


class Parameters(computation.Parameters):
    name: str = Field(description="Of the variable.")


class Result(computation.Result):
    value: str | None = Field(description="Its value, if it is set.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    return Result(value=os.environ.get(parameters.name))
