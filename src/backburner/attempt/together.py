"""The attempts of a batch in one process and one event loop, for computations that wait.

Pulses show the worker that the loop turns. If they stop, or the process ends, it is killed. Then
each job without an outcome begins again, in the same run and in a process of its own, one at a
time. There each fails or succeeds for itself: nobody has to find out whose fault it was.

The worker has a thread for each job, which beats and listens as for an attempt alone. Only the main
thread forks, and only while the others are parked: they hold no lock that a process would inherit.
"""

import asyncio
import os
import socket
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from functools import partial
from math import inf
from multiprocessing.connection import Connection
from selectors import DefaultSelector
from threading import Condition
from typing import Any

from backburner.attempt import alone, environment, frames, handover
from backburner.attempt.alone import Attempt, Beat, over, why_none
from backburner.attempt.frames import Kind
from backburner.attempt.isolation import Isolation, has_ended
from backburner.computation import declared, registry
from backburner.errors import AttemptFailed, TryAgain, Uncomputable

PATIENCE_S, PULSES = 10.0, 10
"""Seconds without any of so many pulses. An import or a busy processor may stop it for a few."""
GRACE_S = 1.0
"""Seconds that a job has to end after its time limit, before its process ends."""
THREADS = 6


@dataclass(eq=False, slots=True)
class BatchJob:
    name: str
    parameters: bytes
    time_limit: float
    values: declared.Values
    ours: Connection
    theirs: socket.socket
    begun: Any = None
    """The worker's side of its attempt, or why that could not begin."""


# the worker's side
class Guest(Attempt):
    """A job in the loop. Only what the loop tells is an outcome; EOFError if it tells nothing."""

    def news(self, reader: frames.Reader, patience: float) -> Iterator[tuple[Kind, bytes]]:
        try:
            if self.pipe.poll(max(0, min(patience, alone.LOOK))):
                yield from reader.read()
        except (OSError, AttemptFailed) as error:
            raise EOFError from error


@dataclass(slots=True)
class Together:
    """`present` threads each may `compute`, and then `leave`; the main thread is in `run`."""

    present: int
    ends_at: float = inf
    """When the invocation ends, by the monotonic clock."""
    patience: float = PATIENCE_S
    _parked: list[BatchJob] = field(default_factory=list)
    _gate: Condition = field(default_factory=Condition)

    def compute(
        self, name: str, parameters: bytes, time_limit: float, interval: float, beat: Beat
    ) -> bytes:
        """As `alone.compute`; a job that begins again has its whole time limit again."""
        ours, theirs = socket.socketpair()
        with Connection(ours.detach()) as pipe, theirs:
            job = BatchJob(name, parameters, time_limit, declared.values(), pipe, theirs)
            with suppress(EOFError):
                return self._begun(job, interval, beat).listen(inf, interval, beat)
        beat(0.0)
        alone = self._begun(job, interval, beat)
        left = self.ends_at - time.monotonic()
        return alone.listen(max(min(time_limit, left), 0), interval, beat)

    def _begun(self, job: BatchJob, interval: float, beat: Beat) -> Attempt:
        """Park this thread, but for its heartbeats, until the attempt has begun."""
        job.begun = None
        while not job.begun:
            with self._gate:
                self._parked.append(job)
                self._gate.notify_all()
                if self._gate.wait_for(lambda: job.begun, interval):
                    break
                self._parked.remove(job)
            beat(0.0)
        if isinstance(job.begun, Attempt):
            return job.begun
        raise AttemptFailed(f"{job.name} could not begin: {job.begun}")

    def leave(self, _done: object = None) -> None:
        with self._gate:
            self.present -= 1
            self._gate.notify_all()

    def run(self) -> None:
        """Begin one process after the other, until no thread is present."""
        begin = self._together
        with self._gate:
            while self._all_are_parked() and self._parked:
                try:
                    begin()
                except OSError as error:
                    self._unpark(dict.fromkeys(self._parked, error))
                begin = self._alone

    def _all_are_parked(self, patience: float | None = None) -> bool:
        return self._gate.wait_for(lambda: len(self._parked) == self.present, patience)

    def _unpark(self, begun: dict[BatchJob, Any]) -> None:
        for job, what in begun.items():
            job.begun = what
            self._parked.remove(job)
        self._gate.notify_all()

    def _together(self) -> None:
        jobs, interval = list(self._parked), self.patience / PULSES
        pulse, beating = alone.PROCESSES.Pipe(duplex=False)
        with pulse, alone.process(live, jobs, beating, interval) as (child, isolation):
            beating.close()
            for job in jobs:
                job.theirs.close()
            self._unpark({job: Guest(job.name, child, job.ours, isolation) for job in jobs})
            last = time.monotonic()
            until = last + max(job.time_limit for job in jobs) + 2 * GRACE_S
            while not self._all_are_parked(interval / 2):
                if pulse.poll() and os.read(pulse.fileno(), frames.CHUNK):
                    last = time.monotonic()
                if has_ended(child) or time.monotonic() > min(last + self.patience, until):
                    isolation.end(child)

    def _alone(self) -> None:
        """The first; the others wait, with their heartbeats."""
        job = self._parked[0]
        with alone.attempt(job.name, job.parameters, job.values) as begun:
            self._unpark({job: begun})
            self._all_are_parked()


