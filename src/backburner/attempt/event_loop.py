"""The process in which the jobs of a batch wait together, in one event loop.

It tells the worker only what is a job's own: result, refusal, wish for another attempt, time limit.
Any other error may be a neighbour's fault: then it hangs up, and the job begins again alone.
"""

import asyncio
import os
import socket
from collections.abc import Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from contextvars import Context, ContextVar
from dataclasses import dataclass, field
from functools import partial
from multiprocessing.connection import Connection
from selectors import DefaultSelector
from typing import Any

from backburner.attempt import Teller, environment, handover, over, why_none
from backburner.attempt.frames import Kind, packed
from backburner.attempt.isolation import Isolation
from backburner.computation import Progress, declared, registry
from backburner.errors import AttemptFailed, TryAgain, Uncomputable

GRACE_S = 1.0
"""Seconds that a job has to end after its time limit, before its process ends."""
pool = partial(ThreadPoolExecutor, 6)


@dataclass(eq=False, slots=True)
class Job:
    name: str
    parameters: bytes
    time_limit: float
    values: declared.Values
    begun: Any = None
    """The worker's side of its attempt, or why it could not begin."""
    threads: Executor = field(default_factory=pool)
    lookups: Executor = field(default_factory=pool)
    """For names: a silent name server keeps a thread for long."""


_job: ContextVar[Job | None] = ContextVar("job", default=None)


class Loop(asyncio.SelectorEventLoop):
    """Gives each job threads of its own, so that it never waits for a neighbour's."""

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Any, *args: Any
    ) -> Any:
        mine = _job.get()
        return super().run_in_executor(executor or (mine.threads if mine else None), func, *args)

    async def getaddrinfo(self, *args: Any, **options: Any) -> Any:
        mine, look_up = _job.get(), partial(socket.getaddrinfo, *args, **options)
        return await self.run_in_executor(mine.lookups if mine else None, look_up)


def live(
    isolation: Isolation,
    jobs: Sequence[Job],
    pipes: Sequence[socket.socket],
    pulse: Connection,
    interval: float,
    others: Sequence[Connection],
) -> None:
    """Run the jobs, each with its pipe to the worker, until the worker ends this process.

    `others` are the worker's ends.
    """
    try:
        for each in others:
            each.close()
        isolation.enter()
        environment.enter()
        selector = DefaultSelector()
        # A process that a job forks must not return into the loop: it shares what that waits for.
        os.register_at_fork(after_in_child=selector.close)
        loop = Loop(selector)
        _beat(loop, pulse, interval)
        tasks = [loop.create_task(_attempt(*each)) for each in zip(jobs, pipes, strict=True)]
        loop.run_forever()
        del tasks
    finally:
        os._exit(1)


def _beat(loop: Loop, pulse: Connection, interval: float) -> None:
    os.write(pulse.fileno(), b".")
    loop.call_later(interval, _beat, loop, pulse, interval)


async def _attempt(job: Job, pipe: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    _job.set(job)
    pipe.setblocking(False)
    with declared.given(job.values):
        task = loop.create_task(_result(job, Teller(pipe).progress))
        gone = loop.create_task(loop.sock_recv(pipe, 1))  # the worker has hung up
        try:
            await asyncio.wait([task, gone], timeout=job.time_limit, return_when="FIRST_COMPLETED")
            if not gone.done():
                await loop.sock_sendall(pipe, _outcome(job, task))
        finally:
            with suppress(OSError):
                pipe.shutdown(socket.SHUT_RDWR)  # also for processes that hold it
            _cancel_all_of(job)
    await asyncio.wait([task], timeout=GRACE_S)
    if not task.done():
        os._exit(1)


async def _result(job: Job, progress: Progress) -> bytes:
    computation = registry.load(job.name)
    given = computation.parameters.model_validate_json(job.parameters, strict=True)
    found = await computation.run_async(given, lambda done: progress(handover.fraction(done)))
    return handover.json_of(computation, found)


def _outcome(job: Job, task: "asyncio.Task[bytes]") -> bytes:
    """The frame for the worker; empty if what happened may be a neighbour's fault."""
    if not task.done():
        return packed(*why_none(AttemptFailed(over(job.time_limit))))
    try:
        return packed(Kind.RESULT, task.result())
    except (Uncomputable, TryAgain) as error:
        return packed(*why_none(error))
    except BaseException:  # noqa: BLE001
        return b""


def _cancel_all_of(job: Job) -> None:
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        if getattr(task, "get_context", Context)().get(_job) is job:  # from Python 3.12 on
            task.cancel()
