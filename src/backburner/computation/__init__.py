"""What a computation is made of; each file in computations/ fills in this form."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from math import inf
from numbers import Real
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

HOUR = 3600
DAY = 24 * HOUR
MIN_KEPT_S = 60
"""Seconds: so long whoever was told to come back finds the answer, whatever it is."""
MIN_RUN_S = 0.001
MAX_S = 3650 * DAY

MISSED = f"is under {MIN_KEPT_S} s: clients that come back for an answer would miss it"
BOUNDS = {
    "version": (1, 10**15, "is not positive"),
    "fresh_for": (MIN_KEPT_S, MAX_S, MISSED),
    "stale_for": (0, MAX_S, "is negative"),
    "failure_kept_for": (MIN_KEPT_S, MAX_S, MISSED),
    "expected_time": (MIN_RUN_S, MAX_S, "is not positive"),
    "time_limit": (MIN_RUN_S, MAX_S, "is not positive"),
    "attempts": (1, 100, "is not positive"),
    "gives_up_after": (MIN_RUN_S, MAX_S, "is not positive"),
}
"""The least and the most that a policy may say, and what is wrong with less."""
WHOLE = ("version", "attempts")

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
        for name in BOUNDS:
            if name != "expected_time" or not callable(self.expected_time):
                _check(name, getattr(self, name))
        if self.private not in (True, False):
            raise ValueError(f"private={self.private!r} is neither True nor False; give one")
        if self.gives_up_after < self.time_limit:
            raise ValueError(
                f"gives_up_after={self.gives_up_after} is under time_limit={self.time_limit}: "
                "a job would be given up while it may still run; make it longer"
            )

    def in_passing(self) -> Self:
        """For what a new version answers to a question for an old one; it may be rolled back."""
        return replace(self, fresh_for=MIN_KEPT_S, stale_for=0)


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
        """How long a run with these parameters takes, in seconds, by the policy's own word.

        No run takes longer than until its job is given up.
        """
        given = self.policy.expected_time
        try:
            expected = given(parameters) if callable(given) else given
        except Exception as error:
            raise BrokenComputation(
                f"expected_time of {self.name} raises {type(error).__name__}; mend it"
            ) from error
        if not _is_number(expected):
            raise BrokenComputation(
                f"expected_time of {self.name} gives no finite number but a "
                f"{type(expected).__name__}; give seconds"
            )
        if expected <= 0:
            raise BrokenComputation(
                f"expected_time={expected} of {self.name} is not positive; measure a run"
            )
        return float(min(max(expected, MIN_RUN_S), self.policy.gives_up_after))


def _check(name: str, value: Any) -> None:
    least, most, too_little = BOUNDS[name]
    if not _is_number(value):
        raise ValueError(f"{name}={value!r} is no finite number; give one")
    if name in WHOLE and type(value) is not int:
        raise ValueError(f"{name}={value} is not whole; give a whole number")
    if value < least:
        raise ValueError(f"{name}={value} {too_little}; give {least} or more")
    if value > most:
        raise ValueError(f"{name}={value} is over {most}; give {most} or less")


def _is_number(value: Any) -> bool:
    """Real and finite; True is none."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and abs(value) < inf
