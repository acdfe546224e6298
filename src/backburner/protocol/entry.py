"""An entry: what a signature names. It has an answer, a job, both or nothing.

A placeholder is an entry with a job and no answer. In a refresh, it has a stale answer and a job.
All times are in seconds since the epoch. The caller always passes `now`.
"""

import gzip
import hashlib
from dataclasses import dataclass, replace
from typing import Self

from backburner.computation import STANDARD, Policy
from backburner.problems import GaveUp, Problem, TooLarge
from backburner.protocol.signature import Signature

OK = 200
MAX_PARAMETERS_BYTES = 100_000
"""Bytes, gzipped. Together with a stale answer, this fits into an item of 400 KB."""
MAX_BACK_OFF = 32
"""Each failure in a row is kept twice as long as the last, up to this factor."""
COMPRESSION = 6
"""gzip's level. Level 9 takes two to four times as long and saves 1 to 3 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A result or a problem: failures are stored and served like results."""

    body: bytes
    """JSON, gzipped; stored and sent unchanged."""
    status: int
    """The HTTP status: 200 for a result, 4xx or 5xx for a problem."""
    etag: str
    computed_at: float
    fresh_until: float
    renew_at: float
    """When a request may start a new job: `fresh_until`, or later after a failed refresh."""
    ends_at: float
    """When it is no longer served, not even stale."""
    failures: int = 0
    """How many jobs in a row have failed up to now."""
    renewal_failed_at: float | None = None
    """When the last refresh of a stale result failed."""
    object_key: str | None = None
    """The key of a large result's body in the bucket."""

    @classmethod
    def result(cls, json: bytes, policy: Policy, now: float) -> Self:
        fresh_until = now + policy.fresh_for
        return cls._of(json, OK, now, fresh_until, fresh_until + policy.stale_for)

    @classmethod
    def problem(cls, problem: Problem, job: "Job", now: float) -> Self:
        ends_at = now + job.failure_kept_for
        answer = cls._of(problem.as_json(), problem.status, now, ends_at, ends_at)
        return replace(answer, failures=job.failures + 1)

    @classmethod
    def _of(cls, json: bytes, status: int, now: float, fresh_until: float, ends_at: float) -> Self:
        return cls(
            body=gzip.compress(json, COMPRESSION, mtime=0),
            status=status,
            etag=hashlib.sha256(json).hexdigest()[:32],
            computed_at=now,
            fresh_until=fresh_until,
            renew_at=fresh_until,
            ends_at=ends_at,
        )

    @property
    def is_result(self) -> bool:
        return self.status == OK

    @property
    def etag_header(self) -> str:
        """The ETag; weak, as the same result is sent with and without gzip."""
        return f'W/"{self.etag}"'

    def is_fresh(self, now: float) -> bool:
        return now < self.fresh_until


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that is queued or running. It carries all that ending it needs: it outlives deploys."""

    version: int
    parameters: bytes
    """Canonical JSON, gzipped."""
    correlation_id: str
    requested_at: float
    expected_time: float
    gives_up_at: float
    failure_kept_for: float
    max_attempts: int
    lane: str = STANDARD
    answer_kept_for: float = 60
    """How long any answer of it is kept at least, so how long clients may stay away."""
    lease: float = 0
    """The time until which the job counts as alive; the store sets it."""
    failures: int = 0
    """How many jobs in a row failed before this one."""
    sends: int = 1
    """How many messages were sent since it was set or last begun."""
    attempts: int = 0
    run: str | None = None
    """The token of the run that holds the job; None while it is queued."""
    started_at: float | None = None
    due_at: float = 0
    """When its message returns after a failed attempt; 0 until there is one."""
    progress: float | None = None
    progress_at: float | None = None

    @classmethod
    def new(
        cls,
        policy: Policy,
        parameters: bytes,
        expected_time: float,
        *,
        correlation_id: str,
        now: float,
        lane: str,
        failures: int = 0,
    ) -> Self:
        """A new job by the policy. `parameters` are canonical JSON; TooLarge if over the limit."""
        # A client that was told to wait for the result must still find the failure.
        kept_for = max(policy.failure_kept_for, 2 * expected_time)
        failure_kept_for = kept_for * min(2**failures, MAX_BACK_OFF)
        return cls(
            version=policy.version,
            parameters=_compressed(parameters),
            correlation_id=correlation_id,
            requested_at=now,
            expected_time=expected_time,
            gives_up_at=now + policy.gives_up_after,
            failures=failures,
            failure_kept_for=failure_kept_for,
            max_attempts=policy.attempts,
            lane=lane,
            answer_kept_for=min(policy.fresh_for + policy.stale_for, failure_kept_for),
        )

    @property
    def state(self) -> str:
        return "running" if self.run else "queued"

    def is_alive(self, now: float) -> bool:
        return now < self.lease and now < self.gives_up_at

    def gave_up(self, now: float, delay: float = 0, why: str = "") -> Answer:
        """The answer to a job that has used up its attempts or its time, or will in the delay.

        `why` its last attempt failed is for its author's own machine alone.
        """
        too_late = f", as the next could begin only in {delay:.0f} s" if delay else ""
        problem = GaveUp(
            f"gave up after {self.attempts} of {self.max_attempts} attempts and "
            f"{now - self.requested_at:.0f} s{too_late}; ask again later, it will be tried afresh"
            f"{why and '. The last failed: '}{why}",
            correlation_id=self.correlation_id,
        )
        return Answer.problem(problem, self, now)

    def is_spent(self, now: float) -> bool:
        """True if no attempts or no time are left, so that it can only be buried."""
        return self.attempts >= self.max_attempts or now >= self.gives_up_at


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """The DynamoDB item of a signature; without an item, it has neither answer nor job."""

    signature: Signature
    computation: str
    private_to: str = ""
    """The identity of the only caller who may see it; empty if everybody may."""
    answer: Answer | None = None
    job: Job | None = None

    @property
    def the_job(self) -> Job:
        """The job, for callers who know that there is one."""
        if self.job is None:
            raise LookupError(f"the entry {self.signature} has no job; check for one first")
        return self.job

    @property
    def the_answer(self) -> Answer:
        """The answer, for callers who know that there is one."""
        if self.answer is None:
            raise LookupError(f"the entry {self.signature} has no answer; check for one first")
        return self.answer

    def is_for(self, asked: "Entry") -> bool:
        """True if it has the computation and the caller of the entry asked for."""
        return (self.computation, self.private_to) == (asked.computation, asked.private_to)

    def servable(self, now: float) -> Answer | None:
        """The answer, unless it has ended. DynamoDB deletes late, so the clock decides."""
        return self.answer if self.answer and now < self.answer.ends_at else None

    def is_settled(self, now: float) -> bool:
        """True if the answer can be served and needs no refresh yet."""
        answer = self.servable(now)
        return answer is not None and now < answer.renew_at

    def is_alive(self, now: float) -> bool:
        return self.job is not None and self.job.is_alive(now)

    def is_spent(self, now: float) -> bool:
        return self.job is not None and self.job.is_spent(now)

    @property
    def ends_at(self) -> float:
        """When neither answer nor job is needed any longer."""
        answer_ends = self.answer.ends_at if self.answer else 0.0
        return max(answer_ends, self.job.gives_up_at if self.job else 0.0)


def _compressed(parameters: bytes) -> bytes:
    compressed = gzip.compress(parameters, COMPRESSION, mtime=0)
    if len(compressed) > MAX_PARAMETERS_BYTES:
        raise TooLarge(
            f"the parameters have {len(compressed)} bytes, compressed; "
            f"{MAX_PARAMETERS_BYTES} are the most: ask for less at a time"
        )
    return compressed
