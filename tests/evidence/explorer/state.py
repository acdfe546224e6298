"""The state of one signature's world, and what may happen to it: values, and nothing else."""

from math import inf
from typing import NamedTuple

from .actors import PendingCall, Place
from .engine import NO_ITEM, ItemId, digest

WORKS, BURIES = "#", "+"
"""In the names of deliveries: m1#2 is the second of message m1, m1+1 the first as a dead letter."""


class Move(NamedTuple):
    """One thing that happens; `how` is explained where it is played, in world.py."""

    how: str
    who: str = ""

    def __str__(self) -> str:
        return f"{self.who}:{self.how}" if self.who else self.how

    @classmethod
    def parse(cls, text: str) -> "Move":
        who, _, how = text.rpartition(":")
        return cls(how, who)


class QueuedMessage(NamedTuple):
    id: str
    about: str
    """The correlation id of its job."""
    receives: int = 0
    visible_at: float = 0

    def is_visible(self, now: float) -> bool:
        return self.visible_at <= now


class Actor(NamedTuple):
    at: Place
    left: ItemId = NO_ITEM
    """What its last write left, whether it has heard of that or not."""
    dies_at: float = inf
    """When Lambda ends it."""
    knows: bool = False
    """Its signature was handed out before it asked for it, and the entry has lived ever since."""

    @property
    def name(self) -> str:
        return self.at.role.name

    @property
    def call(self) -> PendingCall:
        assert self.at.call, f"{self.name} has ended"
        return self.at.call

    @property
    def is_worker(self) -> bool:
        return WORKS in self.name

    @property
    def is_dead_letters(self) -> bool:
        return BURIES in self.name

    @property
    def is_request(self) -> bool:
        return not (self.is_worker or self.is_dead_letters)

    @property
    def message_id(self) -> str:
        return self.name.replace(BURIES, WORKS).partition(WORKS)[0]

    @property
    def number(self) -> int:
        """Which delivery of its message it is."""
        return int(self.name.replace(BURIES, WORKS).partition(WORKS)[2])

    def at_place(self, place: Place) -> "Actor":
        return self._replace(at=place)

    def dying_at(self, time: float) -> "Actor":
        return self._replace(dies_at=min(self.dies_at, time))


class State(NamedTuple):
    now: float
    item: ItemId = NO_ITEM
    older: ItemId = NO_ITEM
    """What an eventually consistent read may find until time passes."""
    remembered: ItemId = NO_ITEM
    """What instances of the request function may recall: the fresh result that was served last."""
    forgotten_at: float = 0
    queue: tuple[QueuedMessage, ...] = ()
    dead: tuple[QueuedMessage, ...] = ()
    sent: int = 0
    to_come: tuple[str, ...] = ()
    """Requests by signature: they come when the signature was handed out."""
    handed_out: bool = False
    claimed: tuple[str, ...] = ()
    """The correlation ids of all the jobs that there were."""
    actors: tuple[Actor, ...] = ()

    def digest(self) -> int:
        """The same in every process."""
        actors = [(actor.at.digest, *actor[1:]) for actor in self.actors]
        return digest(repr((self[:-1], actors)))

    def actor(self, name: str) -> Actor | None:
        return next((a for a in self.actors if a.name == name), None)

    def message(self, name: str) -> QueuedMessage | None:
        return next((m for m in self.queue + self.dead if m.id == name), None)

    def message_of(self, actor: Actor) -> QueuedMessage | None:
        """The message that was delivered to it, if that is still there."""
        return self.message(actor.message_id)

    def with_actor(self, actor: Actor) -> "State":
        others = [a for a in self.actors if a.name != actor.name]
        return self._replace(actors=tuple(sorted([*others, actor], key=lambda a: a.name)))

    def without_actor(self, name: str) -> "State":
        return self._replace(actors=tuple(a for a in self.actors if a.name != name))

    def with_message(self, message: QueuedMessage) -> "State":
        """With one of its messages as it is now."""
        return self._replace(
            queue=tuple(message if m.id == message.id else m for m in self.queue),
            dead=tuple(message if m.id == message.id else m for m in self.dead),
        )

    def without_message(self, name: str) -> "State":
        return self._replace(
            queue=tuple(m for m in self.queue if m.id != name),
            dead=tuple(m for m in self.dead if m.id != name),
        )

    def with_claimed(self, job: str) -> "State":
        return self._replace(claimed=tuple(sorted({*self.claimed, job})))
