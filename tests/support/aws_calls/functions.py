"""The three functions, each with clients of its own, over one deployment."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.awsrequest import AWSResponse, HTTPHeaders

from backburner.attempt import alone
from backburner.attempt.alone import Compute
from backburner.aws import light_client
from backburner.computation import Policy, registry
from backburner.dead_letter import DeadLetters
from backburner.errors import MalformedMessage, Returned
from backburner.protocol.lanes import Lanes
from backburner.protocol.task_queue import TaskQueue
from backburner.request import RequestHandler, respond
from backburner.retry_after.run_times import Sample
from backburner.worker import Worker
from tests.conftest import HandlerReply, MotoDeployment, from_operator, http_event
from tests.support.environment import exactly

from .recorder import STORES, Call, Clients, Recorder

REQUEST, WORKER, DEAD_LETTER = NAMES = ("RequestFunction", "WorkerFunction", "DeadLetterFunction")
JSON = {"content_type": "application/json"}


@cache
def _result(name: str, parameters: bytes) -> bytes:
    return alone.result(name, parameters, lambda _: None)


def in_silence(name: str, parameters: bytes, *_: object) -> bytes:
    """Computed in this process, once for all tests, without a heartbeat."""
    return _result(name, parameters)


def beating(times: int) -> Compute:
    """As long as it takes for so many heartbeats."""

    def compute(
        name: str, parameters: bytes, _limit: float, _interval: float, beat: alone.Beat
    ) -> bytes:
        for n in range(times):
            beat(n / times)
        return _result(name, parameters)

    return compute


def failing(failure: Exception) -> Compute:
    def compute(*_: object) -> bytes:
        raise failure

    return compute


@dataclass(kw_only=True)
class Functions:
    """What paths are made of. Only what a function does is done in its role, and recorded."""

    deployment: MotoDeployment
    clients: Clients
    recorder: Recorder
    in_its_role: Callable[[], AbstractContextManager[None]] = nullcontext
    computation: str = "doubling"
    body: str = '{"number": 21}'
    warm: bool = True
    """The instances know already what they ask for once in some seconds."""
    max_backlog: int = field(init=False)
    compute: Compute = in_silence
    request_handler: RequestHandler = field(init=False)
    worker: Worker = field(init=False)
    dead_letters: DeadLetters = field(init=False)

    def __post_init__(self) -> None:
        declared = self.deployment.stack.function(REQUEST).environment
        self.max_backlog = int(declared["MAX_BACKLOG"])
        self.restart()

    @contextmanager
    def inside(self, function: str) -> Iterator[None]:
        """What is done in here, the function does: in its role and in its environment."""
        declared = self.deployment.stack.function(function).environment
        with self.in_its_role(), exactly(declared):
            yield

    @property
    def policy(self) -> Policy:
        return registry.load(self.computation).policy

    def restart(self) -> None:
        """New instances, which remember nothing."""
        stack, clock = self.deployment.stack, self.deployment.clock
        sides = {
            name: MotoDeployment(
                stack,
                **{store: self.clients[name][store] for store in STORES},
                clock=clock,
                client_of=self.clients[name].__getitem__,
            )
            for name in NAMES
        }
        for side in sides.values():  # no two runs have the same token
            side.store.new_token = self.deployment.store.new_token
        bounded = {
            lane: TaskQueue(queue.make_client, queue.url, self.max_backlog, clock.timer)
            for lane, queue in sides[REQUEST].request_handler.lanes.queues.items()
        }
        self.request_handler = replace(sides[REQUEST].request_handler, lanes=Lanes(bounded))
        self.worker = replace(sides[WORKER].worker, compute=self.compute)
        self.dead_letters = sides[DEAD_LETTER].dead_letters

    def warm_up(self) -> None:
        """They ask now what they ask for once in some seconds."""
        self.request_handler.lanes.of(self.policy.lane).is_full()
        self.request_handler.run_times.of(self.computation)
        self.worker.run_times.add(self.computation, Sample(1.0, 1.0))

    @contextmanager
    def recording(self) -> Iterator[list[Call]]:
        """The calls of instances that were started just now."""
        self.restart()
        if self.warm:
            with self.in_its_role():
                self.warm_up()
        with self.recorder.recording() as calls:
            yield calls

    def ask(self, **headers: str) -> HandlerReply:
        """The question of the path."""
        path = f"/v1/{self.computation}"
        return self.request(http_event("POST", path, headers=JSON | headers, body=self.body))

    def poll(self, location: str, **headers: str) -> HandlerReply:
        return self.request(http_event("GET", location, headers=headers))

    def forget(self, location: str) -> HandlerReply:
        return self.request(from_operator(http_event("DELETE", location)))

    def request(self, event: dict[str, Any]) -> HandlerReply:
        with self.inside(REQUEST):
            return HandlerReply(respond(event, self.request_handler).as_event())

    def message(self) -> SQSRecord:
        """The one message that waits, as the mapping hands it over."""
        [message] = self.deployment.messages()
        return message

    def work(self, message: SQSRecord) -> None:
        """The worker takes it; it may go back to the queue."""
        with self.inside(WORKER), suppress(Returned, MalformedMessage):
            self.worker.receive(message)

    def bury(self, message: SQSRecord) -> None:
        with self.inside(DEAD_LETTER):
            self.dead_letters.receive(message)

    def missed(self) -> SQSRecord:
        """The message of a job that is queued."""
        self.ask()
        return self.message()

    def answered(self) -> str:
        """The location of an answer that is there."""
        location = self.ask().headers["location"]
        message = self.message()
        self.work(message)
        self.deployment.delete(message)
        return location

    @contextmanager
    def unsent(self) -> Iterator[None]:
        """SQS takes no message of the request function."""
        client = self.clients[REQUEST]["sqs"]
        if isinstance(client, light_client.LightClient):
            with _refusing(client):
                yield
            return
        client.meta.events.register_first("before-send.sqs.SendMessage", _refuse)
        try:
            yield
        finally:
            client.meta.events.unregister("before-send.sqs.SendMessage", _refuse)


UNAVAILABLE = b'{"__type": "com.amazonaws.sqs#ServiceUnavailable"}'


class _Body:
    def stream(self, *_: object, **__: object) -> Iterator[bytes]:
        yield UNAVAILABLE


@contextmanager
def _refusing(client: light_client.LightClient) -> Iterator[None]:
    ask = client.attempt

    def refuse(operation: str, body: bytes) -> Any:
        if operation != "SendMessage":
            return ask(operation, body)
        return SimpleNamespace(status=503, headers={}), UNAVAILABLE

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "attempt", refuse)
        yield


def _refuse(request: Any, **_: object) -> AWSResponse:
    return AWSResponse(request.url, 503, HTTPHeaders(), _Body())
