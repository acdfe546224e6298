"""A batch of SQS messages: each is received alone, and only those that failed come back."""

import sys
from math import inf
from time import monotonic
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

    from backburner.attempt.together import Together

    Receive = Callable[[SQSRecord], None]

MARGIN_S = 30
"""Seconds at an invocation's end to store what came of its jobs."""


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

    left = context.get_remaining_time_in_millis() / 1000 if context else inf
    together = Together(len(event["Records"]), ends_at=monotonic() + left - MARGIN_S)
    return at_once(event, context, receive_with(compute=together.compute), together)


def at_once(
    event: dict[str, Any], context: Any, receive: "Receive", together: "Together | None" = None
) -> Any:
    """As `process`, but each message has its own thread."""
    from concurrent.futures import ThreadPoolExecutor

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

    records = [SQSRecord(each) for each in event["Records"]]
    with ThreadPoolExecutor(len(records)) as threads:
        received = [threads.submit(receive, each) for each in records]
        if together:
            for each in received:
                each.add_done_callback(together.leave)
            together.run()
        by_id = {each.message_id: one for each, one in zip(records, received, strict=True)}
        return process(event, context, lambda record: by_id[record.message_id].result())
