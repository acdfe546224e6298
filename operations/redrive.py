"""Drive again what was given up, once a bug is fixed: python -m operations.redrive STACK.

Every letter in the stack's GivenUpQueue is taken in hand. Where the last job failed there is a new
one, by the computation's policy as it is in this folder, and its message is sent. A letter is
deleted when its question is answered or its message is on the way, and not before: whatever ends
the command, the next one goes on where it was.
"""

import argparse
import gzip
import secrets
import sys
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import boto3
from botocore.exceptions import BotoCoreError, ClientError
from pydantic import ValidationError

from backburner import computations, resources
from backburner.computation import Computation
from backburner.entry import Entry, Job
from backburner.errors import BrokenComputation, MalformedMessage, NoSuchComputation, Unsent
from backburner.given_up import Letter
from backburner.http.routes import new_job
from backburner.store import Lost, Store
from backburner.task_queue import Message, TaskQueue

HIDDEN_FOR = 600
"""Seconds after which a letter is seen again if the command is killed."""

CALLER = "redrive"
"""Its jobs share one turn in the queue, beside those of the other callers."""

SENT = "sent again"
ANSWERED = "answered already"
ALIVE = "under way already"
OUTDATED = "of an older version, which nobody asks for any more"
LEFT = "left"


class NotOurs(Exception):
    """The letter cannot be driven again with the code in this folder."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redrive:
    """The letters of a stack, and its store and queue. Waits `patience` seconds for a letter."""

    store: Store
    task_queue: TaskQueue
    sqs: Any
    letters_url: str
    is_dry_run: bool
    patience: int
    _in_hand: set[str] = field(default_factory=set)
    """The receipts of the letters that are hidden and not deleted."""

    def run(self) -> Counter[str]:
        """Take every letter in hand; how many came to what."""
        try:
            return Counter(self.handle(found) for found in self.letters())
        finally:
            for receipt in self._in_hand:
                self.sqs.change_message_visibility(
                    QueueUrl=self.letters_url, ReceiptHandle=receipt, VisibilityTimeout=0
                )

    def letters(self) -> Iterator[dict[str, Any]]:
        receive = partial(
            self.sqs.receive_message,
            QueueUrl=self.letters_url,
            MaxNumberOfMessages=10,
            VisibilityTimeout=HIDDEN_FOR,
            WaitTimeSeconds=self.patience,
        )
        while found := receive().get("Messages"):
            self._in_hand.update(each["ReceiptHandle"] for each in found)
            yield from found

    def handle(self, found: dict[str, Any]) -> str:
        """One letter. It is left if nothing can be done about it, and in a dry run."""
        try:
            letter = Letter.read(found["Body"])
            outcome = self.drive(letter)
        except (MalformedMessage, NotOurs) as reason:
            print(f"the letter {found['MessageId']} is left: {reason}")
            return LEFT
        print(f"{letter.message.computation}/{letter.message.signature}: {outcome}")
        if not self.is_dry_run:
            self.delete(found["ReceiptHandle"])
        return outcome

    def delete(self, receipt: str) -> None:
        self.sqs.delete_message(QueueUrl=self.letters_url, ReceiptHandle=receipt)
        self._in_hand.remove(receipt)

    def drive(self, letter: Letter) -> str:
        """Bring the entry of a letter back to work, unless it is answered or at work."""
        entry, now = self.store.look_up(letter.entry, consistent=True), self.store.clock()
        if entry.job is None and entry.answer and not entry.answer.failures:
            return ANSWERED
        if entry.is_alive(now) and entry.the_job.run:
            return ALIVE
        computation = computation_of(letter)
        if letter.version < computation.policy.version:
            return OUTDATED
        fresh = job_for(letter, computation, now)
        if not self.is_dry_run:
            try:
                self.send(entry, fresh, now)
            except Lost:
                return ALIVE  # or answered meanwhile, by whoever was first
        return SENT

    def send(self, entry: Entry, fresh: Job, now: float) -> None:
        """A job that is queued already may lack its message: a second one does no harm."""
        if entry.job and not entry.is_alive(now):
            if entry.job.is_spent(now):
                entry = self.store.bury(entry)
            else:
                entry = self.store.send_again(entry)
        if entry.job is None:
            entry = self.store.reset(entry, fresh)
        self.task_queue.send(Message.about(entry), CALLER)


def computation_of(letter: Letter) -> Computation:
    """The computation, in the version of the letter or a newer one; NotOurs if it is not here."""
    try:
        computation = computations.load(letter.message.computation)
    except (NoSuchComputation, BrokenComputation) as error:
        raise NotOurs(f"{error}; run this with the code that is deployed") from error
    if letter.version > computation.policy.version:
        raise NotOurs(
            f"it is of version {letter.version} of {computation.name}, here is "
            f"{computation.policy.version}; run this with the code that is deployed"
        )
    return computation


def job_for(letter: Letter, computation: Computation, now: float) -> Job:
    """A new job for the question of a letter; NotOurs if that is no question any more."""
    try:
        dumped = gzip.decompress(letter.parameters)
        given = computation.parameters.model_validate_json(dumped, strict=True)
    except (ValidationError, OSError, EOFError, zlib.error) as error:
        raise NotOurs(f"its parameters are none of {computation.name} ({error})") from error
    return new_job(f"redrive-{secrets.token_hex(8)}", computation, given, dumped, now, 0)


def of_stack(name: str, *, is_dry_run: bool, patience: int) -> Redrive:
    """A redrive of what the stack's outputs name."""
    [stack] = boto3.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    outputs = {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", [])}
    environment = {"TABLE_NAME": outputs["TableName"], "QUEUE_URL": outputs["QueueUrl"]}
    return Redrive(
        store=resources.store(environment, resources.WORKER),
        task_queue=resources.task_queue(environment, resources.WORKER),
        sqs=boto3.client("sqs"),
        letters_url=outputs["GivenUpQueueUrl"],
        is_dry_run=is_dry_run,
        patience=patience,
    )


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m operations.redrive", description=__doc__)
    parser.add_argument("stack", help="the name of the CloudFormation stack")
    parser.add_argument("--dry-run", action="store_true", help="change nothing, only tell")
    parser.add_argument(
        "--patience", type=int, default=2, help="seconds without a letter until it ends; default: 2"
    )
    options = parser.parse_args()
    try:
        redrive = of_stack(options.stack, is_dry_run=options.dry_run, patience=options.patience)
        outcomes = redrive.run()
    except (ClientError, BotoCoreError, Unsent) as error:
        print(f"{str(error).rstrip('.')}. Nothing is lost: mend that and go on.", file=sys.stderr)
        return 2
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{outcomes.total()} letters: {told or 'nothing to do'}")
    return 1 if outcomes[LEFT] else 0


if __name__ == "__main__":
    sys.exit(main())
