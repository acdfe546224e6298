"""What was given up: a letter about each job, so that an operator can drive it again.

Nobody reads them here. `make redrive` does, once what was wrong is mended.
"""

import base64
import json
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Self

from botocore.exceptions import BotoCoreError, ClientError

from backburner.entry import Entry
from backburner.errors import MalformedMessage
from backburner.task_queue import Message
from backburner.telemetry import logger

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_sqs import SQSClient


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The job's message, and what was in its entry."""

    message: Message
    version: int
    parameters: bytes
    """As the job has them: canonical JSON, gzipped."""

    @classmethod
    def about(cls, entry: Entry) -> Self:
        job = entry.the_job
        return cls(message=Message.about(entry), version=job.version, parameters=job.parameters)

    @classmethod
    def read(cls, body: str) -> Self:
        message = Message.read(body)
        try:
            fields = json.loads(body)
            parameters = base64.b64decode(fields["parameters"], validate=True)
            return cls(message=message, version=int(fields["version"]), parameters=parameters)
        except (ValueError, KeyError, TypeError) as error:
            raise MalformedMessage(
                f"a letter about {message.signature} is not whole ({error!r}); delete it"
            ) from error

    def write(self) -> str:
        parameters = base64.b64encode(self.parameters).decode()
        return json.dumps(
            {**asdict(self.message), "version": self.version, "parameters": parameters}
        )


class GivenUp:
    """The queue of letters. The client is made when it is first needed, which is seldom."""

    def __init__(self, make_client: "Callable[[], SQSClient]", url: str) -> None:
        self.make_client = make_client
        self.url = url

    @cached_property
    def client(self) -> "SQSClient":
        return self.make_client()

    def keep(self, entry: Entry) -> None:
        """Leave a letter about the job, as it was. Clients have their answer if that fails, too."""
        try:
            body = Letter.about(entry).write()
            self.client.send_message(QueueUrl=self.url, MessageBody=body)
        except (ClientError, BotoCoreError):
            logger.exception("a job was given up without a letter", signature=entry.signature)
