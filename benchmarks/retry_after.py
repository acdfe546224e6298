"""How often clients poll and how much too long they wait: the tables of docs/retry-after.md.

It replays jobs whose run times follow a distribution against the real estimator, which learns from
the jobs before. The clients follow Retry-After, in whole seconds; those of the shortest jobs follow
retry_after in the body, which has fractions. Each cell is polls per result /
time from the answer until the client asks, as a share of the mean time from request to answer. "The
limit" is the shortest wait of any policy that knows the distribution but not the job, with about as
many polls as the estimator: found by dynamic programming.

    PYTHONPATH=src .venv/bin/python -m benchmarks.retry_after
"""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from statistics import fmean

from backburner.protocol.entry import Job
from backburner.retry_after.estimate import estimate
from backburner.retry_after.run_times import SLOTS, Sample

JOBS, WARM_UP, SEED = 1500, 300, 1
HEARTBEAT = 10.0
MEANS = (100.0, 2.0, 0.1)
BY_THE_BODY = 1.0
"""Clients of jobs that take less follow the body's retry_after."""

Draw = Callable[[random.Random], float]
"""A run time, as a share of the mean."""
Policy = Callable[[Job, list[Sample], float, int], float]
"""How long to wait, by the job, what jobs took before, the time and the polls up to now."""


@dataclass
class PolicyOutcome:
    """What a client had: polls, and how much longer than the job it waited."""

    polls: float
    too_long: float

    def __str__(self) -> str:
        return f"{self.polls:.2f} / {self.too_long:.0%}"


@dataclass
class Load:
    """Jobs of one computation."""

    name: str
    draw: Draw
    mean: float
    queue: Draw
    tells_progress: bool = False


def lognormal(variation: float) -> Draw:
    sigma = math.sqrt(math.log(1 + variation**2))
    return lambda rng: rng.lognormvariate(-(sigma**2) / 2, sigma)


DRAWS: dict[str, Draw] = {
    "constant": lambda _: 1.0,
    "uniform 0.5 … 1.5 (CV 0.29)": lambda rng: rng.uniform(0.5, 1.5),
    "bimodal 0.5 or 1.5 (CV 0.5)": lambda rng: rng.choice((0.5, 1.5)) * rng.uniform(0.98, 1.02),
    "lognormal (CV 0.5)": lognormal(0.5),
    "lognormal (CV 1)": lognormal(1.0),
}
QUEUES: dict[str, Draw] = {
    "empty": lambda _: 0.0,
    "backed up": lambda rng: 3 * lognormal(0.3)(rng),
}


def adaptive(job: Job, samples: list[Sample], now: float, _polls: int) -> float:
    return estimate(job, samples, now, random.random()).seconds


def fixed(seconds: float) -> Policy:
    return lambda _job, _samples, _now, _polls: seconds


POLICIES: dict[str, Policy] = {
    "adaptive": adaptive,
    "500 ms": fixed(0.5),
    "1 s": fixed(1),
    "5 s": fixed(5),
    "10 s": fixed(10),
    "exponential": lambda _job, _samples, _now, polls: min(2.0**polls, 60),
}


def main() -> None:
    random.seed(SEED)  # for the jitter
    for mean in MEANS:
        by = ", by the body" if mean < BY_THE_BODY else ""
        print(f"\n### Jobs of {mean:g} s on average{by}\n")
        print("| run times | queue | " + " | ".join(POLICIES) + " | the limit |")
        print("|---|---|" + "--:|" * (len(POLICIES) + 1))
        for load in loads(mean):
            print(row(load))


def loads(mean: float) -> list[Load]:
    plain = [Load(n, d, mean, q) for n, d in DRAWS.items() for q in QUEUES.values()]
    telling = [
        Load(f"{name}, tells its progress", draw, mean, QUEUES["empty"], tells_progress=True)
        for name, draw in DRAWS.items()
    ]
    return plain + (telling if mean > HEARTBEAT else [])


