"""Estimates when to ask again, so that clients poll neither too often nor too late.

The estimate uses the times of the computation's recent jobs, and this job's age and progress.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from backburner.protocol.entry import Job
from backburner.retry_after.run_times import Sample

MIN_WAIT_S, CALM_WAIT_S = 0.05, 0.5
"""Clients wait at least as long again as the job has lasted, within these bounds.

A request itself takes about as long as the lower one. As the waits double, nobody asks more than
five times in the first 0.8 s of a job, nor more than twice a second from then on.
"""
JITTER, MIN_SPREAD_S = 0.05, 0.025
"""The clients of a job are spread over this share of their wait, and over at least so long."""
PRICE_OF_A_POLL, MIN_PRICE_S = 0.15, 0.1
"""Another poll is worthwhile if it saves this share of a mean run time in waiting, and at least so
many seconds: about what asking twice costs."""
OVERDUE_SHARE = 0.2
"""If a job is older than every sample, clients ask again after this share of its age."""
MAX_OVERDUE_S = 60
MIN_REFUSAL_S, MAX_REFUSAL_S = 2, 60
"""Seconds that refused clients wait, before they are spread."""
ON_THE_WAY_S = 5
"""Seconds by which a client may come back late: rounding, the network, clocks that differ."""
TRUSTED_PROGRESS = 0.1
"""From this progress on, a job's own pace predicts more than the times of other jobs."""


AS_EXPECTED = (Sample(0, 1),)
"""The computation's own estimate, until there are samples."""


@dataclass(frozen=True, slots=True)
class Wait:
    """When the client should ask again, and when the answer is expected."""

    seconds: float
    expected_at: float


def estimate(job: Job, samples: Sequence[Sample], now: float, random: float) -> Wait:
    """When to ask for the job again, and when its answer is expected; `random` is in [0, 1).

    Clients ask for an overdue job again as soon as its lease has run out, so that lost jobs are
    found. They ask for no job much later than it is given up, or after its answer may have ended.
    """
    times, age = _times(job, samples or AS_EXPECTED), now - _begins(job)
    left = _left_at_its_pace(job, now)
    seconds = left or best_wait(times, age)
    if seconds is None:
        seconds = min(OVERDUE_SHARE * age, MAX_OVERDUE_S, job.lease - now + 1)
    soonest = min(max(now - job.requested_at, MIN_WAIT_S), CALM_WAIT_S)
    jittered = _spread(max(seconds, soonest), random)
    latest = min(job.gives_up_at - now + 1, job.answer_kept_for - ON_THE_WAY_S)
    bounded = max(MIN_WAIT_S, min(jittered, latest))
    return Wait(bounded, expected_at=now + (left or _median_left(times, age) or bounded))


def until_there_is_room(samples: Sequence[Sample], random: float) -> float:
    """When to ask again for new work that is refused, in seconds; `random` is in [0, 1).

    The jobs that wait now are all begun within the queue wait of a typical job. The refused
    clients are spread over as much time again, so that they do not all come back at once.
    """
    waits = sorted(sample.queue_wait for sample in samples) or [0.0]
    typical = min(max(MIN_REFUSAL_S, waits[len(waits) // 2]), MAX_REFUSAL_S)
    return typical * (1 + random)


def best_wait(times: Sequence[float], age: float) -> float | None:
    """How long to wait for a job of this age, if jobs take these times; None if it is older.

    `times` are sorted. Asking at one of them costs a poll, plus the waiting time of the jobs that
    are done by then. The best time has the lowest cost per finished job.
    """
    left = [time - age for time in times if time > age]
    poll = max(PRICE_OF_A_POLL * sum(times) / len(times), MIN_PRICE_S) * len(left)
    best, lowest, waited = None, float("inf"), 0.0
    for done, wait in enumerate(left, start=1):
        waited += wait
        price = (poll + wait * done - waited) / done
        if price < lowest:
            best, lowest = wait, price
    return best


def _spread(seconds: float, random: float) -> float:
    return seconds + max(JITTER * seconds, MIN_SPREAD_S) * random


def _median_left(times: Sequence[float], age: float) -> float | None:
    left = [time - age for time in times if time > age]
    return left[len(left) // 2] if left else None


def _times(job: Job, samples: Sequence[Sample]) -> list[float]:
    """How long such jobs take, sorted; without the queue wait if the job is running."""
    queue = 0 if job.run else 1
    return sorted(queue * s.queue_wait + s.run_share * job.expected_time for s in samples)


def _begins(job: Job) -> float:
    """When its run began, or from when on it waits for a worker."""
    if job.run and job.started_at:
        return job.started_at
    return max(job.requested_at, job.due_at)


def _left_at_its_pace(job: Job, now: float) -> float | None:
    """Seconds left if the job goes on at its pace so far; None if that is not known."""
    if not job.run or not job.progress_at or (job.progress or 0) < TRUSTED_PROGRESS:
        return None
    pace = (job.progress_at - _begins(job)) / (job.progress or 1)
    left = _begins(job) + pace - now
    return left if left > 0 else None
