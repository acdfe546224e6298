"""Triples a number, and has no use for a stale answer."""

from dataclasses import replace

from tests.evidence.explorer.computations import tripling
from tests.evidence.explorer.computations.tripling import EXAMPLE, Parameters, Result, compute

__all__ = ["EXAMPLE", "POLICY", "Parameters", "Result", "compute"]

POLICY = replace(tripling.POLICY, stale_for=0)
