"""When to come back: an honest estimate, so that clients neither hammer nor dawdle."""

from backburner.entry import Job

SHORTEST = 0.5
OVERDUE_SHARE = 0.2
"""A job that is overdue is looked at again after this share of the time it has taken."""
LONGEST_OVERDUE = 60


def expected_at(job: Job) -> float:
    """When the answer should be there, from its age, its progress and the time it should take."""
    if job.started_at is None:
        return job.requested_at + job.expected_time
    return job.started_at + job.expected_time


def seconds_to_wait(job: Job, now: float, random: float) -> float:
    """How long a client should wait before it asks again; `random` in [0, 1) spreads clients.

    An overdue job is asked for again when its lease has run out at the latest, so that a lost one
    is found; and never later than the job is given up.
    """
    remaining = expected_at(job) - now
    if remaining <= 0:
        overdue = min(OVERDUE_SHARE * (now - job.requested_at), LONGEST_OVERDUE)
        remaining = min(overdue, job.lease - now + 1)
    jittered = max(remaining, SHORTEST) * (1 + 0.1 * random)
    return max(SHORTEST, min(jittered, job.gives_up_at - now + 1))
