"""Waits as long as a server takes that answers in a second, and does nothing else."""

import asyncio

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, expected_time=1, time_limit=30)
EXAMPLE = {"number": 1}
SERVER_TAKES_S = 1


class Parameters(computation.Parameters):
    number: int = Field(description="Makes another signature.")


class Result(computation.Result):
    number: int = Field(description="Comes back.")


async def compute(parameters: Parameters, _progress: Progress) -> Result:
    await asyncio.sleep(SERVER_TAKES_S)
    return Result(number=parameters.number)
