"""The faults are what botocore takes for those of AWS."""

import json
from collections.abc import Callable, Iterable, Iterator
from threading import Thread
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError
from werkzeug import Response
from werkzeug.serving import make_server

from backburner.development.local.server import BoundedRequestHandler
from tests.evidence.chaos.faulty_aws import AwsFault, FaultyAws, Write, faulty_aws

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

pytestmark = pytest.mark.enable_socket

BEGUN = {
    "signature": {"S": "a" * 64},
    "job": {"M": {"run": {"S": "r"}, "started_at": {"N": "100.5"}, "lease": {"N": "102.5"}}},
}


class CountedBehind:
    """What the proxy passes calls on to."""

    def __init__(self) -> None:
        self.calls = 0
        self._server = make_server(
            "127.0.0.1", 0, self._answer, request_handler=BoundedRequestHandler
        )
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, args=[0.01], daemon=True).start()

    def _answer(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        self.calls += 1
        return Response(json.dumps({"Attributes": BEGUN}))(environ, start_response)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def behind() -> Iterator[CountedBehind]:
    behind = CountedBehind()
    yield behind
    behind.close()


@pytest.fixture(autouse=True)
def _keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "local")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "local")


def client(service: Any, aws: FaultyAws) -> Any:
    once = Config(retries={"total_max_attempts": 1})
    return boto3.client(service, endpoint_url=aws.url, region_name="us-east-1", config=once)


def update(aws: FaultyAws) -> Any:
    key = {"signature": BEGUN["signature"]}
    return client("dynamodb", aws).update_item(TableName="table", Key=key)


def send(aws: FaultyAws) -> Any:
    return client("sqs", aws).send_message(QueueUrl=f"{aws.url}/1/queue", MessageBody="{}")


def name(error: Exception) -> str:
    if isinstance(error, ClientError):
        return str(error.response["Error"]["Code"])
    return type(error).__name__


def test_a_call_without_a_fault_goes_through_and_what_it_wrote_is_noted(
    behind: CountedBehind,
) -> None:
    with faulty_aws(behind.url, share=0, seed=1) as aws:
        assert update(aws)["Attributes"] == BEGUN
    assert aws.writes == [
        Write(signature="a" * 64, run="r", begun_at=100.5, lease=102.5, answered_at=None)
    ]


@pytest.mark.parametrize(
    ("call", "throttling"),
    [(update, "ProvisionedThroughputExceededException"), (send, "RequestThrottled")],
)
def test_each_fault_is_one_of_awss_and_only_a_lost_answer_took_effect(
    behind: CountedBehind, call: Callable[[FaultyAws], Any], throttling: str
) -> None:
    errors = set()
    with faulty_aws(behind.url, share=1, seed=1) as aws:
        while len(aws.injected) < len(AwsFault):
            with pytest.raises((ClientError, ConnectionClosedError)) as failure:
                call(aws)
            errors.add(name(failure.value))
    assert errors == {throttling, "InternalServerError", "ConnectionClosedError"}
    assert behind.calls == aws.injected[AwsFault.ANSWER_LOST]
