"""One attempt at a computation, in a process of its own.

A computation may hang, crash or eat all the memory; it takes nothing with it. The parent only
listens, and every `interval` seconds it calls `beat` with the progress so far. When `beat` raises,
the attempt is over.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backburner import computations
from backburner.computation import Progress
from backburner.errors import AttemptFailed, Uncomputable, where

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

# A fork shares what is imported already; only on Linux is it safe.
PROCESSES = (
    multiprocessing.get_context("fork")
    if sys.platform == "linux"
    else multiprocessing.get_context("spawn")
)

PROGRESS_STEP = 0.01
"""Progress is told in steps of this size at least: a computation may report at every iteration."""

Beat = Callable[[float], None]
"""Called with the progress, 0.0 to 1.0; raises to end the attempt."""


@dataclass(frozen=True, slots=True)
class Progressed:
    fraction: float


@dataclass(frozen=True, slots=True)
class Computed:
    json: bytes


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str


@dataclass(frozen=True, slots=True)
class Crashed:
    reason: str


def compute(name: str, parameters: bytes, time_limit: float, interval: float, beat: Beat) -> bytes:
    """The result as JSON; Uncomputable, or AttemptFailed if another attempt may succeed."""
    ours, theirs = PROCESSES.Pipe()
    child = PROCESSES.Process(target=tell, args=(theirs, name, parameters), daemon=True)
    child.start()
    theirs.close()
    try:
        return _listen(ours, name, time_limit, interval, beat)
    except EOFError as error:
        child.join()
        raise AttemptFailed(
            f"{name} died with exit code {child.exitcode}; with -9, give the worker more memory"
        ) from error
    finally:
        child.kill()
        child.join()
        ours.close()


def _listen(
    child: "Connection", name: str, time_limit: float, interval: float, beat: Beat
) -> bytes:
    started = time.monotonic()
    next_beat, progress = started + interval, 0.0
    while (now := time.monotonic()) < started + time_limit:
        if now >= next_beat:
            beat(progress)
            next_beat = now + interval
        if not child.poll(min(next_beat, started + time_limit) - now):
            continue
        match child.recv():
            case Progressed(fraction):
                progress = fraction
            case Computed(json):
                return json
            case Refused(reason):
                raise Uncomputable(reason)
            case Crashed(reason):
                raise AttemptFailed(f"{name} crashed; mend it:\n{reason}")
    raise AttemptFailed(f"{name} took over {time_limit:.0f} s; ask for less, or raise time_limit")


def tell(parent: "Connection", name: str, parameters: bytes) -> None:
    """The child: compute, and tell the parent what comes of it."""
    try:
        parent.send(Computed(result(name, parameters, _reporter(parent))))
    except Uncomputable as refusal:
        parent.send(Refused(str(refusal)))
    except Exception as error:  # noqa: BLE001 (whatever it is, the parent logs it)
        parent.send(Crashed(where(error)))


def result(name: str, parameters: bytes, progress: Progress) -> bytes:
    computation = computations.load(name)
    given = computation.parameters.model_validate_json(parameters, strict=True)
    return computation.compute(given, progress).model_dump_json().encode()


def _reporter(parent: "Connection") -> Progress:
    told = 0.0

    def progress(fraction: float) -> None:
        nonlocal told
        if fraction - told >= PROGRESS_STEP:
            told = fraction
            parent.send(Progressed(fraction))

    return progress
