"""The stores of template.yaml in moto, a clock to set, and the sides of a deployment."""

import io
import json
import logging
import os
import sys
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import boto3
import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from moto import mock_aws
from moto.server import ThreadedMotoServer
from moto.sqs.models import sqs_backends

import computations
from backburner import dead_letter, request, resources, worker
from backburner.attempt import alone
from backburner.attempt.declared_values import DeclaredValues
from backburner.computation import ASYNC, STANDARD
from backburner.dead_letter import DeadLetters
from backburner.development.local.pump import record_of
from backburner.development.local.runtime import load
from backburner.development.local.template import ACCOUNT_ID, STACK_NAME, Stack, create_stack
from backburner.large_results import LargeResults
from backburner.local_cache import local_cache
from backburner.protocol.entry import Entry
from backburner.protocol.failed_jobs import FailedJobs
from backburner.protocol.lanes import Lanes
from backburner.protocol.signature import Signature
from backburner.protocol.store import Leases, Store
from backburner.protocol.task_queue import TaskQueue
from backburner.request import RequestHandler, respond
from backburner.resources import in_its_region
from backburner.retry_after.run_times import RunTimes
from backburner.telemetry import logger
from backburner.worker import Worker
from tests.support import example_site
from tests.support.environment import exactly

HERE = Path(__file__).parent
COMPUTATIONS = str(HERE / "support/computations")
REGION = "us-east-1"
EVIDENCE = {"evidence", "browser"}
"""Folders of tests that take long by their nature."""
NOW = 1_800_000_000.0
request_ids = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """The suites, which are not under tests/, have its fixture, too. No run keeps anything."""
    os.environ["BACKBURNER_KEPT_IN"] = os.devnull
    config.pluginmanager.register(example_site)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Before any is chosen by its mark."""
    for item in items:
        if not EVIDENCE.isdisjoint(item.path.relative_to(item.config.rootpath).parts):
            item.add_marker("evidence")


@pytest.fixture(autouse=True)
def _computations_of_the_tests(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[None]:
    """A folder more on the package's own path: doubling, crashing and endless are computations.

    What a test has written and imported goes with it: another may use the name.
    """
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, COMPUTATIONS])
    yield
    written = str(tmp_path_factory.getbasetemp())
    for name, module in list(sys.modules.items()):
        if name.startswith("computations.") and str(getattr(module, "__file__", "")).startswith(
            written
        ):
            del sys.modules[name]


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    with pytest.MonkeyPatch.context() as environment, mock_aws():
        environment.setenv("AWS_DEFAULT_REGION", REGION)
        yield create_stack(boto3.client("cloudformation"))


@dataclass
class Clock:
    """Seconds since the epoch, as the test says, and a timer that only time moves."""

    now: float = NOW
    passed: float = 0

    def __call__(self) -> float:
        return self.now

    def timer(self) -> float:
        return self.passed

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.passed += seconds

    def is_set(self, seconds: float) -> None:
        """As a server of time does."""
        self.now += seconds


def make_client(service: Any) -> Any:
    return boto3.client(service)


@dataclass
class MotoDeployment:
    """Everything but the network: requests go in, messages are carried by hand."""

    stack: Stack
    dynamodb: Any
    sqs: Any
    s3: Any
    clock: Clock = field(default_factory=Clock)
    client_of: Callable[[str], Any] = make_client
    """For the services that a worker needs only for what a computation declares."""

    def __post_init__(self) -> None:
        tokens = iter(f"run-{n}" for n in range(1, 1000))
        self.store = Store(
            self.dynamodb, self.table, Leases(), clock=self.clock, new_token=lambda: next(tokens)
        )
        self.task_queue = TaskQueue(lambda: self.sqs, self.queue_url, timer=self.clock.timer)
        self.async_task_queue = TaskQueue(
            lambda: self.sqs, self.async_queue_url, timer=self.clock.timer
        )
        self.run_times = RunTimes(
            client=self.dynamodb,
            table=self.table,
            clock=self.clock,
            timer=self.clock.timer,
            random=lambda: 0.0,
        )
        self.large_results = LargeResults(lambda: self.s3, self.bucket)
        self.failed_jobs = FailedJobs(lambda: self.sqs, self.failed_jobs_url)
        shared: Any = {
            "store": self.store,
            "run_times": self.run_times,
            "large_results": self.large_results,
            "failed_jobs": self.failed_jobs,
        }
        with exactly(self.stack.function("RequestFunction").environment):
            site = resources.site()
        self.request_handler = RequestHandler(
            **shared,
            lanes=Lanes({STANDARD: self.task_queue, ASYNC: self.async_task_queue}),
            local_cache=local_cache(self.clock.timer),
            site=site,
            random=lambda: 0.0,
        )
        self.declared_values = DeclaredValues(
            prefix=STACK_NAME, make_client=self.client_of, time_limits=replace(resources.VALUES)
        )
        self.worker = Worker(
            **shared,
            task_queue=self.task_queue,
            declared_values=self.declared_values,
            compute=compute_here,
            random=lambda: 0.0,
        )
        self.dead_letters = DeadLetters(store=self.store, failed_jobs=self.failed_jobs)

    @property
    def table(self) -> str:
        return self.stack.physical_ids["Table"]

    @property
    def bucket(self) -> str:
        return self.stack.physical_ids["LargeResults"]

    @property
    def queue_url(self) -> str:
        return self.stack.physical_ids["Queue"]

    @property
    def async_queue_url(self) -> str:
        return self.stack.physical_ids["AsyncQueue"]

    @property
    def failed_jobs_url(self) -> str:
        return self.stack.physical_ids["FailedJobsQueue"]

    @property
    def queue(self) -> Any:
        return motos_own(self.queue_url)

    @contextmanager
    def declared(self, secret: str, currency: str | None = None) -> Iterator[None]:
        """Within this, there is what `reporting` declares, or only its secret."""
        secrets, parameters = boto3.client("secretsmanager"), boto3.client("ssm")
        name, parameter = f"{STACK_NAME}/sales-database", f"/{STACK_NAME}/currency"
        secrets.create_secret(Name=name, SecretString=secret)
        if currency:
            parameters.put_parameter(Name=parameter, Value=currency, Type="String")
        try:
            yield
        finally:
            secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
            parameters.delete_parameters(Names=[parameter])

    def get(self, path: str, **headers: str) -> "HandlerReply":
        path, _, query = path.partition("?")
        return self.ask(http_event("GET", path, query=query, headers=headers))

    def post(self, path: str, parameters: object, **headers: str) -> "HandlerReply":
        headers = {"content-type": "application/json", **headers}
        return self.ask(http_event("POST", path, headers=headers, body=json.dumps(parameters)))

    def ask(self, event: dict[str, Any]) -> "HandlerReply":
        with exactly(self.stack.function("RequestFunction").environment):
            return HandlerReply(respond(event, self.request_handler).as_event())

    def messages(self, function: str = "WorkerFunction") -> list[SQSRecord]:
        """What a worker's queue gives out now; moto hides it from then on, by its own clock."""
        [source] = self.stack.function(function).event_sources
        received = self.sqs.receive_message(
            QueueUrl=source.queue_url, MaxNumberOfMessages=10, AttributeNames=["All"]
        )
        return [SQSRecord(record_of(m, source)) for m in received.get("Messages", [])]

    def send(self, body: object) -> None:
        """A message that no request has sent."""
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(body))

    def hidden_for(self, message: SQSRecord) -> int:
        """How many seconds it is until the queue gives the message out again."""
        [hidden] = [m for m in self.queue._messages if m.id == message.message_id]
        return max(0, round(float(hidden.visible_at) / 1000 - time.time()))

    def delete(self, message: SQSRecord) -> None:
        self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message.receipt_handle)

    def work(self) -> None:
        """The worker takes every message that the queue gives out."""
        for message in self.messages():
            self.worker.receive(message)
            self.delete(message)

    def empty(self) -> None:
        for item in self.dynamodb.scan(TableName=self.table)["Items"]:
            self.dynamodb.delete_item(TableName=self.table, Key={"signature": item["signature"]})
        for key in self.objects():
            self.s3.delete_object(Bucket=self.bucket, Key=key)
        # Also what is hidden: it would come back in a later test. SQS purges once a minute only.
        for url in (self.queue_url, self.async_queue_url):
            motos_own(url)._messages.clear()
        motos_own(self.failed_jobs_url)._messages.clear()

    def objects(self) -> list[str]:
        """The keys in the bucket."""
        listed = self.s3.list_objects_v2(Bucket=self.bucket).get("Contents", [])
        return [each["Key"] for each in listed]

    def set(self, signature: str, path: str, value: dict[str, str]) -> None:
        self.dynamodb.update_item(
            TableName=self.table,
            Key={"signature": {"S": signature}},
            UpdateExpression=f"SET {path} = :value",
            ExpressionAttributeValues={":value": value},
        )

    def item(self, signature: str) -> Any:
        key = {"signature": {"S": signature}}
        return self.dynamodb.get_item(TableName=self.table, Key=key)["Item"]

    def entry(self, signature: str, computation: str = "doubling") -> Entry:
        empty = Entry(signature=Signature(signature), computation=computation)
        return self.store.look_up(empty, consistent=True)


