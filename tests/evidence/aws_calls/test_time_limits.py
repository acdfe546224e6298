"""How long AWS may take on each path: added up, and gone through with answers as late as may be."""

import pathlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import boto3
import pytest
from botocore.exceptions import ReadTimeoutError

from backburner import resources
from backburner.aws import light_client
from backburner.aws.time_limits import TimeLimits
from backburner.development.local.template import Stack
from backburner.development.suites.test_computations import FOR_AWS
from backburner.protocol.store import Leases
from tests.conftest import HandlerReply, MotoDeployment
from tests.support.aws_calls import paths
from tests.support.aws_calls.functions import DEAD_LETTER, NAMES, REQUEST, Functions
from tests.support.aws_calls.paths import Path
from tests.support.aws_calls.recorder import Clients, Recorder, heard_clients

from .test_calls import CALLS, HEARTBEAT, PUT, SECRET, SETTING, UPDATE

DOCS = pathlib.Path(__file__).parents[3] / "docs"
A_CLIENT_WAITS = 3
"""Seconds at most for all calls of a request, by the design."""
TO_GO_ON = 1
"""Seconds that botocore waits for S3 to say that a body may come; it is sent then anyhow."""
LEASES = Leases()
PATIENT = TimeLimits(connect=60, read=60, pauses=[])
"""For the answers of a busy machine: how long they take is made up."""
READS = (SECRET[0], SETTING[0])
OF_REQUESTS = [path for path, _ in CALLS[: [path for path, _ in CALLS].index(paths.computed)]]
OF_WORKERS = [
    (path, calls)
    for path, calls in CALLS
    if path not in OF_REQUESTS and "dead_letter" not in path.__name__ and path is not paths.buried
]


def timeout(stack: Stack, function: str) -> int:
    return int(stack.template["Resources"][function]["Properties"]["Timeout"])


# added up


def test_all_calls_of_a_request_take_less_than_a_client_waits(stack: Stack) -> None:
    """Also where the last answer stops half way, which takes its reading twice as long."""
    patience = resources.REQUEST
    assert patience.event + patience.read < A_CLIENT_WAITS < timeout(stack, REQUEST) / 3
    assert sum(patience.pauses) < patience.attempt  # else a pause would last longer than a try


def test_all_calls_for_a_batch_of_dead_letters_take_less_than_their_function_has(
    stack: Stack,
) -> None:
    patience = resources.DEAD_LETTER
    assert patience.event + patience.read < 0.9 * timeout(stack, DEAD_LETTER)


@pytest.mark.parametrize(
    ("path", "calls"), OF_WORKERS, ids=[path.__name__ for path, _ in OF_WORKERS]
)
def test_the_calls_of_a_worker_take_less_than_a_computation_must_leave_it(
    path: Path, calls: list[tuple[str, str]]
) -> None:
    """With a heartbeat that begins when its time ends, and what is written once in some seconds."""
    if path is not paths.computed_with_three_heartbeats:  # which are in its time
        assert sum(_longest(operation) for operation, _ in [*calls, *HEARTBEAT, UPDATE]) < FOR_AWS


def test_a_heartbeat_that_is_not_answered_leaves_the_lease_time_for_the_next() -> None:
    patience = resources.WORKER
    assert LEASES.heartbeat + patience.call < LEASES.running


def test_a_heartbeat_that_is_answered_late_is_over_before_the_lease_that_it_wrote() -> None:
    assert len(HEARTBEAT) * resources.WORKER.call < LEASES.running


def test_a_lease_outlasts_the_putting_of_a_large_result_and_its_completion() -> None:
    assert _longest(PUT) + resources.WORKER.call < LEASES.running


def test_a_lease_outlasts_the_reading_of_all_secrets_and_settings_and_the_first_heartbeat() -> None:
    """However many a computation declares, and where the last answer stops half way."""
    patience = resources.VALUES
    reading = patience.event + patience.read
    assert reading + LEASES.heartbeat + resources.WORKER.call < LEASES.running


def _longest(operation: str) -> float:
    if operation in READS:
        return resources.VALUES.call
    if operation != PUT:
        return resources.WORKER.call
    return resources.PUT.call + TO_GO_ON * (1 + len(resources.PUT.pauses))


# gone through


@dataclass
class Slow:
    """AWS that answers each attempt after so many seconds, or not at all, by a time of its own."""

    answers_after: float = 0
    is_silent: Callable[[int], bool] = lambda _: False
    takes_effect: bool = False
    """What is not answered is done nevertheless."""
    now: float = 0
    attempts: int | None = None
    """How many there were since it began to be slow."""
    patience: dict[str, TimeLimits] = field(default_factory=dict)

    def timer(self) -> float:
        return self.now

    def begin(self) -> None:
        self.attempts = 0
        for patience in self.patience.values():
            patience.begin()

    def bound(self, function: str, patience: TimeLimits, clients: Any) -> None:
        none = [0.0] * len(patience.pauses)  # botocore would sleep
        mine = self.patience[function] = replace(patience, pauses=none, timer=self.timer)
        for client in clients:
            if isinstance(client, Slowed):
                client.time_limits, client.slow = mine, self
                continue
            mine.bound(client)
            client.meta.events.register_first("before-send", self._attempt(patience))
            client.meta.events.register_last("before-send", self.lost)

    def _attempt(self, patience: TimeLimits) -> Any:
        return lambda request, **_: self.passes(patience, request)

    def passes(self, patience: TimeLimits, request: Any) -> None:
        """Time passes, before an attempt has its effect."""
        if self.attempts is None:
            return
        self.attempts += 1
        silent = self.is_silent(self.attempts)
        self.now += patience.attempt if silent else self.answers_after
        if silent and not self.takes_effect:
            raise ReadTimeoutError(endpoint_url=request.url)

    def lost(self, request: Any, **_: object) -> None:
        if self.attempts is not None and self.is_silent(self.attempts):
            raise ReadTimeoutError(endpoint_url=request.url)


