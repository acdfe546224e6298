"""The real code, played from recorded answers.

Between two calls an actor is a function of the answers that it got. So a place in its life is the
list of those answers, and to bring it back there the code is run again with them; at the first call
that has no recorded answer it is stopped. Whatever is asked of AWS, of the clock and of the
computation is a call.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError, ReadTimeoutError

from backburner.attempt import alone
from backburner.attempt.declared_values import DeclaredValues
from backburner.aws.time_limits import TimeLimits
from backburner.computation import STANDARD
from backburner.dead_letter import DeadLetters
from backburner.errors import AttemptFailed, Uncomputable
from backburner.http.response import Response
from backburner.large_results import LargeResults
from backburner.protocol import item as item_format
from backburner.protocol.entry import Entry
from backburner.protocol.failed_jobs import FailedJobs
from backburner.protocol.lanes import Lanes
from backburner.protocol.signature import Signature
from backburner.protocol.store import Leases, Store
from backburner.protocol.task_queue import TaskQueue
from backburner.request import RequestHandler, respond
from backburner.retry_after.run_times import RunTimes
from backburner.worker import Worker

from .engine import NO_ITEM, ItemId, MotoEngine, digest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sqs import SQSClient

    from backburner.local_cache import LocalCache

START = 100_000.0
"""Seconds since the epoch."""
LEASES = Leases()
FAILED_JOBS = "failed jobs"
"""The queue of what was given up."""


class Reaction(NamedTuple):
    """What an actor is told; `throttled` and `timeout` are told by every call to AWS."""

    kind: str
    item: ItemId = NO_ITEM
    time: float = 0


NOTHING_RECALLED = Reaction("recalled")


class PendingCall(NamedTuple):
    name: str
    arguments: Mapping[str, Any]
    digest: int


class Ended(NamedTuple):
    """What came of an actor: a request's response, or how a message was seen to."""

    response: Response | None = None
    error: Exception | None = None


class Paused(BaseException):
    """The code asks what nobody has answered yet. No `except Exception` may catch it."""

    def __init__(self, call: PendingCall) -> None:
        self.call = call


class Recollection:
    """The memory of an instance. What it keeps is decided in world.py."""

    def __init__(self, tape: "Tape", company: "Company") -> None:
        self.tape, self.company = tape, company

    def get(self, _: Signature) -> Entry | None:
        item = self.tape.ask("recall").item
        return self.company.entry(item) if item != NO_ITEM else None

    def setdefault(self, *_: object) -> None:
        pass


class NoRunTimes:
    """They serve an estimate and no more, so they are left out: always none, at no cost.

    test_run_times.py shows that to fail here is no failure.
    """

    def get_item(self, **_: Any) -> dict[str, Any]:
        return {}

    def update_item(self, **_: Any) -> None:
        pass


RUN_TIMES = RunTimes(
    client=cast("DynamoDBClient", NoRunTimes()),
    table="table",
    clock=lambda: START,
    timer=lambda: START,
)


def _no_client() -> "S3Client":
    raise AssertionError("the results here are small")


LARGE_RESULTS = LargeResults(_no_client, "bucket")
DECLARED_VALUES = DeclaredValues(
    prefix="local",
    make_client=lambda _: _no_client(),
    time_limits=TimeLimits(connect=1, read=1, pauses=[]),
)


class Tape:
    """Everything outside of the code, as far as it has answered."""

    def __init__(self, engine: MotoEngine, answers: tuple[Reaction, ...]) -> None:
        self.engine = engine
        self.answers = iter(answers)

    def ask(self, name: str, **arguments: Any) -> Reaction:
        for answer in self.answers:
            return answer
        raise Paused(PendingCall(name, arguments, digest(f"{name}{arguments}")))

    def clock(self) -> float:
        return self.ask("clock").time

    def get_item(self, **call: Any) -> dict[str, Any]:
        found = self.engine.items[self._ask_aws("get_item", call).item]
        return {"Item": found} if found else {}

    def update_item(self, **call: Any) -> dict[str, Any]:
        answer = self._ask_aws("update_item", call)
        there = self.engine.items[answer.item]
        if answer.kind == "refused":
            raise _client_error("ConditionalCheckFailedException", {"Item": there} if there else {})
        return {"Attributes": there}

    def send_message(self, **call: Any) -> None:
        is_failed_job = call["QueueUrl"] == FAILED_JOBS
        self._ask_aws("send_failed_job" if is_failed_job else "send_message", call)

    def change_message_visibility(self, **call: Any) -> None:
        self._ask_aws("change_message_visibility", call)

    def delete_message(self, **call: Any) -> None:
        """Only a seeded fault does that: the event source mapping deletes."""
        self.ask("acknowledge")

    def compute(
        self, name: str, parameters: bytes, limit: float, _interval: float, beat: alone.Beat
    ) -> bytes:
        until = self.clock() + limit
        while (answer := self.ask("compute", until=until)).kind == "beat":
            beat(0.5)
        if answer.kind == "uncomputable":
            raise Uncomputable("as told")
        if answer.kind == "crashed":
            raise AttemptFailed("as told")
        return alone.result(name, parameters, lambda _: None)

    def _ask_aws(self, name: str, call: Mapping[str, Any]) -> Reaction:
        answer = self.ask(name, **call)
        if answer.kind == "throttled":
            raise _client_error("ProvisionedThroughputExceededException")
        if answer.kind == "timeout":
            raise ReadTimeoutError(endpoint_url="https://aws")
        return answer


def _client_error(code: str, details: Mapping[str, Any] | None = None) -> ClientError:
    response = {"Error": {"Code": code, "Message": "as told"}, **(details or {})}
    return ClientError(cast("Any", response), "Call")


