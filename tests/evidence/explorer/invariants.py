"""What must never be, whatever happens: each invariant is named after what the design promises."""

import gzip
import json
import re
from datetime import datetime
from typing import TYPE_CHECKING

from backburner.http.response import Response
from backburner.protocol.entry import Entry

if TYPE_CHECKING:
    from .state import Actor, QueuedMessage, State
    from .world import World

ONE_LIVE_RUN = "at most one live run"
FENCE = "only the holder of the run writes"
ATTEMPTS = "a job is begun no more often than it has attempts"
SINGLE_FLIGHT = "equal requests never hold two live jobs, nor restart one"
MESSAGE_SENT = "who queues a job sends its message, or says that it could not"
NO_PROGRESS = "a queued job tells no progress"
ACKNOWLEDGED = "a message is acknowledged only when its effect is in the table or with another"
OWN_JOB = "a dead letter buries only its own job"
STALE_KEPT = "a stale answer is not lost by a failed refresh"
STALE_SERVED = "a stale answer is served, whatever becomes of its refresh"
ANSWER_ENDS = "an answer is of its parameters, and never served after its end"
HANDED_OUT = "a signature that was just handed out is never a 404"
COMES = "every job comes to an answer, by gives_up_at at the latest"
NOT_LOST = "a job whose message or worker is lost is computed, while it has attempts and time"
SOUND = "no request meets a fault of the service"
QUEUE_DRAINS = "no message circulates for ever"

RESULT = b'{"tripled":21}'


class Violation(Exception):
    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant


def check_runs(world: "World", state: "State") -> None:
    """By what the workers believe: the lease that each was last given."""
    live = [a.name for a in state.actors if world.holds_until(a.at) > state.now]
    if len(live) > 1:
        raise Violation(ONE_LIVE_RUN, f"{' and '.join(live)} are both alive")


def check_write(
    world: "World", state: "State", actor: "Actor", before: Entry, after: Entry
) -> None:
    _check_job(state, actor, before, after)
    if actor.is_worker:
        _check_worker(state, actor, before, after)
    else:
        _check_other(state, actor, before, after)
    _check_answer(state, before, after)
    left = after.job
    if left and not left.run and left.progress is not None:
        raise Violation(NO_PROGRESS, f"{actor.name} leaves that of a run that is over")


def _check_job(state: "State", actor: "Actor", before: Entry, after: Entry) -> None:
    """What holds whoever writes."""
    job, left = before.job, after.job
    if job and job.run not in (None, actor.name) and job.is_alive(state.now):
        takes_over = left is not None and left.run == actor.name
        raise Violation(
            ONE_LIVE_RUN if takes_over else FENCE, f"{actor.name} writes over the live {job.run}"
        )
    if left and left.attempts > left.max_attempts:
        raise Violation(ATTEMPTS, f"attempt {left.attempts} of {left.max_attempts}")
    if job and left:
        for name in ("correlation_id", "requested_at", "gives_up_at", "parameters"):
            if getattr(job, name) != getattr(left, name):
                raise Violation(SINGLE_FLIGHT, f"{actor.name} changes the job's {name}")


def _check_worker(state: "State", actor: "Actor", before: Entry, after: Entry) -> None:
    job, left = before.job, after.job
    if job and job.run == actor.name:
        return
    begins = left is not None and left.run == actor.name
    buries = left is None and job is not None and job.is_spent(state.now)
    if not (begins or buries):
        raise Violation(FENCE, f"{actor.name} writes, but the job's run is {job and job.run}")


def _check_other(state: "State", actor: "Actor", before: Entry, after: Entry) -> None:
    """The requests and the dead-letter function."""
    job, left = before.job, after.job
    if job is None:
        if left is None or before.is_settled(state.now):
            raise Violation(SINGLE_FLIGHT, f"{actor.name} writes where an answer stands")
    elif left and left.attempts != job.attempts:
        raise Violation(SINGLE_FLIGHT, f"{actor.name} changes the job's attempts")
    elif actor.is_request and job.is_alive(state.now) and actor.left != state.item:
        raise Violation(SINGLE_FLIGHT, f"{actor.name} changes a job that is alive")
    elif actor.is_dead_letters:
        message = state.message_of(actor)
        if message and message.about != job.correlation_id:
            raise Violation(OWN_JOB, f"{actor.name} is about {message.about}'s job")


def _check_answer(state: "State", before: Entry, after: Entry) -> None:
    stale = before.servable(state.now)
    if stale and stale.is_result and not (after.answer and after.answer.is_result):
        raise Violation(STALE_KEPT, "a result that has not ended is gone")
    if before.job and not after.job and not after.answer:
        raise Violation(COMES, "a job ends without an answer")


def check_acknowledgement(
    world: "World", state: "State", actor: "Actor", message: "QueuedMessage"
) -> None:
    if message.about not in state.claimed:
        raise Violation(ACKNOWLEDGED, f"{message.id}, and its job was never set")
    job = world.company.entry(state.item).job
    if job is None or job.correlation_id != message.about:
        return
    is_in_another = job.run is not None and job.run != actor.name
    if actor.is_worker:
        has_let_go = world.has_run(actor.at) and world.last_written(actor.at) != state.item
    else:  # whoever was before it has queued the job again, or holds it
        was_second = any(answer.kind == "refused" for answer in actor.at.answers)
        has_let_go = was_second or world.last_seen(actor.at) != state.item
    if job.run == actor.name or not (is_in_another or has_let_go):
        raise Violation(ACKNOWLEDGED, f"{message.id}, and its job is {job.state}")


def check_response(world: "World", state: "State", actor: "Actor", response: Response) -> None:
    match response.status:
        case 202:
            _check_promise(world, state, actor, json.loads(response.body))
        case 404:
            if actor.knows:
                raise Violation(HANDED_OUT, f"{actor.name} gets 404")
        case 503:
            if any(state.now < answer.ends_at for answer in world.answers_in_table(actor.at)):
                raise Violation(STALE_SERVED, f"{actor.name} gets 503")
        case _:
            _check_served(world, state, actor, response)


def _check_promise(world: "World", state: "State", actor: "Actor", status: dict[str, str]) -> None:
    gives_up_at = datetime.fromisoformat(status["gives_up_at"]).timestamp()
    if gives_up_at <= state.now:
        raise Violation(COMES, f"{actor.name} is told to wait, though it is past gives_up_at")
    job = world.company.entry(state.item).job
    has_sent = any(answer.kind == "sent" for answer in actor.at.answers)
    if actor.left == state.item and job and not job.run and not has_sent:
        raise Violation(MESSAGE_SENT, f"{actor.name} queued a job and sent no message")


def _check_served(world: "World", state: "State", actor: "Actor", response: Response) -> None:
    if b"internal-error" in response.body:
        raise Violation(SOUND, f"{actor.name} gets {response.body.decode()}")
    answers = [a for a in world.answers_seen(actor.at) if gzip.decompress(a.body) == response.body]
    if not any(state.now < answer.ends_at for answer in answers):
        raise Violation(ANSWER_ENDS, f"{actor.name} is served what has ended, or was never there")
    if response.status == 200 and response.body != RESULT:
        raise Violation(ANSWER_ENDS, f"{actor.name} is served {response.body.decode()}")
    is_fresh = any(answer.is_fresh(state.now) for answer in answers)
    if re.search(r"ttl=\d", response.headers["cache-status"]) and not is_fresh:
        raise Violation(ANSWER_ENDS, f"{actor.name} is told that a stale answer is fresh")
