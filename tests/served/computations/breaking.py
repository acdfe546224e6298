"""Has a bug for as long as a file is there."""

from pathlib import Path

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, time_limit=30, expected_time=0.5, attempts=1)
EXAMPLE = {"bug": "/dev/null/bug"}


class Parameters(computation.Parameters):
    bug: str = Field(description="The file.")


class Result(computation.Result):
    works: bool = Field(description="It does.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    if Path(parameters.bug).exists():
        raise ArithmeticError("the bug is there")
    return Result(works=True)
