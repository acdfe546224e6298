"""Failed jobs: what was given up, kept so that an operator can drive it again.

Only `make redrive` reads them, once the fault is mended.
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
    """The job's message, and what was in its entry."""

    message: Message
    version: int
    parameters: bytes
    """As the job has them: canonical JSON, gzipped."""
    private_to: str = ""
    """As the entry has it."""

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
        """Its entry, before anyone has looked."""
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
        """Give up the job of an entry; LostRace if another was first, who then counts and keeps."""
        buried = store.bury(entry)
        self.add(entry)
        return buried

    def add(self, entry: Entry) -> None:
        """Count a job that was given up, and keep it. If that fails, clients have their answer."""
        count("failed", entry.computation)
        try:
            body = FailedJob.of(entry).write()
            self.client.send_message(QueueUrl=self.url, MessageBody=body)
        except (ClientError, BotoCoreError):
            logger.exception("a failed job was not kept", signature=entry.signature)
