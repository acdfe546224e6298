"""The doors of a local deployment, and its rest. The servers themselves: tests/served/."""

import json
from collections.abc import Iterator
from threading import Condition
from typing import Any

import pytest
from moto import mock_aws
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug import Response
from werkzeug.test import Client, TestResponse

from backburner.development.local.kept import call, queues
from backburner.development.local.loopback import OnlyThisMachine
from backburner.development.local.moto_server import Door, OneAtATime, Setup, hidden_for

HOST = {"Host": "127.0.0.1:3000"}
REGION = "us-east-1"
KEY, URL_KEY = "a" * 32, "b" * 32
START = Setup(
    region=REGION,
    resources=[("AWS::S3::Bucket", "results", {})],
    key=KEY,
    url_key=URL_KEY,
    hosts=["127.0.0.1", "172.17.0.1"],
    folder=None,
    is_fresh=False,
)


def ask(application: Any, path: str = "/", method: str = "GET", **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    client = Client(application)
    return client.open(path, method=method, headers=HOST | named, base_url="http://localhost:3000")


def api(headers: dict[str, str]) -> int:
    return ask(OnlyThisMachine(Response("in")), **headers).status_code


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:3000"}, 200),
        ({"Host": "LOCALHOST:3000"}, 200),
        ({"Host": "[::1]:3000"}, 200),
        ({"Host": "rebound.example:3000"}, 421),
        ({"Host": "127.0.0.1.rebound.example:3000"}, 421),
        ({"Host": "127.0.0.1"}, 421),
        ({"Host": "127.0.0.1:3001"}, 421),
        ({"Host": ""}, 421),
        ({"Origin": "http://127.0.0.1:3000"}, 200),
        ({"Origin": "http://localhost:5173", "Sec_Fetch_Site": "cross-site"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://127.0.0.1@evil.example"}, 403),
        ({"Origin": "file://localhost"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "image"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "iframe"}, 403),
        ({"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Dest": "document"}, 200),
        ({"Sec_Fetch_Site": "same-origin", "Sec_Fetch_Dest": "empty"}, 200),
    ],
)
def test_only_this_machine_asks_the_api(headers: dict[str, str], status: int) -> None:
    assert api(headers) == status


def test_who_is_refused_is_told_the_value_the_rule_and_the_remedy() -> None:
    refused = ask(OnlyThisMachine(Response("in")), Origin="https://evil.example")
    assert refused.content_type == "application/problem+json"
    detail = "the page's Origin 'https://evil.example' is not of this machine; "
    assert json.loads(refused.data)["detail"] == f"{detail}serve the page from localhost"


def signed(key: str, service: str, region: str = REGION) -> dict[str, str]:
    scope = f"{key}/20260101/{region}/{service}/aws4_request"
    return {"Authorization": f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host"}


OBJECT = "/results/1-days/x?X-Amz-Credential={}%2F20260101%2Fus-east-1%2Fs3%2Faws4_request"
OTHER = "/secretsmanager_us-east-1/x?X-Amz-Credential={}%2F1"
SECRET = {"X_Amz_Target": "secretsmanager.GetSecretValue"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/", {}, 403),
        ("POST", "/", signed("local", "dynamodb"), 403),
        ("POST", "/", signed("", "dynamodb"), 403),
        ("POST", "/", signed(KEY, "dynamodb"), 200),
        ("POST", "/", signed(KEY, "secretsmanager"), 200),
        ("POST", "/", signed(URL_KEY, "sqs"), 200),
        ("POST", "/", signed(URL_KEY, "secretsmanager"), 403),
        ("POST", "/", signed(URL_KEY, "ssm"), 403),
        ("POST", "/", signed(URL_KEY, "s3", region="a/ssm b"), 403),
        ("POST", "/", signed(KEY, "dynamodb") | {"Host": "rebound.example:3000"}, 421),
        ("POST", "/", signed(KEY, "dynamodb") | {"Host": "172.17.0.1:3000"}, 200),
        ("POST", "/", signed(KEY, "dynamodb") | {"Origin": "https://evil.example"}, 403),
        ("POST", "/moto-api/reset", {}, 403),
        ("POST", "/moto-api/reset", signed(URL_KEY, "s3"), 403),
        ("GET", OBJECT.format(URL_KEY), {}, 200),
        ("GET", OBJECT.format(URL_KEY), {"Origin": "http://127.0.0.1:3000"}, 200),
        ("GET", OBJECT.format(URL_KEY), {"Origin": "null"}, 200),
        ("GET", OBJECT.format(URL_KEY), {"Origin": "https://evil.example"}, 403),
        ("GET", OBJECT.format(URL_KEY), SECRET, 403),
        ("OPTIONS", OBJECT.format(URL_KEY), {"Origin": "http://127.0.0.1:3000"}, 204),
        ("GET", OBJECT.format("local"), {}, 403),
        ("GET", OBJECT.format(""), {"Origin": "null"}, 403),
        ("GET", "/results/1-days/x", {}, 403),
        ("PUT", OBJECT.format(URL_KEY), {}, 403),
        ("GET", OTHER.format(URL_KEY), {}, 403),
    ],
)
def test_only_a_key_of_this_run_opens_moto(
    method: str, path: str, headers: dict[str, str], status: int
) -> None:
    assert ask(Door(Response("in"), START), path, method, **headers).status_code == status


def test_only_the_page_that_asks_may_read() -> None:
    origin = "http://localhost:3000"
    answered = ask(Door(Response("in"), START), OBJECT.format(URL_KEY), Origin=origin)
    assert answered.headers["Access-Control-Allow-Origin"] == origin
    assert answered.headers["Access-Control-Expose-Headers"] == "x-amz-meta-etag"


class FakeTurn(Condition):
    """Time passes only while somebody waits for a turn."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 1000.0
        self.waits = 0

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.now += timeout
        self.waits += 1
        return False


class FakeQueue:
    """moto's answers to receives; its message can be received from a time on."""

    def __init__(self, turn: FakeTurn, visible_at: float) -> None:
        self.turn = turn
        self.visible_at = visible_at
        self.polls = 0

    def hidden_for(self, name: str) -> float:
        assert name == "jobs"
        return max(0.0, self.visible_at - self.turn.now)

    def __call__(self, environ: Any, start_response: Any) -> Any:
        self.polls += 1
        found = [] if self.hidden_for("jobs") else [{"Body": "job"}]
        return Response(json.dumps({"Messages": found}))(environ, start_response)


@pytest.mark.parametrize(
    ("visible_at", "polls", "waits", "seconds"),
    [(1000, 1, 0, 0), (1007.5, 2, 1, 7.5), (1100, 2, 1, 20), (float("inf"), 2, 1, 20)],
)
def test_a_long_poll_wakes_when_a_message_can_be_received_and_at_its_end(
    visible_at: float, polls: int, waits: int, seconds: float
) -> None:
    turn = FakeTurn()
    queue = FakeQueue(turn, visible_at)
    one = OneAtATime(queue, turn, queue.hidden_for, clock=lambda: turn.now)
    asked = {"QueueUrl": "http://127.0.0.1:1/123/jobs", "WaitTimeSeconds": 20}
    Client(one).open(call("AmazonSQS.ReceiveMessage", asked, REGION))
    assert (queue.polls, turn.waits, turn.now - 1000) == (polls, waits, seconds)


@pytest.fixture
def moto() -> Iterator[Client]:
    with mock_aws():
        yield Client(DomainDispatcherApplication(create_backend_app))


def test_motos_own_messages_tell_when_they_can_be_received(moto: Client) -> None:
    moto.open(call("AmazonSQS.CreateQueue", {"QueueName": "jobs"}, REGION))
    assert hidden_for("jobs", REGION) == hidden_for("none", REGION) == float("inf")
    for delay in (30, 10):
        sent = {"QueueUrl": "jobs", "MessageBody": "job", "DelaySeconds": delay}
        moto.open(call("AmazonSQS.SendMessage", sent, REGION))
    until = queues(REGION)["jobs"]._messages[1].delayed_until / 1000
    assert hidden_for("jobs", REGION, clock=lambda: until - 10) == pytest.approx(10.001)
    assert hidden_for("jobs", REGION, clock=lambda: until + 1) == 0