# the process's side
_threads: ContextVar[dict[bool, ThreadPoolExecutor] | None] = ContextVar("threads", default=None)
"""A job's own, by whether they look up names."""


class Loop(asyncio.SelectorEventLoop):
    """Gives each job threads of its own, and others for names: a name server may be silent."""

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> Any:  # type: ignore[override]
        if executor is None and (own := _threads.get()) is not None:
            executor = own[func is socket.getaddrinfo]
        return super().run_in_executor(executor, func, *args)


def live(isolation: Isolation, jobs: list[BatchJob], pulse: Connection, interval: float) -> None:
    """Run the jobs until the worker ends this process."""
    try:
        isolation.enter()
        environment.enter()
        selector = DefaultSelector()
        # A process that a job forks must not return into the loop: it shares what that waits for.
        os.register_at_fork(after_in_child=selector.close)
        loop = Loop(selector)
        _beat(loop, pulse, interval)
        attempts = [loop.create_task(_attempt(loop, job)) for job in jobs]
        loop.run_until_complete(asyncio.wait(attempts))
    finally:
        os._exit(1)


def _beat(loop: Loop, pulse: Connection, interval: float) -> None:
    os.write(pulse.fileno(), b".")
    loop.call_later(interval, _beat, loop, pulse, interval)


async def _attempt(loop: Loop, job: BatchJob) -> None:
    """Compute and tell the worker the outcome; hang up if there is none."""
    job.ours.close()
    job.theirs.setblocking(False)
    own: dict[bool, ThreadPoolExecutor] = defaultdict(partial(ThreadPoolExecutor, THREADS))
    _threads.set(own)
    with declared.given(job.values):
        task = loop.create_task(_result(job))
        gone = loop.create_task(loop.sock_recv(job.theirs, 1))  # the worker has hung up
        try:
            await asyncio.wait([task, gone], timeout=job.time_limit, return_when="FIRST_COMPLETED")
            if not gone.done():
                await loop.sock_sendall(job.theirs, _outcome(job, task))
        finally:
            with suppress(OSError):
                job.theirs.shutdown(socket.SHUT_RDWR)  # also for processes that hold it
            for each in asyncio.all_tasks() - {asyncio.current_task()}:
                if (
                    getattr(each, "get_context", Context)().get(_threads) is own
                ):  # from Python 3.12 on
                    each.cancel()
    await asyncio.wait([task], timeout=GRACE_S)
    if not task.done():
        os._exit(1)


async def _result(job: BatchJob) -> bytes:
    computation, progress = registry.load(job.name), alone.Teller(job.theirs).progress
    given = computation.parameters.model_validate_json(job.parameters, strict=True)
    found = await computation.run_async(given, lambda done: progress(handover.fraction(done)))
    return handover.json_of(computation, found)


def _outcome(job: BatchJob, task: "asyncio.Task[bytes]") -> bytes:
    """The frame for the worker; empty if what happened may be a neighbour's fault."""
    if not task.done():
        return frames.packed(*why_none(AttemptFailed(over(job.time_limit))))
    try:
        return frames.packed(Kind.RESULT, task.result())
    except (Uncomputable, TryAgain) as error:
        return frames.packed(*why_none(error))
    except BaseException:  # noqa: BLE001
        return b""
