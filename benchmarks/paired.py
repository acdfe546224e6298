"""Compares the processor time of two callables in one process, interleaved."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

Call = Callable[[], object]


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of some ratios, with their quartiles."""

    ratio: float
    p25: float
    p75: float

    @classmethod
    def of(cls, ratios: Sequence[float]) -> Self:
        p25, median, p75 = statistics.quantiles(ratios, n=4, method="inclusive")
        return cls(round(median, 4), round(p25, 4), round(p75, 4))

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def compare(ours: Call, floor: Call, *, rounds: int, calls: int) -> Ratio:
    """Our processor time ÷ the floor's, by blocks of calls; the order changes each round."""
    block(ours, calls)
    block(floor, calls)
    return Ratio.of([_round(ours, floor, calls, floor_first=n % 2 == 1) for n in range(rounds)])


def _round(ours: Call, floor: Call, calls: int, *, floor_first: bool) -> float:
    if floor_first:
        below, above = block(floor, calls), block(ours, calls)
    else:
        above, below = block(ours, calls), block(floor, calls)
    return above / below


def block(call: Call, calls: int) -> float:
    """Seconds of this process's processor time, of the user and the system, for so many calls."""
    before = time.process_time()
    for _ in range(calls):
        call()
    return time.process_time() - before
