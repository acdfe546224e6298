"""What an operator sets: the parameters of template.yaml, and the quotas to ask for."""

from dataclasses import dataclass
from math import ceil

from .limits import (
    ENVIRONMENTS_AT_ONCE,
    MOST_WORKERS,
    REQUESTS_PER_CONCURRENCY,
    Quotas,
)
from .traffic import Traffic

CALL_S, REQUEST_S, JOB_S = 0.005, 0.003, 0.030
"""Assumed, as in docs/costs.md: a call to AWS; a request and a job beside their calls."""
PROCESSOR_MB = 1_769
"""The memory that gives a worker one whole processor."""
HEADROOM = 1.5
MOST_BURST = 5_000
"""RequestBurst's MaxValue in template.yaml."""
PATIENCE_S = 60
"""MaxBacklog is as much as the workers finish in this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackParameters:
    """Those of template.yaml that bound the load, with its defaults."""

    request_rate: float = 100
    request_burst: float = 200
    max_backlog: int = 1_000
    max_workers: int = 10
    worker_memory: int = PROCESSOR_MB

    @property
    def speed(self) -> float:
        """Of a computation that uses one processor."""
        return min(1.0, self.worker_memory / PROCESSOR_MB)


def fitting(traffic: Traffic, peak: float) -> StackParameters:
    """Parameters for the traffic, whose questions and polls have that peak a second."""
    needed = ceil(HEADROOM * traffic.new_jobs * traffic.run_time)
    workers = MOST_WORKERS if traffic.is_cold else min(max(needed, 10), MOST_WORKERS)
    rate = max(100, rounded(HEADROOM * peak))
    return StackParameters(
        request_rate=rate,
        request_burst=min(max(200, rate), MOST_BURST),
        max_workers=rounded(workers),
        max_backlog=rounded(max(1_000, workers * PATIENCE_S / traffic.run_time)),
    )


def asked_for(traffic: Traffic, parameters: StackParameters) -> Quotas:
    """The quotas that the parameters need; no less than the defaults."""
    default = Quotas()
    rate = parameters.request_rate
    instances = rate * (REQUEST_S + CALL_S)
    if traffic.is_cold:
        instances = max(instances, ENVIRONMENTS_AT_ONCE)
    concurrency = max(instances + parameters.max_workers, rate / REQUESTS_PER_CONCURRENCY)
    units = ceil(traffic.item_kb / 4) / 2
    return Quotas(
        gateway_rate=max(default.gateway_rate, rate),
        gateway_burst=default.gateway_burst * max(1, rate / default.gateway_rate),
        concurrency=max(default.concurrency, rounded(concurrency)),
        read_units=max(default.read_units, rounded(rate * units)),
        write_units=max(default.write_units, rounded(traffic.rate) if traffic.is_cold else 0),
    )


def rounded(number: float) -> int:
    """Up to one leading digit or a half of it: 10, 15, 20 … 95, 100, 150."""
    digit = 10 ** max(len(str(ceil(number))) - 2, 0)
    return ceil(number / digit / 5) * 5 * digit if number > 10 else ceil(number)
