"""Waits, as one does that fetches: for others of its kind, for a while, or for another attempt."""

import asyncio
from typing import Literal

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress, TryAgain, Uncomputable

POLICY = Policy(version=1, fresh_for=600, expected_time=0.1, time_limit=30, lane="waiting")
EXAMPLE = {"how": "waits"}

begun: list[int] = []
"""The numbers of those that were begun in this process."""


class Parameters(computation.Parameters):
    how: Literal["again", "meets", "raises", "refuses", "waits"] = Field(
        description="What it does."
    )
    number: int = Field(0, description="Makes another signature.")
    others: int = Field(0, description="How many of its kind it waits for.")
    seconds: float = Field(0.01, description="How long it waits, or when it is tried again.")


class Result(computation.Result):
    met: int = Field(description="How many were begun in its process when it ended.")


async def compute(parameters: Parameters, progress: Progress) -> Result:
    begun.append(parameters.number)
    progress(0.5)
    match parameters.how:
        case "again":
            raise TryAgain("the origin is busy", after=parameters.seconds)
        case "raises":
            raise ArithmeticError("as asked")
        case "refuses":
            raise Uncomputable("as asked")
        case "meets":
            while len(begun) <= parameters.others:
                await asyncio.sleep(0.001)
        case "waits":
            await asyncio.sleep(parameters.seconds)
    return Result(met=len(begun))
