"""A schedule made as short as it can be, while it still breaks the same invariant."""

from collections.abc import Callable

from .calm import Calm, Calmness
from .invariants import Violation
from .normal import normal
from .state import Move, State
from .world import World

Schedule = tuple[Move, ...]


class Impossible(Exception):
    """A move that cannot be made there."""


def replay(
    world: World,
    start: State,
    schedule: Schedule,
    calm: Calm | None = None,
    tell: Callable[[Move, State], None] = lambda *_: None,
) -> Violation | None:
    """What a schedule breaks, if anything; Impossible if it cannot be."""
    state = start
    try:
        for move in schedule:
            if move not in world.moves(state):
                raise Impossible(str(move))
            state = normal(world.play(state, move), world.engine)
            tell(move, state)
        if calm:
            Calmness(world).check(state, calm)
    except Violation as violation:
        return violation
    return None


def shortened(
    world: World, start: State, schedule: Schedule, calm: Calm | None, invariant: str
) -> Schedule:
    """Without any run of moves that it can do without, long runs first."""

    def breaks(candidate: Schedule) -> bool:
        try:
            violation = replay(world, start, candidate, calm)
        except Impossible:
            return False
        return violation is not None and violation.invariant == invariant

    length = len(schedule) // 2
    while length:
        for at in reversed(range(len(schedule) - length + 1)):
            candidate = schedule[:at] + schedule[at + length :]
            if breaks(candidate):
                schedule = candidate
        length //= 2
    return schedule
