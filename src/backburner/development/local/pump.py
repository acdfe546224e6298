"""Acts as an SQS event source mapping: brings a queue's messages, in batches, to a function.

A message that is not deleted comes back after its visibility timeout, which the pump never changes.
The queue moves it to the dead letters when it has been received too often.
https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
"""

import sys
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from backburner.development.local.function import InvocationError, Invoke
from backburner.development.local.template import EventSource
from backburner.development.terminal import say

if TYPE_CHECKING:
    from mypy_boto3_sqs import SQSClient
    from mypy_boto3_sqs.type_defs import MessageTypeDef

LONG_POLL = 20


class Pump:
    """A number of pollers, each of which moves one batch at a time."""

    def __init__(self, sqs: "SQSClient", source: EventSource, invoke: Invoke, pollers: int) -> None:
        self._sqs = sqs
        self._source = source
        self._invoke = invoke
        self._stopped = Event()
        self._threads = [Thread(target=self._poll, daemon=True) for _ in range(pollers)]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Move no more batches. A long poll under way ends when the queue's server does."""
        self._stopped.set()

    def _poll(self) -> None:
        while not self._stopped.is_set():
            try:
                self._move_batch()
            except (BotoCoreError, ClientError) as error:
                self._stopped.wait(1)  # if moto has ended, `stop` follows and nothing is reported
                self._report(error)

    def _report(self, error: Exception) -> None:
        if not self._stopped.is_set():
            say(error, sys.stderr)

    def _move_batch(self) -> None:
        batch = self._sqs.receive_message(
            QueueUrl=self._source.queue_url,
            MaxNumberOfMessages=self._source.batch_size,
            WaitTimeSeconds=LONG_POLL,
            MessageSystemAttributeNames=["All"],
            MessageAttributeNames=["All"],
        ).get("Messages", [])
        if batch:
            self._delete(self._succeeded(batch))

    def _succeeded(self, batch: "list[MessageTypeDef]") -> "list[MessageTypeDef]":
        records = [record_of(message, self._source) for message in batch]
        try:
            response = self._invoke({"Records": records})
        except InvocationError as error:
            self._report(error)
            return []
        if not self._source.reports_item_failures:
            return batch
        failed = failures_in(response, {message["MessageId"] for message in batch})
        return [message for message in batch if message["MessageId"] not in failed]

    def _delete(self, messages: "list[MessageTypeDef]") -> None:
        if messages:
            self._sqs.delete_message_batch(
                QueueUrl=self._source.queue_url,
                Entries=[
                    {"Id": str(index), "ReceiptHandle": message["ReceiptHandle"]}
                    for index, message in enumerate(messages)
                ],
            )


def record_of(message: "MessageTypeDef", source: EventSource) -> dict[str, Any]:
    record = {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": message["Attributes"],
        "messageAttributes": {
            name: {
                "stringValue": attribute.get("StringValue"),
                "stringListValues": [],
                "binaryListValues": [],
                "dataType": attribute["DataType"],
            }
            for name, attribute in message.get("MessageAttributes", {}).items()
        },
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": source.queue_arn,
        "awsRegion": source.queue_arn.split(":")[3],
    }
    if "MD5OfMessageAttributes" in message:
        record["md5OfMessageAttributes"] = message["MD5OfMessageAttributes"]
    return record


def failures_in(response: Any, ids: set[str]) -> set[str]:
    """The ids of the messages that failed.

    Without a response or a list, none failed. If the response is malformed or names a message
    that was not in the batch, all failed.
    """
    if not response:
        return set()
    try:
        items = response.get("batchItemFailures") or []
        failed = {item["itemIdentifier"] for item in items}
    except (AttributeError, KeyError, TypeError):
        return ids
    return failed if failed <= ids else ids
