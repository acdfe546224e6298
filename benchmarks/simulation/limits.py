"""AWS's published limits, and how they let work through."""

from dataclasses import dataclass

DOCS = "https://docs.aws.amazon.com"
SCALING = f"{DOCS}/lambda/latest/dg/scaling-behavior.html"
CONCURRENCY = f"{DOCS}/lambda/latest/dg/lambda-concurrency.html"
MAPPING = f"{DOCS}/lambda/latest/dg/services-sqs-scaling.html"
PARTITION = f"{DOCS}/amazondynamodb/latest/developerguide/bp-partition-key-design.html"
ON_DEMAND = f"{DOCS}/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html"
GATEWAY = f"{DOCS}/apigateway/latest/developerguide/limits.html"

ENVIRONMENTS_AT_ONCE, ENVIRONMENTS_PER_S = 1_000, 100
"""New environments of one function: 1,000 every 10 s, refilled continuously (SCALING)."""
REQUESTS_PER_CONCURRENCY = 10
"""Requests a second of all functions, for each execution of the account's quota (CONCURRENCY)."""
FIRST_POLLERS, POLLERS_PER_S = 5, 300 / 60
"""Workers that a mapping invokes at once at first, and adds while messages wait (MAPPING)."""
KEY_READ_UNITS, KEY_WRITE_UNITS = 3_000, 1_000
"""Units a second of one partition, so of one key: adaptive capacity cannot split it (PARTITION)."""
MOST_WORKERS = 1_000
"""MaximumConcurrency of a mapping (MAPPING)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """What AWS raises on request; the defaults are what an account and a new table have."""

    gateway_rate: float = 10_000
    """Requests a second of all APIs (GATEWAY)."""
    gateway_burst: float = 5_000
    concurrency: float = 1_000
    """Executions at once of all functions (CONCURRENCY)."""
    read_units: float = 12_000
    """Units a second of a new table on demand (ON_DEMAND); warming its throughput raises them."""
    write_units: float = 4_000


class TokenBucket:
    """Lets `rate` a second through on average, and at most `burst` at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens = burst
        self._at = 0.0

    def take(self, wanted: float, now: float) -> float:
        """As many of the wanted tokens as there are, with those that came since the last time."""
        if now > self._at:
            self.tokens = min(self.burst, self.tokens) + (now - self._at) * self.rate
            self._at = now
        taken = min(wanted, self.tokens)
        self.tokens -= taken
        return taken
