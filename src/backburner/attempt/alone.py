"""One attempt at a computation, in its own process, so that the worker survives it.

A computation may hang, crash, eat all the memory, or leave processes and files behind. The worker
only listens, always with a time limit, and calls `beat` with the progress every `interval` seconds.
If `beat` raises, the attempt ends.
"""

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from backburner.attempt import environment, frames, handover
from backburner.attempt.frames import FRACTION, SECONDS, Kind
from backburner.attempt.isolation import POLL_S, Isolation, has_ended, isolated
from backburner.computation import Progress, declared, registry
from backburner.errors import AttemptFailed, BrokenComputation, TryAgain, Uncomputable

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from socket import socket

# A fork shares the modules that are already imported, but it is safe only on Linux.
PROCESSES = (
    multiprocessing.get_context("fork")
    if sys.platform == "linux"
    else multiprocessing.get_context("spawn")
)

PROGRESS_STEP = 0.01
"""The smallest step of progress that is sent: a computation may report at every iteration."""
LOOK = 0.5
"""Seconds between checks that the process is alive: another process may keep its pipe open."""
EXIT = 1.0
"""Seconds that a process has to exit after it closed the pipe."""

Beat = Callable[[float], None]
"""Called with the progress, 0.0 to 1.0; raises to end the attempt."""


class Compute(Protocol):
    """`compute`, or a stand-in for it in tests that starts no process."""

    def __call__(
        self, name: str, parameters: bytes, time_limit: float, interval: float, beat: Beat, /
    ) -> bytes: ...


def compute(name: str, parameters: bytes, time_limit: float, interval: float, beat: Beat) -> bytes:
    """The result as JSON; raises Uncomputable, ResultTooLarge or AttemptFailed (try again)."""
    with attempt(name, parameters, declared.values()) as begun:
        return begun.listen(time_limit, interval, beat)


def until(moment: float, clock: Callable[[], float], beat: Beat) -> Beat:
    """`beat`, which ends the attempt after this moment, even one that began again."""

    def beat_in_time(progress: float) -> None:
        if clock() > moment:
            raise AttemptFailed("the time of the job is over")
        beat(progress)

    return beat_in_time


@contextmanager
def attempt(name: str, parameters: bytes, values: declared.Values) -> Iterator["Attempt"]:
    """An attempt in a process of its own, which begins now."""
    ours, theirs = PROCESSES.Pipe(duplex=False)
    with ours, process(tell, theirs, ours, name, parameters, values) as (child, isolation):
        theirs.close()
        yield Attempt(name, child, ours, isolation)


@contextmanager
def process(target: Callable[..., None], *args: object) -> Iterator[tuple[BaseProcess, Isolation]]:
    """A process that may have children. It ends after this, with all that it started."""
    with isolated() as isolation:
        child = PROCESSES.Process(target=target, args=(isolation, *args), daemon=False)
        child.start()
        try:
            yield child, isolation
        finally:
            isolation.end(child)
            with suppress(ValueError):  # it hangs in the kernel
                child.close()


