"""All that a deployment leaves behind of a request, to search it for a secret."""

import gzip
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backburner.development.suites.api import Reply


@dataclass(frozen=True)
class Traces:
    """`client` makes a boto3 client; `log` is what the functions print."""

    client: Callable[[str], Any]
    log: Path
    replies: list[Reply] = field(default_factory=list)

    def keep(self, reply: Reply) -> Reply:
        self.replies.append(reply)
        return reply

    def items(self) -> list[Any]:
        dynamodb = self.client("dynamodb")
        tables = dynamodb.list_tables()["TableNames"]
        return [item for name in tables for item in dynamodb.scan(TableName=name)["Items"]]

    def messages(self) -> list[Any]:
        """Those of all queues that are visible; they stay so."""
        sqs, found = self.client("sqs"), list[Any]()
        for url in sqs.list_queues()["QueueUrls"]:
            received = sqs.receive_message(
                QueueUrl=url,
                MaxNumberOfMessages=10,
                VisibilityTimeout=0,
                AttributeNames=["All"],
                MessageAttributeNames=["All"],
            )
            found += received.get("Messages", [])
        return found

    def objects(self) -> list[bytes]:
        """Those of the bucket that large results go to, and of all others."""
        s3 = self.client("s3")
        return [
            s3.get_object(Bucket=bucket["Name"], Key=each["Key"])["Body"].read()
            for bucket in s3.list_buckets()["Buckets"]
            for each in s3.list_objects_v2(Bucket=bucket["Name"]).get("Contents", [])
        ]

    def everything(self) -> str:
        """What was logged, stored, sent and answered until now."""
        answered = [[dict(reply.headers), reply.body] for reply in self.replies]
        stored = [self.items(), self.messages(), self.objects()]
        return "\n".join(texts([stored, answered, self.log.read_bytes()]))


def texts(value: Any) -> Iterator[str]:
    """All text in it, unpacked."""
    match value:
        case bytes() if value.startswith(b"\x1f\x8b"):
            yield gzip.decompress(value).decode()
        case bytes():
            yield value.decode(errors="replace")
        case dict():
            for item in value.items():
                yield from texts(item)
        case list() | tuple():
            for each in value:
                yield from texts(each)
        case _:
            yield str(value)