def motos_own(queue_url: str) -> Any:
    """The queue as moto has it."""
    return sqs_backends[ACCOUNT_ID][REGION].get_queue(queue_url.rpartition("/")[2])


@pytest.fixture(scope="session")
def clients(stack: Stack) -> dict[str, Any]:
    s3 = boto3.client("s3", config=in_its_region())
    return {"dynamodb": boto3.client("dynamodb"), "sqs": boto3.client("sqs"), "s3": s3}


@pytest.fixture
def deployment(stack: Stack, clients: dict[str, Any]) -> Iterator[MotoDeployment]:
    deployment = MotoDeployment(stack, **clients)
    yield deployment
    deployment.empty()


Invoke = Callable[..., Any]
"""By logical id: what a function's handler makes of an event."""


@pytest.fixture(scope="session")
def aws_url(stack: Stack) -> Iterator[str]:
    """The same moto over HTTP: light clients know nothing of mocks."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def invoke(stack: Stack, deployment: MotoDeployment, aws_url: str) -> Iterator[Invoke]:
    """The functions' own handlers, each in new instances and in exactly its environment."""
    endpoints = {f"AWS_ENDPOINT_URL_{service}": aws_url for service in ("DYNAMODB", "SQS")}

    def invoke(function: str, event: Any, without: Collection[str] = ()) -> Any:
        declaration = stack.function(function)
        declared = {n: v for n, v in declaration.environment.items() if n not in without}
        handler: Any = load(declaration.handler)
        logger.setLevel(declared["LOG_LEVEL"])  # Powertools reads it when it is imported
        with exactly(declared | endpoints):
            return handler(event, None)

    end_instances()
    yield invoke
    end_instances()


