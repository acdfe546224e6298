"""All schedules up to a bound, and random ones beyond it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import NamedTuple

from .calm import CALMS, Calm, Calmness
from .invariants import Violation
from .normal import normal
from .shorten import Schedule
from .state import Move, State
from .world import MISHAPS, World


class Bound(NamedTuple):
    """How many moves a schedule has at most, and how many of them may be deviations.

    A deviation is a mishap, or anything that interrupts an actor: a move of another, or of time,
    while the actor that moved last is under way.
    """

    moves: int
    deviations: int

    def __str__(self) -> str:
        return f"up to {self.moves} moves, of which {self.deviations} deviate"


class Found(NamedTuple):
    violation: Violation
    schedule: Schedule
    calm: Calm | None = None
    """If the schedule is only what led to it."""


class SearchNode(NamedTuple):
    """A state as the search came to it."""

    state: State
    running: str = ""
    """The actor that moved last, if it is under way."""
    deviations: int = 0
    trail: "tuple[SearchNode, Move] | None" = None

    @property
    def schedule(self) -> Schedule:
        moves = []
        node = self
        while node.trail:
            node, move = node.trail
            moves.append(move)
        return tuple(reversed(moves))


@dataclass
class Explorer:
    world: World
    start: State
    states: set[int] = field(default_factory=set)
    schedules: int = 0
    found: list[Found] = field(default_factory=list)
    """Nothing more is explored once there is a violation."""
    every_calm: bool = False
    """Whether each state is calmed in every way, or in one that is chosen by its digest."""

    def __post_init__(self) -> None:
        self.calmness = Calmness(self.world)

    # all schedules

    def search(self, bound: Bound) -> None:
        """Every schedule within the bound; a state reached as cheaply before is left at that."""
        cheapest: dict[tuple[int, str], int] = {}
        layer = [SearchNode(self.start)]
        for _ in range(bound.moves):
            layer = [new for node in layer for new in self._expand(node, bound, cheapest)]
        self.schedules += len(layer)

    def _expand(
        self, node: SearchNode, bound: Bound, cheapest: dict[tuple[int, str], int]
    ) -> Iterator[SearchNode]:
        is_leaf = True
        for move in self.world.moves(node.state):
            deviations = node.deviations + _deviates(node, move)
            if self.found or deviations > bound.deviations:
                continue
            new = self._moved(node, move, deviations)
            if new is None:
                continue
            digest = new.state.digest()
            reached = (digest, new.running)
            if cheapest.get(reached, deviations + 1) > deviations:
                cheapest[reached] = deviations
                is_leaf = False
                self._visit(new, digest)
                yield new
        self.schedules += is_leaf

    def _moved(self, node: SearchNode, move: Move, deviations: int) -> SearchNode | None:
        try:
            state = self.world.play(node.state, move)
        except Violation as violation:
            self.found.append(Found(violation, (*node.schedule, move)))
            return None
        running = _running(node.state, state, move)
        return SearchNode(normal(state, self.world.engine), running, deviations, (node, move))

    def _visit(self, node: SearchNode, digest: int) -> None:
        if digest not in self.states:
            self.states.add(digest)
            self._check_calm(node, digest)

    def _check_calm(self, node: SearchNode, digest: int) -> None:
        calms = CALMS if self.every_calm else [CALMS[digest % len(CALMS)]]
        for calm in calms:
            try:
                self.calmness.check(node.state, calm)
            except Violation as violation:
                self.found.append(Found(violation, node.schedule, calm))

    # random schedules

    def walk(self, seed: int, moves: int) -> None:
        random, node = Random(seed), SearchNode(self.start)
        for _ in range(moves):
            possible = list(self.world.moves(node.state))
            if not possible:
                break
            weights = [_weight(node.state, move) for move in possible]
            [move] = random.choices(possible, weights)
            moved = self._moved(node, move, 0)
            if moved is None:
                break
            node = moved
            self._visit(node, node.state.digest())
            if self.found:
                break
        self.schedules += 1


def _deviates(node: SearchNode, move: Move) -> int:
    interrupts = node.running not in ("", move.who)
    return (move.how in MISHAPS) + interrupts


def _running(before: State, after: State, move: Move) -> str:
    known = {actor.name for actor in before.actors}
    entered = [actor.name for actor in after.actors if actor.name not in known]
    running = entered[0] if entered else move.who
    return running if after.actor(running) else ""


def _weight(state: State, move: Move) -> float:
    """How likely a move is; requests come one after the other, so that a walk is long."""
    actor = state.actor(move.who)
    if move.how == "asks" or (actor and actor.is_request and not actor.at.has_begun):
        return 0.1
    if move.how in MISHAPS:
        return 0.15
    if move.how == "tick" and state.actors:
        return 0.5
    return 2
