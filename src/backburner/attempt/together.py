"""The attempts of a batch in one process, for computations that wait (event_loop.py).

Every second that process shows that its loop turns. If it does not, or has ended, it is killed, and
each job without an outcome begins again, in the same run and in a process of its own, one after the
other. There each fails or succeeds for itself: nobody has to find out whose fault it was.

The worker has a thread for each job, which beats and listens as for an attempt alone. Only the main
thread forks, and only while the others are parked: they hold no lock that a process would inherit.
"""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from math import inf
from multiprocessing.connection import Connection
from socket import socketpair
from threading import Condition

from backburner.attempt import LOOK, PROCESSES, Attempt, Beat, alone, frames, process
from backburner.attempt.event_loop import GRACE_S, Job, live
from backburner.attempt.frames import Kind
from backburner.attempt.isolation import has_ended
from backburner.computation import declared
from backburner.errors import AttemptFailed, BackburnerError

PATIENCE_S, PULSES = 10.0, 10
"""Seconds without any of so many pulses. An import or a busy processor may stop it for a few."""


class NoOutcome(BackburnerError):
    """The job begins again alone."""


class Guest(Attempt):
    """The worker's side of a job in the loop. Only what the loop tells is an outcome."""

    def news(self, reader: frames.Reader, patience: float) -> Iterator[tuple[Kind, bytes]]:
        try:
            if self.pipe.poll(max(0, min(patience, LOOK))):
                yield from reader.read()
        except (EOFError, OSError, AttemptFailed) as error:
            raise NoOutcome from error

    def late(self, _time_limit: float, /) -> BackburnerError:
        return NoOutcome()


@dataclass(slots=True)
class Together:
    """So many threads are present; each may call `compute`. The main thread is in `run`."""

    present: int
    ends_at: float = inf
    """When the invocation ends, by the monotonic clock."""
    patience: float = PATIENCE_S
    _parked: list[Job] = field(default_factory=list)
    _gate: Condition = field(default_factory=Condition)

    @contextmanager
    def presence(self) -> Iterator[None]:
        try:
            yield
        finally:
            with self._gate:
                self.present -= 1
                self._gate.notify_all()

    def compute(
        self, name: str, parameters: bytes, time_limit: float, interval: float, beat: Beat
    ) -> bytes:
        """As `attempt.compute`; a job that begins again has its whole time limit again."""
        job = Job(name, parameters, time_limit, declared.values())
        guest = self._begun(job, interval, beat)
        try:
            with closing(guest.pipe):
                return guest.listen(time_limit + 2 * GRACE_S, interval, beat)
        except NoOutcome:
            beat(0.0)
        again = self._begun(job, interval, beat)
        left = max(self.ends_at - time.monotonic(), 0)
        return again.listen(min(time_limit, left), interval, beat)

    def _begun(self, job: Job, interval: float, beat: Beat) -> Attempt:
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
        raise AttemptFailed(f"{job.name} could not begin") from job.begun

    def run(self) -> None:
        """Begin one process after the other, until no thread is present."""
        begin: Callable[[list[Job]], None] = self._together
        with self._gate:
            while self._gate.wait_for(self._all_are_parked) and self._parked:
                try:
                    begin(list(self._parked))
                except OSError as error:
                    self._unpark(dict.fromkeys(self._parked, error))
                begin = self._alone

    def _all_are_parked(self) -> bool:
        return len(self._parked) == self.present

    def _unpark(self, begun: dict[Job, Attempt | OSError]) -> None:
        self._parked = [job for job in self._parked if job not in begun]
        for job, each in begun.items():
            job.begun = each
        self._gate.notify_all()

    def _together(self, jobs: list[Job]) -> None:
        pairs = [socketpair() for _ in jobs]
        ours, theirs = [Connection(one.detach()) for one, _ in pairs], [other for _, other in pairs]
        pulse, beating = PROCESSES.Pipe(duplex=False)
        with (
            process(live, jobs, theirs, beating, self.patience / PULSES, [*ours, pulse]) as (
                child,
                isolation,
            ),
            pulse,
        ):
            beating.close()
            for each in theirs:
                each.close()
            guests = [
                Guest(job.name, child, pipe, isolation)
                for job, pipe in zip(jobs, ours, strict=True)
            ]
            self._unpark(dict(zip(jobs, guests, strict=True)))
            last = time.monotonic()
            while not self._gate.wait_for(self._all_are_parked, self.patience / PULSES / 2):
                if pulse.poll() and os.read(pulse.fileno(), frames.CHUNK):
                    last = time.monotonic()
                elif has_ended(child) or time.monotonic() - last > self.patience:
                    isolation.end(child)

    def _alone(self, jobs: list[Job]) -> None:
        """The first; the others wait, with their heartbeats."""
        [job, *_] = jobs
        with alone(job.name, job.parameters, job.values) as attempt:
            self._unpark({job: attempt})
            self._gate.wait_for(self._all_are_parked)
