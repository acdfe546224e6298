"""AWS that says nothing, hangs up, or stops half way: over real sockets, with short time-outs."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from http.client import parse_headers
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Event, Thread
from typing import Any, Literal

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.session import get_session

from backburner.aws import light_client
from backburner.aws.time_limits import TimeIsUp, TimeLimits, is_passing
from tests.conftest import MotoDeployment

SHORT = TimeLimits(connect=0.1, read=0.1, pauses=[0.01])
LONGER = replace(SHORT, connect=5, read=1)
"""Where something is answered, by however busy a machine."""
SLACK = 5
"""Seconds that it may take for what is no waiting."""
ASKED = "/v1/doubling?number=21"


@dataclass(frozen=True)
class Saying:
    """What a server says, and whether it then listens on, falls silent or hangs up."""

    words: bytes
    then: Literal["listens", "falls silent", "hangs up"]


HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"Item": {"sig'
ANSWER = Saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "listens")
NO_ANSWER = {
    "nothing": Saying(b"", "falls silent"),
    "half an answer": Saying(HALF, "falls silent"),
    "half an answer, and it hangs up": Saying(HALF, "hangs up"),
    "it hangs up": Saying(b"", "hangs up"),
}
NOTHING, HANGS_UP = NO_ANSWER["nothing"], NO_ANSWER["it hangs up"]

no_answer = pytest.mark.parametrize("says", NO_ANSWER.values(), ids=NO_ANSWER)


class SilentServer(ThreadingTCPServer):
    """Says one thing after the other, whatever it is asked, and the last for ever."""

    daemon_threads = allow_reuse_address = True

    def __init__(self, *says: Saying) -> None:
        super().__init__(("127.0.0.1", 0), Connection)
        *self.first, self.last = says
        self.connections = 0
        self.is_over = Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, *_: object) -> None:
        """Whoever asked had no more patience."""


class Connection(StreamRequestHandler):
    server: SilentServer

    def handle(self) -> None:
        self.server.connections += 1
        while self._is_asked():
            says = self.server.first.pop(0) if self.server.first else self.server.last
            self.wfile.write(says.words)
            if says.then == "falls silent":
                self.server.is_over.wait()
            if says.then != "listens":
                return

    def _is_asked(self) -> bool:
        if not self.rfile.readline():
            return False
        self.rfile.read(int(parse_headers(self.rfile)["content-length"]))
        return True


@contextmanager
def serving(*says: Saying) -> Iterator[SilentServer]:
    with SilentServer(*says) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        try:
            yield server
        finally:
            server.is_over.set()
            server.shutdown()


def client(service: str, url: str, patience: TimeLimits = SHORT) -> Any:
    made = get_session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=url,
        aws_access_key_id="id",
        aws_secret_access_key="secret",  # noqa: S106
        config=patience.config,
    )
    patience.bound(made)
    return made


class Light(light_client.LightClient):
    """Says before each attempt where it goes."""

    def attempt(self, operation: str, body: bytes) -> Any:
        for urls in self.__dict__.setdefault("heard", []):
            urls.append(self.url)
        return super().attempt(operation, body)


def light(
    service: str,
    url: str,
    patience: TimeLimits = SHORT,
    key: tuple[str, str, str | None] = ("id", "secret", None),
    clock: Any = time.time,
) -> Light:
    return Light(
        service=service,
        url=url,
        region="us-east-1",
        credentials=light_client.Credentials(*key),
        time_limits=patience,
        clock=clock,
    )


Make = Callable[..., Any]


@pytest.fixture(params=[client, light])
def make(request: pytest.FixtureRequest) -> Make:
    """Makes a client: of botocore, or the light one."""
    made: Make = request.param
    return made


def attempts_of(made: Any) -> list[str]:
    """The URLs of the attempts that it makes from now on."""
    urls: list[str] = []
    if isinstance(made, Light):
        made.__dict__.setdefault("heard", []).append(urls)
        return urls
    made.meta.events.register("before-send", lambda request, **_: urls.append(request.url))
    return urls


def call(made: Any) -> Any:
    light = isinstance(made, light_client.LightClient)
    match made.service if light else made.meta.service_model.service_name:
        case "dynamodb":
            return made.get_item(TableName="table", Key={"signature": {"S": "a"}})
        case "sqs":
            return made.send_message(QueueUrl="http://queue", MessageBody="{}")
        case _:
            return made.put_object(Bucket="bucket", Key="key", Body=b"{}")


@contextmanager
def a_port_that_refuses() -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


@pytest.mark.parametrize("service", ["dynamodb", "sqs"])
@no_answer
def test_a_call_that_is_not_answered_fails_in_time_and_may_be_made_again(
    make: Make, service: str, says: Saying
) -> None:
    with serving(says) as server:
        made = make(service, server.url)
        attempts, began = attempts_of(made), time.monotonic()
        with pytest.raises(BotoCoreError) as failed:
            call(made)
        assert time.monotonic() - began < SHORT.call + SLACK
    assert is_passing(failed.value)
    assert len(attempts) == 2


@contextmanager
def a_port_that_is_full() -> Iterator[str]:
    """Nobody accepts there, and as many wait as may: the next ones hear nothing."""
    with ExitStack() as stack:
        full, *waiting = [stack.enter_context(socket.socket()) for _ in range(4)]
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        yield f"http://127.0.0.1:{full.getsockname()[1]}"


@pytest.mark.parametrize("port", [a_port_that_refuses, a_port_that_is_full])
def test_a_service_that_takes_no_connections_fails_in_time(make: Make, port: Any) -> None:
    began = time.monotonic()
    with port() as url, pytest.raises(BotoCoreError) as failed:
        call(make("dynamodb", url))
    assert time.monotonic() - began < SHORT.call + SLACK
    assert is_passing(failed.value)


def test_a_bucket_that_says_nothing_fails_in_time() -> None:
    """botocore waits for one second more, to be told to go on."""
    patience = replace(SHORT, pauses=[])
    began = time.monotonic()
    with serving(NOTHING) as server, pytest.raises(BotoCoreError):
        call(client("s3", server.url, patience))
    assert time.monotonic() - began < patience.call + 1 + SLACK


@no_answer
def test_one_attempt_that_goes_wrong_is_not_seen(make: Make, says: Saying) -> None:
    with serving(says, ANSWER) as server:
        told = call(make("dynamodb", server.url, LONGER))
    assert told["ResponseMetadata"]["RetryAttempts"] == 1


def test_a_connection_that_was_kept_and_is_closed_when_it_is_used_is_not_seen(make: Make) -> None:
    with serving(ANSWER, HANGS_UP, ANSWER) as server:
        made = make("dynamodb", server.url, LONGER)
        attempts = attempts_of(made)
        for _ in range(2):
            call(made)
    assert len(attempts) == 3


def test_what_can_be_done_without_is_asked_for_once(make: Make) -> None:
    with serving(NOTHING) as server:
        made = make("sqs", server.url)
        attempts = attempts_of(made)
        with pytest.raises(BotoCoreError):
            made.get_queue_attributes(QueueUrl=server.url, AttributeNames=["All"])
    assert len(attempts) == 1


@pytest.mark.parametrize(
    ("status", "code", "asked"),
    [
        (400, "ThrottlingException", 2),
        (400, "ProvisionedThroughputExceededException", 2),
        (500, "InternalServerError", 2),
        (503, "ServiceUnavailable", 2),
        (400, "AccessDeniedException", 1),
        (400, "ConditionalCheckFailedException", 1),
    ],
)
def test_a_call_is_tried_again_where_that_may_help(
    make: Make, status: int, code: str, asked: int
) -> None:
    body = b'{"__type": "%s"}' % code.encode()
    words = b"HTTP/1.1 %d No\r\nContent-Length: %d\r\n\r\n%s" % (status, len(body), body)
    with serving(Saying(words, "listens")) as server:
        made = make("dynamodb", server.url, LONGER)
        attempts = attempts_of(made)
        with pytest.raises(ClientError, match=code):
            call(made)
    assert len(attempts) == asked


def test_no_wait_is_as_long_as_an_answer_says(make: Make) -> None:
    """botocore would sleep for five seconds or longer."""
    words = (
        b"HTTP/1.1 503 No\r\nContent-Length: 2\r\nx-amz-retry-after: 30000\r\n"
        b"Retry-After: 30\r\n\r\n{}"
    )
    began = time.monotonic()
    with serving(Saying(words, "listens")) as server, pytest.raises(ClientError):
        call(make("dynamodb", server.url, LONGER))
    assert time.monotonic() - began < 5


def test_when_the_time_is_up_no_call_is_made(make: Make) -> None:
    now = [0.0]
    patience = replace(LONGER, total=1, timer=lambda: now[0])
    with serving(ANSWER) as server:
        made = make("dynamodb", server.url, patience)
        attempts = attempts_of(made)
        patience.begin()
        now[0] = 0.99
        call(made)
        now[0] = 1
        with pytest.raises(TimeIsUp, match="later than 1 s"):
            call(made)
        patience.begin()
        call(made)
    assert len(attempts) == 2


def test_in_the_second_half_of_the_time_no_call_is_tried_again(make: Make) -> None:
    patience = replace(SHORT, total=1, timer=iter([0.0, 0.5, 0.5]).__next__)
    with serving(NOTHING) as server:
        made = make("dynamodb", server.url, patience)
        attempts = attempts_of(made)
        patience.begin()
        with pytest.raises(BotoCoreError):
            call(made)
    assert len(attempts) == 1


# what clients of ours get meanwhile


@no_answer
def test_with_a_silent_table_clients_are_to_ask_again(
    make: Make, deployment: MotoDeployment, says: Saying
) -> None:
    signature = deployment.get(ASKED).signature
    with serving(says) as server:
        silent = replace(deployment, dynamodb=make("dynamodb", server.url))
        for path in (ASKED, f"/v1/doubling/{signature}"):
            reply = silent.get(path)
            assert (reply.status, reply.headers["retry-after"]) == (503, "2")


@no_answer
def test_with_a_silent_queue_clients_are_to_ask_again_and_no_job_looks_alive(
    deployment: MotoDeployment, says: Saying
) -> None:
    with serving(says) as server:
        reply = with_queue(deployment, server.url).get(ASKED)
    assert (reply.status, reply.headers["retry-after"]) == (503, "2")
    assert deployment.get(ASKED).status == 202
    assert len(deployment.messages()) == 1


def test_with_a_silent_queue_a_stale_answer_is_served(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    deployment.work()
    deployment.clock.passes(600)
    with serving(NOTHING) as server:
        silent = with_queue(deployment, server.url)
        attempts = attempts_of(silent.sqs)
        assert silent.get(ASKED).status == 200
    assert len(attempts) == 3  # it was counted once and sent twice


def test_a_heartbeat_that_hangs_ends_nothing(deployment: MotoDeployment) -> None:
    deployment.get(ASKED)
    [message] = deployment.messages()
    began = time.monotonic()
    with serving(NOTHING) as server:
        silent = with_queue(deployment, server.url)
        attempts = attempts_of(silent.sqs)
        silent.worker.receive(message)
    assert len(attempts) == 2
    assert time.monotonic() - began < 2 * SHORT.call + SLACK
    assert deployment.get(ASKED).status == 200


def with_queue(deployment: MotoDeployment, url: str) -> MotoDeployment:
    sqs = client("sqs", url)
    sqs.meta.events.register("request-created", to(url))
    silent = replace(deployment, sqs=sqs)
    silent.task_queue.max_backlog = 1000
    return silent


def to(url: str) -> Any:
    """SQS is called at the queue's own URL."""

    def redirect(request: Any, **_: object) -> None:
        request.url = url + "/"

    return redirect
