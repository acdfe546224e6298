"""Lambda 1: serve cached answers at once, and queue a job for the rest.

`RequestHandler.answer` is the worker pattern. It never waits for a computation.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from random import SystemRandom
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backburner import init_phase, resources, telemetry
from backburner.errors import Unsent
from backburner.http import failures, response, routes
from backburner.http.event import PUBLIC, Request, Site
from backburner.http.memo import Memo, new_memo
from backburner.http.response import Response
from backburner.http.routes import Forget, Question
from backburner.large_results import LargeResults
from backburner.local_cache import LocalCache, local_cache
from backburner.problems import NotFound, Problem, Unavailable
from backburner.protocol.entry import Entry
from backburner.protocol.failed_jobs import FailedJobs
from backburner.protocol.lanes import Lanes
from backburner.protocol.store import LostRace, Store
from backburner.protocol.task_queue import Message
from backburner.retry_after.estimate import estimate, until_there_is_room
from backburner.retry_after.run_times import RunTimes
from backburner.telemetry import count, logger

MAX_ROUNDS = 4
"""How often a request looks again after it lost a race."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    """Answer an event of API Gateway (payload 2.0)."""
    context = event["requestContext"]
    telemetry.correlate(context["requestId"])
    is_head = context["http"]["method"] == "HEAD"
    ready = request_handler()
    resources.REQUEST.begin()
    return respond(event, ready).as_event(with_body=not is_head)


@cache
def request_handler() -> "RequestHandler":
    time_limits = resources.REQUEST
    store, sqs = resources.store(time_limits, light=True), resources.sqs(time_limits, light=True)
    return RequestHandler(
        store=store,
        lanes=resources.lanes(sqs),
        run_times=resources.run_times(store),
        local_cache=local_cache(),
        large_results=resources.large_results(),
        failed_jobs=resources.failed_jobs(sqs),
        site=resources.site(),
    )


def respond(event: Mapping[str, Any], handler: "RequestHandler") -> Response:
    """The response to an event; any error becomes a problem."""
    try:
        match routes.find(Request.from_event(event, handler.site), handler.memo):
            case Question() as question:
                return handler.answer(question)
            case Forget() as forget:
                return handler.forget(forget)
            case document:
                return document
    except Exception as error:  # noqa: BLE001 (clients get a problem for any error)
        return response.problem_response(failures.problem_of(error))


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestHandler:
    """The request's side of the worker pattern."""

    store: Store
    lanes: Lanes
    run_times: RunTimes
    local_cache: LocalCache
    large_results: LargeResults
    failed_jobs: FailedJobs
    site: Site = PUBLIC
    memo: Memo = field(default_factory=new_memo)
    random: Callable[[], float] = SystemRandom().random
    """The system's randomness: instances that SnapStart restores would share any other."""

    def answer(self, question: Question) -> Response:
        """Serve a settled answer; otherwise ensure that a job is alive, and say when to retry."""
        entry = self.cached(question) or self.look_up(question)
        for _ in range(MAX_ROUNDS):
            now = self.store.clock()
            if entry.is_settled(now):
                return self.serve(entry, question, now)
            if entry.is_alive(now):
                return self.accepted(entry, question, now, collapsed=True)
            try:
                if entry.is_spent(now):
                    entry = self.failed_jobs.bury(self.store, entry)
                    continue
                entry = self.set_placeholder(entry, question, now)
                self.send(entry, question)
                now = self.store.clock()  # sending took time
                if entry.is_alive(now):
                    return self.accepted(entry, question, now, collapsed=False)
            except LostRace as lost:
                entry = lost.entry
            except (NotFound, Unavailable, Unsent, ClientError, BotoCoreError) as error:
                return self.serve_stale(entry, question, error)
        raise failures.changes_too_fast(entry.signature)

    def cached(self, question: Question) -> Entry | None:
        """An entry from the local cache whose answer is still fresh."""
        entry = self.local_cache.get(question.entry.signature)
        if entry and entry.is_for(question.entry) and entry.is_settled(self.store.clock()):
            return entry
        return None

    def look_up(self, question: Question) -> Entry:
        """Read eventually consistently; a claim will notice what the read missed.

        If no claim can follow, read consistently before a 404.
        """
        entry = self.visible(self.store.look_up(question.entry), question)
        is_nothing = entry.job is None and not entry.servable(self.store.clock())
        if is_nothing and not question.can_start:
            return self.visible(self.store.look_up(question.entry, consistent=True), question)
        return entry

    def visible(self, entry: Entry, question: Question) -> Entry:
        """Hide entries of other computations and other callers, as if they did not exist."""
        return entry if entry.is_for(question.entry) else question.entry

    def set_placeholder(self, entry: Entry, question: Question, now: float) -> Entry:
        """Claim the entry for a new job, or send again a job whose lease ran out."""
        if entry.job:
            return self.store.send_again(entry)
        if not question.can_start:
            raise NotFound(
                f"{entry.signature} is unknown here or expired; ask again with the parameters"
            )
        self.refuse_if_full(question, now)
        return self.store.claim(entry, question.new_job(entry, now))

    def refuse_if_full(self, question: Question, now: float) -> None:
        """Refuse new work while too many jobs wait; a consistent read checks that it is new."""
        if not self.lanes.of(question.computation.policy.lane).is_full():
            return
        entry = self.store.look_up(question.entry, consistent=True)
        if entry.job or entry.is_settled(now):
            raise LostRace(entry)
        name = question.entry.computation
        count("refused", name)
        raise Unavailable(
            "too many jobs are waiting already; ask again later",
            retry_after=until_there_is_room(self.run_times.of(name), self.random()),
        )

    def send(self, entry: Entry, question: Question) -> None:
        """Send the message of a job; if that fails, unclaim it, so that it does not look alive."""
        try:
            self.lanes.of(entry.the_job.lane).send(Message.of(entry), question.request.caller)
        except Unsent:
            self.unclaim(entry)
            raise
        logger.info("job sent", sends=entry.the_job.sends)

    def unclaim(self, entry: Entry) -> None:
        """End the lease of a job without a message; LostRace if a worker has it after all."""
        try:
            self.store.unclaim(entry)
        except (ClientError, BotoCoreError) as error:
            logger.error(
                "a job without a message looks alive until its lease has run out", exc_info=error
            )

    def forget(self, forget: Forget) -> Response:
        """Delete an entry. Other instances' local caches may serve it for some seconds more."""
        signature = forget.entry.signature
        self.store.forget(forget.entry)
        self.local_cache.pop(signature, None)
        logger.info("forgotten", operator=forget.operator)
        return response.forgotten()

    def serve(self, entry: Entry, question: Question, now: float) -> Response:
        """Serve the stored answer, fresh or stale, result or problem."""
        answer = entry.the_answer
        if answer.is_result and answer.is_fresh(now):
            self.local_cache.setdefault(entry.signature, entry)
        count("hit" if answer.is_fresh(now) else "stale", entry.computation)
        return response.answered(entry, answer, question.request, now, self.large_results.url)

    def serve_stale(self, entry: Entry, question: Question, error: Exception) -> Response:
        """Serve the stale answer if its refresh cannot be queued; without one, raise the error."""
        now = self.store.clock()  # the failed calls took time
        if not entry.servable(now):
            raise error
        if not isinstance(error, Problem):
            logger.error("a stale answer is not refreshed", exc_info=error)
        return self.serve(entry, question, now)

    def accepted(
        self, entry: Entry, question: Question, now: float, *, collapsed: bool
    ) -> Response:
        """Serve the stale answer while there is one; otherwise 202 and when to ask again."""
        if entry.servable(now):
            return self.serve(entry, question, now)
        count("collapsed" if collapsed else "miss", entry.computation)
        samples = self.run_times.of(entry.computation)
        wait = estimate(entry.the_job, samples, now, self.random())
        return response.accepted(entry, question.request, wait, collapsed=collapsed)


init_phase.prepare(request_handler)
