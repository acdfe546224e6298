"""Always crashes: raises, or kills its own process."""

import os
import signal
from typing import Literal

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, time_limit=30, attempts=2)
EXAMPLE = {"how": "raise"}


class Parameters(computation.Parameters):
    how: Literal["raise", "die"] = Field(description="What happens.")
    salt: int = Field(0, description="Makes another signature.")


class Result(computation.Result):
    never: int = Field(description="It does not come to that.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    if parameters.how == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    raise ArithmeticError(f"crashing as asked, with {parameters.salt}")
