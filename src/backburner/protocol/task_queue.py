"""The queue of jobs. A message only says which job is waiting; its parameters are in the entry."""

import json
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, NoReturn, Self

from botocore.exceptions import BotoCoreError, ClientError

from backburner.aws import time_limits
from backburner.errors import MalformedMessage, Returned, Unsent
from backburner.protocol import signature
from backburner.protocol.entry import Entry
from backburner.protocol.signature import Signature

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.literals import QueueAttributeNameType

MAX_HIDDEN_S = 43200
"""SQS hides a message for 12 hours at most."""
COUNT_EVERY_S = 3
"""An instance asks for the queue's length at most once in so many seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """The body of an SQS message. A job that is sent again has the same body."""

    signature: Signature
    computation: str
    correlation_id: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        return cls(
            signature=entry.signature,
            computation=entry.computation,
            correlation_id=entry.the_job.correlation_id,
        )

    @classmethod
    def read(cls, body: str) -> Self:
        """Read a body. Unknown fields are ignored, as messages outlive deploys."""
        try:
            fields = json.loads(body)
            message = cls(
                signature=Signature(str(fields["signature"])),
                computation=str(fields["computation"]),
                correlation_id=str(fields.get("correlation_id", "")),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise MalformedMessage(
                f"{body[:200]!r} is not a valid message ({error!r}); "
                'send {"signature": …, "computation": …}'
            ) from error
        if not signature.FORM.fullmatch(message.signature):
            raise MalformedMessage(
                f"{message.signature[:80]!r} is not a signature; give 64 hex digits"
            )
        return message

    @property
    def entry(self) -> Entry:
        """The message's entry, empty: ready to be looked up."""
        return Entry(signature=self.signature, computation=self.computation)


class TaskQueue:
    """The queue of jobs. The client is made when it is first needed: a hit does not need it."""

    def __init__(
        self,
        make_client: "Callable[[], SQSClient]",
        url: str,
        max_backlog: int = 0,
        timer: "Callable[[], float]" = time.monotonic,
    ) -> None:
        """At most `max_backlog` messages may wait; 0 means no limit."""
        self.make_client = make_client
        self.url = url
        self.max_backlog = max_backlog
        self.timer = timer
        self._waiting, self._counted_at = 0, float("-inf")

    @property
    def client(self) -> "SQSClient":
        return self.make_client()

    def send(self, message: Message, caller: str) -> None:
        """Send the message; Unsent if the queue did not confirm it.

        SQS shares the queue fairly between callers (fair queues). A message that another caller
        sends again counts as that caller's, which does no harm.
        """
        try:
            self.client.send_message(
                QueueUrl=self.url, MessageBody=json.dumps(asdict(message)), MessageGroupId=caller
            )
        except (ClientError, BotoCoreError) as error:
            raise Unsent(f"the queue did not take {message.signature}: {error}") from error

    def is_full(self) -> bool:
        """True if SQS counted too many messages just now; False if it did not answer."""
        if not self.max_backlog:
            return False
        if self.timer() - self._counted_at >= COUNT_EVERY_S:
            self._waiting, self._counted_at = self._count(), self.timer()
        return self._waiting >= self.max_backlog

    def _count(self) -> int:
        name: QueueAttributeNameType = "ApproximateNumberOfMessages"
        try:
            answer = self.client.get_queue_attributes(QueueUrl=self.url, AttributeNames=[name])
            return int(answer["Attributes"][name])
        except (ClientError, BotoCoreError) as error:
            time_limits.log("the queue was not counted; work is accepted", error)
            return 0

    def hide(self, receipt_handle: str, seconds: float) -> None:
        """Hide a received message for that time; then it comes back, unless it was deleted."""
        self.client.change_message_visibility(
            QueueUrl=self.url,
            ReceiptHandle=receipt_handle,
            VisibilityTimeout=min(max(0, round(seconds)), MAX_HIDDEN_S),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message that a worker has received. It can come back until it is deleted."""

    task_queue: TaskQueue
    receipt_handle: str

    def hide(self, seconds: float) -> None:
        """Hide the message from other workers for that time from now."""
        self.task_queue.hide(self.receipt_handle, seconds)

    def give_back(self, delay: float, reason: str) -> NoReturn:
        """Let the message come back after the delay; raise Returned so that it is not deleted."""
        self.hide(delay)
        raise Returned(f"the message goes back to the queue for {delay:.0f} s: {reason}")
