"""A batch of SQS messages: each is received by itself, and only what failed comes again."""

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
    """What the Lambda returns: the ids of the messages for which `receive` raised."""
    processor = BatchProcessor(EventType.SQS, raise_on_entire_batch_failure=False)
    return process_partial_response(event, receive, processor, context)
