"""The request function, with all that lets requests through to it and to the table.

It takes the requests of one tick together: those for one signature are alike.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from math import ceil

import numpy as np
import simpy
from numpy.typing import NDArray

from backburner.local_cache import MAX_AGE_S
from backburner.protocol.task_queue import COUNT_EVERY_S

from .entries import SimulatedEntries
from .limits import (
    ENVIRONMENTS_AT_ONCE,
    ENVIRONMENTS_PER_S,
    KEY_READ_UNITS,
    KEY_WRITE_UNITS,
    REQUESTS_PER_CONCURRENCY,
    Quotas,
    TokenBucket,
)
from .outcome import SimulationOutcome
from .settings import CALL_S, REQUEST_S, StackParameters
from .traffic import Signatures, Traffic
from .workers import Events, SimulatedWorkers

COLD_START_S = 0.6
"""Assumed: an environment's start, before its first request."""
RACE_S = 2 * CALL_S
"""From looking up to the placeholder: what asks meanwhile loses a conditional write."""
THROTTLED_FOR_S = 1
"""A client whose poll is refused asks again after this time, up to twice as long."""

RATE = "RequestRate"
GATEWAY = "API Gateway's rate"
LAMBDA_RATE = "Lambda's requests a second"
CONCURRENCY = "Lambda's concurrency"
RAMP = "Lambda's ramp"
HOT_KEY = "reads of one key"
HOT_KEY_WRITES = "writes of one key"
TABLE_READS = "the table's reads"
TABLE_WRITES = "the table's writes"
BACKLOG = "MaxBacklog"


@dataclass(slots=True)
class Requests:
    """New questions, and polls by signature and the time of their question."""

    new: Signatures
    polls: Counter[tuple[int, float]]

    def __len__(self) -> int:
        return len(self.new) + self.polls.total()

    def by_signature(self) -> Counter[int]:
        found = Counter(dict(zip(*np.unique(self.new, return_counts=True), strict=True)))
        for (signature, _), count in self.polls.items():
            found[signature] += count
        return found


