"""The queue, its mapping and the workers."""

from collections import deque
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import simpy

from backburner.run_times import NEVER, REFRESH_EVERY_S

from .entries import SimulatedEntries
from .limits import FIRST_POLLERS, POLLERS_PER_S
from .outcome import SimulationOutcome
from .settings import CALL_S, JOB_S, StackParameters
from .traffic import Traffic

RECEIVE_S = 0.016
"""Assumed: from sending a message to its worker, if one is free."""
COLD_WORKER_S = 1.0
"""Assumed: an environment's start, before its first job."""

MAPPING, WORKERS = "the mapping's ramp", "MaxWorkers"
"""What keeps jobs waiting."""

Events = Generator[simpy.Event, Any, None]


@dataclass(kw_only=True)
class SimulatedWorkers:
    """Jobs wait in a queue; the mapping invokes as many workers as its ramp allows."""

    env: simpy.Environment
    entries: SimulatedEntries
    traffic: Traffic
    parameters: StackParameters
    outcome: SimulationOutcome
    rng: np.random.Generator
    own_time: float = JOB_S + 2 * CALL_S
    """Of a job, beside its computation."""
    cold_start: float = COLD_WORKER_S
    queue: deque[int] = field(default_factory=deque)
    running: int = 0
    pollers: float = 0
    _idle: list[int] = field(default_factory=list)
    """Environments that wait, by number; the last one is used first."""
    _environments: int = 0
    _recorded_at: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        usual = 0.0
        if not self.traffic.is_cold:
            usual = self.traffic.new_jobs * self.traffic.run_time / self.parameters.speed
            self._environments = min(int(usual) + 1, self.parameters.max_workers)
            self._idle = list(range(self._environments))
        self.pollers = min(max(FIRST_POLLERS, usual), self.parameters.max_workers)
        self.env.process(self._scale())

    def send(self, signature: int) -> None:
        self.queue.append(signature)
        self._start()

    def _start(self) -> None:
        while self.queue and self.running < int(self.pollers):
            self.running += 1
            self.env.process(self._work(self.queue.popleft()))

    def _work(self, signature: int) -> Events:
        yield self.env.timeout(RECEIVE_S)
        environment = self._idle.pop() if self._idle else self._environments
        if environment == self._environments:
            self._environments += 1
            yield self.env.timeout(self.cold_start)
        self.entries.begin(signature, self.env.now)
        seconds = self.traffic.drawn_run_time(self.rng) / self.parameters.speed
        yield self.env.timeout(seconds + self.own_time)
        self._complete(signature, environment)

    def _complete(self, signature: int, environment: int) -> None:
        now = self.env.now
        sample = self.entries.complete(signature, now, self.traffic.fresh_for)
        if now - self._recorded_at.get(environment, NEVER) >= REFRESH_EVERY_S:
            self._recorded_at[environment] = now
            self.entries.record(sample)
        self.outcome.computed[signature] += 1
        self._idle.append(environment)
        self.running -= 1
        self._start()

    def _scale(self) -> Events:
        """While messages wait, the mapping adds pollers; then it takes them away again."""
        most = self.parameters.max_workers
        while True:
            yield self.env.timeout(1)
            if len(self.queue) > self.running:
                self.outcome.delayed[MAPPING if self.pollers < most else WORKERS] += 1
            change = POLLERS_PER_S if self.queue else -POLLERS_PER_S
            least = max(FIRST_POLLERS, self.running)
            self.pollers = min(max(self.pollers + change, least), most)
            self._start()
