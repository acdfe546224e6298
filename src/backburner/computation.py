"""What a computation is made of; each file in computations/ fills in this form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from backburner.errors import BrokenComputation, Uncomputable

__all__ = [
    "DAY",
    "HOUR",
    "Computation",
    "Parameters",
    "Policy",
    "Progress",
    "Result",
    "Uncomputable",
]

SHORTEST_KEPT = 60
"""Seconds: so long whoever was told to come back finds the answer, whatever it is."""
HOUR = 3600
DAY = 24 * HOUR

Progress = Callable[[float], None]
"""Tells how much is done, from 0.0 to 1.0; cheap enough to call at every step."""


class Parameters(BaseModel):
    """What a computation takes: unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Result(BaseModel):
    """What a computation gives, as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How long the answers of a computation last and how hard to try for one; times in seconds."""

    version: int
    """Raise it when the same parameters give another result: old answers are then out of use."""
    fresh_for: float
    """How long a result is served as it is. At least 60, so that whoever waited still finds it."""
    stale_for: float = 0
    """How long after that it is still served, while a refresh runs behind it."""
    failure_kept_for: float = 60
    """How long a failure is the answer before a request may try afresh. At least 60, too."""
    expected_time: float | Callable[[Any], float] = 1
    """How long a run takes, or a function of the parameters that says so."""
    time_limit: float = 60
    """How long one run may take; then it is stopped and counts as a failed attempt."""
    attempts: int = 3
    """How often a job is begun before it is given up."""
    gives_up_after: float = HOUR
    """How long after the request the job is given up, whatever became of it."""
    private: bool = False
    """An answer is only for the caller who asked: a token says who that is."""

    def __post_init__(self) -> None:
        for name in ("fresh_for", "failure_kept_for"):
            if getattr(self, name) < SHORTEST_KEPT:
                raise ValueError(
                    f"{name}={getattr(self, name)} is under {SHORTEST_KEPT} s: clients that come "
                    f"back for an answer would miss it; keep it for {SHORTEST_KEPT} s or longer"
                )
        for name in ("version", "time_limit", "attempts"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name}={getattr(self, name)} is not positive; it must be")
        if self.gives_up_after < self.time_limit:
            raise ValueError(
                f"gives_up_after={self.gives_up_after} is under time_limit={self.time_limit}: "
                "a job would be given up while it may still run; make it longer"
            )

    def in_passing(self) -> Self:
        """For what a new version answers to a question for an old one; it may be rolled back."""
        return replace(self, fresh_for=SHORTEST_KEPT, stale_for=0)


@dataclass(frozen=True, kw_only=True)
class Computation:
    """A named, versioned, pure function of validated parameters."""

    name: str
    documentation: str
    parameters: type[Parameters]
    result: type[Result]
    policy: Policy
    example: Mapping[str, Any]
    compute: Callable[[Any, Progress], Result]

    def expected_time(self, parameters: Parameters) -> float:
        """How long a run with these parameters takes, in seconds, by the policy's own word."""
        given = self.policy.expected_time
        expected = given(parameters) if callable(given) else given
        if expected <= 0:
            raise BrokenComputation(
                f"expected_time={expected} of {self.name} is not positive; measure a run"
            )
        return expected
