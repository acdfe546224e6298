"""Waits, as one does that fetches: for others of its kind, for a while, or for another attempt."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress, Setting, TryAgain, Uncomputable

POLICY = Policy(version=1, fresh_for=600, expected_time=0.1, time_limit=30)
EXAMPLE = {"how": "waits"}
TOKEN = Setting("patience", default="a virtue")

begun: list[int] = []
"""The numbers of those that were begun in this process."""


class Parameters(computation.Parameters):
    how: Literal[
        "again", "dies", "leaves_a_task", "meets", "raises", "refuses", "tells", "waits"
    ] = Field(description="What it does.")
    number: int = Field(0, description="Makes another signature.")
    others: int = Field(0, description="How many of its kind it waits for.")
    there: str = Field("", description="A folder for a note that it was begun.")
    seconds: float = Field(0.01, description="How long it waits, or when it is tried again.")


class Result(computation.Result):
    met: int = Field(description="How many were begun in its process when it ended.")
    process: int = Field(description="The process that it ended in.")
    told: str = Field("", description="What its setting says.")


async def compute(parameters: Parameters, progress: Progress) -> Result:
    begun.append(parameters.number)
    if parameters.there:
        Path(parameters.there, f"{parameters.number}-{os.getpid()}").touch()
    progress(0.5)
    while len(begun) <= parameters.others:
        await asyncio.sleep(0.001)
    await ACTIONS[parameters.how](parameters)
    told = TOKEN.value if parameters.how == "tells" else ""
    return Result(met=len(begun), process=os.getpid(), told=told)


async def wait(parameters: Parameters) -> None:
    await asyncio.sleep(parameters.seconds)


async def again(parameters: Parameters) -> None:
    raise TryAgain("the origin is busy", after=parameters.seconds)


async def refuse(_parameters: Parameters) -> None:
    raise Uncomputable("as asked")


async def crash(_parameters: Parameters) -> None:
    raise ArithmeticError("as asked")


async def die(_parameters: Parameters) -> None:
    os._exit(7)


async def leave_a_task(parameters: Parameters) -> None:
    async def linger() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            Path(parameters.there, "cancelled").touch()

    lingering.append(asyncio.create_task(linger()))
    await asyncio.sleep(0.001)


lingering: list[asyncio.Task[None]] = []
ACTIONS: dict[str, Callable[[Parameters], Awaitable[None]]] = {
    "again": again,
    "dies": die,
    "leaves_a_task": leave_a_task,
    "meets": wait,
    "raises": crash,
    "refuses": refuse,
    "tells": wait,
    "waits": wait,
}
