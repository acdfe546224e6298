"""Sleeps, and says when it was done."""

import time

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

STEPS = 20
POLICY = Policy(version=1, fresh_for=600, time_limit=60, expected_time=0.5)
EXAMPLE = {"number": 1}


class Parameters(computation.Parameters):
    number: int = Field(description="Makes another signature.")
    seconds: float = Field(0.5, ge=0, le=50, description="How long it takes.")
    tells: bool = Field(False, description="Whether it tells its progress.")


class Result(computation.Result):
    done_at: float = Field(description="When it was done, in seconds since the epoch.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    for step in range(STEPS):
        time.sleep(parameters.seconds / STEPS)
        if parameters.tells:
            progress((step + 1) / STEPS)
    return Result(done_at=time.time())
