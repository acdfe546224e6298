"""A batch of SQS messages: each is received alone, and only those that failed come back."""

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools.utilities.batch import (
    BatchProcessor,
    EventType,
    process_partial_response,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord


def process(event: dict[str, Any], context: Any, receive: "Callable[[SQSRecord], None]") -> Any:
    """Receive each message; return to Lambda the ids of those for which `receive` raised."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, receive, processor, context)
