"""Mistakes that others have made, or that we could: the explorer has to find each of them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from backburner.computation import STANDARD
from backburner.dead_letter import DeadLetters
from backburner.http.routes import Question
from backburner.protocol import store
from backburner.protocol.entry import Answer, Entry, Job
from backburner.protocol.store import Store
from backburner.protocol.task_queue import Delivery, Message, TaskQueue
from backburner.request import RequestHandler
from backburner.worker import Worker

from . import invariants
from .explore import Bound
from .stage import replaced
from .start import EMPTY, EMPTY_AFRESH, STALE, Start

A_JOB_IS_THERE = "attribute_exists(job)"
NO_LEASE = "attribute_not_exists(job.lease)"
A_FEW_MOVES = Bound(9, 1)


class Patch(NamedTuple):
    owner: object
    name: str
    value: object


@dataclass(frozen=True)
class Fault:
    """A small patch to the code under test, and the invariant that must not bear it."""

    name: str
    breaks: str
    patches: tuple[Patch, ...]
    start: Start = EMPTY
    bound: Bound = A_FEW_MOVES
    """Where it is found."""

    @contextmanager
    def seeded(self) -> Iterator[None]:
        with ExitStack() as stack:
            for patch in self.patches:
                stack.enter_context(replaced(*patch))
            yield


def _without(*clauses: str) -> Callable[..., Entry]:
    """Store._write, where these clauses are not asked for."""

    def write(
        self: Store,
        entry: Entry,
        update: str,
        given: list[str],
        values: dict[str, object],
        **kwargs: Any,
    ) -> Entry:
        kept = [clause for clause in given if clause not in clauses] or [A_JOB_IS_THERE]
        text = " ".join([update, *kept])
        used = {name: value for name, value in values.items() if f":{name}" in text}
        return WRITE(self, entry, update, kept, used, **kwargs)

    return write


WRITE = Store._write


def _during(method: Callable[..., Any], *clauses: str) -> Callable[..., Any]:
    """A method of Store whose write lacks these clauses."""

    def careless(self: Store, *args: Any) -> Any:
        with replaced(Store, "_write", _without(*clauses)):
            return method(self, *args)

    return careless


def _work_acknowledged(self: Worker, message: Message, delivery: Delivery) -> None:
    self.task_queue.client.delete_message(QueueUrl="queue", ReceiptHandle=delivery.receipt_handle)
    WORK(self, message, delivery)


def _receive_and_swallow(self: Worker, record: Any) -> None:
    with suppress(Exception):  # that is the mistake
        RECEIVE(self, record)


WORK, RECEIVE = Worker.work, Worker.receive


def _send_then_claim(self: RequestHandler, entry: Entry, asked: Question, now: float) -> Entry:
    if entry.job is None and asked.can_start:
        job = asked.new_job(entry, now)
        self.lanes.of(STANDARD).send(Message.of(replace(entry, job=job)), asked.request.caller)
        return self.store.claim(entry, job)
    return SET_PLACEHOLDER(self, entry, asked, now)


def _send_only_again(self: RequestHandler, entry: Entry, asked: Question) -> None:
    """The message of a new job is sent already."""
    if entry.the_job.sends > 1 or entry.the_job.attempts:
        SEND(self, entry, asked)


def _claim_anew(self: RequestHandler, entry: Entry, asked: Question, now: float) -> Entry:
    if entry.job and asked.can_start:
        with replaced(Store, "_write", _without(store.NO_JOB)):
            return self.store.claim(entry, asked.new_job(entry, now))
    return SET_PLACEHOLDER(self, entry, asked, now)


SET_PLACEHOLDER, SEND = RequestHandler.set_placeholder, RequestHandler.send


def _begin_without_lease(self: Store, empty: Entry) -> store.Run:
    def write(self: Store, entry: Entry, update: str, *args: Any, **kwargs: Any) -> Entry:
        clauses, values = args
        lease = values.pop("lease")
        assert lease
        update = update.replace(" job.lease = :lease,", "") + ", job.lease"
        return WRITE(self, entry, update, clauses, values, **kwargs)

    with replaced(Store, "_write", write):
        return BEGIN(self, empty)


def _begin_uncounted(self: Store, empty: Entry) -> store.Run:
    with replaced(store, "ATTEMPTS_LEFT", A_JOB_IS_THERE):
        return BEGIN(self, empty)


BEGIN = Store.begin


def _unclaim_with_zero(self: Store, entry: Entry) -> Entry:
    with replaced(self, "clock", lambda: 0.0):
        return UNCLAIM(self, entry)


UNCLAIM = Store.unclaim


def _is_alive_at_zero(self: Job, now: float) -> bool:
    return (not self.lease or now < self.lease) and now < self.gives_up_at


def _bury_whatever(self: DeadLetters, message: Message) -> None:
    entry = self.store.look_up(message.entry, consistent=True)
    if entry.job:
        self.store.bury(entry)


def _answer_with_problem(
    self: Store, entry: Entry, problem: Answer, clauses: list[str], values: dict[str, object]
) -> Entry:
    return self._answer(entry, problem, clauses, values)


def _look_up_once(self: RequestHandler, asked: Question) -> Entry:
    return self.store.look_up(asked.entry)


def _send_and_hope(self: RequestHandler, entry: Entry, asked: Question) -> None:
    """An unsent message is only logged."""
    with suppress(Exception):  # that is the mistake
        self.lanes.of(STANDARD).send(Message.of(entry), asked.request.caller)


def _recall_whatever(self: RequestHandler, asked: Question) -> Entry | None:
    return self.local_cache.get(asked.entry.signature)


def _serve_for_ever(self: Entry, now: float) -> Answer | None:
    return self.answer


def _write_and_keep_progress(
    self: Store, entry: Entry, update: str, *more: Any, **how: Any
) -> Entry:
    is_sent_again = ":sends REMOVE" in update
    kept = update.replace(", job.progress, job.progress_at", "") if is_sent_again else update
    return WRITE(self, entry, kept, *more, **how)


def _write_once(self: Store, *args: Any, **_: Any) -> Entry:
    """A write that botocore repeats loses against itself."""
    return WRITE(self, *args)


def _spent_by_time(self: Job, now: float) -> bool:
    return now >= self.gives_up_at


def _hide_for_nothing(self: TaskQueue, receipt_handle: str, seconds: float) -> None:
    """The message of a job that is tried again is not put back."""


def _not_begun_and_done(self: Worker, entry: Entry, delivery: Delivery) -> None:
    """A job that is alive in another worker is taken for done."""


FAULTS = [
    Fault(
        "completion without the fence (as Powertools Idempotency's _update_record)",
        invariants.FENCE,
        (
            Patch(Store, "complete", _during(Store.complete, store.MINE)),
            Patch(Store, "fail", _during(Store.fail, store.MINE)),
        ),
    ),
    Fault(
        "a lock let go without looking whose it is (as celery-once's, PR #101)",
        invariants.FENCE,
        (Patch(Store, "give_back", _during(Store.give_back, store.MINE)),),
        bound=Bound(10, 1),
    ),
    Fault(
        "a missing lease taken for an orphan's (as Powertools' #8386)",
        invariants.ONE_LIVE_RUN,
        (
            Patch(store, "BEGINNABLE", f"({store.QUEUED} OR {NO_LEASE} OR {store.LEASE_RAN_OUT})"),
            Patch(store, "LEASE_RAN_OUT", f"({NO_LEASE} OR {store.LEASE_RAN_OUT})"),
            Patch(store, "AS_SEEN", "job.attempts = :seen_attempts"),
            Patch(Store, "_write", _without()),
            Patch(Store, "begin", _begin_without_lease),
        ),
        bound=Bound(10, 1),
    ),
    Fault(
        "a lease of zero taken for none (as Powertools' #4759)",
        invariants.NOT_LOST,
        (
            Patch(Store, "unclaim", _unclaim_with_zero),
            Patch(Job, "is_alive", _is_alive_at_zero),
        ),
    ),
    Fault(
        "a message acknowledged before anything is written",
        invariants.ACKNOWLEDGED,
        (Patch(Worker, "work", _work_acknowledged),),
    ),
    Fault(
        "a failed write swallowed, and its message acknowledged",
        invariants.ACKNOWLEDGED,
        (Patch(Worker, "receive", _receive_and_swallow),),
    ),
    Fault(
        "the message sent before the claim",
        invariants.ACKNOWLEDGED,
        (
            Patch(RequestHandler, "set_placeholder", _send_then_claim),
            Patch(RequestHandler, "send", _send_only_again),
        ),
    ),
    Fault(
        "a second run begun by a message that came again, while the first is alive",
        invariants.ONE_LIVE_RUN,
        (Patch(store, "BEGINNABLE", A_JOB_IS_THERE),),
    ),
    Fault(
        "DynamoDB's deletion trusted instead of the clock",
        invariants.ANSWER_ENDS,
        (Patch(Entry, "servable", _serve_for_ever),),
        start=STALE,
    ),
    Fault(
        "a job buried that is alive",
        invariants.FENCE,
        (Patch(store, "NOT_IN_A_WORKER", A_JOB_IS_THERE),),
        start=STALE,
    ),
    Fault(
        "the stale answer dropped when its refresh fails",
        invariants.STALE_KEPT,
        (Patch(Store, "_answer_with_problem", _answer_with_problem),),
        start=STALE,
    ),
    Fault(
        "a job claimed anew instead of sent again",
        invariants.SINGLE_FLIGHT,
        (Patch(RequestHandler, "set_placeholder", _claim_anew),),
    ),
    Fault(
        "attempts counted only by the queue",
        invariants.ATTEMPTS,
        (
            Patch(Store, "begin", _begin_uncounted),
            Patch(Job, "is_spent", _spent_by_time),
        ),
    ),
    Fault(
        "a 404 for a signature that was just handed out",
        invariants.HANDED_OUT,
        (Patch(RequestHandler, "look_up", _look_up_once),),
        bound=Bound(6, 2),
    ),
    Fault(
        "an unsent message forgotten, and its client told to come back",
        invariants.MESSAGE_SENT,
        (Patch(RequestHandler, "send", _send_and_hope),),
    ),
    Fault(
        "a dead letter that buries whatever job it finds",
        invariants.OWN_JOB,
        (Patch(DeadLetters, "bury", _bury_whatever),),
        start=EMPTY_AFRESH,
        bound=Bound(12, 1),
    ),
    Fault(
        "a write that is sent twice taken for somebody else's",
        invariants.MESSAGE_SENT,
        (Patch(Store, "_write", _write_once),),
    ),
    Fault(
        "a live job taken for done by the second who gets its message",
        invariants.ACKNOWLEDGED,
        (Patch(Worker, "not_begun", _not_begun_and_done),),
    ),
    Fault(
        "a heartbeat that asks for no run",
        invariants.FENCE,
        (Patch(Store, "heartbeat", _during(Store.heartbeat, store.MINE)),),
    ),
    Fault(
        "a lease that did not run out taken for one that did, when a job is sent again",
        invariants.FENCE,
        (
            Patch(
                Store, "send_again", _during(Store.send_again, store.AS_SEEN, store.LEASE_RAN_OUT)
            ),
        ),
        start=EMPTY_AFRESH,
        bound=Bound(7, 2),
    ),
    Fault(
        "the progress of a lost run left on the job that is sent again",
        invariants.NO_PROGRESS,
        (Patch(Store, "_write", _write_and_keep_progress),),
    ),
]