@dataclass(kw_only=True)
class SimulatedFront:
    """Serves, tells to wait, or refuses; it never waits for a job."""

    env: simpy.Environment
    entries: SimulatedEntries
    workers: SimulatedWorkers
    traffic: Traffic
    parameters: StackParameters
    quotas: Quotas
    outcome: SimulationOutcome
    rng: np.random.Generator
    tick: float
    has_cache: bool = True
    instances: int = 0
    _starting: int = 0
    _duration: float = REQUEST_S + CALL_S
    """Seconds of a request, on average of the last tick."""
    _due: dict[int, Counter[tuple[int, float]]] = field(
        default_factory=lambda: defaultdict(Counter)
    )
    _full_since: float | None = None

    def __post_init__(self) -> None:
        parameters, quotas = self.parameters, self.quotas
        rps = REQUESTS_PER_CONCURRENCY * quotas.concurrency
        self._buckets = {
            RATE: TokenBucket(parameters.request_rate, parameters.request_burst),
            GATEWAY: TokenBucket(quotas.gateway_rate, quotas.gateway_burst),
            LAMBDA_RATE: TokenBucket(rps, rps),
        }
        self._ramp = TokenBucket(ENVIRONMENTS_PER_S, ENVIRONMENTS_AT_ONCE)
        self._reads = TokenBucket(quotas.read_units, quotas.read_units)
        self._writes = TokenBucket(quotas.write_units, quotas.write_units)
        self._units = ceil(self.traffic.item_kb / 4) / 2
        if not self.traffic.is_cold:
            usual = self.traffic.rate * self._duration
            self.instances = ceil(usual + 3 * usual**0.5)

    def serve(self, new: Signatures) -> None:
        """The requests of one tick: the new ones, and the polls that are due."""
        now = self.env.now
        self.outcome.asked += len(new)
        requests = Requests(new, self._due.pop(round(now / self.tick), Counter()))
        second = self.outcome.second(now)
        second.polls += requests.polls.total()
        second.requests += len(requests)
        self.outcome.polls += requests.polls.total()
        for limit, bucket in self._buckets.items():
            requests = self._at_most(bucket.take(len(requests), self._ends), requests, limit)
        requests = self._in_environments(requests)
        admitted = len(requests)
        requests = self._from_memory(requests)
        from_memory = admitted - len(requests)
        requests = self._readable(requests)
        claims = self._answer(requests)
        seconds = REQUEST_S * admitted + CALL_S * (admitted - from_memory + 2 * claims)
        self._duration = seconds / admitted if admitted else self._duration
        self._note()

    @property
    def waiting(self) -> int:
        return sum(polls.total() for polls in self._due.values())

    @property
    def _ends(self) -> float:
        return float(self.env.now) + self.tick

    def _at_most(self, allowed: float, requests: Requests, limit: str) -> Requests:
        """Let that many through; refuse the others."""
        if allowed >= len(requests):
            return requests
        return self._thinned(allowed / len(requests), requests, limit)

    def _thinned(
        self, share: float, requests: Requests, limit: str, only: int | None = None
    ) -> Requests:
        """Refuse all but a share, of everything or of one signature."""
        is_kept = self.rng.random(len(requests.new)) < share
        if only is not None:
            is_kept |= requests.new != only
        self.outcome.refuse(limit, int(np.sum(~is_kept)), self.env.now)
        kept: Counter[tuple[int, float]] = Counter()
        for poll, count in requests.polls.items():
            concerned = only is None or poll[0] == only
            let_through = int(self.rng.binomial(count, share)) if concerned else count
            self._postpone(poll, count - let_through, limit)
            if let_through:
                kept[poll] = let_through
        return Requests(requests.new[is_kept], kept)

    def _postpone(self, poll: tuple[int, float], count: int, limit: str) -> None:
        if count:
            self.outcome.refuse(limit, count, self.env.now, polls=True)
            self._tell(poll, count, THROTTLED_FOR_S * (1 + self.rng.random()))

    def _tell(self, poll: tuple[int, float], count: int, seconds: float) -> None:
        due = ceil((self.env.now + seconds) / self.tick - 1e-6)
        self._due[due][poll] += count

    def _in_environments(self, requests: Requests) -> Requests:
        """Each request has an environment of its own; those without one start a new one."""
        free = self.quotas.concurrency - self.workers.running - self._starting
        usable = max(0, min(self.instances, free))
        served = usable * self.tick / self._duration
        lacking = max(0, len(requests) - served)
        room = max(0.0, free - usable)
        started = int(self._ramp.take(min(ceil(lacking), room), self._ends))
        self._start(started)
        limit = CONCURRENCY if room < lacking else RAMP
        return self._at_most(served + started, requests, limit)

    def _start(self, environments: int) -> None:
        if environments:
            self._starting += environments
            self.env.process(self._become_warm(environments))

    def _become_warm(self, environments: int) -> Events:
        yield self.env.timeout(COLD_START_S)
        self._starting -= environments
        self.instances += environments

    def _from_memory(self, requests: Requests) -> Requests:
        """Serve what the instances have in their local caches."""
        if not self.has_cache:
            return requests
        signatures = requests.new
        share = in_memory(self.traffic.shares[signatures] * self.traffic.rate, self.instances)
        is_fresh = self.entries.fresh_until[signatures] > self.env.now
        is_served = is_fresh & (self.rng.random(len(signatures)) < share)
        self._served(int(np.sum(is_served)))
        self.outcome.from_memory += int(np.sum(is_served))
        return Requests(signatures[~is_served], requests.polls)

    def _readable(self, requests: Requests) -> Requests:
        """Refuse what the key's partition or the table is too busy for."""
        most = KEY_READ_UNITS * self.tick / self._units
        reads = requests.by_signature()
        hottest = max(reads.values(), default=0) * self._units
        second = self.outcome.second(self.env.now)
        second.hot_key_units = max(second.hot_key_units, hottest / self.tick)
        for signature, count in reads.items():
            if count > most:
                requests = self._thinned(most / count, requests, HOT_KEY, only=signature)
        allowed = self._reads.take(len(requests) * self._units, self._ends) / self._units
        return self._at_most(allowed, requests, TABLE_READS)

    def _answer(self, requests: Requests) -> int:
        """Serve fresh answers, tell when to ask again, or claim; return the number of claims."""
        now = self.env.now
        for (signature, asked_at), count in requests.polls.items():
            if self.entries.has_job[signature]:
                wait = self.entries.retry_after(signature, now)
                self._tell((signature, asked_at), count, wait)
            else:
                self.outcome.served_later += count
                self.outcome.second(now).served += count
                self.outcome.waits[round(now - asked_at, 3)] += count
        is_fresh = self.entries.fresh_until[requests.new] > now
        self._served(int(np.sum(is_fresh)))
        missed = requests.new[~is_fresh]
        has_job = self.entries.has_job[missed]
        claims = self._claim(missed[~has_job])
        for signature, count in counted(missed[has_job]):
            self._wait(signature, count)
        return claims

    def _claim(self, signatures: Signatures) -> int:
        """New jobs, unless too many wait; the first of a signature starts the only one."""
        now = self.env.now
        is_refused = self.rng.random(len(signatures)) < self._share_that_sees_it_full()
        self.outcome.refuse(BACKLOG, int(np.sum(is_refused)), now)
        claims = 0
        for signature, count in counted(signatures[~is_refused]):
            racing = round((count - 1) * min(1, RACE_S / self.tick))
            unmet = max(0, racing + 1 - int(KEY_WRITE_UNITS * self.tick))
            self.outcome.refuse(HOT_KEY_WRITES, unmet, now)
            if self._writes.take(racing + 1 - unmet, self._ends) < 1:
                self.outcome.refuse(TABLE_WRITES, count - unmet, now)
                continue
            self.entries.claim(signature, now)
            self.workers.send(signature)
            self._wait(signature, count - unmet)
            claims += 1
        return claims

    def _share_that_sees_it_full(self) -> float:
        """Of the instances: each counts the queue at most every COUNT_EVERY_S."""
        most, now = self.parameters.max_backlog, self.env.now
        if not most or len(self.workers.queue) < most:
            self._full_since = None
            return 0.0
        self._full_since = now if self._full_since is None else self._full_since
        return min(1.0, float(now - self._full_since) / COUNT_EVERY_S)

    def _wait(self, signature: int, count: int) -> None:
        now = self.env.now
        self._tell((signature, now), count, self.entries.retry_after(signature, now))

    def _served(self, count: int) -> None:
        self.outcome.served_at_once += count
        self.outcome.second(self.env.now).served += count

    def _note(self) -> None:
        second = self.outcome.second(self.env.now)
        second.backlog = max(second.backlog, len(self.workers.queue))
        second.running = max(second.running, self.workers.running)
        second.pollers = int(self.workers.pollers)
        second.instances = self.instances + self._starting


def in_memory(rates: NDArray[np.float64], instances: int) -> NDArray[np.float64]:
    """The share of fresh answers that an instance has in its local cache.

    It reads the table, serves from memory for MAX_AGE_S, and reads at the next request after that.
    """
    each = MAX_AGE_S * rates / max(1, instances)
    return each / (1 + each)


def counted(signatures: Signatures) -> list[tuple[int, int]]:
    found, counts = np.unique(signatures, return_counts=True)
    return list(zip(found.tolist(), counts.tolist(), strict=True))
