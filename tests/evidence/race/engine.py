"""ministack: a second engine beside moto, whose conditional writes are atomic across threads."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import urllib3

from backburner.development.local.pump import record_of
from backburner.development.local.template import EventSource, Stack, create_stack
from tests.support.eventually import eventually
from tests.support.ports import free_port

MINISTACK = Path(__file__).parents[3] / ".venv-ministack" / "bin" / "ministack"
REGION = "us-east-1"
KEY = "test"
"""The one that ministack knows."""


@dataclass(frozen=True, kw_only=True)
class Ministack:
    """The table and queues of template.yaml, in a process of their own."""

    url: str
    stack: Stack

    @property
    def environments(self) -> dict[str, dict[str, str]]:
        """What each function has, by its logical id."""
        here = {
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": KEY,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.url,
        }
        return {f.name: {**f.environment, **here} for f in self.stack.functions()}

    def messages(self) -> list[dict[str, Any]]:
        """All that the queue gives out now, as Lambda gets them."""
        received = []
        while batch := self._receive():
            received += [record_of(message, self._source) for message in batch]
        return received

    def empty_the_queue(self) -> None:
        """Also of what is hidden and would come back."""
        client("sqs", self.url).purge_queue(QueueUrl=self._source.queue_url)

    @property
    def _source(self) -> EventSource:
        [source] = self.stack.function("WorkerFunction").event_sources
        return source

    def _receive(self) -> Any:
        received = client("sqs", self.url).receive_message(
            QueueUrl=self._source.queue_url,
            MaxNumberOfMessages=10,
            MessageSystemAttributeNames=["All"],
        )
        return received.get("Messages")


@contextmanager
def ministack() -> Iterator[Ministack]:
    """Started on a free port, ended with the test."""
    assert MINISTACK.exists(), f"there is no {MINISTACK}: make .venv-ministack/ready"
    port = str(free_port())
    settings = {"BIND_HOST": "127.0.0.1", "MINISTACK_HOST": "127.0.0.1", "GATEWAY_PORT": port}
    unused = {"IOT_MTLS_ENABLED": "0", "SFTP_ENABLED": "0"}
    with subprocess.Popen(  # noqa: S603 - the command is ours
        [MINISTACK], env={**os.environ, **settings, **unused}, stdout=subprocess.DEVNULL, stderr=2
    ) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            eventually(lambda: answers(url), within=30)
            yield Ministack(url=url, stack=create_stack(client("cloudformation", url)))
        finally:
            process.kill()


def answers(url: str) -> bool:
    try:
        return urllib3.request("GET", url, retries=False).status < 500
    except urllib3.exceptions.HTTPError:
        return False


def client(service: Any, url: str) -> Any:
    return boto3.client(
        service,
        endpoint_url=url,
        region_name=REGION,
        aws_access_key_id=KEY,
        aws_secret_access_key=KEY,
    )
