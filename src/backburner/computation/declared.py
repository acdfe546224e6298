"""The secrets and settings that a computation declares, and their values during an attempt.

The worker reads the values before an attempt. Here they are only in memory: never in a file or in
the environment, which other programs would see.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import ClassVar

from backburner.errors import NoValue

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


@dataclass(frozen=True)
class Declared:
    """A text that differs between deployments. `value` is the text, within compute()."""

    kind: ClassVar[str]
    name: str

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not NAME.fullmatch(self.name):
            raise ValueError(
                f"{self.name!r} is not the name of a {self.kind}: it needs lowercase letters, "
                "digits and single hyphens; write it like sales-database"
            )

    @property
    def key(self) -> str:
        """Its name in a .env file."""
        return self.name.upper().replace("-", "_")

    @property
    def value(self) -> str:
        given = _found()
        if given is None:
            raise NoValue(f"reads the {self.kind} {self.name!r} too early; read it in compute()")
        if self not in given:
            raise NoValue(
                f"reads the {self.kind} {self.name!r}, which it does not declare; "
                "assign it to a name in the computation's own file"
            )
        return given[self]


@dataclass(frozen=True)
class Secret(Declared):
    """A text that nobody may see, such as a password. It is in AWS Secrets Manager."""

    kind: ClassVar[str] = "secret"


@dataclass(frozen=True)
class Setting(Declared):
    """A text that may be seen. It is in SSM Parameter Store, or else it is the default."""

    kind: ClassVar[str] = "setting"
    default: str | None = field(default=None, kw_only=True, compare=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.default is not None and not isinstance(self.default, str):
            raise ValueError(f"default={self.default!r} of {self.name} is not text; quote it")


Values = Mapping[Declared, str]

_given: ContextVar[Values | None] = ContextVar("given", default=None)
_in_threads: Values | None = None
"""For the threads of an attempt that has its process to itself."""


def values() -> Values:
    """The values of this attempt; none outside of one."""
    return _found() or {}


@contextmanager
def given(values: Values) -> Iterator[None]:
    """Within this, `value` gives these, in this thread or task alone: others have their own."""
    token = _given.set(values)
    try:
        yield
    finally:
        _given.reset(token)


@contextmanager
def given_to_all(values: Values) -> Iterator[None]:
    """The same, for all threads of the process, as a computation may start some."""
    global _in_threads
    before, _in_threads = _in_threads, values
    try:
        with given(values):
            yield
    finally:
        _in_threads = before


def _found() -> Values | None:
    own = _given.get()
    return _in_threads if own is None else own
