"""Lambda 2: take a job from the queue, compute, and store the answer in its entry."""

import gzip
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from backburner import init_phase, resources, telemetry
from backburner.attempt import alone, batch
from backburner.attempt.declared_values import DeclaredValues
from backburner.aws import time_limits
from backburner.computation import declared, registry
from backburner.errors import (
    AttemptFailed,
    BrokenComputation,
    MalformedMessage,
    NoSuchComputation,
    Returned,
    Uncomputable,
)
from backburner.large_results import LargeResults, is_large
from backburner.problems import CannotBeComputed, Problem, ResultTooLarge
from backburner.protocol.entry import Answer, Entry
from backburner.protocol.failed_jobs import FailedJobs
from backburner.protocol.store import LostRace, Run, Store
from backburner.protocol.task_queue import Delivery, Message, TaskQueue
from backburner.retry_after.run_times import RunTimes
from backburner.telemetry import count, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

MIN_RETRY_DELAY_S, MAX_RETRY_DELAY_S = 2, 300
"""Seconds until a failed attempt is tried again; doubled at each attempt."""


def handler(event: dict[str, Any], context: Any) -> Any:
    """Work on a batch of messages; those that fail stay in the queue."""
    return batch.work(event, context, lambda **other: replace(worker(), **other).receive)


@cache
def worker() -> "Worker":
    time_limits = resources.WORKER
    store, sqs = resources.store(time_limits), resources.sqs(time_limits)
    return Worker(
        store=store,
        task_queue=resources.task_queue(sqs),
        run_times=resources.run_times(store),
        large_results=resources.large_results(),
        failed_jobs=resources.failed_jobs(sqs),
        declared_values=resources.declared_values(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The worker's side of the worker pattern."""

    store: Store
    task_queue: TaskQueue
    run_times: RunTimes
    compute: alone.Compute = alone.compute
    random: Callable[[], float] = random.random
    large_results: LargeResults
    failed_jobs: FailedJobs
    declared_values: DeclaredValues

    def receive(self, record: "SQSRecord") -> None:
        """Work on one record of a batch. If it raises, its message soon comes back."""
        delivery = Delivery(task_queue=self.task_queue, receipt_handle=record.receipt_handle)
        try:
            message = Message.read(record.body)
            telemetry.correlate(message.correlation_id, message.computation, message.signature)
            self.work(message, delivery)
        except Returned:
            raise
        except MalformedMessage:
            logger.exception("a malformed message goes to the dead letters")
            delivery.hide(0)
            raise
        except Exception:
            logger.exception("a message could not be worked on")
            delivery.hide(self.store.leases.running)
            raise

    def work(self, message: Message, delivery: Delivery) -> None:
        """Run the message's job, unless another run holds it or takes it over."""
        try:
            run = self.store.begin(message.entry)
        except LostRace as lost:
            return self.not_begun(lost.entry, delivery)
        try:
            self.carry_out(run, delivery)
        except LostRace:
            logger.warning("a late run changes nothing")

    def not_begun(self, entry: Entry, delivery: Delivery) -> None:
        """Handle a job that could not begin: it is done, spent, or alive in another worker."""
        now = self.store.clock()
        if entry.job is None:
            return
        if entry.is_spent(now) and not entry.is_alive(now):
            self.failed_jobs.bury(self.store, entry)
            return
        delivery.give_back(max(entry.job.lease - now, 0) + 1, "its job is alive")

    def carry_out(self, run: Run, delivery: Delivery) -> None:
        """Make one attempt and record its outcome."""
        try:
            json = self.attempt(run, delivery)
        except Uncomputable as refusal:
            self.fail(run, CannotBeComputed(str(refusal)))
        except ResultTooLarge as problem:
            self.fail(run, problem)
        except (AttemptFailed, BrokenComputation, NoSuchComputation) as failure:
            self.try_again(run, delivery, failure)
        else:
            self.complete(run, delivery, json)

    def complete(self, run: Run, delivery: Delivery, json: bytes) -> None:
        """Store the answer in the entry; put a large one into the bucket first."""
        policy = registry.load(run.entry.computation).policy.for_job_of(run.job.version)
        answer = Answer.result(json, policy, self.store.clock())
        if is_large(answer, json):
            self.heartbeat(run, delivery, 1.0)  # compressing took time, and so will the put
            answer = self.large_results.keep(answer, f"{run.entry.signature}/{run.token}")
        self.store.complete(run, answer)
        self.run_times.record(run.entry.computation, run.job, self.store.clock())

    def fail(self, run: Run, problem: Problem) -> None:
        """Store a problem as the answer: another attempt would not help."""
        self.store.fail(run, Answer.problem(problem, run.job, self.store.clock()))
        count("failed", run.entry.computation, says=f"{problem.title}: {problem.detail}")

    def attempt(self, run: Run, delivery: Delivery) -> bytes:
        """Compute the job's result, with heartbeats meanwhile."""
        job, name, clock = run.job, run.entry.computation, self.store.clock
        computation = registry.load(name)
        policy = computation.policy
        if job.version > policy.version:
            raise AttemptFailed(
                f"the job is for version {job.version} of {name}, here is {policy.version}; "
                "while a deployment is under way another worker may have it already"
            )
        with declared.given(self.declared_values.of(computation)):
            return self.compute(
                name,
                gzip.decompress(job.parameters),
                min(policy.time_limit, job.gives_up_at - clock()),
                self.store.leases.heartbeat,
                alone.until(job.gives_up_at, clock, partial(self.heartbeat, run, delivery)),
            )

    def heartbeat(self, run: Run, delivery: Delivery, progress: float) -> None:
        """Extend the lease and hide the message as long: if this worker dies, both run out."""
        try:
            self.store.heartbeat(run, progress)
            delivery.hide(self.store.leases.running)
        except (ClientError, BotoCoreError) as error:
            time_limits.log("a heartbeat failed; without the next one the lease runs out", error)

    def try_again(self, run: Run, delivery: Delivery, failure: Exception) -> None:
        """Give the job back for another attempt, with a longer delay each time, or give it up."""
        job, now, name = run.job, self.store.clock(), run.entry.computation
        why = telemetry.attempt_failed(name, job.attempts, job.max_attempts, failure)
        usual = min(MIN_RETRY_DELAY_S * 2 ** (job.attempts - 1), MAX_RETRY_DELAY_S)
        delay = getattr(failure, "after", 0.0) + usual * (1 + self.random())
        if job.is_spent(now + delay):
            self.store.fail(run, job.gave_up(now, 0 if job.is_spent(now) else delay, why))
            self.failed_jobs.add(run.entry)
            return
        self.store.give_back(run, delay)
        delivery.give_back(delay, "its job is tried again")


init_phase.prepare(worker)
