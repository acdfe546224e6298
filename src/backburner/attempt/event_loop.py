"""The processes of `Together`: a host, and one event loop for the jobs of a batch.

The host forks the process of the loop, and another one when that has ended. It has one thread and
runs no computation, so it may fork; the worker has a thread for each job.

The jobs come over a socket, each with a pipe to report to, in the frames of any attempt.
"""

import asyncio
import json
import os
import pickle
import socket
import time
from collections import defaultdict
from collections.abc import Coroutine, Generator
from contextlib import suppress
from contextvars import ContextVar, copy_context
from dataclasses import dataclass, field
from io import FileIO
from mmap import mmap
from struct import Struct
from types import coroutine
from typing import TYPE_CHECKING, Any
from weakref import WeakSet

from backburner.attempt import Teller, environment, handover, over, why_none
from backburner.attempt.frames import Kind
from backburner.attempt.isolation import Isolation
from backburner.computation import Progress, declared, registry
from backburner.errors import AttemptFailed

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MAX_LOOPS = 32
"""Of a batch: each but the last lost a job that blocked it or ended it."""
MAX_MESSAGE_BYTES = 1_000

_slot: ContextVar[int | None] = ContextVar("slot", default=None)
"""Which job of the batch a task belongs to."""


class Steps:
    """When the step that a job is taking began; shared with the worker."""

    BEGAN = Struct("d")

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._memory = mmap(-1, self.BEGAN.size * jobs)

    def begin(self, slot: int) -> None:
        self.BEGAN.pack_into(self._memory, slot * self.BEGAN.size, time.monotonic())

    def end(self, slot: int) -> None:
        self.BEGAN.pack_into(self._memory, slot * self.BEGAN.size, 0.0)

    def under_way(self) -> dict[int, float]:
        """When the steps under way began, by job. A loop takes one at a time."""
        began = (self.BEGAN.unpack_from(self._memory, n * self.BEGAN.size)[0] for n in self._all())
        return {slot: at for slot, at in enumerate(began) if at}

    def clear(self) -> None:
        for slot in self._all():
            self.end(slot)

    def _all(self) -> range:
        return range(self.jobs)


def host(jobs: socket.socket, status: "Connection", steps: Steps, isolation: Isolation) -> None:
    """Keep a loop running; tell the worker of its beginning and its end."""
    isolation.enter()
    me = os.getpid()
    for generation in range(MAX_LOOPS):
        pid = os.fork()
        if pid == 0:
            status.close()
            live(jobs, steps, isolation, me, generation)
        say(status, generation=generation, pid=pid)
        _, ended = os.waitpid(pid, 0)
        stepping = list(steps.under_way())
        steps.clear()
        exit_code = os.waitstatus_to_exitcode(ended)
        say(status, generation=generation, exit_code=exit_code, stepping=stepping)


def say(status: "Connection", **content: Any) -> None:
    status.send_bytes(json.dumps(content).encode())


def live(
    jobs: socket.socket, steps: Steps, isolation: Isolation, parent: int, generation: int
) -> None:
    """Run the loop until the process is killed."""
    try:
        isolation.enter(parent)
        asyncio.run(Batch(jobs, steps, generation, _unfit()).serve())
    finally:
        os._exit(1)


def _unfit() -> AttemptFailed | None:
    """What is wrong with the environment for computations."""
    try:
        environment.enter()
    except AttemptFailed as failure:
        return failure
    return None


