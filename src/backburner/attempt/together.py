"""The attempts of a batch in one process and one event loop, for computations that wait.

The worker has a thread for each job, which listens and beats as for an attempt alone. The process
is isolated from the worker as any attempt's is; the jobs are not isolated from each other.

A job that keeps the loop for over an `interval` has its process killed, and so has a job that ends
the process. Its attempt failed; those of the others begin again in a new process, in the same run.
"""

import json
import os
import pickle
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import FileIO
from itertools import count
from signal import SIGKILL
from threading import Lock
from types import TracebackType
from typing import Self

from backburner.attempt import EXIT, LOOK, PROCESSES, Attempt, Beat, event_loop, frames
from backburner.attempt.event_loop import Steps
from backburner.attempt.frames import Kind
from backburner.attempt.isolation import POLL_S, has_ended, isolated
from backburner.computation import declared
from backburner.errors import AttemptFailed, BackburnerError


class Displaced(BackburnerError):
    """Another job ended the process; this one begins again."""


@dataclass(frozen=True, slots=True)
class LoopEnd:
    """How the process of a loop ended, and whose steps were under way."""

    exit_code: int | None
    stepping: tuple[int, ...] = ()


class Together:
    """A context manager, within which `compute` may be called from a thread for each job.

    Enter it while there are no other threads: it forks.
    """

    def __init__(self, jobs: int) -> None:
        self._slots = count()
        self._steps = Steps(jobs)
        self._lock = Lock()
        self._generation = 0
        self._pid: int | None = None
        self._ends: dict[int, LoopEnd] = {}
        self._evicted: dict[int, int] = {}
        """The job for which a loop was killed."""

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            self._isolation = stack.enter_context(isolated())
            self._jobs, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            stack.callback(self._jobs.close)
            self._status, told = PROCESSES.Pipe(duplex=False)
            stack.callback(self._status.close)
            self._host = PROCESSES.Process(
                target=event_loop.host,
                args=(theirs, told, self._steps, self._isolation),
                daemon=True,
            )
            self._host.start()
            stack.callback(self._isolation.end, self._host)
            theirs.close()
            told.close()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def compute(
        self, name: str, parameters: bytes, time_limit: float, interval: float, beat: Beat
    ) -> bytes:
        """As `attempt.compute`; the time limit is for all that the job begins again."""
        slot, until = next(self._slots), time.monotonic() + time_limit
        while True:
            left = max(until - time.monotonic(), 0)
            job = pickle.dumps((name, parameters, time_limit, left, declared.values()))
            guest = self._admit(slot, name, job, interval)
            try:
                return guest.listen(left, interval, beat, grace=interval)
            except Displaced:
                beat(0.0)
            finally:
                guest.leave()

    def _admit(self, slot: int, name: str, job: bytes, interval: float) -> "Guest":
        with self._lock:
            self._hear()
            generation = self._generation
        ours, theirs = PROCESSES.Pipe(duplex=False)
        guest = Guest(name, self._host, ours, self._isolation, self, generation, slot, interval)
        with theirs, FileIO(os.memfd_create("job"), "w+") as content:
            content.write(job)
            content.seek(0)
            self.send(guest, content.fileno(), theirs.fileno())
        return guest

    def send(self, guest: "Guest", *files: int) -> None:
        message = json.dumps({"generation": guest.generation, "slot": guest.slot}).encode()
        with suppress(ConnectionError):  # the host has ended, as the guest will hear
            socket.send_fds(self._jobs, [message], files)

    def end_of(self, generation: int) -> LoopEnd | None:
        """How that loop ended; None while it runs."""
        with self._lock:
            self._hear()
            return self._ends.get(generation)

    def evict_blocker(self, interval: float) -> None:
        """Kill the loop if a step has taken longer than the interval."""
        if not self._blockers(interval):
            return
        with self._lock:
            self._hear()
            blockers = self._blockers(interval)  # of this generation: the host clears the steps
            if blockers and self._pid and self._generation not in self._evicted:
                self._evicted[self._generation] = blockers[0]
                with suppress(ProcessLookupError):
                    os.kill(self._pid, SIGKILL)

    def _blockers(self, interval: float) -> list[int]:
        now = time.monotonic()
        return [slot for slot, at in self._steps.under_way().items() if now - at > interval]

    def verdict(self, guest: "Guest") -> BackburnerError:
        """Why a guest has no result, once its pipe was closed."""
        end = self._await_end(guest.generation)
        if end is None:
            return AttemptFailed(
                f"{guest.name} closed its pipe to the worker; close only what it has opened"
            )
        blocker = self._evicted.get(guest.generation)
        if blocker == guest.slot:
            return AttemptFailed(
                f"{guest.name} kept the event loop for over {guest.interval:g} s; await what "
                "takes long, or compute in the standard lane"
            )
        guilty = end.stepping if blocker is None else (blocker,)
        if guilty and guest.slot not in guilty:
            return Displaced(f"{guest.name} begins again in another process")
        return AttemptFailed(
            f"{guest.name} died with exit code {end.exit_code}; "
            "with -9, give the worker more memory"
        )

    def _await_end(self, generation: int) -> LoopEnd | None:
        until = time.monotonic() + EXIT
        while (end := self.end_of(generation)) is None and time.monotonic() < until:
            time.sleep(POLL_S)
        return end

    def _hear(self) -> None:
        """Read what the host tells; if the host has ended, so has its loop."""
        try:
            while self._status.poll():
                told = json.loads(self._status.recv_bytes())
                if "pid" in told:
                    self._pid = told["pid"]
                else:
                    self._ends[told["generation"]] = LoopEnd(
                        told["exit_code"], tuple(told["stepping"])
                    )
                    self._generation, self._pid = told["generation"] + 1, None
        except (EOFError, OSError):
            has_ended(self._host)
            self._ends.setdefault(self._generation, LoopEnd(self._host.exitcode))


@dataclass(frozen=True, slots=True)
class Guest(Attempt):
    """The worker's side of a job in the loop."""

    together: Together
    generation: int
    slot: int
    interval: float

    def news(self, reader: frames.Reader, patience: float) -> Iterator[tuple[Kind, bytes]]:
        """Yield the frames that have arrived; raise why once no more can arrive."""
        self.together.evict_blocker(self.interval)
        is_over = self.together.end_of(self.generation) is not None
        try:
            if self.pipe.poll(0 if is_over else max(0, min(patience, LOOK))):
                yield from reader.read()
            elif is_over:
                raise self.together.verdict(self)
        except EOFError as error:
            raise self.together.verdict(self) from error

    def leave(self) -> None:
        """End what the job still does in the loop; nobody listens any more."""
        self.pipe.close()
        self.together.send(self)
