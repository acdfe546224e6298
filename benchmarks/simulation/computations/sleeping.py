"""Sleeps, and writes a line into a file for every run of it."""

import time
from pathlib import Path
from typing import Any

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress


def expected_time(given: Any) -> float:
    return float(given.seconds)


POLICY = Policy(version=1, fresh_for=3600, time_limit=30, expected_time=expected_time)
EXAMPLE = {"log": "/dev/null"}


class Parameters(computation.Parameters):
    log: str = Field(description="The file.")
    number: int = Field(0, description="Makes another signature.")
    seconds: float = Field(0.05, gt=0, description="How long it takes.")


class Result(computation.Result):
    number: int = Field(description="The number that came in.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    with Path(parameters.log).open("a") as log:
        log.write(f"{parameters.number}\n")
    time.sleep(parameters.seconds)
    return Result(number=parameters.number)
