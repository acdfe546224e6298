"""Triples a number, slowly by its own account, and has much time for it."""

from dataclasses import replace

from tests.evidence.explorer.computations import tripling
from tests.evidence.explorer.computations.tripling import EXAMPLE, Parameters, Result, compute

__all__ = ["EXAMPLE", "POLICY", "Parameters", "Result", "compute"]

POLICY = replace(
    tripling.POLICY, stale_for=0, expected_time=300, time_limit=600, gives_up_after=3600
)
