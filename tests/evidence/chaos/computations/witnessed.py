"""Raises 3 to a power, slowly, and notes in a file when it begins and when it is done."""

import json
import os
import time
from multiprocessing import parent_process
from pathlib import Path

from pydantic import Field

from backburner import computation
from backburner.computation import HOUR, Policy, Progress

MODULUS = 2**61 - 1

POLICY = Policy(
    version=1,
    fresh_for=HOUR,
    time_limit=30,
    expected_time=lambda given: given.seconds,
    attempts=100,
)
EXAMPLE = {"number": 5, "seconds": 0.1, "notes": "/dev/null"}


class Parameters(computation.Parameters):
    number: int = Field(description="The exponent.")
    seconds: float = Field(gt=0, description="How long it takes.")
    notes: str = Field(description="The file.")


class Result(computation.Result):
    power: int = Field(description="3 to that power, modulo 2 to the 61st less 1.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    note(parameters, "begins")
    time.sleep(parameters.seconds)
    power = pow(3, parameters.number, MODULUS)
    note(parameters, "done")
    return Result(power=power)


def note(parameters: Parameters, what: str) -> None:
    """One short write to the end of the file: processes do not come between one another."""
    parent = parent_process()  # of a job in an event loop, too
    line = {
        "what": what,
        "number": parameters.number,
        "worker": parent.pid if parent else None,
        "process": os.getpid(),
        "at": time.time(),
    }
    with Path(parameters.notes).open("a") as notes:
        notes.write(json.dumps(line) + "\n")
