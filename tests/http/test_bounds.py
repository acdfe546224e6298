"""Whatever a request says, it takes time in proportion to its size, and bounded memory."""

import gc
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.http import hostile, peaks

pytestmark = pytest.mark.evidence

ROOT = Path(__file__).parents[2]
LARGEST_ANSWER = 6_000_000
"""Bytes: Lambda hands over no more, and the client gets API Gateway's bare 500."""
MOST_MEMORY = 100_000
"""kB, beyond what the process has before; the function has 1,024 MB."""
MOST_TIMES_LONGER = 3.0
"""For twice the size; what is quadratic takes four times as long."""

ROUNDS = 20
"""The best of as many counts as it takes, up to this."""


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peaks from /proc")
def test_whatever_a_request_says_takes_bounded_memory() -> None:
    told = subprocess.run(  # noqa: S603
        [sys.executable, "-m", peaks.__name__],
        cwd=ROOT,
        env={"PYTHONPATH": "src:."},
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split("\t") for line in told.stdout.splitlines()]
    assert [name for name, *_ in rows] == [name for name, _ in hostile.dearest()], told.stderr
    peaks_of = [(name, int(highest) - int(before)) for name, _, _, highest, before in rows]
    assert [peak for peak in peaks_of if peak[1] > MOST_MEMORY] == []
    assert {name for name, _, size, *_ in rows if int(size) > LARGEST_ANSWER} == set()
    assert {status for _, status, *_ in rows} == {"202", "400", "413", "415", "422"}


@pytest.mark.parametrize("family", hostile.FAMILIES)
def test_twice_as_much_takes_about_twice_as_long(family: str) -> None:
    once, twice = hostile.FAMILIES[family](40_000), hostile.FAMILIES[family](80_000)
    best_once = best_twice = float("inf")
    for _ in range(ROUNDS):
        best_once = min(best_once, _seconds(once))
        best_twice = min(best_twice, _seconds(twice))
        if best_twice < MOST_TIMES_LONGER * best_once:
            return
    pytest.fail(f"{best_once} s, and {best_twice} s for twice as much")


def _seconds(event: hostile.Event) -> float:
    """Without the garbage collector, which also looks through what other tests have left."""
    gc.disable()
    started = time.process_time()
    hostile.ask(event)
    taken = time.process_time() - started
    gc.enable()
    return taken
