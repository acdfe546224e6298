"""The parts of a computation, which each file in computations/ defines.

registry.py       finds and loads computations
declared.py       secrets and settings
stable_json.py    refuses parameters with more than one JSON form
model_tree.py     the parts of a model
default_sizes.py  bounds what defaults may add to a request
written_form.py   validates a result as it is written
source_line.py    file and line, for messages to an author
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from inspect import iscoroutinefunction
from math import inf
from numbers import Real
from typing import Any, Self

from pydantic import BaseModel, ConfigDict

from backburner.computation.declared import Declared, Secret, Setting
from backburner.errors import BrokenComputation, TryAgain, Uncomputable

__all__ = [
    "DAY",
    "HOUR",
    "MINUTE",
    "Computation",
    "Parameters",
    "Policy",
    "Progress",
    "Result",
    "Secret",
    "Setting",
    "TryAgain",
    "Uncomputable",
]

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR
MIN_KEPT_S = 60
"""Seconds. Clients that were told to come back find any answer for at least this long."""
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
"""The least and the greatest value of each field of a policy, and what is wrong with less."""
WHOLE = ("version", "attempts")

STANDARD, ASYNC = "standard", "async"
"""Each is a queue and whoever takes from it; template.yaml has them."""

Progress = Callable[[float], None]
"""Reports how much is done, from 0.0 to 1.0; cheap enough to call at every step."""


class Parameters(BaseModel):
    """The input of a computation. Refuses unknown fields, NaN and infinities."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Result(BaseModel):
    """The output of a computation, sent as JSON."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """How long a computation's answers last and how often it is tried; times in seconds."""

    version: int
    """Raise it when the same parameters give another result: old answers are no longer used."""
    fresh_for: float
    """How long a result is fresh. At least 60, so that clients who waited still find it."""
    stale_for: float = 0
    """How long after that it is served stale, while a refresh runs."""
    failure_kept_for: float = 60
    """How long a failure is the answer before a request may start a new job. At least 60."""
    expected_time: float | Callable[[Any], float] = 1
    """How long a run takes, or a function that computes this from the parameters."""
    time_limit: float = 60
    """How long a run may take before it is stopped and counts as a failed attempt."""
    attempts: int = 3
    """How often a job is begun before it is given up."""
    gives_up_after: float = HOUR
    """How long after the request the job is given up, even if attempts are left."""
    private: bool = False
    """If true, only the caller who asked gets the answer; a token identifies callers."""

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

    def for_job_of(self, version: int) -> Self:
        """The policy; for an older version's job with short times, as a rollback may come."""
        return replace(self, fresh_for=MIN_KEPT_S, stale_for=0) if version < self.version else self


@dataclass(frozen=True, kw_only=True)
class Computation:
    """A named, versioned, pure function of validated parameters."""

    name: str
    documentation: str
    parameters: type[Parameters]
    result: type[Result]
    policy: Policy
    example: Mapping[str, Any]
    compute: Callable[[Any, Progress], Any]
    """Returns a Result; an `async def` returns what gives one."""
    declared: tuple[Declared, ...] = ()
    """The secrets and settings that it may read."""

    @property
    def waits(self) -> bool:
        """True if `compute` is an `async def`: it waits rather than computes."""
        return iscoroutinefunction(self.compute)

    @property
    def lane(self) -> str:
        """Whose workers compute it."""
        return ASYNC if self.waits else STANDARD

    def run(self, parameters: Parameters, progress: Progress) -> Any:
        """What `compute` returns, or gives in an event loop of its own."""
        if not self.waits:
            return self.compute(parameters, progress)
        from asyncio import run  # which the request function has no need of

        return run(self.compute(parameters, progress))

    async def run_async(self, parameters: Parameters, progress: Progress) -> Any:
        """The same, in this event loop; in a thread if `compute` would block it."""
        if self.waits:
            return await self.compute(parameters, progress)
        from asyncio import to_thread

        return await to_thread(self.compute, parameters, progress)

    def expected_time(self, parameters: Parameters) -> float:
        """How many seconds the policy expects a run with these parameters to take.

        At most `gives_up_after`: no run lasts longer than its job.
        """
        given = self.policy.expected_time
        try:
            expected = given(parameters) if callable(given) else given
        except Exception as error:
            raise BrokenComputation(
                f"expected_time of {self.name} raises {type(error).__name__}"
                f"{_raised_at(error)}; mend it"
            ) from error
        if not _is_number(expected):
            raise BrokenComputation(
                f"expected_time of {self.name} gives a {type(expected).__name__}, "
                "not a finite number; give seconds"
            )
        if expected <= 0:
            raise BrokenComputation(
                f"expected_time={expected} of {self.name} is not positive; measure a run"
            )
        return float(min(max(expected, MIN_RUN_S), self.policy.gives_up_after))


def _raised_at(error: Exception) -> str:
    """The line within what the engine called; empty if the call itself is what raised."""
    inner = traceback.extract_tb(error.__traceback__)[1:]
    return f" at {inner[-1].filename}, line {inner[-1].lineno}" if inner else ""


def _check(name: str, value: Any) -> None:
    least, most, too_little = BOUNDS[name]
    if not _is_number(value):
        raise ValueError(f"{name}={value!r} is not a finite number; give one")
    if name in WHOLE and type(value) is not int:
        raise ValueError(f"{name}={value} is not whole; give a whole number")
    if value < least:
        raise ValueError(f"{name}={value} {too_little}; give {least} or more")
    if value > most:
        raise ValueError(f"{name}={value} is over {most}; give {most} or less")


def _is_number(value: Any) -> bool:
    """True for finite real numbers, except booleans."""
    is_real = isinstance(value, Real) and not isinstance(value, bool)
    return is_real and abs(value) < inf
