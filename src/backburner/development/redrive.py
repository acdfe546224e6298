"""Redrive failed jobs once a bug is fixed.

For each failed job of the stack without a result since, it starts a new job by the policy of the
code in this folder, and sends its message. Only then does it delete the failed job: if the command
is ended, the next one goes on from there.
"""

import gzip
import json
import secrets
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from backburner.computation import STANDARD, WAITING, Computation, registry
from backburner.development.errors import CommandError
from backburner.development.local.deployment import KEPT_IN, RUNNING_FILE
from backburner.development.terminal import say
from backburner.errors import BrokenComputation, MalformedMessage, NoSuchComputation, Unsent
from backburner.protocol.entry import Entry, Job
from backburner.protocol.failed_jobs import FailedJob
from backburner.protocol.lanes import Lanes
from backburner.protocol.store import Leases, LostRace, Store
from backburner.protocol.task_queue import Message, TaskQueue

QUEUES = {STANDARD: "QueueUrl", WAITING: "WaitingQueueUrl"}
"""The stack's output with the queue of each lane."""
HIDDEN_FOR = 600
"""Seconds after which a failed job can be received again if the command is killed."""

CALLER = "redrive"
"""Redriven jobs count as one caller's, so other callers keep their turns in the queue."""

SENT, WOULD_BE_SENT = "sent again", "would be sent again"
ANSWERED = "answered already"
ALIVE = "under way already"
OUTDATED = "of an older version that is no longer used"
LEFT = "left"


class NotOurs(Exception):
    """The failed job cannot be redriven with the code in this folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """Redrives the failed jobs of a stack until none arrives for `patience` seconds."""

    store: Store
    lanes: Lanes
    sqs: Any
    failed_jobs_url: str
    is_dry_run: bool
    patience: int
    _in_hand: set[str] = field(default_factory=set)
    """The receipts of the failed jobs that are hidden but not deleted."""

    def run(self) -> Counter[str]:
        """Handle every failed job; count the outcomes."""
        try:
            return Counter(self.handle(found) for found in self.failed_jobs())
        finally:
            for receipt in self._in_hand:
                self.sqs.change_message_visibility(
                    QueueUrl=self.failed_jobs_url, ReceiptHandle=receipt, VisibilityTimeout=0
                )

    def failed_jobs(self) -> Iterator[dict[str, Any]]:
        receive = partial(
            self.sqs.receive_message,
            QueueUrl=self.failed_jobs_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_FOR,
            WaitTimeSeconds=self.patience,
        )
        while found := receive().get("Messages"):
            self._in_hand.update(each["ReceiptHandle"] for each in found)
            yield from found

    def handle(self, found: dict[str, Any]) -> str:
        """Redrive one failed job and delete it. Keep it if that is impossible or a dry run."""
        try:
            failed_job = FailedJob.read(found["Body"])
            outcome = self.drive(failed_job)
        except (MalformedMessage, NotOurs) as reason:
            say(f"the failed job {found['MessageId']} is left: {reason}")
            return LEFT
        say(f"{failed_job.message.computation}/{failed_job.message.signature}: {outcome}")
        if not self.is_dry_run:
            self.delete(found["ReceiptHandle"])
        return outcome

    def delete(self, receipt: str) -> None:
        self.sqs.delete_message(QueueUrl=self.failed_jobs_url, ReceiptHandle=receipt)
        self._in_hand.remove(receipt)

    def drive(self, failed_job: FailedJob) -> str:
        """Start a new job for the failed job, unless it has a result or is running."""
        entry, now = self.store.look_up(failed_job.entry, consistent=True), self.store.clock()
        if entry.job is None and entry.answer and not entry.answer.failures:
            return ANSWERED
        if entry.is_alive(now) and entry.the_job.run:
            return ALIVE
        computation = computation_of(failed_job)
        if failed_job.version < computation.policy.version:
            return OUTDATED
        fresh = job_for(failed_job, computation, now)
        if self.is_dry_run:
            return WOULD_BE_SENT
        try:
            self.send(entry, fresh, now)
        except LostRace:
            return ALIVE  # or answered meanwhile
        return SENT

    def send(self, entry: Entry, fresh: Job, now: float) -> None:
        """Set the job if needed and send a message; a second message for a job does no harm."""
        if entry.job and not entry.is_alive(now):
            if entry.job.is_spent(now):
                entry = self.store.bury(entry)
            else:
                entry = self.store.send_again(entry)
        if entry.job is None:
            entry = self.store.reset(entry, fresh)
        self.lanes.of(entry.the_job.lane).send(Message.of(entry), CALLER)


def computation_of(failed_job: FailedJob) -> Computation:
    """The computation, in the failed job's version or newer; NotOurs if it is not here."""
    try:
        computation = registry.load(failed_job.message.computation)
    except (NoSuchComputation, BrokenComputation) as error:
        raise NotOurs(f"{error}; run this with the code that is deployed") from error
    if failed_job.version > computation.policy.version:
        raise NotOurs(
            f"it is of version {failed_job.version} of {computation.name}, here is "
            f"{computation.policy.version}; run this with the code that is deployed"
        )
    return computation


def job_for(failed_job: FailedJob, computation: Computation, now: float) -> Job:
    """A new job for a failed one; NotOurs if its parameters are no longer valid."""
    try:
        dumped = gzip.decompress(failed_job.parameters)
        given = computation.parameters.model_validate_json(dumped, strict=True)
    except (ValidationError, OSError, EOFError, zlib.error) as error:
        raise NotOurs(f"its parameters do not fit {computation.name} ({error})") from error
    return Job.new(
        computation.policy,
        dumped,
        computation.expected_time(given),
        correlation_id=f"redrive-{secrets.token_hex(8)}",
        now=now,
    )


def of_stack(name: str | None, folder: Path, *, is_dry_run: bool, patience: int) -> Redrive:
    """A redrive of the table and queues that the stack's outputs name; without a name, of ours."""
    access = {} if name else local_access(folder)
    outputs = access.pop("outputs", None) or outputs_of(name)
    sqs = boto3.client("sqs", **access)
    return Redrive(
        store=Store(boto3.client("dynamodb", **access), outputs["TableName"], Leases()),
        lanes=Lanes(
            {
                lane: TaskQueue(lambda: sqs, outputs[output])
                for lane, output in QUEUES.items()
                if output in outputs
            }
        ),
        sqs=sqs,
        failed_jobs_url=outputs["FailedJobsQueueUrl"],
        is_dry_run=is_dry_run,
        patience=patience,
    )


def outputs_of(stack: str | None) -> dict[str, str]:
    [found] = boto3.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
    return {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])}


def local_access(folder: Path) -> dict[str, Any]:
    """What `backburner run`, which keeps things there, has written about its table and queues."""
    try:
        access: dict[str, Any] = json.loads((folder / RUNNING_FILE).read_text())
    except FileNotFoundError as error:
        raise CommandError(f"{error.filename} is not there; start `backburner run` here") from error
    return access


def redrive(stack: str | None, *, is_dry_run: bool, patience: int, folder: Path = KEPT_IN) -> int:
    """Redrive the failed jobs of a stack, or of `backburner run`; return 1 if some were left."""
    try:
        outcomes = of_stack(stack, folder, is_dry_run=is_dry_run, patience=patience).run()
    except (ClientError, BotoCoreError, Unsent) as error:
        raise CommandError(
            f"{str(error).rstrip('.')}; nothing is lost: mend that and redrive again"
        ) from error
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    say(f"{outcomes.total()} failed jobs: {told or 'nothing to do'}")
    return 1 if outcomes[LEFT] else 0
