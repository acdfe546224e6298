"""What goes wrong on purpose: workers are killed, the request function is restarted."""

import json
import os
import random
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL

from backburner.development.local.deployment import Deployment

AT_WORK_SHARE = 0.9
"""Of the kills, so many hit a worker in the middle of a computation; the others, any worker."""
WORKERS = ("WorkerFunction", "AsyncWorkerFunction")
MOST = 1 / 3
"""Kills per computation: if every worker died, nothing could be done."""
KILLS_PER_RESTART = 7
"""After so many, the request function is restarted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """A computation, as it has noted itself; times are seconds since the epoch."""

    number: int
    worker: int
    began_at: float
    done_at: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """A worker that was killed, and the number whose job was in it, if one was."""

    at: float
    number: int | None


def executions(notes: Path) -> list[Execution]:
    """By the time that they began."""
    lines = [json.loads(line) for line in notes.read_text().splitlines()] if notes.exists() else []
    done = {
        (line["process"], line["number"]): line["at"] for line in lines if line["what"] == "done"
    }
    return [
        Execution(
            number=line["number"],
            worker=line["worker"],
            began_at=line["at"],
            done_at=done.get((line["process"], line["number"])),
        )
        for line in sorted(lines, key=lambda line: line["at"])
        if line["what"] == "begins"
    ]


class Disturber:
    """Kills processes with all that they have started, as when a sandbox is gone."""

    def __init__(self, deployment: Deployment, notes: Path, *, seed: int) -> None:
        self.kills: list[Kill] = []
        self.restarts = 0
        self._deployment = deployment
        self._notes = notes
        self._draw = random.Random(f"{seed}/kills")

    def disturb(self, kills: int, *, pace: float, patience: float) -> None:
        """So many kills, one in `pace` seconds; fewer if nothing happens for `patience` seconds."""
        happened, at = 0, time.monotonic()
        while len(self.kills) < kills:
            time.sleep(pace * self._draw.uniform(0.5, 1.5))
            self._kill_a_worker()
            if len(self.kills) >= KILLS_PER_RESTART * (self.restarts + 1):
                self._restart_the_front()
            if (now_happened := len(self.kills) + len(executions(self._notes))) > happened:
                happened, at = now_happened, time.monotonic()
            elif time.monotonic() > at + patience:
                return

    def _kill_a_worker(self) -> None:
        noted = executions(self._notes)
        if len(self.kills) >= MOST * len(noted):
            return
        alive = [pid for name in WORKERS for pid in self._deployment.pids(name)]
        at_work = {each.worker: each.number for each in noted if each.done_at is None}
        busy = [pid for pid in alive if pid in at_work]
        victims = busy if self._draw.random() < AT_WORK_SHARE else alive
        if not victims:
            return
        worker = self._draw.choice(victims)
        with suppress(ProcessLookupError):  # it has just ended by itself
            os.killpg(worker, SIGKILL)
            self.kills.append(Kill(at=time.time(), number=at_work.get(worker)))

    def _restart_the_front(self) -> None:
        """All processes of its function end at once; the next requests start others."""
        for pid in self._deployment.pids("RequestFunction"):
            with suppress(ProcessLookupError):
                os.killpg(pid, SIGKILL)
        self.restarts += 1
