"""Where the play is given: with the explorer's own computations, and without logs and metrics."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import computations
from backburner import telemetry

COMPUTATIONS = str(Path(__file__).parent / "computations")


@contextmanager
def replaced(owner: object, name: str, value: object) -> Iterator[None]:
    """One attribute has another value for a while."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)


@contextmanager
def stage() -> Iterator[None]:
    """Every actor is brought back thousands of times: what it logs would say nothing."""
    logging.disable(logging.CRITICAL)
    with (
        replaced(computations, "__path__", [*computations.__path__, COMPUTATIONS]),
        replaced(telemetry, "emit", _nothing),
    ):
        yield
    logging.disable(logging.NOTSET)


def _nothing(*_: Any) -> None:
    pass
