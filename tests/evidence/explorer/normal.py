"""States that differ only in names and in the time of day are made the same.

The protocol compares times with now and with one another, and knows no others. So, where no actor
holds a time in its hands, the clock may be set back together with all the times in the table and
the queue; and a time that has passed may be any that has passed.
"""

from typing import Any

from .actors import START
from .engine import NO_ITEM, ItemId, MotoEngine
from .state import WORKS, QueuedMessage, State

THAT_PASS = {
    "job": ("lease",),
    "answer": ("computed_at", "fresh_until", "renew_at", "ends_at"),
}
"""Of these it only matters that they have passed; but zero stays zero."""
THAT_STAY = {"job": ("requested_at", "gives_up_at", "started_at", "progress_at", "due_at")}
TTL_ATTRIBUTE = "expires_at"


def normal(state: State, engine: MotoEngine) -> State:
    if any(actor.at.has_begun for actor in state.actors):
        return state
    item = _set_back(engine, state.item, state.now - START)
    messages = state.queue + state.dead
    return state._replace(
        now=START,
        item=item,
        older=item,
        queue=tuple(_message_set_back(m, state.now) for m in state.queue),
        dead=tuple(_message_set_back(m, state.now) for m in state.dead),
        sent=max([_number(m.id) for m in messages] + [_number(_run(engine, item))]),
        handed_out=state.handed_out and bool(state.to_come),
        remembered=_set_back(engine, state.remembered, state.now - START),
        forgotten_at=max(0.0, state.forgotten_at - state.now + START) if state.remembered else 0,
        claimed=tuple(c for c in state.claimed if any(m.about == c for m in messages)),
    )


def _message_set_back(message: QueuedMessage, now: float) -> QueuedMessage:
    left = max(0.0, message.visible_at - now)
    return message._replace(visible_at=START + left if left else 0)


def _number(name: str) -> int:
    """Of a message or of its delivery."""
    return int(name.partition(WORKS)[0].removeprefix("m")) if name else 0


def _run(engine: MotoEngine, item: ItemId) -> str:
    job = engine.items[item].get("job", {"M": {}})["M"]
    return str(job["run"]["S"]) if "run" in job else ""


def _set_back(engine: MotoEngine, item: ItemId, by: float) -> ItemId:
    if item == NO_ITEM:
        return NO_ITEM
    if (item, by) not in engine.set_back:
        engine.set_back[item, by] = engine.add(_attributes_set_back(engine.items[item], by))
    return engine.set_back[item, by]


def _attributes_set_back(attributes: Any, by: float) -> Any:
    back = dict(attributes)
    for facet in [name for name in ("job", "answer") if name in back]:
        times = dict(back[facet]["M"])
        for name in THAT_PASS[facet]:
            times |= {name: _time(times, name, by, at_least=START)} if name in times else {}
        for name in THAT_STAY.get(facet, ()):
            times |= {name: _time(times, name, by)} if name in times else {}
        back[facet] = {"M": times}
    expires_at = max(float(back[TTL_ATTRIBUTE]["N"]) - by, START)
    return back | {TTL_ATTRIBUTE: {"N": str(int(expires_at))}}


def _time(times: Any, name: str, by: float, at_least: float = float("-inf")) -> Any:
    before = float(times[name]["N"])
    return {"N": repr(max(before - by, at_least) if before else before)}
