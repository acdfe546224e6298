"""Lambda 1: what is there is served at once; what is not, a worker is asked for."""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from random import SystemRandom
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from backburner import aws, resources
from backburner.entry import Entry
from backburner.errors import Unsent, where
from backburner.given_up import GivenUp
from backburner.http import response, routes
from backburner.http.event import PUBLIC, Request, Site
from backburner.http.response import Response
from backburner.http.routes import Forget, Question
from backburner.large_results import LargeResults
from backburner.memory import Memory, memory
from backburner.problems import InternalError, NotFound, Problem, Unavailable
from backburner.run_times import RunTimes
from backburner.store import Lost, Store
from backburner.task_queue import Message, TaskQueue
from backburner.telemetry import count, logger
from backburner.waiting import estimate, until_there_is_room

ROUNDS = 4
"""How often one request may find that somebody else was first."""
A_MOMENT = 2
"""Seconds after which to ask again when something did not answer."""


def handler(event: Mapping[str, Any], _context: object) -> dict[str, Any]:
    context = event["requestContext"]
    logger.set_correlation_id(context["requestId"])
    is_head = context["http"]["method"] == "HEAD"
    ready = front()
    resources.REQUEST.begin()
    return respond(event, ready).as_event(with_body=not is_head)


@cache
def front() -> "Front":
    patience = resources.REQUEST
    store = resources.store(os.environ, patience)
    return Front(
        store=store,
        task_queue=resources.task_queue(os.environ, patience),
        run_times=resources.run_times(store),
        memory=memory(),
        large_results=resources.large_results(os.environ),
        given_up=resources.given_up(os.environ, patience),
        site=resources.site(os.environ),
    )


def respond(event: Mapping[str, Any], front: "Front") -> Response:
    """The response to an event; whatever goes wrong is a problem."""
    try:
        match routes.find(Request.from_event(event, front.site)):
            case Question() as asked:
                return front.answer(asked)
            case Forget() as unwanted:
                return front.forget(unwanted)
            case document:
                return document
    except Problem as problem:
        return response.problem(problem)
    except (ClientError, BotoCoreError, Unsent) as error:
        return response.problem(unanswered(error))
    except Exception as error:  # noqa: BLE001 (logged, and a client gets a problem whatever it is)
        logger.error("a request failed", where=where(error))
        return response.problem(a_fault_of_ours())


def unanswered(error: Exception) -> Problem:
    """AWS did not do what it was asked; where that will not pass, asking again is in vain."""
    if aws.is_passing(error.__cause__ if isinstance(error, Unsent) else error):
        logger.error("AWS did not answer", exc_info=error)
        return Unavailable("the table or the queue did not answer; ask again", retry_after=A_MOMENT)
    logger.error("AWS refused a call", exc_info=error)
    return a_fault_of_ours()


