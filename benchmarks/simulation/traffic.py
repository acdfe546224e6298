"""Who asks for what, and when."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Signatures = NDArray[np.int64]
"""The signatures asked for, by number; number 0 is the most popular."""


@dataclass(frozen=True, kw_only=True)
class Traffic:
    """Questions that come at random, at a rate, for signatures whose popularity follows Zipf."""

    name: str
    rate: float
    """Questions a second, without polls."""
    seconds: float = 60
    signatures: int = 100_000
    exponent: float = 1.0
    viral: float = 0.0
    """The share of the questions that is for signature 0 alone."""
    run_time: float = 2.0
    """Mean seconds of a computation, with one processor."""
    variation: float = 0.5
    """The run time's standard deviation by its mean; it is log-normal."""
    fresh_for: float = 3600.0
    item_kb: float = 1.0
    is_cold: bool = False
    """Nothing is answered, and no instance runs, when the first question comes."""

    @cached_property
    def shares(self) -> NDArray[np.float64]:
        """The share of each signature in the questions."""
        ranks: NDArray[np.float64] = np.arange(1, self.signatures + 1, dtype=float)
        weights = ranks**-self.exponent
        shares: NDArray[np.float64] = weights / weights.sum() * (1 - self.viral)
        shares[0] += self.viral
        return shares

    @cached_property
    def new_jobs(self) -> float:
        """Jobs a second in the long run: each signature's first question after it is not fresh."""
        rates = self.shares * self.rate
        return float(np.sum(rates / (1 + rates * self.fresh_for)))

    @cached_property
    def _steps(self) -> NDArray[np.float64]:
        return np.cumsum(self.shares)

    def asked(self, seconds: float, rng: np.random.Generator) -> Signatures:
        """The questions of an interval, in a random order."""
        asked = rng.random(rng.poisson(self.rate * seconds))
        found = np.searchsorted(self._steps, asked * self._steps[-1], side="right")
        numbers: Signatures = np.minimum(found, self.signatures - 1).astype(np.int64)
        return numbers

    def fresh_until(self, rng: np.random.Generator) -> NDArray[np.float64]:
        """Until when each signature's answer is fresh when the first question comes, at 0 s."""
        if self.is_cold:
            return np.zeros(self.signatures)
        asked = self.shares * self.rate * self.fresh_for
        is_fresh = rng.random(self.signatures) < asked / (1 + asked)
        if self.viral:
            is_fresh[0] = False
        ages: NDArray[np.float64] = rng.random(self.signatures) * self.fresh_for
        return np.where(is_fresh, ages, 0.0)

    def drawn_run_time(self, rng: np.random.Generator) -> float:
        if not self.variation:
            return self.run_time
        sigma = np.sqrt(np.log(1 + self.variation**2))
        return self.run_time * float(rng.lognormal(-(sigma**2) / 2, sigma))
