"""The message."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from backburner import resources
from backburner.computation import STANDARD
from backburner.errors import MalformedMessage, Unsent
from backburner.protocol.signature import Signature
from backburner.protocol.task_queue import COUNT_EVERY_S, Message, TaskQueue
from tests.conftest import Clock, MotoDeployment
from tests.support.environment import exactly

MESSAGE = Message(signature=Signature("a" * 64), computation="doubling", correlation_id="request-1")
CALLER = "c" * 64


def test_a_message_arrives_as_it_was_sent(deployment: MotoDeployment) -> None:
    deployment.task_queue.send(MESSAGE, CALLER)
    [received] = deployment.messages()
    assert Message.read(received.body) == MESSAGE


def test_the_queue_knows_whose_message_it_is(deployment: MotoDeployment) -> None:
    deployment.task_queue.send(MESSAGE, CALLER)
    [received] = deployment.messages()
    assert received.raw_event["attributes"]["MessageGroupId"] == CALLER


def test_fields_of_a_later_version_are_ignored() -> None:
    body = json.dumps({"signature": "a" * 64, "computation": "doubling", "priority": 5})
    assert Message.read(body).signature == MESSAGE.signature


@pytest.mark.parametrize(
    "body",
    [
        "",
        "no JSON",
        "[]",
        "7",
        "null",
        "{}",
        '{"signature": "a", "computation": "doubling"}',
        json.dumps({"signature": "a" * 64}),
        json.dumps({"signature": "A" * 64, "computation": "doubling"}),
        json.dumps({"signature": "a" * 64 + "\n", "computation": "doubling"}),
        "[" * 100_000,
    ],
    ids=range(11),
)
def test_what_is_no_message_says_so(body: str) -> None:
    with pytest.raises(MalformedMessage, match=r"is not a (valid message|signature)"):
        Message.read(body)


@given(st.text())
def test_any_text_is_a_message_or_malformed(body: str) -> None:
    with pytest.raises(MalformedMessage):
        Message.read(body)


def test_a_queue_that_does_not_answer_is_an_error_of_ours() -> None:
    class Gone:
        def send_message(self, **_: Any) -> None:
            raise EndpointConnectionError(endpoint_url="https://sqs")

    client: Any = Gone()
    with pytest.raises(Unsent, match=r"did not take a{64}"):
        TaskQueue(lambda: client, "url").send(MESSAGE, CALLER)


def test_a_client_of_the_queue_is_made_only_when_it_is_needed() -> None:
    def make_client() -> Any:
        raise AssertionError("made")

    TaskQueue(make_client, "url")


@pytest.mark.parametrize(("seconds", "asked"), [(-1, 0), (0.4, 0), (2.6, 3), (99_999, 43_200)])
def test_a_message_is_hidden_within_what_sqs_allows(seconds: float, asked: int) -> None:
    calls: list[dict[str, Any]] = []

    class Recorder:
        def change_message_visibility(self, **call: Any) -> None:
            calls.append(call)

    client: Any = Recorder()
    TaskQueue(lambda: client, "url").hide("receipt", seconds)
    assert calls == [{"QueueUrl": "url", "ReceiptHandle": "receipt", "VisibilityTimeout": asked}]


# how many wait


class Length:
    """A queue of that length, which counts how often it is asked."""

    def __init__(self, length: int | Exception) -> None:
        self.length, self.asked = length, 0

    def get_queue_attributes(self, **call: Any) -> Any:
        self.asked += 1
        if isinstance(self.length, Exception):
            raise self.length
        assert call == {"QueueUrl": "url", "AttributeNames": ["ApproximateNumberOfMessages"]}
        return {"Attributes": {"ApproximateNumberOfMessages": str(self.length)}}


def queue_of(length: Any, max_backlog: int, clock: Clock) -> TaskQueue:
    return TaskQueue(lambda: length, "url", max_backlog, clock.timer)


@pytest.mark.parametrize(("length", "full"), [(0, False), (99, False), (100, True), (101, True)])
def test_a_queue_is_full_when_as_many_wait_as_may(length: int, full: bool) -> None:
    assert queue_of(Length(length), 100, Clock()).is_full() is full


def test_a_queue_without_a_bound_is_never_full_and_is_not_asked() -> None:
    length = Length(1_000_000)
    assert not queue_of(length, 0, Clock()).is_full()
    assert length.asked == 0


def test_a_queue_is_asked_once_in_some_seconds() -> None:
    length, clock = Length(100), Clock()
    queue = queue_of(length, 100, clock)
    for _ in range(3):
        assert queue.is_full()
        clock.passes(COUNT_EVERY_S / 3 - 0.001)
    assert length.asked == 1
    length.length = 99
    clock.passes(0.003)
    assert not queue.is_full()
    assert length.asked == 2


def test_a_queue_that_does_not_say_how_long_it_is_takes_more_and_is_not_asked_at_once() -> None:
    length = Length(EndpointConnectionError(endpoint_url="https://sqs"))
    queue = queue_of(length, 1, Clock())
    assert [queue.is_full() for _ in range(2)] == [False, False]
    assert length.asked == 1


def test_a_queue_is_asked_again_though_the_clock_was_set_back() -> None:
    length, clock = Length(100), Clock()
    queue = queue_of(length, 100, clock)
    assert queue.is_full()
    clock.is_set(-3600)
    clock.passes(COUNT_EVERY_S)
    assert queue.is_full()
    assert length.asked == 2


@pytest.mark.parametrize(
    ("environment", "bound"),
    [({}, 0), ({"MAX_BACKLOG": ""}, 0), ({"MAX_BACKLOG": "0"}, 0), ({"MAX_BACKLOG": "500"}, 500)],
)
def test_the_bound_is_in_the_environment(environment: dict[str, str], bound: int) -> None:
    with exactly({"QUEUE_URL": "url", **environment}):
        assert resources.lanes(resources.sqs(resources.REQUEST)).of(STANDARD).max_backlog == bound