class Slowed(light_client.LightClient):
    """A light client of slow AWS."""

    slow: Slow

    def attempt(self, operation: str, body: bytes) -> Any:
        self.slow.passes(self.time_limits, self)
        answered = super().attempt(operation, body)
        self.slow.lost(self)
        return answered


@dataclass(kw_only=True)
class AskedInTime(Functions):
    """The functions, and what the last request got."""

    reply: HandlerReply | None = None

    def request(self, event: dict[str, Any]) -> HandlerReply:
        self.reply = super().request(event)
        return self.reply


@pytest.fixture(scope="module", params=["botocore", "light"])
def bounded(
    stack: Stack, aws_url: str, request: pytest.FixtureRequest
) -> tuple[Clients, Recorder, Slow]:
    clients, recorder = heard_clients(stack, {name: boto3.Session() for name in NAMES})
    slow = Slow()
    if request.param == "light":
        clients = {**clients, REQUEST: {**clients[REQUEST], **slowed(stack, aws_url)}}
    slow.bound(REQUEST, resources.REQUEST, clients[REQUEST].values())
    slow.bound(DEAD_LETTER, resources.DEAD_LETTER, clients[DEAD_LETTER].values())
    recorder.begins = slow.begin
    return clients, recorder, slow


def slowed(stack: Stack, url: str) -> dict[str, Slowed]:
    return {
        service: Slowed(
            service=service,
            url=url,
            region=stack.region,
            credentials=light_client.Credentials("id", "secret"),
            time_limits=PATIENT,
        )
        for service in ("dynamodb", "sqs")
    }


@pytest.fixture
def slow(bounded: tuple[Clients, Recorder, Slow]) -> Iterator[Slow]:
    slow = bounded[2]
    yield slow
    slow.attempts = None


@pytest.fixture
def functions(deployment: MotoDeployment, bounded: tuple[Clients, Recorder, Slow]) -> AskedInTime:
    clients, recorder, _ = bounded
    return AskedInTime(deployment=deployment, clients=clients, recorder=recorder, warm=False)


def gone(path: Path, functions: AskedInTime, slow: Slow, **how: Any) -> float:
    """The seconds that it took, whatever came of it."""
    functions.deployment.empty()
    functions.restart()
    slow.begin()  # with what comes before the step that matters, too
    slow.attempts = None
    for name, value in how.items():
        setattr(slow, name, value)
    functions.reply, before = None, slow.now
    with suppress(AssertionError, KeyError, ReadTimeoutError):
        path(functions)
    return slow.now - before


NEVER: Callable[[int], bool] = lambda _: False  # noqa: E731


@pytest.mark.parametrize("path", OF_REQUESTS, ids=lambda path: path.__name__)
@pytest.mark.parametrize("answers_after", [0, resources.REQUEST.attempt], ids=["at once", "late"])
@pytest.mark.parametrize("takes_effect", [False, True], ids=["lost", "unheard"])
def test_a_client_gets_an_answer_in_time_whichever_call_is_not_answered(
    path: Path, answers_after: float, takes_effect: bool, functions: AskedInTime, slow: Slow
) -> None:
    gone(path, functions, slow, answers_after=0, is_silent=NEVER)
    assert functions.reply
    usual = functions.reply.status
    how = {"answers_after": answers_after, "takes_effect": takes_effect}
    for first in range(1, (slow.attempts or 0) + 1):
        for is_silent in (lambda n: n >= first, lambda n: n in (first, first + 1)):  # noqa: B023
            took = gone(path, functions, slow, is_silent=is_silent, **how)
            assert took <= resources.REQUEST.event
            is_as_it_should_be(path, functions, usual, it_was_seen=first > 1)


def is_as_it_should_be(
    path: Path, functions: AskedInTime, usual: int, *, it_was_seen: bool
) -> None:
    reply = functions.reply
    assert reply
    if path is paths.stale and it_was_seen:
        assert reply.status == 200
    assert reply.status in (usual, 503)
    if reply.status == 503:
        assert int(reply.headers["retry-after"]) >= 2
    if reply.status == 202:
        assert functions.deployment.queue._messages


@pytest.mark.parametrize(
    "path", [paths.buried, paths.dead_letter_of_an_answer], ids=lambda path: path.__name__
)
@pytest.mark.parametrize(
    "answers_after", [0, resources.DEAD_LETTER.attempt], ids=["at once", "late"]
)
def test_a_dead_letter_is_seen_to_in_time_whichever_call_is_not_answered(
    path: Path, answers_after: float, functions: AskedInTime, slow: Slow
) -> None:
    for first in range(1, 5):
        how: Any = {"answers_after": answers_after, "is_silent": lambda n: n >= first}  # noqa: B023
        assert gone(path, functions, slow, **how) <= resources.DEAD_LETTER.event


def test_the_documents_say_how_long_a_client_waits_at_most() -> None:
    for name in ("operations.md", "protocol.md"):
        assert f"{resources.REQUEST.event:g} s" in (DOCS / name).read_text()
