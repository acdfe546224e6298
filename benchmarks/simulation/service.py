"""The deployment under a load: the same seed, the same outcome."""

from collections.abc import Callable
from typing import Any

import numpy as np
import simpy

from backburner.run_times import SLOTS

from .entries import SimulatedEntries
from .front import SimulatedFront
from .limits import Quotas
from .outcome import SimulationOutcome
from .settings import StackParameters
from .traffic import Signatures, Traffic
from .workers import Events, SimulatedWorkers

SEED, TICK_S = 1, 0.1
DRAINED_AFTER_S = 3_600
"""After the last question; nothing waits for longer, as a job is given up then."""

Asked = Callable[[float], Signatures]
"""The questions of the tick that begins at that time."""


def simulate(
    traffic: Traffic,
    parameters: StackParameters,
    quotas: Quotas,
    *,
    seed: int = SEED,
    tick: float = TICK_S,
    has_cache: bool = True,
    asked: Asked | None = None,
    workers_are: dict[str, Any] | None = None,
) -> SimulationOutcome:
    """All questions of the traffic, and then until nobody waits any more."""
    rng = np.random.default_rng(seed)
    env, outcome = simpy.Environment(), SimulationOutcome()
    all_have: dict[str, Any] = {
        "env": env,
        "entries": _entries(traffic, parameters, rng),
        "traffic": traffic,
        "parameters": parameters,
        "outcome": outcome,
        "rng": rng,
    }
    workers = SimulatedWorkers(**all_have, **(workers_are or {}))
    front = SimulatedFront(
        **all_have, workers=workers, quotas=quotas, tick=tick, has_cache=has_cache
    )
    ended = env.process(_ticks(env, front, traffic, asked or (lambda _: traffic.asked(tick, rng))))
    env.run(until=ended)
    outcome.waiting = front.waiting
    return outcome


def _entries(
    traffic: Traffic, parameters: StackParameters, rng: np.random.Generator
) -> SimulatedEntries:
    """With the times of jobs from before, unless the service is cold."""
    entries = SimulatedEntries(
        fresh_until=traffic.fresh_until(rng), expected_time=traffic.run_time, rng=rng
    )
    if not traffic.is_cold:
        entries.learn(traffic.drawn_run_time(rng) / parameters.speed for _ in range(SLOTS))
    return entries


def _ticks(env: simpy.Environment, front: SimulatedFront, traffic: Traffic, asked: Asked) -> Events:
    nothing = np.zeros(0, dtype=np.int64)
    ends = traffic.seconds - front.tick / 2
    for number in range(round((traffic.seconds + DRAINED_AFTER_S) / front.tick)):
        # Not a timeout after a timeout: their rounding errors would add up.
        yield env.timeout(max(0.0, number * front.tick - env.now))
        if env.now >= ends and not front.waiting:
            return
        front.serve(asked(env.now) if env.now < ends else nothing)