def a_fault_of_ours() -> Problem:
    return InternalError("this is a fault of the service, and it is logged; ask again later")


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The worker pattern, as the request sees it. Nothing in here waits."""

    store: Store
    task_queue: TaskQueue
    run_times: RunTimes
    memory: Memory
    large_results: LargeResults
    given_up: GivenUp
    site: Site = PUBLIC
    random: Callable[[], float] = SystemRandom().random
    """The system's: any other would go on alike wherever SnapStart restores the same snapshot."""

    def answer(self, asked: Question) -> Response:
        entry = self.recall(asked) or self.look_up(asked)
        collapsed = True
        for _ in range(ROUNDS):
            now = self.store.clock()
            if entry.is_settled(now):
                return self.serve(entry, asked, now)
            if entry.is_alive(now):
                return self.come_back(entry, asked, now, collapsed=collapsed)
            try:
                entry = self.set_placeholder(entry, asked, now)
                collapsed = False
            except Lost as lost:
                entry = lost.entry
            except (NotFound, Unavailable, Unsent, ClientError, BotoCoreError) as error:
                now = self.store.clock()  # to find out took time
                if not entry.servable(now):
                    raise
                if not isinstance(error, Problem):
                    logger.error("a stale answer is not refreshed", exc_info=error)
                return self.serve(entry, asked, now)
        raise Unavailable(
            f"the entry {entry.signature} is changing too fast; ask again", retry_after=A_MOMENT
        )

    def recall(self, asked: Question) -> Entry | None:
        """What was served just now, while it is fresh: of what followed only the table knows."""
        entry = self.memory.get(asked.entry.signature)
        if entry and entry.is_for(asked.entry) and entry.is_settled(self.store.clock()):
            return entry
        return None

    def look_up(self, asked: Question) -> Entry:
        """Eventually consistent: a claim finds out. Where no claim can follow, read what is."""
        entry = self.shown(self.store.look_up(asked.entry), asked)
        if asked.new_job is None and entry.job is None and not entry.servable(self.store.clock()):
            entry = self.shown(self.store.look_up(asked.entry, consistent=True), asked)
        return entry

    def shown(self, entry: Entry, asked: Question) -> Entry:
        """Another computation's, or another caller's, is as if it were not there."""
        return entry if entry.is_for(asked.entry) else asked.entry

    def set_placeholder(self, entry: Entry, asked: Question, now: float) -> Entry:
        """A job where none is alive; or an end, where no more can be done for it."""
        if entry.job is None:
            if asked.new_job is None:
                raise NotFound(
                    f"{entry.signature} is unknown here or expired; ask again with the parameters"
                )
            self.admit(asked, now)
            failures = entry.answer.failures if entry.answer else 0
            return self.send(self.store.claim(entry, asked.new_job(now, failures)), asked)
        if entry.job.is_spent(now):
            return self.bury(entry)
        return self.send(self.store.send_again(entry), asked)

    def bury(self, entry: Entry) -> Entry:
        """Make it the answer that the job was given up, and leave a letter about it."""
        count("failed", entry.computation)
        buried = self.store.bury(entry)
        self.given_up.keep(entry)
        return buried

    def admit(self, asked: Question, now: float) -> None:
        """New work, unless too much is waiting; what an old read has missed is not new."""
        if not self.task_queue.is_full():
            return
        there = self.store.look_up(asked.entry, consistent=True)
        if there.job or there.is_settled(now):
            raise Lost(there)
        name = asked.entry.computation
        count("refused", name)
        raise Unavailable(
            "too many jobs are waiting already; ask again later",
            retry_after=until_there_is_room(self.run_times.of(name), self.random()),
        )

    def send(self, entry: Entry, asked: Question) -> Entry:
        """Send the message of a job; if that fails, the job must not look alive."""
        try:
            self.task_queue.send(Message.about(entry), asked.request.caller)
        except Unsent:
            self.release(entry)
            raise
        logger.info("job sent", signature=entry.signature, sendings=entry.the_job.sendings)
        return entry

    def release(self, entry: Entry) -> None:
        """End the lease of a job without a message. Lost if a worker has the message after all."""
        try:
            self.store.release(entry)
        except (ClientError, BotoCoreError) as error:
            logger.error(
                "a job without a message looks alive until its lease has run out",
                exc_info=error,
                signature=entry.signature,
            )

    def forget(self, unwanted: Forget) -> Response:
        """From here on it was never there. Other instances may remember a result for seconds."""
        signature = unwanted.entry.signature
        self.store.forget(unwanted.entry)
        self.memory.pop(signature, None)
        logger.info("forgotten", signature=signature, operator=unwanted.operator)
        return response.forgotten()

    def serve(self, entry: Entry, asked: Question, now: float) -> Response:
        """The answer as it is, fresh or stale, result or problem."""
        answer = entry.the_answer
        if answer.is_result and answer.is_fresh(now):
            self.memory.setdefault(entry.signature, entry)
        count("hit" if answer.is_fresh(now) else "stale", entry.computation)
        return response.answered(entry, answer, asked.request, now, self.large_results.url)

    def come_back(self, entry: Entry, asked: Question, now: float, *, collapsed: bool) -> Response:
        """The stale answer while there is one; otherwise nothing yet, and when to ask again."""
        if entry.servable(now):
            return self.serve(entry, asked, now)
        count("collapsed" if collapsed else "miss", entry.computation)
        samples = self.run_times.of(entry.computation)
        wait = estimate(entry.the_job, samples, now, self.random())
        return response.come_back(entry, asked.request, wait, collapsed=collapsed)