def row(load: Load) -> str:
    queue = next(name for name, draw in QUEUES.items() if draw is load.queue)
    outcomes = {name: replay(load, policy) for name, policy in POLICIES.items()}
    known = limit(load, outcomes["adaptive"].polls) if queue == "empty" else None
    cells = [load.name, queue, *map(str, outcomes.values()), str(known or "")]
    return "| " + " | ".join(cells) + " |"


def replay(load: Load, policy: Policy) -> PolicyOutcome:
    """All the jobs, one after the other; each teaches the next ones, in one of the slots."""
    rng = random.Random(SEED)
    samples: dict[int, Sample] = {}
    outcomes, took = [], []
    for _ in range(JOBS):
        queued = load.mean * load.queue(rng)
        run_time = load.mean * load.draw(rng)
        outcomes.append(ask(load, queued, run_time, list(samples.values()), policy))
        took.append(queued + run_time)
        samples[rng.randrange(SLOTS)] = Sample(queued, run_time / load.mean)
    settled = outcomes[WARM_UP:]
    mean = fmean(took[WARM_UP:])
    return PolicyOutcome(fmean(o.polls for o in settled), fmean(o.too_long for o in settled) / mean)


def ask(
    load: Load, queued: float, run_time: float, samples: list[Sample], policy: Policy
) -> PolicyOutcome:
    """One client: from its 202 to its 200."""
    now, polls = 0.0, 0
    while now < queued + run_time:
        job = seen_at(now, load, queued, run_time)
        wait = policy(job, samples, now, polls)
        now += wait if load.mean < BY_THE_BODY else max(1, math.ceil(wait))
        polls += 1
    return PolicyOutcome(polls, now - queued - run_time)


def seen_at(now: float, load: Load, queued: float, run_time: float) -> Job:
    """The job as the request finds it: its lease is alive, its progress as old as a heartbeat."""
    job = Job(
        version=1,
        parameters=b"",
        correlation_id="",
        requested_at=0,
        expected_time=load.mean,
        gives_up_at=math.inf,
        failure_kept_for=60,
        max_attempts=3,
        answer_kept_for=math.inf,
        lease=now + 1000,
    )
    if now < queued:
        return job
    running = replace(job, run="run", started_at=queued or 1e-9)
    beat = (now - queued) // HEARTBEAT * HEARTBEAT
    if not (load.tells_progress and beat):
        return running
    return replace(running, progress=beat / run_time, progress_at=queued + beat)


def limit(load: Load, polls: float) -> PolicyOutcome:
    """The least waiting with about so many polls, among the best at some price of a poll."""
    rng = random.Random(SEED)
    times = sorted(load.draw(rng) for _ in range(400))
    known = [cheapest(times, 0.01 * 1.3**n) for n in range(20)]
    return min(known, key=lambda outcome: abs(outcome.polls - polls))


def cheapest(times: list[float], price_of_a_poll: float) -> PolicyOutcome:
    """The best moments to ask, if one poll costs that much waiting; backwards from the last one."""
    n = len(times)
    total = [0.0]
    for time in times:
        total.append(total[-1] + time)
    costs, choices = [0.0] * (n + 1), [n] * n
    for i in reversed(range(n)):
        waits = [
            times[j] * (j + 1 - i) - (total[j + 1] - total[i]) + costs[j + 1] for j in range(i, n)
        ]
        best = min(range(n - i), key=waits.__getitem__)
        costs[i], choices[i] = price_of_a_poll * (n - i) + waits[best], i + best + 1
    polls, waited, i = 0, 0.0, 0
    while i < n:
        asked = choices[i]
        polls += n - i
        waited += times[asked - 1] * (asked - i) - (total[asked] - total[i])
        i = asked
    return PolicyOutcome(polls / n, waited / n)


if __name__ == "__main__":
    main()
