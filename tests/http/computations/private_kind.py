"""Counts failed jobs for its caller alone: private answers, for whoever makes requests up.

It takes whatever its schema allows, and it is done at once.
"""

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, stale_for=3600, private=True)
EXAMPLE = {"text": "a"}


class Parameters(computation.Parameters):
    text: str = Field(description="Any text.", max_length=100)


class Result(computation.Result):
    failed_jobs: int = Field(description="How many there are.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    return Result(failed_jobs=len(parameters.text))
