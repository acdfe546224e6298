"""The table's entries, and when the product tells clients to ask again."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from math import ceil, inf

import numpy as np
from numpy.typing import NDArray

from backburner.protocol.entry import Job
from backburner.run_times import REFRESH_EVERY_S, SLOTS, Sample
from backburner.waiting import estimate


@dataclass(kw_only=True)
class SimulatedEntries:
    """Answers and jobs by signature, and the run times that estimates are made from."""

    fresh_until: NDArray[np.float64]
    expected_time: float
    rng: np.random.Generator
    has_job: NDArray[np.bool_] = field(init=False)
    jobs: dict[int, Job] = field(default_factory=dict)
    slots: dict[int, Sample] = field(default_factory=dict)
    _read: list[Sample] = field(default_factory=list)
    _read_at: float = -inf
    _told: dict[tuple[bool, float, int], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.has_job = np.zeros(len(self.fresh_until), dtype=bool)

    def claim(self, signature: int, now: float) -> None:
        self.has_job[signature] = True
        self.jobs[signature] = Job(
            version=1,
            parameters=b"",
            correlation_id="",
            requested_at=now,
            expected_time=self.expected_time,
            gives_up_at=now + 3600,
            failure_kept_for=60,
            max_attempts=3,
            answer_kept_for=inf,
            lease=inf,  # nothing dies here, so no job is sent again
        )

    def begin(self, signature: int, now: float) -> None:
        self.jobs[signature] = replace(self.jobs[signature], run="run", started_at=now)

    def complete(self, signature: int, now: float, fresh_for: float) -> Sample:
        """Answer the entry; return the times that the worker may record."""
        job = self.jobs.pop(signature)
        self.has_job[signature] = False
        self.fresh_until[signature] = now + fresh_for
        started_at = job.started_at or now
        return Sample(started_at - job.requested_at, (now - started_at) / job.expected_time)

    def record(self, sample: Sample) -> None:
        self.slots[int(self.rng.integers(SLOTS))] = sample

    def learn(self, run_times: Iterable[float]) -> None:
        """Fill the slots, as jobs that did not wait would have done."""
        shares = (seconds / self.expected_time for seconds in run_times)
        self.slots = {slot: Sample(0, share) for slot, share in enumerate(shares)}

    def retry_after(self, signature: int, now: float) -> float:
        """The header's whole seconds. Equal jobs of a moment are estimated once."""
        if now - self._read_at >= REFRESH_EVERY_S:
            self._read, self._read_at, self._told = list(self.slots.values()), now, {}
        job = self.jobs[signature]
        age = now - (job.started_at if job.run and job.started_at else job.requested_at)
        jitter = int(self.rng.integers(8))
        question = (bool(job.run), round(age, 1), jitter)
        if question not in self._told:
            seconds = estimate(job, self._read, now, jitter / 8).seconds
            self._told[question] = max(1, ceil(seconds))
        return self._told[question]
