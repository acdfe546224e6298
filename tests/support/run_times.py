"""Samples that other workers wrote."""

from dataclasses import replace

from backburner.retry_after.run_times import SLOTS, RunTimes, Sample


def fill(run_times: RunTimes, computation: str, samples: int) -> None:
    """Write them, one into each slot from the second one on."""
    for n in range(1, samples + 1):
        other = replace(run_times, _written={}, random=iter([n / SLOTS]).__next__)
        other.add(computation, Sample(0, 100))
