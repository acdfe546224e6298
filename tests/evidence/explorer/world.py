"""One signature's world: what may happen next, and what comes of it.

Always possible: `ok`, the call of an actor is answered (the computation's call: `result`, `beat`,
or `overtime` when its time limit is over); `ignored`, the same by a receipt that is not the last;
`recalls`, a request finds what its instance has served just now; `asks`, a client follows a
Location; `deliver`; `ttl`, DynamoDB deletes; `tick`, time passes to just before, or to, the next
time that means something to anyone. An exhaustive exploration allows a few MISHAPS:

slow          the actor stands still between the answer and its next look at the clock
throttled     the call fails and has done nothing
timeout       the call fails and has taken effect
unheard       the call has taken effect, its answer is lost, and the call is sent again
old           an eventually consistent read finds what was there before the last write
crash         the actor dies: before this call, and after the one before it; or all workers do, as
              they were jobs of one batch
duplicate     a message is delivered although it is hidden
lost          the function has returned, but its message is not deleted
crashed       the attempt at the computation fails
uncomputable  the computation refuses
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

from backburner.http.response import Response
from backburner.local_cache import MAX_AGE_S
from backburner.protocol.entry import Answer as StoredAnswer

from . import invariants
from .actors import START, Company, PendingCall, Place, Reaction
from .engine import NO_ITEM, ItemId, MotoEngine, the_engine
from .state import BURIES, WORKS, Actor, Move, QueuedMessage, State

CALLS_FAIL = ("throttled", "timeout", "unheard")
MISHAPS = frozenset(
    ("slow", *CALLS_FAIL, "old", "crash", "duplicate", "lost", "crashed", "uncomputable")
)
OUTCOMES = {
    "clock": ("ok", "slow", "crash"),
    "get_item": ("ok", "slow", "throttled", "crash"),
    "update_item": ("ok", "slow", *CALLS_FAIL, "crash"),
    "send_message": ("ok", "slow", *CALLS_FAIL, "crash"),
    "send_failed_job": ("ok", "throttled", "crash"),
    "change_message_visibility": ("ok", "slow", "throttled", "crash"),
    "acknowledge": ("ok", "lost"),
}
END_OF_COMPUTING = frozenset(("result", "crashed", "uncomputable"))
BATCH = "workers"
"""All deliveries that are worked on: two jobs in one worker die together."""
SHOWN = frozenset(("recalled", "found", "written", "refused"))
"""Answers with an item in them."""


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How much of everything there is, and how long it takes, in seconds."""

    workers: int = 2
    dead_letter_functions: int = 1
    receives: int = 2
    """As the redrive policy's maxReceiveCount."""
    beats: int = 1
    """How many heartbeats a run may have."""
    visibility: float = 90
    request_timeout: float = 10
    worker_timeout: float = 900
    dead_letter_timeout: float = 30

    def timeout_of(self, actor: Actor) -> float:
        if actor.is_request:
            return self.request_timeout
        return self.worker_timeout if actor.is_worker else self.dead_letter_timeout