@dataclass(slots=True)
class Batch:
    """The jobs in the loop, by slot."""

    jobs: socket.socket
    steps: Steps
    generation: int
    unfit: AttemptFailed | None
    tasks: dict[int, "WeakSet[asyncio.Task[Any]]"] = field(
        default_factory=lambda: defaultdict(WeakSet)
    )
    pid: int = field(default_factory=os.getpid)

    async def serve(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(self.task)
        loop.add_reader(self.jobs, self.receive)
        await loop.create_future()

    def receive(self) -> None:
        """Begin a job, or cancel it. What was sent to an earlier loop is ignored."""
        message, files, *_ = socket.recv_fds(self.jobs, MAX_MESSAGE_BYTES, 2)
        said = json.loads(message)
        if said["generation"] != self.generation:
            for each in files:
                os.close(each)
        elif files:
            self.begin(said["slot"], *files)
        else:
            self.cancel(said["slot"])

    def begin(self, slot: int, content: int, report: int) -> None:
        context = copy_context()
        context.run(_slot.set, slot)
        asyncio.get_running_loop().create_task(self.attempt(slot, content, report), context=context)

    def cancel(self, slot: int) -> None:
        for task in list(self.tasks[slot]):
            task.cancel()

    def task(
        self,
        loop: asyncio.AbstractEventLoop,
        coro: Coroutine[Any, Any, Any] | Generator[Any, None, Any],
        **options: Any,
    ) -> "asyncio.Task[Any]":
        """Make a task that belongs to the job of whoever makes it."""
        slot = (options.get("context") or copy_context()).get(_slot)
        if slot is None or not isinstance(coro, Coroutine):
            return asyncio.Task(coro, loop=loop, **options)
        task = asyncio.Task(_marked(coro, self.steps, slot), loop=loop, **options)
        self.tasks[slot].add(task)
        return task

    async def attempt(self, slot: int, content: int, report: int) -> None:
        """Compute and report; what the job has begun in the loop ends with it."""
        with FileIO(content) as file, FileIO(report, "w") as pipe:
            name, parameters, time_limit, left, values = pickle.load(file)  # noqa: S301 (ours)
            teller = Teller(pipe)
            with declared.given(values):
                last = await self.outcome(name, parameters, time_limit, left, teller.progress)
            for task in self.tasks[slot] - {asyncio.current_task()}:
                task.cancel()
            if os.getpid() == self.pid:  # a process that the computation forked may return to here
                with suppress(BrokenPipeError):  # the worker has no use for it any more
                    await asyncio.to_thread(teller.tell, *last)

    async def outcome(
        self, name: str, parameters: bytes, time_limit: float, left: float, progress: Progress
    ) -> tuple[Kind, bytes]:
        if self.unfit:
            return why_none(self.unfit)
        try:
            async with asyncio.timeout(left) as timer:
                return Kind.RESULT, await result(name, parameters, progress)
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            return why_none(error)
        except BaseException as error:  # noqa: BLE001 (the worker logs every error)
            if isinstance(error, TimeoutError) and timer.expired():
                return why_none(AttemptFailed(over(time_limit)))
            return why_none(error)


async def result(name: str, parameters: bytes, progress: Progress) -> bytes:
    """As an attempt alone has it."""
    computation = registry.load(name)
    given = computation.parameters.model_validate_json(parameters, strict=True)
    found = await computation.run_async(given, lambda done: progress(handover.fraction(done)))
    return handover.json_of(computation, found)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def _marked(inner: Coroutine[Any, Any, Any], steps: Steps, slot: int) -> Any:
    return await _stepping(inner, steps, slot)


@coroutine
def _stepping(inner: Coroutine[Any, Any, Any], steps: Steps, slot: int) -> Generator[Any, Any, Any]:
    """As `yield from inner`, but each step says that it is under way."""
    go_on, value = inner.send, None
    while True:
        steps.begin(slot)
        try:
            waits_for = go_on(value)
        except StopIteration as end:
            return end.value
        except (SystemExit, KeyboardInterrupt) as exit_:  # would end the loop for all
            raise AttemptFailed("ends the process; leave that out") from exit_
        finally:
            steps.end(slot)
        try:
            go_on, value = inner.send, (yield waits_for)
        except BaseException as error:  # noqa: BLE001 (it is the inner one's)
            go_on, value = inner.throw, error
