import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from botocore.exceptions import ClientError

from backburner.development.local.deployment import Deployment
from backburner.development.local.pump import failures_in
from tests.support.eventually import eventually

pytestmark = pytest.mark.enable_socket

IDS = {"a", "b"}


@pytest.fixture(scope="module")
def small() -> Iterator[Deployment]:
    template = Path(__file__).parent / "functions" / "template.yaml"
    with Deployment(template=template, workers=3) as deployment:
        yield deployment


@pytest.mark.parametrize(
    ("response", "failed"),
    [
        (None, set()),
        ({}, set()),
        ({"batchItemFailures": []}, set()),
        ({"batchItemFailures": None}, set()),
        ({"batchItemFailures": [{"itemIdentifier": "a"}]}, {"a"}),
        ({"batchItemFailures": [{"itemIdentifier": ""}]}, IDS),
        ({"batchItemFailures": [{"itemIdentifier": None}]}, IDS),
        ({"batchItemFailures": [{"itemIdentifier": "c"}, {"itemIdentifier": "a"}]}, IDS),
        ({"batchItemFailures": [{"id": "a"}]}, IDS),
        ({"batchItemFailures": [["a"]]}, IDS),
        ({"batchItemFailures": [{"itemIdentifier": {}}]}, IDS),
        ({"batchItemFailures": 1}, IDS),
        ("done", IDS),
    ],
)
def test_a_response_tells_which_messages_failed(response: Any, failed: set[str]) -> None:
    assert failures_in(response, IDS) == failed


def test_a_message_becomes_a_record_as_lambda_gets_it(small: Deployment) -> None:
    sent = send(small, "hello", attributes={"who": {"DataType": "String", "StringValue": "me"}})
    record = json.loads(diary(small, "hello/alive/1")["record"])
    assert record["messageId"] == sent["MessageId"]
    assert record["body"] == "hello"
    assert record["md5OfBody"] == sent["MD5OfMessageBody"]
    assert record["messageAttributes"]["who"]["stringValue"] == "me"
    assert record["eventSource"] == "aws:sqs"
    assert record["eventSourceARN"].startswith("arn:aws:sqs:us-east-1:123456789012:local-Queue")
    assert record["awsRegion"] == "us-east-1"
    assert record["receiptHandle"]
    assert record["attributes"]["ApproximateReceiveCount"] == "1"
    assert set(record["attributes"]) >= {
        "SentTimestamp",
        "SenderId",
        "ApproximateFirstReceiveTimestamp",
    }


def test_a_message_that_succeeded_is_deleted(small: Deployment) -> None:
    send(small, "well")
    diary(small, "well/alive/1")
    eventually(lambda: left(small) == 0)


def test_a_message_that_failed_comes_back_and_ends_in_the_dead_letters(small: Deployment) -> None:
    send(small, "fail", "fine")
    diary(small, "fail/alive/2")
    buried = diary(small, "fail/dead/3")
    assert ":local-DeadLetterQueue" in json.loads(buried["record"])["eventSourceARN"]
    assert find(small, "fine/alive/2") is None
    assert find(small, "fail/alive/3") is None


def test_when_the_function_raises_the_whole_batch_comes_back(small: Deployment) -> None:
    send(small, "raise", "raise again")
    diary(small, "raise/alive/2")
    diary(small, "raise again/alive/2")
    eventually(lambda: left(small) == 0)


def test_several_batches_are_under_way_at_once_each_in_a_process_of_its_own(
    small: Deployment,
) -> None:
    for n in range(3):
        send(small, f"sleep {n}")
    assert len({diary(small, f"sleep {n}/alive/1")["pid"] for n in range(3)}) > 1
    eventually(lambda: left(small) == 0)


def test_no_two_receivers_get_the_same_message(small: Deployment) -> None:
    sqs = small.client("sqs")
    url = sqs.create_queue(QueueName="contended")["QueueUrl"]
    for _ in range(6):
        entries = [{"Id": str(n), "MessageBody": "x"} for n in range(10)]
        sqs.send_message_batch(QueueUrl=url, Entries=entries)

    def receive(_: int) -> list[str]:
        response = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=2, WaitTimeSeconds=1)
        return [message["MessageId"] for message in response.get("Messages", [])]

    with ThreadPoolExecutor(8) as receivers:
        received = Counter(i for ids in receivers.map(receive, range(30)) for i in ids)
    assert set(received.values()) == {1}
    assert len(received) == 60


def test_a_conditional_write_has_one_winner(small: Deployment) -> None:
    dynamodb, table = small.client("dynamodb"), small.stack.physical_ids["Table"]

    def win(name: str) -> bool:
        try:
            dynamodb.put_item(
                TableName=table,
                Item={"id": {"S": name}},
                ConditionExpression="attribute_not_exists(id)",
            )
        except ClientError as error:
            assert "ConditionalCheckFailed" in str(error)  # noqa: PT017
            return False
        return True

    with ThreadPoolExecutor(8) as writers:
        for n in range(20):
            assert sum(writers.map(win, [f"prize {n}"] * 8)) == 1


def test_a_long_poll_holds_up_nobody(small: Deployment) -> None:
    sqs = small.client("sqs")
    url = sqs.create_queue(QueueName="quiet")["QueueUrl"]
    with ThreadPoolExecutor() as poller:
        poll = poller.submit(sqs.receive_message, QueueUrl=url, WaitTimeSeconds=20)
        for _ in range(20):
            find(small, "anything")
        assert not poll.done()
        sqs.send_message(QueueUrl=url, MessageBody="at last")
        assert poll.result(2)["Messages"][0]["Body"] == "at last"


def test_a_request_over_http_reaches_the_function(small: Deployment) -> None:
    with urlopen(f"{small.url}/some/where?x=1") as response:  # noqa: S310 - it is http
        event = json.load(response)["event"]
    assert (event["rawPath"], event["queryStringParameters"]) == ("/some/where", {"x": "1"})
    assert event["headers"]["host"] == small.url.removeprefix("http://")


def send(deployment: Deployment, *bodies: str, attributes: dict[str, Any] | None = None) -> Any:
    entries = [
        {"Id": str(n), "MessageBody": body, "MessageAttributes": attributes or {}}
        for n, body in enumerate(bodies)
    ]
    queue = deployment.stack.physical_ids["Queue"]
    sent = deployment.client("sqs").send_message_batch(QueueUrl=queue, Entries=entries)
    return sent["Successful"][0]


def diary(deployment: Deployment, entry: str) -> dict[str, Any]:
    return eventually(lambda: find(deployment, entry))


def find(deployment: Deployment, entry: str) -> Any:
    item = deployment.client("dynamodb").get_item(
        TableName=deployment.stack.physical_ids["Table"], Key={"id": {"S": entry}}
    )
    fields = item.get("Item")
    return fields and {name: next(iter(value.values())) for name, value in fields.items()}


def left(deployment: Deployment) -> int:
    """The messages that are in the queue, visible or not."""
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes = deployment.client("sqs").get_queue_attributes(
        QueueUrl=deployment.stack.physical_ids["Queue"], AttributeNames=names
    )["Attributes"]
    return sum(int(attributes[name]) for name in names)