@dataclass
class World:
    computation: str = "tripling"
    bounds: Bounds = Bounds()
    engine: MotoEngine = field(default_factory=the_engine)
    bodies: dict[str, str] = field(default_factory=dict)
    """Of the messages, by the correlation id of their job."""
    last_response: Response | None = None
    """What the actor that moved last answered, if it came to its end."""

    def __post_init__(self) -> None:
        self.company = Company(self.engine, self.computation)
        self._holds: dict[Place, float] = {}

    def empty(self, *requests: str, later: tuple[str, ...] = ()) -> State:
        """Nothing there yet. The requests come by parameters, the later ones by signature."""
        actors = tuple(Actor(self.company.asks(name)) for name in requests)
        return State(START, actors=actors, to_come=later)

    def stale(self, *requests: str, later: tuple[str, ...] = ()) -> State:
        """As `empty`, in the last second in which a result is fresh."""
        state = self.empty("P0")
        for how, who in (
            [("ok", "P0")] * 3
            + [("deliver", "m1")]
            + [(how, f"m1{WORKS}1") for how in ("ok", "result", "ok", "ok")]
        ):
            state = self.play(state, Move(how, who))
        fresh_until = self.company.entry(state.item).the_answer.fresh_until
        begun = self.empty(*requests, later=later)
        return begun._replace(
            now=fresh_until - 1, item=state.item, older=state.item, sent=state.sent
        )

    # what an actor knows

    def last_seen(self, place: Place) -> ItemId | None:
        return next(self._seen(place), None)

    def last_written(self, place: Place) -> ItemId | None:
        return next((a.item for a in reversed(place.answers) if a.kind == "written"), None)

    def has_run(self, place: Place) -> bool:
        jobs = (self.company.entry(item).job for item in self._seen(place))
        return any(job is not None and job.run == place.role.name for job in jobs)

    def holds_until(self, place: Place) -> float:
        """Until when an actor believes that it is computing in a run that is alive."""
        if place not in self._holds:
            self._holds[place] = self._holds_until(place)
        return self._holds[place]

    def _holds_until(self, place: Place) -> float:
        item = self.last_seen(place)
        job = self.company.entry(item).job if item else None
        is_over = any(answer.kind in END_OF_COMPUTING for answer in place.answers)
        if is_over or item is None or job is None or job.run != place.role.name:
            return 0
        has_lease = "lease" in self.engine.items[item]["job"]["M"]
        return min(job.lease, job.gives_up_at) if has_lease else job.gives_up_at

    def answers_seen(self, place: Place) -> Iterator[StoredAnswer]:
        return self._answers_in(self._seen(place))

    def answers_in_table(self, place: Place) -> Iterator[StoredAnswer]:
        """The answers that it saw there, and did not only recall."""
        shown = (a.item for a in place.answers if a.kind in SHOWN and a.kind != "recalled")
        return self._answers_in(shown)

    def _answers_in(self, items: Iterable[ItemId]) -> Iterator[StoredAnswer]:
        answers = (self.company.entry(item).answer for item in items)
        return (answer for answer in answers if answer)

    def _seen(self, place: Place) -> Iterator[ItemId]:
        """The items that it was shown, the last one first."""
        return (answer.item for answer in reversed(place.answers) if answer.kind in SHOWN)

    # what may happen

    def moves(self, state: State) -> Iterator[Move]:
        for actor in state.actors:
            for how in self.outcomes(state, actor):
                yield Move(how, actor.name)
        if state.handed_out:
            yield from (Move("asks", name) for name in state.to_come)
        yield from self._deliveries(state, state.queue, WORKS, self.bounds.workers)
        yield from self._deliveries(state, state.dead, BURIES, self.bounds.dead_letter_functions)
        if sum(actor.is_worker for actor in state.actors) > 1:
            yield Move("crash", BATCH)
        if state.item != NO_ITEM and self._expires_at(state) <= state.now:
            yield Move("ttl")
        if self.next_moment(state) is not None:
            yield Move("tick")

    def outcomes(self, state: State, actor: Actor) -> Iterator[str]:
        call = actor.call
        if call.name == "compute":
            yield from self._outcomes_of_computing(state, actor, call)
            return
        yield from OUTCOMES[call.name]
        if call.name == "get_item":
            if not call.arguments["ConsistentRead"] and state.older != state.item:
                yield "old"
            is_new = actor.is_request and not actor.at.has_begun
            if is_new and state.now < state.forgotten_at:
                yield "recalls"
        uses_receipt = call.name in ("change_message_visibility", "acknowledge")
        if uses_receipt and self._has_old_receipt(state, actor):
            yield "ignored"

    def _outcomes_of_computing(
        self, state: State, actor: Actor, call: PendingCall
    ) -> Iterator[str]:
        yield "crash"
        if state.now >= call.arguments["until"]:
            yield "overtime"
            return
        yield from ("result", "slow", "crashed", "uncomputable")
        if sum(answer.kind == "beat" for answer in actor.at.answers) < self.bounds.beats:
            yield "beat"

    def _has_old_receipt(self, state: State, actor: Actor) -> bool:
        message = state.message_of(actor)
        return message is not None and actor.number != message.receives

    def _deliveries(
        self, state: State, queue: tuple[QueuedMessage, ...], mark: str, most: int
    ) -> Iterator[Move]:
        if sum(mark in actor.name for actor in state.actors) < most:
            for message in queue:
                how = "deliver" if message.is_visible(state.now) else "duplicate"
                yield Move(how, message.id)

    def next_moment(self, state: State) -> float | None:
        deadlines = self._deadlines(state)
        moments = chain.from_iterable((deadline - 1, deadline) for deadline in deadlines)
        return min((moment for moment in moments if moment > state.now), default=None)

    def _deadlines(self, state: State) -> Iterator[float]:
        if state.item != NO_ITEM:
            entry = self.company.entry(state.item)
            yield self._expires_at(state)
            if entry.job:
                yield from (entry.job.lease, entry.job.gives_up_at)
            if entry.answer:
                yield from (entry.answer.fresh_until, entry.answer.renew_at, entry.answer.ends_at)
        yield from (message.visible_at for message in state.queue + state.dead)
        yield state.forgotten_at
        for actor in state.actors:
            if actor.call.name == "compute":
                yield actor.call.arguments["until"]

    def _expires_at(self, state: State) -> float:
        return float(self.engine.items[state.item]["expires_at"]["N"])

    # what comes of it

    def play(self, state: State, move: Move) -> State:
        """The state after a move; a Violation if that breaks an invariant."""
        self.last_response = None
        match move.how:
            case "tick":
                return self._at(state, self.next_moment(state) or state.now)
            case "ttl":
                return self._with_item(state, NO_ITEM)
            case "asks":
                return self._with_client(state, move.who)
            case "deliver" | "duplicate":
                return self._delivered(state, move.who)
            case "crash" if move.who == BATCH:
                return state._replace(actors=tuple(a for a in state.actors if not a.is_worker))
        actor = state.actor(move.who)
        assert actor
        return self._acted(state, actor, move.how)

    def _at(self, state: State, now: float) -> State:
        """Later: reads are consistent, and Lambda has ended who took too long."""
        alive = tuple(actor for actor in state.actors if now < actor.dies_at)
        return self._with_known(state._replace(now=now, older=state.item, actors=alive))

    def _with_item(self, state: State, item: ItemId) -> State:
        return self._with_known(state._replace(item=item, older=state.item))

    def _with_known(self, state: State) -> State:
        """Whoever knows of an entry that is no more may be told so."""
        if not any(actor.knows for actor in state.actors) or self._lives(state):
            return state
        return state._replace(actors=tuple(a._replace(knows=False) for a in state.actors))

    def _lives(self, state: State) -> bool:
        entry = self.company.entry(state.item)
        return entry.job is not None or entry.servable(state.now) is not None

    def _with_client(self, state: State, name: str) -> State:
        place = self.company.asks(name, self.company.signature)
        to_come = tuple(other for other in state.to_come if other != name)
        client = Actor(place, knows=self._lives(state))
        return state._replace(to_come=to_come).with_actor(client)

    def _delivered(self, state: State, name: str) -> State:
        message = state.message(name)
        assert message
        is_dead = message in state.dead
        if not is_dead and message.receives >= self.bounds.receives:
            moved = QueuedMessage(message.id, message.about)
            return state.without_message(name)._replace(dead=(*state.dead, moved))
        hidden_until = state.now + self.bounds.visibility
        received = message._replace(receives=message.receives + 1, visible_at=hidden_until)
        plays, mark = (self.company.buries, BURIES) if is_dead else (self.company.works, WORKS)
        place = plays(f"{name}{mark}{received.receives}", self.bodies[message.about])
        return self._goes_on(state.with_message(received), Actor(place))

    def _acted(self, state: State, actor: Actor, how: str) -> State:
        if how == "crash":
            return state.without_actor(actor.name)
        actor = actor.dying_at(state.now + self.bounds.timeout_of(actor))
        if how == "recalls":
            return self._goes_on(state, actor.at_place(actor.at.recalling(state.remembered)))
        state, answer = self._answered(state.with_actor(actor), actor, how)
        actor = state.actor(actor.name) or actor
        if how == "unheard":
            return state
        return self._goes_on(state, actor.at_place(actor.at.after(answer)), is_slow=how == "slow")

    def _goes_on(self, state: State, actor: Actor, *, is_slow: bool = False) -> State:
        """To its next call; it looks at the clock at once, unless it is slow."""
        place = actor.at
        while not is_slow and place.call and place.call.name == "clock":
            place = place.after(Reaction("clock", time=state.now))
        actor = actor.at_place(place)
        if place.ended:
            self.last_response = place.ended.response
            return self._ended(state, actor).without_actor(actor.name)
        state = state.with_actor(actor)
        invariants.check_runs(self, state)
        return state

    def _ended(self, state: State, actor: Actor) -> State:
        response = self.last_response
        if response is None:
            return state
        invariants.check_response(self, state, actor, response)
        if response.status == 202:
            return state._replace(handed_out=True)
        item = actor.at.served_from_table
        is_hit = response.status == 200 and bool(
            re.search(r"ttl=\d", response.headers["cache-status"])
        )
        if is_hit and item:
            return state._replace(remembered=item, forgotten_at=state.now + MAX_AGE_S)
        return state

    def _answered(self, state: State, actor: Actor, how: str) -> tuple[State, Reaction]:
        """What a call does, and what its actor is told."""
        call = actor.call
        if how == "throttled":
            return state, Reaction("throttled")
        match call.name:
            case "clock":
                return state, Reaction("clock", time=state.now)
            case "get_item":
                return state, Reaction("found", state.older if how == "old" else state.item)
            case "compute":
                kind = {"slow": "result", "overtime": "crashed"}.get(how, how)
                return state, Reaction(kind)
        state, answer = self._changed(state, actor, how)
        return state, Reaction("timeout") if how == "timeout" else answer

    def _changed(self, state: State, actor: Actor, how: str) -> tuple[State, Reaction]:
        """What a call that changes something does, and what it tells."""
        call = actor.call
        match call.name:
            case "update_item":
                return self._updated(state, actor, call)
            case "send_message":
                return self._sent(state, call), Reaction("sent")
            case "send_failed_job":
                return state, Reaction("sent")
            case "change_message_visibility":
                return self._hidden(state, actor, call, how)
        return self._acknowledged(state, actor, how), Reaction("acknowledged")

    def _updated(self, state: State, actor: Actor, call: PendingCall) -> tuple[State, Reaction]:
        effect = self.engine.update(state.item, call.arguments, call.digest)
        if not effect.accepted:
            if self._is_as_asked_for(call, state.item):
                state = state.with_actor(actor._replace(left=state.item))
            return state, Reaction("refused", state.item)
        before, after = self.company.entry(state.item), self.company.entry(effect.item)
        invariants.check_write(self, state, actor, before, after)
        if after.job:
            state = state.with_claimed(after.job.correlation_id)
        state = state.with_actor(actor._replace(left=effect.item))
        return self._with_item(state, effect.item), Reaction("written", effect.item)

    def _is_as_asked_for(self, call: PendingCall, item: ItemId) -> bool:
        """A rival sent the job again at the same instant.

        Nobody can tell then whose write it was, and nobody needs to.
        """
        values, job = call.arguments["ExpressionAttributeValues"], self.company.entry(item).job
        wanted = [values.get(f":{name}", {}).get("N") for name in ("lease", "sends")]
        return job is not None and wanted == [repr(job.lease), repr(job.sends)]

    def _sent(self, state: State, call: PendingCall) -> State:
        body = call.arguments["MessageBody"]
        about = json.loads(body)["correlation_id"]
        self.bodies[about] = body
        message = QueuedMessage(f"m{state.sent + 1}", about)
        return state._replace(sent=state.sent + 1, queue=(*state.queue, message))

    def _hidden(
        self, state: State, actor: Actor, call: PendingCall, how: str
    ) -> tuple[State, Reaction]:
        message = state.message_of(actor)
        if message is None or message.is_visible(state.now):
            return state, Reaction("throttled")  # SQS: it is not in flight
        if how == "ignored":
            return state, Reaction("hidden")
        hidden_until = state.now + call.arguments["VisibilityTimeout"]
        return state.with_message(message._replace(visible_at=hidden_until)), Reaction("hidden")

    def _acknowledged(self, state: State, actor: Actor, how: str) -> State:
        message = state.message_of(actor)
        if message is None:
            return state
        invariants.check_acknowledgement(self, state, actor, message)
        return state if how in ("lost", "ignored") else state.without_message(message.id)
