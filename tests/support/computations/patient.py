"""Waits, as one does that fetches: for others of its kind, for a while, or for another attempt."""

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress, Setting, TryAgain, Uncomputable

POLICY = Policy(version=1, fresh_for=600, expected_time=0.1, time_limit=30, lane="waiting")
EXAMPLE = {"how": "waits"}
TOKEN = Setting("patience", default="a virtue")

begun: list[int] = []
"""The numbers of those that were begun in this process."""


class Parameters(computation.Parameters):
    how: Literal[
        "again", "blocks", "blocks_in_a_task", "cancels_itself", "dies", "exits", "exits_in_a_task",
        "forks", "leaves_a_task", "meets", "raises", "refuses", "stays", "tells", "waits",
    ] = Field(description="What it does.")  # fmt: skip
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


async def block(_parameters: Parameters) -> None:
    time.sleep(60)


async def die(_parameters: Parameters) -> None:
    os._exit(7)


async def leave(_parameters: Parameters) -> None:
    sys.exit(3)


async def cancel_itself(_parameters: Parameters) -> None:
    raise asyncio.CancelledError


async def stay(_parameters: Parameters) -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


async def in_a_task(what: Awaitable[None]) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(what)  # type: ignore[arg-type]


async def leave_a_task(parameters: Parameters) -> None:
    async def linger() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            Path(parameters.there, "cancelled").touch()

    lingering.append(asyncio.create_task(linger()))
    await asyncio.sleep(0.001)


async def fork(parameters: Parameters) -> None:
    """The child returns into the event loop."""
    os.fork()
    await asyncio.sleep(parameters.seconds)


lingering: list[asyncio.Task[None]] = []
ACTIONS: dict[str, Callable[[Parameters], Awaitable[None]]] = {
    "again": again,
    "blocks": block,
    "blocks_in_a_task": lambda given: in_a_task(block(given)),
    "cancels_itself": cancel_itself,
    "dies": die,
    "exits": leave,
    "exits_in_a_task": lambda given: in_a_task(leave(given)),
    "forks": fork,
    "leaves_a_task": leave_a_task,
    "meets": wait,
    "raises": crash,
    "refuses": refuse,
    "stays": stay,
    "tells": wait,
    "waits": wait,
}
