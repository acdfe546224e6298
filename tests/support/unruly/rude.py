"""Does to its batch what a job of the async lane should not; `good` is its neighbour.

`there` is a folder of the test, where each notes in which processes it has begun.
"""

import asyncio
import atexit
import ctypes
import faulthandler
import gc
import multiprocessing
import os
import re
import resource
import signal
import socket
import sys
import time
from collections.abc import Awaitable
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

from pydantic import Field

from backburner import computation
from backburner.attempt.alone import Teller
from backburner.computation import Policy, Progress, Uncomputable

POLICY = Policy(version=1, fresh_for=600, time_limit=30)
EXAMPLE = {"how": "good", "there": "."}


class Parameters(computation.Parameters):
    how: str = Field(description="The name of a function below.")
    number: int = Field(0, description="Its place in the batch.")
    others: int = Field(0, description="How many of the batch begin before it goes on.")
    there: str = Field(description="A folder.")


class Result(computation.Result):
    how: str = Field(description="What it did.")
    size: str = Field("", description="As much as it was to give.")


class Unheard(BaseException):
    """Of no kind that anybody catches."""


async def compute(parameters: Parameters, progress: Progress) -> Result:
    there = Path(parameters.there)
    (there / f"{parameters.number}-{os.getpid()}").touch()
    while len({each.name.partition("-")[0] for each in there.iterdir()}) <= parameters.others:
        await asyncio.sleep(0.001)
    did: Any = globals()[parameters.how](progress)
    if isinstance(did, Awaitable):
        did = await did
    return did or Result(how=parameters.how)


async def good(_: Progress) -> Result:
    """Uses all that a neighbour might break or keep for itself."""
    await asyncio.sleep(0.1)
    loop = asyncio.get_running_loop()
    await loop.getaddrinfo("localhost", 80)
    return Result(how="good", size=await asyncio.to_thread("large".__mul__, 1_000_000))


async def waits(_: Progress) -> None:
    await asyncio.sleep(3)


# it keeps the loop


def blocks(_: Progress) -> None:
    time.sleep(60)


def blocks_for_a_while(_: Progress) -> None:
    time.sleep(4)


async def blocks_in_a_callback(_: Progress) -> None:
    asyncio.get_running_loop().call_soon(time.sleep, 60)
    await asyncio.sleep(60)


async def blocks_in_a_task(_: Progress) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(asyncio.sleep(0)).add_done_callback(lambda _: time.sleep(60))


def keeps_the_interpreter(_: Progress) -> None:
    re.match("(a+)+b", "a" * 40)


# it breaks the loop


async def stops_the_loop(_: Progress) -> None:
    asyncio.get_running_loop().stop()
    await asyncio.sleep(60)


async def closes_the_loop(_: Progress) -> None:
    loop = asyncio.get_running_loop()
    vars(loop)["_thread_id"] = None  # as if it did not run
    loop.close()


async def forgets_all_timers(_: Progress) -> None:
    asyncio.get_running_loop()._scheduled.clear()  # type: ignore[attr-defined]
    await asyncio.sleep(60)


async def cancels_everybody(_: Progress) -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(60)


async def cancels_itself(_: Progress) -> None:
    raise asyncio.CancelledError


async def does_not_let_itself_be_cancelled(_: Progress) -> None:
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            continue


async def shuts_the_executor(_: Progress) -> None:
    await asyncio.get_running_loop().shutdown_default_executor()


async def fills_the_executor(_: Progress) -> None:
    await asyncio.gather(*(asyncio.to_thread(time.sleep, 60) for _ in range(50)))


async def looks_up_silent_names(_: Progress) -> None:
    loop = asyncio.get_running_loop()
    await asyncio.gather(*(loop.getaddrinfo("silent.test", n) for n in range(50)))


async def stops_the_clock(_: Progress) -> None:
    time.monotonic = float
    await asyncio.sleep(60)


def breaks_asyncio(_: Progress) -> None:
    vars(asyncio)["to_thread"] = vars(socket)["getaddrinfo"] = None


async def handles_errors_badly(_: Progress) -> None:
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda *_: os._exit(5))
    loop.call_soon(int, "none")
    await asyncio.sleep(60)


def sets_another_policy(_: Progress) -> None:
    vars(asyncio.events)["_event_loop_policy"] = object()


# it ends the process


def exits(_: Progress) -> None:
    os._exit(7)


