"""Long random runs over many signatures, against a plain model of what clients may see.

The deployment is the real code on moto; the queue is here, so that messages are late, come twice
and die as the run wants it. DynamoDB and SQS fail at any call, with and without taking effect.
"""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, ClassVar

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError, ReadTimeoutError
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backburner.attempt import alone
from backburner.errors import AttemptFailed
from tests.conftest import Clock, HandlerReply, MotoDeployment, from_operator, http_event

from .faults import FAULTS
from .stage import stage

NUMBERS = st.sampled_from([-1, 1, 1, 2, 2, 3])
"""Each another question; a negative number is refused by the computation."""
FRESH_FOR, STALE_FOR, FAILURE_KEPT_FOR, ATTEMPTS = 600, 3600, 60, 3
"""As in the policy of `doubling`."""
MOST_RECEIVES = 4
VISIBILITY = 5400
PASSES = st.sampled_from([0.5, 3, 31, 61, 130, 601, 4300])
OUTCOMES = st.sampled_from(["computed", "computed", "crashed", "died before", "died after"])


@dataclass
class InFlight:
    body: str
    visible_at: float = 0
    receives: int = 0


class Died(BaseException):
    """The worker is no more: nothing catches that."""


@dataclass
class Faulty:
    """A client of AWS whose next calls may fail."""

    client: Any
    to_come: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.client, name)
        return call if name == "exceptions" else lambda **given: self._call(call, given)

    def _call(self, call: Callable[..., Any], given: dict[str, Any]) -> Any:
        match self.to_come.pop() if self.to_come else "":
            case "throttled":
                error: Any = {"Error": {"Code": "ThrottlingException", "Message": "as told"}}
                raise ClientError(error, call.__name__)
            case "unheard":
                call(**given)
                raise ReadTimeoutError(endpoint_url="https://aws")
        return call(**given)


@dataclass
class HeldQueue:
    """SQS as far as the code calls it."""

    clock: Callable[[], float]
    messages: list[InFlight] = field(default_factory=list)
    failed_jobs: int = 0

    def send_message(self, **call: Any) -> None:
        if call["QueueUrl"] == "failed jobs":
            self.failed_jobs += 1
        else:
            self.messages.append(InFlight(call["MessageBody"]))

    def change_message_visibility(self, **call: Any) -> None:
        message = self.messages[int(call["ReceiptHandle"])]
        message.visible_at = self.clock() + call["VisibilityTimeout"]


@dataclass
class AskedQuestion:
    """What the model knows of one signature."""

    number: int
    location: str = ""
    computed_at: list[float] = field(default_factory=list)
    """When an attempt came to a result, whether it was kept or not."""
    attempts: int = 0
    """Attempts that were begun since the last answer."""
    gives_up_at: float = 0
    """The latest that a client was told since the last answer."""
    promised_until: float = 0
    """Until when there is something, for a client that comes back as it was told."""
    is_forgotten: bool = False