@dataclass(frozen=True, slots=True)
class Attempt:
    """The worker's side."""

    name: str
    child: BaseProcess
    pipe: "Connection"
    isolation: Isolation

    def listen(self, time_limit: float, interval: float, beat: Beat) -> bytes:
        """Return the result or raise the reason for its lack; beat in every interval."""
        reader = frames.Reader(self.pipe.fileno(), self.name)
        started = time.monotonic()
        next_beat, progress = started + interval, 0.0
        until = started + time_limit
        while (now := time.monotonic()) < until:
            if now >= next_beat:
                beat(progress)
                next_beat = now + interval
            for kind, content in self.news(reader, min(next_beat, until) - now):
                match kind:
                    case Kind.PROGRESS:
                        progress = handover.fraction(*FRACTION.unpack(content))
                    case Kind.RESULT:
                        return content
                    case _:
                        raise self.failure(kind, content)
        raise AttemptFailed(f"{self.name} {over(time_limit)}")

    def failure(self, kind: Kind, content: bytes) -> Uncomputable | AttemptFailed:
        """Why there is no result, from a frame that ends the attempt."""
        if kind == Kind.AGAIN:
            [after], why = (
                SECONDS.unpack_from(content),
                content[SECONDS.size :].decode(errors="replace"),
            )
            return TryAgain(f"{self.name} asks for another attempt: {why}", after=after)
        why = content.decode(errors="replace")
        if kind == Kind.REFUSAL:
            return Uncomputable(why)
        what, _, where = why.partition("\n")
        return AttemptFailed(what if where else f"{self.name} {what}", where=where)

    def news(self, reader: frames.Reader, patience: float) -> Iterator[tuple[Kind, bytes]]:
        """Yield the frames that have arrived; raise AttemptFailed once no more can arrive."""
        is_dead = has_ended(self.child)
        if is_dead:
            self.isolation.end(self.child)  # ends other processes that hold the pipe open
        try:
            if self.pipe.poll(0 if is_dead else max(0, min(patience, LOOK))):
                yield from reader.read()
            elif is_dead:
                raise self.died()
        except EOFError as error:
            raise self.died() from error

    def died(self) -> AttemptFailed:
        until = time.monotonic() + EXIT
        while not has_ended(self.child):
            if time.monotonic() > until:
                return AttemptFailed(
                    f"{self.name} closed its pipe to the worker; close only what it has opened"
                )
            time.sleep(POLL_S)
        return AttemptFailed(
            f"{self.name} died with exit code {self.child.exitcode}; "
            "with -9, give the worker more memory"
        )


def tell(
    isolation: Isolation,
    ours: "Connection",
    theirs: "Connection",
    name: str,
    parameters: bytes,
    values: declared.Values,
) -> None:
    """Compute in the child process and send the outcome to the worker."""
    theirs.close()
    isolation.enter()
    teller, me = Teller(ours), os.getpid()
    with declared.given_to_all(values):
        last = outcome(name, parameters, teller.progress)
    if os.getpid() == me:  # a process that the computation forked may return to here
        teller.tell(*last)


def over(time_limit: float) -> str:
    return f"took over {time_limit:.0f} s; ask for less, or raise time_limit"


@dataclass
class Teller:
    """The child's side. Threads of the computation may report progress as well."""

    pipe: "Connection | socket"
    told: float = 0.0
    lock: Lock = field(default_factory=Lock)

    def progress(self, fraction: float) -> None:
        if fraction - self.told >= PROGRESS_STEP:
            self.told = fraction
            self.tell(Kind.PROGRESS, FRACTION.pack(fraction))

    def tell(self, kind: Kind, content: bytes) -> None:
        with self.lock:
            frames.write(self.pipe.fileno(), kind, content)


def outcome(name: str, parameters: bytes, progress: Progress) -> tuple[Kind, bytes]:
    try:
        environment.enter()
        return Kind.RESULT, result(name, parameters, progress)
    except BaseException as error:  # noqa: BLE001 (the worker logs every error)
        return why_none(error)


def why_none(error: BaseException) -> tuple[Kind, bytes]:
    """The frame that says why there is no result.

    A group of one error, as asyncio.TaskGroup raises it, is that error.
    """
    while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
        error = error.exceptions[0]
    match error:
        case Uncomputable():
            return Kind.REFUSAL, handover.reason(error)
        case TryAgain(after=after):
            return Kind.AGAIN, SECONDS.pack(after) + handover.reason(error)
        case AttemptFailed() | BrokenComputation():
            return Kind.FAILURE, handover.reason(error)
    return Kind.FAILURE, handover.crash(error)


def result(name: str, parameters: bytes, progress: Progress) -> bytes:
    """The computation's result as JSON, validated against its own model."""
    computation = registry.load(name)
    given = computation.parameters.model_validate_json(parameters, strict=True)
    return handover.json_of(
        computation, computation.run(given, lambda done: progress(handover.fraction(done)))
    )
