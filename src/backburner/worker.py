"""Lambda 2: takes a job from the queue, computes, and puts the answer under its signature."""

import gzip
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)
from botocore.exceptions import BotoCoreError, ClientError

from backburner import attempt, computations, resources
from backburner.entry import Answer, Entry
from backburner.errors import (
    AttemptFailed,
    BrokenComputation,
    MalformedMessage,
    NoSuchComputation,
    Returned,
    Uncomputable,
)
from backburner.given_up import GivenUp
from backburner.large_results import LargeResults, is_large
from backburner.problems import CannotBeComputed, Problem, ResultTooLarge
from backburner.run_times import RunTimes
from backburner.store import Lost, Run, Store
from backburner.task_queue import Message, TaskQueue
from backburner.telemetry import count, logger, measure
from backburner.waiting import Sample

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

SHORTEST_DELAY, LONGEST_DELAY = 2, 300
"""Seconds until a job that failed is tried again; doubled at each attempt."""
PASSING = ("Throttl", "Throughput", "LimitExceeded", "SlowDown", "Timeout", "TooMany")
"""What is in the codes of AWS's errors that pass."""

Compute = Callable[[str, bytes, float, float, attempt.Beat], bytes]
"""See attempt.compute; it is a parameter so that tests can compute without a process."""


def handler(event: dict[str, Any], context: "LambdaContext | None") -> Any:
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, worker().receive, processor, context)


@cache
def worker() -> "Worker":
    patience = resources.WORKER
    store = resources.store(os.environ, patience)
    return Worker(
        store=store,
        task_queue=resources.task_queue(os.environ, patience),
        run_times=resources.run_times(store),
        large_results=resources.large_results(os.environ),
        given_up=resources.given_up(os.environ, patience),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """The worker pattern, as the worker sees it."""

    store: Store
    task_queue: TaskQueue
    run_times: RunTimes
    compute: Compute = attempt.compute
    random: Callable[[], float] = random.random
    large_results: LargeResults
    given_up: GivenUp

    def receive(self, record: "SQSRecord") -> None:
        """One record of a batch. What raises stays in the queue, for no longer than it must."""
        try:
            message = Message.read(record.body)
            logger.set_correlation_id(message.correlation_id)
            self.work(message, record.receipt_handle)
        except Returned:
            raise
        except MalformedMessage:
            logger.exception("a malformed message goes to the dead letters")
            self.task_queue.hide(record.receipt_handle, 0)
            raise
        except Exception:
            logger.exception("a message could not be worked on")
            self.task_queue.hide(record.receipt_handle, self.store.leases.running)
            raise

    def work(self, message: Message, receipt_handle: str) -> None:
        """Take a message to its end: answered, given back, or left to whoever holds the job."""
        try:
            run = self.store.begin(message.entry)
        except Lost as lost:
            return self.stand_back(lost.entry, receipt_handle)
        try:
            self.carry_out(run, receipt_handle)
        except Lost:
            logger.warning("a late run changes nothing", signature=message.signature)

    def stand_back(self, entry: Entry, receipt_handle: str) -> None:
        """The job is not to be begun: it is done, alive in another worker, or spent."""
        now = self.store.clock()
        if entry.job is None:
            return
        if entry.job.is_spent(now) and not entry.job.is_alive(now):
            count("failed", entry.computation)
            self.store.bury(entry)
            self.given_up.keep(entry)
            return
        self.put_back(receipt_handle, max(entry.job.lease - now, 0) + 1, "its job is alive")

    def carry_out(self, run: Run, receipt_handle: str) -> None:
        """One attempt, and what comes of it."""
        name = run.entry.computation
        try:
            json = self.attempt(run, receipt_handle)
        except Uncomputable as refusal:
            count("failed", name)
            self.store.fail(run, self.problem(run, CannotBeComputed(str(refusal))))
        except ResultTooLarge as problem:
            count("failed", name)
            self.store.fail(run, self.problem(run, problem))
        except (AttemptFailed, BrokenComputation, NoSuchComputation) as failure:
            logger.warning("an attempt failed", exc_info=failure, signature=run.entry.signature)
            self.try_again(run, receipt_handle)
        else:
            self.finish(run, receipt_handle, json)

    def finish(self, run: Run, receipt_handle: str, json: bytes) -> None:
        """The result is there; keep it."""
        policy = computations.load(run.entry.computation).policy
        if run.job.version < policy.version:
            policy = policy.in_passing()
        answer = Answer.result(json, policy, self.store.clock())
        if is_large(answer, json):
            self.beat(run, receipt_handle, 1.0)  # it took time to compress, and more to put
            answer = self.large_results.keep(answer, f"{run.entry.signature}/{run.token}")
        self.store.complete(run, answer)
        self.remember(run, answer)

    def remember(self, run: Run, answer: Answer) -> None:
        """What the job took: for the operators, and for those who wait for the next ones."""
        job, name = run.job, run.entry.computation
        started_at = job.started_at or answer.computed_at
        queue_wait, run_time = started_at - job.requested_at, answer.computed_at - started_at
        count("computed", name)
        measure("queue_wait", queue_wait, name)
        measure("run_time", run_time, name)
        if job.attempts == 1:
            self.run_times.add(name, Sample(queue_wait, run_time / job.expected_time))

    def attempt(self, run: Run, receipt_handle: str) -> bytes:
        """The result of the job, computed under the heartbeat of the run."""
        job, name = run.job, run.entry.computation
        policy = computations.load(name).policy
        if job.version > policy.version:
            raise AttemptFailed(
                f"the job is for version {job.version} of {name}, here is {policy.version}; "
                "while a deployment is under way another worker may have it already"
            )
        return self.compute(
            name,
            gzip.decompress(job.parameters),
            min(policy.time_limit, job.gives_up_at - self.store.clock()),
            self.store.leases.heartbeat,
            partial(self.beat, run, receipt_handle),
        )

    def beat(self, run: Run, receipt_handle: str, progress: float) -> None:
        """Keep the lease, and keep the message hidden just as long: if I die, both come back."""
        try:
            self.store.heartbeat(run, progress)
            self.task_queue.hide(receipt_handle, self.store.leases.running)
        except (ClientError, BotoCoreError) as error:
            if is_refused(error):
                logger.error("a heartbeat is refused; the lease will run out", exc_info=error)
            else:
                logger.warning("a heartbeat was missed; the lease bears that", exc_info=error)

    def try_again(self, run: Run, receipt_handle: str) -> None:
        """Give the job back for another attempt, later each time; or give it up."""
        job, now = run.job, self.store.clock()
        if job.is_spent(now):
            count("failed", run.entry.computation)
            self.store.fail(run, job.gave_up(now))
            self.given_up.keep(run.entry)
            return
        delay = min(SHORTEST_DELAY * 2 ** (job.attempts - 1), LONGEST_DELAY)
        delay *= 1 + self.random()
        self.store.give_back(run, delay)
        self.put_back(receipt_handle, delay, "its job is tried again")

    def put_back(self, receipt_handle: str, delay: float, why: str) -> None:
        self.task_queue.hide(receipt_handle, delay)
        raise Returned(f"the message goes back to the queue for {delay:.0f} s: {why}")

    def problem(self, run: Run, problem: Problem) -> Answer:
        return Answer.problem(problem, run.job, self.store.clock())


def is_refused(error: ClientError | BotoCoreError) -> bool:
    """AWS has understood the call and does not want it: a fault of ours that will not pass."""
    if not isinstance(error, ClientError):
        return False
    code = error.response["Error"]["Code"]
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 400)
    return status < 500 and not any(word in code for word in PASSING)
