"""Lambda 3: bury the jobs of dead letters, the messages that the queue gave up on."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from backburner import resources, telemetry
from backburner.attempt import batch
from backburner.errors import MalformedMessage
from backburner.protocol.failed_jobs import FailedJobs
from backburner.protocol.store import LostRace, Store
from backburner.protocol.task_queue import Message
from backburner.telemetry import count, logger

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord


def handler(event: dict[str, Any], context: Any) -> Any:
    """Bury the jobs of a batch of dead letters; those that fail stay in their queue."""
    ready = dead_letters()
    resources.DEAD_LETTER.begin()
    return batch.process(event, context, ready.receive)


@cache
def dead_letters() -> "DeadLetters":
    time_limits = resources.DEAD_LETTER
    return DeadLetters(
        store=resources.store(time_limits),
        failed_jobs=resources.failed_jobs(resources.sqs(time_limits)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetters:
    """The dead letters' side of the worker pattern."""

    store: Store
    failed_jobs: FailedJobs

    def receive(self, record: "SQSRecord") -> None:
        """Bury one dead letter's job. A malformed one has none: log it, count it, drop it."""
        try:
            message = Message.read(record.body)
            telemetry.correlate(message.correlation_id, message.computation, message.signature)
            count("dead_letter", message.computation)
            self.bury(message)
        except MalformedMessage as error:
            count("malformed", "none")
            logger.error("a malformed dead letter", exc_info=error, message_id=record.message_id)
        except Exception:
            logger.exception("a dead letter stays in its queue; it comes again")
            raise

    def bury(self, message: Message) -> None:
        """Bury the message's job, unless a worker holds it: then the message was a duplicate."""
        entry = self.store.look_up(message.entry, consistent=True)
        if entry.job is None or entry.job.correlation_id != message.correlation_id:
            return
        try:
            self.failed_jobs.bury(self.store, entry)
        except LostRace:
            logger.info("the job of a dead letter is alive")
