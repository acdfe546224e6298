"""As many random letters as asked for: a result of any size, which hardly compresses."""

import base64
import random

from pydantic import Field

from backburner import computation
from backburner.computation import DAY, Policy, Progress

POLICY = Policy(version=1, fresh_for=600, stale_for=20 * DAY, time_limit=30)
EXAMPLE = {"size": 100}


class Parameters(computation.Parameters):
    size: int = Field(ge=4, le=30_000_000, multiple_of=4, description="How many letters.")
    same: bool = Field(False, description="All the same letter: these compress well.")


class Result(computation.Result):
    letters: str = Field(description="Base64.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    if parameters.same:
        return Result(letters="A" * parameters.size)
    noise = random.Random(parameters.size).randbytes(parameters.size // 4 * 3)
    return Result(letters=base64.b64encode(noise).decode())
