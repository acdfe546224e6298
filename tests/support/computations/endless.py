"""Never comes to an end by itself, and reports its progress while at it."""

import time

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, time_limit=30)
EXAMPLE = {"quiet": False}


class Parameters(computation.Parameters):
    quiet: bool = Field(False, description="Reports no progress.")


class Result(computation.Result):
    never: int = Field(description="It does not come to that.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    done = 0.0
    while True:
        time.sleep(0.001)
        done += (1 - done) / 10
        if not parameters.quiet:
            progress(done)
