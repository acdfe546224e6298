"""A batch of messages: what failed comes again, and only that."""

from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from backburner.attempt import batch
from tests.conftest import load_event


def batch_of(count: int) -> dict[str, Any]:
    [record] = load_event("2_job_message.json")["Records"]
    return {"Records": [{**record, "messageId": f"message-{n}"} for n in range(count)]}


@pytest.mark.parametrize("failing", [[], ["message-1"], ["message-0", "message-1", "message-2"]])
def test_only_the_messages_that_failed_come_again(failing: list[str]) -> None:
    received = []

    def receive(record: SQSRecord) -> None:
        received.append(record.message_id)
        if record.message_id in failing:
            raise ValueError(record.message_id)

    report = batch.process(batch_of(3), None, receive)
    assert received == ["message-0", "message-1", "message-2"]
    assert [each["itemIdentifier"] for each in report["batchItemFailures"]] == failing
