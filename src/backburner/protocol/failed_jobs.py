"""Buries jobs, and keeps the failed jobs in a queue so that an operator can redrive them.

Only `backburner redrive` reads that queue, once the fault is mended.
"""

import base64
import json
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from backburner.errors import MalformedMessage
from backburner.protocol.entry import Entry
from backburner.protocol.store import Store
from backburner.protocol.task_queue import Message
from backburner.telemetry import count, logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedJob:
    """The job's message, and the parts of its entry that a redrive needs."""

    message: Message
    version: int
    parameters: bytes
    """The job's parameters: canonical JSON, gzipped."""
    private_to: str = ""
    """The entry's `private_to`."""

    @classmethod
    def of(cls, entry: Entry) -> Self:
        job = entry.the_job
        return cls(
            message=Message.of(entry),
            version=job.version,
            parameters=job.parameters,
            private_to=entry.private_to,
        )

    @classmethod
    def read(cls, body: str) -> Self:
        message = Message.read(body)
        try:
            fields = json.loads(body)
            parameters = base64.b64decode(fields["parameters"], validate=True)
            return cls(
                message=message,
                version=int(fields["version"]),
                parameters=parameters,
                private_to=str(fields.get("private_to", "")),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedMessage(
                f"the failed job of {message.signature} is not whole ({error!r}); delete it"
            ) from error

    def write(self) -> str:
        about_job = {
            "version": self.version,
            "parameters": base64.b64encode(self.parameters).decode(),
            "private_to": self.private_to,
        }
        return json.dumps({**asdict(self.message), **about_job})

    @property
    def entry(self) -> Entry:
        """The job's entry, empty: ready to be looked up."""
        return replace(self.message.entry, private_to=self.private_to)


class FailedJobs:
    """The queue of failed jobs."""

    def __init__(self, make_client: "Callable[[], SQSClient]", url: str) -> None:
        self.make_client = make_client
        self.url = url

    @property
    def client(self) -> "SQSClient":
        return self.make_client()

    def bury(self, store: Store, entry: Entry) -> Entry:
        """Bury and keep the job of an entry. LostRace if another was first, who then keeps it."""
        buried = store.bury(entry)
        self.add(entry)
        return buried

    def add(self, entry: Entry) -> None:
        """Count and keep a job that was given up. Clients have their answer even if this fails."""
        count("failed", entry.computation, says="given up")
        try:
            body = FailedJob.of(entry).write()
            self.client.send_message(QueueUrl=self.url, MessageBody=body)
        except (ClientError, BotoCoreError):
            logger.exception("a failed job was not kept", signature=entry.signature)
