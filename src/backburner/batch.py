"""A batch of SQS messages: each is received alone, and only those that failed come back."""

import sys
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

from backburner import telemetry

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    Receive = Callable[[SQSRecord], None]


def process(event: dict[str, Any], context: Any, receive: "Receive") -> Any:
    """Receive each message; return to Lambda the ids of those for which `receive` raised."""

    def received(record: "SQSRecord") -> None:
        telemetry.correlate()  # a malformed message is not logged as the last one
        receive(record)

    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, received, processor, context)


def work(event: dict[str, Any], context: Any, receive_with: "Callable[..., Receive]") -> Any:
    """Compute for each message; several wait together, in one process (attempt/together.py).

    `receive_with(compute=…)` is the worker's `receive` with another way to compute.
    """
    if len(event["Records"]) <= 1:
        return process(event, context, receive_with())
    if sys.platform != "linux":  # where nothing may fork, each has a process of its own
        return at_once(event, context, receive_with())
    from backburner.attempt.together import Together

    with Together(len(event["Records"])) as together:
        return at_once(event, context, receive_with(compute=together.compute))


def at_once(event: dict[str, Any], context: Any, receive: "Receive") -> Any:
    """As `process`, but each message has its own thread."""
    from concurrent.futures import ThreadPoolExecutor

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    records = event["Records"]
    with ThreadPoolExecutor(len(records)) as threads:
        received = {each["messageId"]: threads.submit(receive, SQSRecord(each)) for each in records}
        return process(event, context, lambda record: received[record.message_id].result())
