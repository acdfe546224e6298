"""Sleeps for some milliseconds: a short job that leaves the processor to what is measured."""

import os
import time

from pydantic import Field

from backburner import computation
from backburner.computation import DAY, Policy, Progress

POLICY = Policy(version=1, fresh_for=7 * DAY, stale_for=DAY, expected_time=0.05, time_limit=120)
EXAMPLE = {"number": 1, "seconds": 0.05}


class Parameters(computation.Parameters):
    number: int = Field(description="Tells questions apart.")
    seconds: float = Field(default=0.05, ge=0, le=110, description="How long it sleeps.")


class Result(computation.Result):
    number: int = Field(description="The same.")


def compute(parameters: Parameters, progress: Progress) -> Result:
    with open(os.environ["COMPUTED"], "a") as computed:  # noqa: PTH123 - as the peers do it
        computed.write(f"{parameters.number}\n")
    time.sleep(parameters.seconds)
    return Result(number=parameters.number)