def aborts(_: Progress) -> None:
    faulthandler.disable()
    os.abort()


def crashes_in_c(_: Progress) -> None:
    faulthandler.disable()
    ctypes.string_at(0)


async def crashes_in_a_thread(_: Progress) -> None:
    faulthandler.disable()
    Thread(target=ctypes.string_at, args=[0]).start()
    await asyncio.sleep(60)


def raises_system_exit(_: Progress) -> None:
    sys.exit(3)


async def raises_system_exit_in_a_task(_: Progress) -> None:
    async def leave() -> None:
        sys.exit(3)

    async with asyncio.TaskGroup() as group:
        group.create_task(leave())


def interrupts(_: Progress) -> None:
    raise KeyboardInterrupt


def kills_itself(_: Progress) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kills_its_group(_: Progress) -> None:
    os.killpg(0, signal.SIGKILL)


def stops_itself(_: Progress) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def terminates_itself(_: Progress) -> None:
    os.kill(os.getpid(), signal.SIGTERM)


async def sets_an_alarm(_: Progress) -> None:
    signal.setitimer(signal.ITIMER_REAL, 0.01)
    await asyncio.sleep(60)


def becomes_another_program(_: Progress) -> None:
    os.execv("/bin/false", ["false"])  # noqa: S606


# it starts processes and threads


async def forks_and_returns(_: Progress) -> Result:
    """Hears from the process if the loop goes on there, too."""
    ours, theirs = os.pipe()
    child = os.fork()
    await asyncio.sleep(0.1)
    if child == 0:
        os.write(theirs, b"is back in the loop")
    os.close(theirs)
    heard = await asyncio.to_thread(os.read, ours, 100)
    return Result(how=heard.decode() or "forks_and_returns")


def forks_and_dies(_: Progress) -> None:
    """The process that it leaves holds all pipes."""
    if os.fork() == 0:
        time.sleep(60)
    os._exit(7)


async def multiplies(_: Progress) -> None:
    for _n in range(50):
        if os.fork() == 0:
            time.sleep(60)


async def has_children(_: Progress) -> Result:
    """As it may."""
    ours, theirs = multiprocessing.Pipe()
    child = multiprocessing.get_context("fork").Process(target=theirs.send, args=["from a child"])
    child.start()
    child.join()
    return Result(how=ours.recv())


def starts_threads(_: Progress) -> None:
    for _n in range(100):
        Thread(target=time.sleep, args=[60]).start()


async def starts_tasks(_: Progress) -> None:
    async def spin() -> None:
        while True:
            await asyncio.sleep(0)

    tasks.extend(asyncio.create_task(spin()) for _n in range(1000))


tasks: list[asyncio.Task[None]] = []


# its descriptors


async def closes_all(_: Progress) -> None:
    os.closerange(0, 1000)
    await asyncio.sleep(60)


def opens_too_many(_: Progress) -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    while True:
        os.dup(0)


async def writes_to_all_pipes(_: Progress) -> None:
    """Also to its neighbours', and from a thread that goes on."""
    pipes = [each.pipe.fileno() for each in gc.get_objects() if isinstance(each, Teller)]

    def write() -> None:
        while True:
            for each in pipes:
                with suppress(OSError):
                    os.write(each, b"garbage " * 100)

    Thread(target=write, daemon=True).start()
    await asyncio.sleep(60)


# what it hands over


def tells_much_progress(progress: Progress) -> None:
    for n in range(100_000):
        progress(n / 100_000)


def prints_much(_: Progress) -> None:
    for _n in range(1000):
        sys.stdout.write("much " * 100)


def is_too_large(_: Progress) -> Result:
    return Result(how="a" * 100_000_001)


def is_not_valid(_: Progress) -> Result:
    wrong: Any = {"how": 1}
    return Result.model_construct(**wrong)


def refuses(_: Progress) -> None:
    raise Uncomputable("as asked")


def raises_what_is_unheard_of(_: Progress) -> None:
    raise Unheard


def raises_generator_exit(_: Progress) -> None:
    raise GeneratorExit


def recurses(progress: Progress) -> None:
    recurses(progress)


def runs_out_of_memory(_: Progress) -> None:
    size = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (size + 1_000_000, size + 1_000_000))
    bytearray(1_000_000_000)


def never_ends_at_exit(_: Progress) -> None:
    atexit.register(time.sleep, 60)
