"""The message."""

import json
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import given
from hypothesis import strategies as st

from backburner.errors import MalformedMessage, Unsent
from backburner.signature import Signature
from backburner.task_queue import Message, TaskQueue

from .conftest import Deployment

MESSAGE = Message(signature=Signature("a" * 64), computation="doubling", correlation_id="request-1")


def test_a_message_arrives_as_it_was_sent(deployment: Deployment) -> None:
    deployment.task_queue.send(MESSAGE)
    [received] = deployment.messages()
    assert Message.read(received.body) == MESSAGE


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
    with pytest.raises(MalformedMessage, match=r"is no (message|signature)"):
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
        TaskQueue(lambda: client, "url").send(MESSAGE)


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
