"""Waiting for other processes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(probe: Callable[[], T], within: float = 10) -> T:
    """What the probe gives as soon as it is something; otherwise the test fails."""
    deadline = time.monotonic() + within
    while not (found := probe()):
        assert time.monotonic() < deadline, f"not within {within} s: {probe.__qualname__}"
        time.sleep(0.02)
    return found
