"""Faults stop: does every job come to an answer then, and does every message leave the queue?

From a state on, messages are delivered as soon as they may be, every call is answered, and one
client asks, and asks again when it is told to.
"""

from dataclasses import dataclass, field
from itertools import product
from math import inf
from typing import NamedTuple

from backburner.protocol.entry import Job
from backburner.retry_after.estimate import MAX_OVERDUE_S

from .invariants import COMES, HANDED_OUT, NOT_LOST, QUEUE_DRAINS, Violation
from .normal import normal
from .state import Actor, Move, State
from .world import World

CLIENT = "client"
VISITS = 30
"""Seconds between two requests while a stale answer is served: nobody is told to come back."""
GAVE_UP = 500
"""The status of the problem; no attempt here fails in another way."""
TOO_LONG = 1000
"""Steps; the longest calm that was seen had not a tenth of them."""


class Calm(NamedTuple):
    """How it goes on."""

    survivors: str
    """Of the actors that are under way: they "live" or "die"."""
    computing: str
    """What becomes of each attempt: "result", "crashed", or "crash", which kills the worker."""
    client: str
    """It asks by "parameters" or by "signature"."""


CALMS = [
    Calm(*ways)
    for ways in product(
        ("live", "die"), ("result", "crashed", "crash"), ("parameters", "signature")
    )
]


class CalmClient(NamedTuple):
    """In seconds from now."""

    comes_back: float = 0
    gives_up: float = inf
    """When, as it was told, it will have an answer at the latest; it was told nothing if served."""
    may_expect_a_result: bool = False

    def later(self, seconds: float) -> "CalmClient":
        return self._replace(comes_back=self.comes_back - seconds, gives_up=self.gives_up - seconds)


class Scene(NamedTuple):
    state: State
    client: CalmClient | None
    calm: Calm

    @property
    def waits(self) -> list[float]:
        messages = [m.visible_at - self.state.now for m in self.state.queue + self.state.dead]
        return [*messages, self.client.comes_back] if self.client else messages


@dataclass
class Calmness:
    world: World
    proven: set[Scene] = field(default_factory=set)

    def check(self, state: State, calm: Calm) -> None:
        """A Violation, unless everything comes to its end."""
        scene: Scene | None = self._first_scene(state, calm)
        passed: list[Scene] = []
        while scene and scene not in self.proven:
            passed.append(scene)
            if len(passed) > TOO_LONG:
                raise Violation(QUEUE_DRAINS, f"{TOO_LONG} steps after the last fault")
            scene = self._next_scene(scene)
        self.proven.update(passed)

    def _first_scene(self, state: State, calm: Calm) -> Scene:
        """Requests that have not begun do not come; whoever is under way comes to an end."""
        lives = calm.survivors == "live"
        under_way = (a for a in state.actors if lives and (a.at.has_begun or not a.is_request))
        state = state._replace(actors=tuple(under_way), to_come=(), handed_out=False)
        state = self._played(state, calm)
        job = self.world.company.entry(state.item).job
        is_promising = calm.computing == "result" and job is not None and _has_room(job, state)
        client = CalmClient(may_expect_a_result=is_promising) if job else None
        return self._scene(state, client, calm)

    def _scene(self, state: State, client: CalmClient | None, calm: Calm) -> Scene:
        return Scene(normal(state, self.world.engine), client, calm._replace(survivors="none"))

    def _next_scene(self, scene: Scene) -> Scene | None:
        state, client, calm = scene
        for message in state.queue + state.dead:
            if message.is_visible(state.now):
                delivered = self.world.play(state, Move("deliver", message.id))
                return self._scene(self._played(delivered, calm), client, calm)
        if client and client.comes_back <= 0:
            return self._asked(state, client, calm)
        if not scene.waits:
            return None
        wait = min(scene.waits)
        later = state._replace(now=state.now + wait)
        return self._scene(later, client and client.later(wait), calm)

    def _played(self, state: State, calm: Calm) -> State:
        """All actors have come to their end."""
        while state.actors:
            actor = state.actors[0]
            hows = self.world.outcomes(state, actor)
            how = next(how for how in hows if how in ("ok", "overtime", calm.computing))
            state = self.world.play(state, Move(how, actor.name))
        return state

    def _asked(self, state: State, client: CalmClient, calm: Calm) -> Scene:
        signature = self.world.company.signature if calm.client == "signature" else ""
        asking = state.with_actor(Actor(self.world.company.asks(CLIENT, signature)))
        state = self._played(asking, calm)
        return self._scene(state, self._after_response(state, client), calm)

    def _after_response(self, state: State, client: CalmClient) -> CalmClient | None:
        """It is done when it is served and nothing is under way."""
        response = self.world.last_response
        job = self.world.company.entry(state.item).job
        assert response
        if response.status == 404 and client.gives_up < inf:
            raise Violation(HANDED_OUT, "a client that comes back as it was told gets 404")
        is_told = response.status == 202
        if response.status == GAVE_UP and client.may_expect_a_result:
            raise Violation(NOT_LOST, "a job is given up that had an attempt and time for it")
        if not is_told and not job:
            return None
        assert job
        gives_up = min(client.gives_up, job.gives_up_at - state.now)
        if gives_up <= 0:
            raise Violation(COMES, f"at gives_up_at a client gets {response.status}")
        if is_told:
            comes_back = float(response.headers["retry-after"])
            return client._replace(comes_back=comes_back, gives_up=gives_up)
        return client._replace(comes_back=VISITS, gives_up=inf)


def _has_room(job: Job, state: State) -> bool:
    """A client finds the job's lease run out in time, and no message of it was used up before."""
    found_by = max(job.lease, state.now) + job.expected_time + MAX_OVERDUE_S
    is_unused = not state.dead and all(message.receives == 0 for message in state.queue)
    return is_unused and job.attempts < job.max_attempts and found_by < job.gives_up_at