class ManySignatures(RuleBasedStateMachine):
    deployment: ClassVar[MotoDeployment]

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.queue = HeldQueue(self.clock)
        self.dynamodb, self.sqs = Faulty(self.deployment.dynamodb), Faulty(self.queue)
        self.deployed = replace(
            self.deployment, dynamodb=self.dynamodb, sqs=self.sqs, clock=self.clock
        )
        self.deployed.failed_jobs.url = "failed jobs"
        self.deployed.worker = replace(self.deployed.worker, compute=self.compute)
        self.questions: dict[int, AskedQuestion] = {}
        self.outcome = "computed"

    def teardown(self) -> None:
        self.dynamodb.to_come.clear()
        self.sqs.to_come.clear()
        try:
            self.come_to_an_end()
        finally:
            self.deployment.empty()

    # what clients do

    @rule(number=NUMBERS)
    def ask(self, number: int) -> None:
        question = self.questions.setdefault(number, AskedQuestion(number))
        self.check(question, self.deployed.get(f"/v1/doubling?number={number}"))

    @rule(number=NUMBERS)
    def accepted(self, number: int) -> None:
        question = self.questions.get(number)
        if question and question.location:
            self.check(question, self.deployed.get(question.location), by_signature=True)

    @rule(number=NUMBERS)
    def forget(self, number: int) -> None:
        question = self.questions.get(number)
        if question and question.location:
            event = from_operator(http_event("DELETE", question.location))
            assert self.deployed.ask(event).status in (204, 503)
            question.is_forgotten = True  # a 503 may have taken effect, too

    # what the queue does

    @precondition(lambda self: self.queue.messages)
    @rule(outcomes=st.lists(OUTCOMES, min_size=1, max_size=4))
    def deliver(self, outcomes: list[str]) -> None:
        """What is due, one after the other."""
        for self.outcome in outcomes:
            due = [n for n, message in enumerate(self.queue.messages) if self.is_due(message)]
            if due:
                self.work(due[0])

    @precondition(lambda self: self.queue.messages)
    @rule(outcomes=st.lists(OUTCOMES, min_size=2, max_size=4))
    def deliver_together(self, outcomes: list[str]) -> None:
        """What is due, to one worker: only when it has seen to all is anything acknowledged."""
        due = [n for n, message in enumerate(self.queue.messages) if self.is_due(message)]
        with suppress(Died):
            done = []
            for number, self.outcome in zip(due, outcomes, strict=False):
                done += [number] * self.is_seen_to(number)
            for number in done:
                self.queue.messages[number].body = ""

    @precondition(lambda self: self.queue.messages)
    @rule(data=st.data(), outcome=OUTCOMES)
    def deliver_too_early(self, data: st.DataObject, outcome: str) -> None:
        self.outcome = outcome
        self.work(data.draw(st.integers(0, len(self.queue.messages) - 1)))

    def is_due(self, message: InFlight) -> bool:
        return bool(message.body) and message.visible_at <= self.clock()

    def work(self, number: int) -> None:
        """A worker that dies, or whose attempt fails, leaves the message."""
        message = self.queue.messages[number]
        with suppress(Died):
            if message.body and self.is_seen_to(number):
                message.body = ""  # acknowledged

    def is_seen_to(self, number: int) -> bool:
        """The worker has the message, or the dead-letter function when that came too often."""
        message = self.queue.messages[number]
        message.receives += 1
        message.visible_at = self.clock() + VISIBILITY
        receive = self.deployed.worker.receive
        if message.receives > MOST_RECEIVES:
            receive = self.deployed.dead_letters.receive
        record = {"messageId": "m", "receiptHandle": str(number), "body": message.body}
        with suppress(Exception):
            receive(SQSRecord(record))
            return True
        return False

    def compute(
        self, name: str, parameters: bytes, _limit: float, _interval: float, beat: alone.Beat
    ) -> bytes:
        given = json.loads(parameters)["number"]
        question = self.questions[int(given)]
        question.attempts += 1
        if self.outcome == "crashed":
            raise AttemptFailed("as told")
        if self.outcome == "died before":
            raise Died
        self.clock.passes(1)
        result = alone.result(name, parameters, beat)
        question.computed_at.append(self.clock())
        if self.outcome == "died after":
            raise Died
        return result

    # what else happens

    @rule(seconds=PASSES)
    def time_passes(self, seconds: float) -> None:
        self.clock.passes(seconds)

    @rule(data=st.data())
    def dynamodb_deletes(self, data: st.DataObject) -> None:
        table, client = self.deployment.table, self.deployment.dynamodb
        for item in client.scan(TableName=table)["Items"]:
            if float(item["expires_at"]["N"]) < self.clock() and data.draw(st.booleans()):
                client.delete_item(TableName=table, Key={"signature": item["signature"]})

    @rule(
        how=st.lists(st.sampled_from(["", "throttled", "unheard"]), max_size=3),
        which=st.sampled_from(["dynamodb", "sqs"]),
    )
    def calls_will_fail(self, how: list[str], which: str) -> None:
        getattr(self, which).to_come[:] = how

    # what clients may see

    def check(
        self, question: AskedQuestion, reply: HandlerReply, *, by_signature: bool = False
    ) -> None:
        question.location = reply.headers.get("location") or question.location
        match reply.status:
            case 200:
                self.check_result(question, reply)
            case 202:
                told = datetime.fromisoformat(reply.json["gives_up_at"])
                question.gives_up_at = told.timestamp()
                assert question.gives_up_at > self.clock()
                retry_after = int(reply.headers["retry-after"])
                assert retry_after >= 1
                question.promised_until = self.clock() + retry_after
                question.is_forgotten = False
            case 404:
                assert by_signature
                gone = question.is_forgotten or self.clock() >= question.promised_until
                assert gone, "a signature that was handed out, and is waited for"
            case 422:
                assert question.number < 0
            case 500:
                self.check_failed_jobs(question, reply)
            case 503:
                assert int(reply.headers["retry-after"]) >= 1
            case _:
                raise AssertionError(f"{reply.status}: {reply.text}")

    def check_failed_jobs(self, question: AskedQuestion, reply: HandlerReply) -> None:
        assert reply.json["type"].endswith(":gave-up")
        used = question.attempts >= ATTEMPTS or self.clock() >= question.gives_up_at
        assert used or self.queue_gave_up(), "given up with attempts and time left"

    def check_result(self, question: AskedQuestion, reply: HandlerReply) -> None:
        assert reply.json["doubled"] == 2 * question.number
        question.location = reply.headers["content-location"]
        is_fresh = bool(re.search(r"ttl=\d", reply.headers["cache-status"]))
        kept_for = FRESH_FOR if is_fresh else FRESH_FOR + STALE_FOR
        assert any(self.clock() - at < kept_for for at in question.computed_at)
        computed_at = self.clock() - int(reply.headers["age"]) - 1
        question.promised_until = computed_at + FRESH_FOR + STALE_FOR
        question.is_forgotten = False

    def queue_gave_up(self) -> bool:
        return any(message.receives > MOST_RECEIVES for message in self.queue.messages)

    @invariant()
    def no_more_failed_jobs_than_jobs_given_up(self) -> None:
        assert self.queue.failed_jobs <= sum(q.attempts for q in self.questions.values()) + len(
            self.queue.messages
        )

    # once faults stop

    def come_to_an_end(self) -> None:
        """Every question that was asked comes to an answer, if clients come back as told."""
        self.outcome = "computed"
        for question in self.questions.values():
            for _ in range(40):
                for number, message in enumerate(self.queue.messages):
                    if self.is_due(message):
                        self.work(number)
                reply = self.deployed.get(f"/v1/doubling?number={question.number}")
                self.check(question, reply)
                if reply.status not in (202, 503):
                    break
                self.clock.passes(int(reply.headers["retry-after"]))
            else:
                raise AssertionError(f"{question} is waited for without end")


@pytest.fixture
def quiet() -> Iterator[None]:
    with stage():
        yield


def test_clients_see_what_the_model_allows(deployment: MotoDeployment, quiet: None) -> None:
    run(deployment, examples=40)


NOTICED = ("DynamoDB's deletion trusted", "a job buried that is alive")


@pytest.mark.parametrize("name", NOTICED)
def test_the_model_notices(name: str, deployment: MotoDeployment, quiet: None) -> None:
    [fault] = [fault for fault in FAULTS if fault.name.startswith(name)]
    with fault.seeded(), pytest.raises(AssertionError):
        run(deployment, examples=200)


def run(deployment: MotoDeployment, examples: int) -> None:
    machine = type("Machine", (ManySignatures,), {"deployment": deployment})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=100,
            deadline=None,
            derandomize=True,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
    )