@dataclass(frozen=True)
class Role:
    """Who acts: one request, or one delivery of one message. Its name is its run's token, too."""

    name: str
    play: Callable[[Tape], Ended]


class Place:
    """A place in the life of an actor: it waits for the answer to `call`, or it has `ended`."""

    def __init__(
        self,
        engine: MotoEngine,
        role: Role,
        answers: tuple[Reaction, ...],
        entrance: "Place | None",
    ) -> None:
        self.engine, self.role, self.answers, self.entrance = engine, role, answers, entrance
        self.digest = digest(f"{role.name}{answers}")
        self.call: PendingCall | None = None
        self.ended: Ended | None = None
        self._after: dict[Reaction, Place] = {}
        try:
            self.ended = role.play(Tape(engine, answers))
        except Paused as paused:
            self.call = paused.call

    def after(self, answer: Reaction) -> "Place":
        if answer not in self._after:
            answers = (*self.answers, answer)
            self._after[answer] = Place(self.engine, self.role, answers, self.entrance or self)
        return self._after[answer]

    @property
    def has_begun(self) -> bool:
        """It was told something that may matter."""
        return self.answers not in ((), (NOTHING_RECALLED,))

    def recalling(self, item: ItemId) -> "Place":
        """A request that has not begun yet: its instance has served this just now."""
        assert self.entrance
        return self.entrance.after(Reaction("recalled", item))

    @property
    def served_from_table(self) -> ItemId | None:
        """The item that it was shown last, unless it only recalled it."""
        shown = [answer.item for answer in self.answers[1:] if answer.item != NO_ITEM]
        return shown[-1] if shown and self.answers[0] == NOTHING_RECALLED else None


@dataclass
class Company:
    """All the actors of one deployment, and all the places of their lives that were reached."""

    engine: MotoEngine
    computation: str
    entrances: dict[tuple[str, str], Place] = field(default_factory=dict)
    entries: dict[ItemId, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        look_up = self.asks("nobody").call
        assert look_up
        self.signature = Signature(look_up.arguments["Key"]["signature"]["S"])

    def entry(self, item: ItemId) -> Entry:
        if item not in self.entries:
            empty = Entry(signature=self.signature, computation=self.computation)
            self.entries[item] = item_format.read(self.engine.items[item], empty)
        return self.entries[item]

    def asks(self, name: str, signature: str = "") -> Place:
        """A request by parameters, or by signature."""
        return self._enters(name, signature, self._request).after(NOTHING_RECALLED)

    def works(self, name: str, body: str) -> Place:
        """The worker, with one delivery of a message."""
        return self._enters(name, body, self._worker)

    def buries(self, name: str, body: str) -> Place:
        """The dead-letter function, with one delivery of a dead letter."""
        return self._enters(name, body, self._dead_letters)

    def _enters(self, name: str, what: str, play: Callable[[str, str, Tape], Ended]) -> Place:
        if (name, what) not in self.entrances:
            role = Role(name, partial(play, name, what))
            self.entrances[name, what] = Place(self.engine, role, (), None)
        return self.entrances[name, what]

    def _request(self, name: str, signature: str, tape: Tape) -> Ended:
        path = f"/v1/{self.computation}" + (f"/{signature}" if signature else "")
        event = {
            "requestContext": {
                "requestId": name,
                "http": {"method": "GET", "path": path, "sourceIp": "192.0.2.1"},
            },
            "rawPath": path,
            "rawQueryString": "" if signature else "number=7",
        }
        request_handler = RequestHandler(
            store=_store(name, tape),
            lanes=Lanes({STANDARD: _task_queue(tape)}),
            run_times=RUN_TIMES,
            local_cache=cast("LocalCache", Recollection(tape, self)),
            large_results=LARGE_RESULTS,
            failed_jobs=_failed_jobs(tape),
            random=lambda: 0.999,
        )
        return Ended(response=respond(event, request_handler))

    def _worker(self, name: str, body: str, tape: Tape) -> Ended:
        worker = Worker(
            store=_store(name, tape),
            task_queue=_task_queue(tape),
            run_times=RUN_TIMES,
            compute=tape.compute,
            large_results=LARGE_RESULTS,
            failed_jobs=_failed_jobs(tape),
            declared_values=DECLARED_VALUES,
            random=lambda: 0.0,
        )
        return _received(worker.receive, name, body, tape)

    def _dead_letters(self, name: str, body: str, tape: Tape) -> Ended:
        dead_letters = DeadLetters(store=_store(name, tape), failed_jobs=_failed_jobs(tape))
        return _received(dead_letters.receive, name, body, tape)


def _received(receive: Callable[[SQSRecord], None], name: str, body: str, tape: Tape) -> Ended:
    """As the event source mapping has it: what raises stays, what does not is acknowledged."""
    try:
        receive(SQSRecord({"messageId": name, "receiptHandle": name, "body": body}))
    except Exception as error:  # noqa: BLE001 (whatever it is, the message stays)
        return Ended(error=error)
    tape.ask("acknowledge")
    return Ended()


def _store(name: str, tape: Tape) -> Store:
    client = cast("DynamoDBClient", tape)
    return Store(client, "table", LEASES, clock=tape.clock, new_token=lambda: name)


def _task_queue(tape: Tape) -> TaskQueue:
    return TaskQueue(lambda: cast("SQSClient", tape), "queue")


def _failed_jobs(tape: Tape) -> FailedJobs:
    return FailedJobs(lambda: cast("SQSClient", tape), FAILED_JOBS)
