"""Where schedules begin: with which computation, what is there, and who is to come."""

from typing import NamedTuple

from .state import State
from .world import Bounds, World

REQUESTS, LATER = ("P1", "P2"), ("S3",)
"""Three requests on one signature: two by parameters, one by what a Location named."""
CROWD = Bounds(workers=3, dead_letter_functions=2, receives=3, beats=2)
CROWD_OF_REQUESTS = tuple(f"P{n}" for n in range(1, 9))
CROWD_LATER = tuple(f"S{n}" for n in range(1, 5))


class Start(NamedTuple):
    computation: str
    there: str
    """`empty`: nothing; `stale`: a result in its last fresh second."""

    def world(self) -> tuple[World, State]:
        return self._with(Bounds(), REQUESTS, LATER)

    def crowded_world(self) -> tuple[World, State]:
        """With more of everyone."""
        return self._with(CROWD, CROWD_OF_REQUESTS, CROWD_LATER)

    def _with(
        self, bounds: Bounds, requests: tuple[str, ...], later: tuple[str, ...]
    ) -> tuple[World, State]:
        world = World(computation=self.computation, bounds=bounds)
        begin = world.stale if self.there == "stale" else world.empty
        return world, begin(*requests, later=later)


EMPTY, STALE = Start("tripling", "empty"), Start("tripling", "stale")
EMPTY_AFRESH = Start("tripling-afresh", "empty")
STARTS = [
    EMPTY,
    STALE,
    EMPTY_AFRESH,
    Start("tripling-afresh", "stale"),
    Start("tripling-slowly", "empty"),
]