def end_instances() -> None:
    """The next invocation of each function is its first."""
    request.request_handler.cache_clear()
    worker.worker.cache_clear()
    dead_letter.dead_letters.cache_clear()


@pytest.fixture
def logged() -> Iterator[io.StringIO]:
    """The log lines as CloudWatch gets them."""
    lines = logging.StreamHandler(io.StringIO())
    lines.setFormatter(logger.registered_formatter)
    logger.addHandler(lines)
    yield lines.stream
    logger._logger.removeHandler(lines)


class HandlerReply:
    """What a client gets from API Gateway."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.status: int = event["statusCode"]
        self.headers: dict[str, str] = event["headers"]
        self.event = event

    @property
    def text(self) -> str:
        assert not self.event["isBase64Encoded"]
        return str(self.event["body"])

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def signature(self) -> str:
        named = self.headers.get("content-location") or self.headers["location"]
        return named.rpartition("/")[2]


def compute_here(
    name: str, parameters: bytes, _time_limit: float, _interval: float, beat: alone.Beat
) -> bytes:
    """As alone.compute, in this process, with a heartbeat at each progress."""
    return alone.result(name, parameters, beat)


def http_event(
    method: str,
    path: str,
    *,
    query: str = "",
    headers: dict[str, str] | None = None,
    body: str | None = None,
) -> dict[str, Any]:
    """events/1_request_miss.json with another request in it."""
    event: dict[str, Any] = load_event("1_request_miss.json")
    event["requestContext"]["requestId"] = f"request-{next(request_ids)}"
    event["requestContext"]["http"] |= {"method": method, "path": path}
    event |= {"rawPath": path, "rawQueryString": query, "isBase64Encoded": False}
    event["headers"] = {k.replace("_", "-"): v for k, v in (headers or {}).items()}
    event["body"] = body
    return event


def with_token(event: dict[str, Any], subject: str) -> dict[str, Any]:
    """As API Gateway hands it over when it has checked a caller's token."""
    claims = {"iss": "https://issuer.example", "sub": subject}
    event["requestContext"]["authorizer"] = {"jwt": {"claims": claims, "scopes": None}}
    return event


def from_operator(event: dict[str, Any]) -> dict[str, Any]:
    """As API Gateway hands it over when it has checked an AWS signature."""
    signed: dict[str, Any] = load_event("5_request_forget.json")["requestContext"]["authorizer"]
    event["requestContext"]["authorizer"] = signed
    return event


def load_event(name: str) -> Any:
    return json.loads((HERE.parent / "events" / name).read_text())
