"""The worker pattern, as the worker sees it."""

import gzip
import io
import json
from dataclasses import replace
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from botocore.exceptions import ClientError, ReadTimeoutError

from backburner.errors import AttemptFailed, MalformedMessage, Returned, TryAgain, Uncomputable
from backburner.problems import ResultTooLarge
from backburner.protocol.store import LostRace
from backburner.protocol.task_queue import Delivery

from .conftest import NOW, Invoke, MotoDeployment, compute_here

ASKED = "/v1/doubling?number=21"
CRASHING = "/v1/crashing?how=raise"
TOO_LARGE = ResultTooLarge("100000000 are the most")


def ask(deployment: MotoDeployment, path: str = ASKED) -> tuple[str, SQSRecord]:
    """A miss: the signature, and the message that it sent."""
    reply = deployment.get(path)
    [message] = deployment.messages()
    return reply.signature, message


def failing(deployment: MotoDeployment, failure: Exception) -> Any:
    def compute(*_: object) -> bytes:
        raise failure

    return replace(deployment.worker, compute=compute)


def test_a_message_is_computed_and_answered(deployment: MotoDeployment) -> None:
    signature, message = ask(deployment)
    deployment.worker.receive(message)
    entry = deployment.entry(signature)
    assert entry.job is None
    assert gzip.decompress(entry.the_answer.body) == b'{"doubled":42.0,"label":""}'


def test_parameters_that_cannot_be_computed_are_answered_with_the_reason(
    deployment: MotoDeployment,
) -> None:
    signature, message = ask(deployment, "/v1/doubling?number=-1")
    deployment.worker.receive(message)
    answer = deployment.entry(signature).the_answer
    assert answer.status == 422
    assert b"give a number of at least 0" in gzip.decompress(answer.body)


# an attempt fails


def test_a_failed_attempt_gives_the_job_back_for_longer_each_time(
    deployment: MotoDeployment,
) -> None:
    signature, message = ask(deployment)
    worker = failing(deployment, AttemptFailed("crashed"))
    for attempt_number, delay in ((1, 2), (2, 4)):
        with pytest.raises(Returned):
            worker.receive(message)
        job = deployment.entry(signature).the_job
        assert (job.state, job.attempts) == ("queued", attempt_number)
        assert deployment.hidden_for(message) == delay


def test_the_delay_is_jittered(deployment: MotoDeployment) -> None:
    _, message = ask(deployment)
    with pytest.raises(Returned):
        replace(failing(deployment, AttemptFailed("")), random=lambda: 0.999).receive(message)
    assert deployment.hidden_for(message) == 4


def test_a_job_is_tried_again_after_the_usual_delay_from_when_its_computation_says(
    deployment: MotoDeployment,
) -> None:
    signature, message = ask(deployment)
    worker = failing(deployment, TryAgain("busy", after=90))
    for attempt_number, delay in ((1, 92), (2, 94)):
        with pytest.raises(Returned):
            worker.receive(message)
        job = deployment.entry(signature).the_job
        assert (job.attempts, job.due_at, job.lease) == (
            attempt_number,
            NOW + delay,
            NOW + delay + 60,
        )
        assert deployment.hidden_for(message) == delay


def test_clients_are_told_to_come_back_when_the_job_is_tried_again(
    deployment: MotoDeployment,
) -> None:
    _, message = ask(deployment)
    with pytest.raises(Returned):
        failing(deployment, TryAgain("busy", after=40)).receive(message)
    waiting = deployment.get(ASKED)
    assert (waiting.status, waiting.json["retry_after"]) == (202, 44)


@pytest.mark.parametrize("after", [3598, 39600])
def test_a_job_that_cannot_be_tried_again_in_time_is_given_up_at_once(
    deployment: MotoDeployment, after: float
) -> None:
    """The computation gives up an hour after the request."""
    signature, message = ask(deployment)
    failing(deployment, TryAgain("busy", after=after)).receive(message)
    reply = deployment.get(ASKED)
    assert (reply.status, deployment.entry(signature).job) == (500, None)
    assert f"1 of 3 attempts and 0 s, as the next could begin only in {after + 2} s" in reply.text
    assert (
        len(
            deployment.failed_jobs.client.receive_message(QueueUrl=deployment.failed_jobs_url)[
                "Messages"
            ]
        )
        == 1
    )


def test_a_job_that_can_just_be_tried_again_in_time_is(deployment: MotoDeployment) -> None:
    signature, message = ask(deployment)
    with pytest.raises(Returned):
        failing(deployment, TryAgain("busy", after=3597)).receive(message)
    assert deployment.entry(signature).the_job.due_at == NOW + 3599


def test_the_last_failed_attempt_is_a_visible_problem(deployment: MotoDeployment) -> None:
    signature, message = ask(deployment)
    worker = failing(deployment, AttemptFailed("crashed"))
    for _ in range(2):
        with pytest.raises(Returned):
            worker.receive(message)
    worker.receive(message)
    reply = deployment.get(ASKED)
    assert (reply.status, deployment.entry(signature).job) == (500, None)
    assert "gave up after 3 of 3 attempts" in reply.json["detail"]


def test_a_job_of_a_newer_version_is_not_computed_with_this_code(
    deployment: MotoDeployment,
) -> None:
    signature, message = ask(deployment)
    deployment.set(signature, "job.version", {"N": "2"})
    with pytest.raises(Returned):
        deployment.worker.receive(message)
    assert deployment.entry(signature).the_job.state == "queued"


def test_a_job_of_an_older_version_is_answered_for_a_short_time(deployment: MotoDeployment) -> None:
    """While a deployment goes in steps, the old request function still asks for the old version."""
    signature, message = ask(deployment)
    deployment.set(signature, "job.version", {"N": "0"})
    deployment.worker.receive(message)
    answer = deployment.entry(signature).the_answer
    assert (answer.status, answer.fresh_until, answer.ends_at) == (200, NOW + 60, NOW + 60)


def test_a_computation_that_is_not_here_is_a_failed_attempt(deployment: MotoDeployment) -> None:
    signature, message = ask(deployment)
    deployment.set(signature, "computation", {"S": "gone"})
    with pytest.raises(Returned):
        deployment.worker.receive(message)


def test_a_result_too_large_to_keep_is_a_problem(deployment: MotoDeployment) -> None:
    signature, message = ask(deployment)
    failing(deployment, TOO_LARGE).receive(message)
    answer = deployment.entry(signature).the_answer
    assert answer.status == 500
    assert b"100000000 are the most" in gzip.decompress(answer.body)


def test_a_refresh_whose_result_is_too_large_leaves_the_stale_answer(
    deployment: MotoDeployment,
) -> None:
    deployment.worker.receive(ask(deployment)[1])
    stale = deployment.get(ASKED)
    deployment.clock.passes(600)
    _, message = ask(deployment)
    failing(deployment, TOO_LARGE).receive(message)
    assert deployment.get(ASKED).text == stale.text


# the job is not to be begun


def test_a_message_whose_job_is_alive_in_another_worker_waits_for_that_lease(
    deployment: MotoDeployment,
) -> None:
    signature, message = ask(deployment)
    other = deployment.store.begin(deployment.entry(signature))
    deployment.clock.passes(10)
    with pytest.raises(Returned):
        deployment.worker.receive(message)
    assert deployment.hidden_for(message) == 21
    assert deployment.entry(signature) == other.entry


def test_a_message_that_comes_again_after_the_answer_changes_nothing(
    deployment: MotoDeployment,
) -> None:
    signature, message = ask(deployment)
    deployment.worker.receive(message)
    answered = deployment.entry(signature)
    deployment.worker.receive(message)
    assert deployment.entry(signature) == answered


def test_a_message_without_an_entry_is_done_with(deployment: MotoDeployment) -> None:
    deployment.send({"signature": "b" * 64, "computation": "doubling"})
    [message] = deployment.messages()
    deployment.worker.receive(message)
    assert deployment.entry("b" * 64).job is None


def test_a_message_whose_job_is_spent_buries_it(deployment: MotoDeployment) -> None:
    signature, message = ask(deployment)
    deployment.clock.passes(3600)
    deployment.worker.receive(message)
    assert deployment.entry(signature).the_answer.status == 500


def test_a_malformed_message_goes_to_the_dead_letters_without_delay(
    deployment: MotoDeployment,
) -> None:
    deployment.send("not ours")
    [message] = deployment.messages()
    with pytest.raises(MalformedMessage):
        deployment.worker.receive(message)
    assert deployment.hidden_for(message) == 0


# the heartbeat


def test_the_heartbeat_keeps_the_lease_and_the_message(deployment: MotoDeployment) -> None:
    signature, message = ask(deployment)
    leases = []

    def compute(name: str, parameters: bytes, limit: float, every: float, beat: Any) -> bytes:
        assert every == 10
        deployment.clock.passes(10)
        beat(0.5)
        leases.append(deployment.entry(signature).the_job)
        assert deployment.hidden_for(message) == 30
        return b"{}"

    replace(deployment.worker, compute=compute).receive(message)
    assert [(job.lease, job.progress) for job in leases] == [(deployment.clock() + 30, 0.5)]


def test_a_run_that_is_not_mine_any_more_is_stopped_and_its_message_is_done_with(
    deployment: MotoDeployment,
) -> None:
    signature, message = ask(deployment)

    def compute(name: str, parameters: bytes, limit: float, every: float, beat: Any) -> bytes:
        deployment.clock.passes(30)
        deployment.store.begin(deployment.entry(signature))
        with pytest.raises(LostRace):
            beat(0.5)
        beat(0.5)
        raise AssertionError("the run goes on")

    replace(deployment.worker, compute=compute).receive(message)
    assert deployment.entry(signature).the_job.run == "run-2"


def test_a_heartbeat_that_aws_does_not_answer_ends_nothing(deployment: MotoDeployment) -> None:
    signature, message = ask(deployment)

    def compute(name: str, parameters: bytes, limit: float, every: float, beat: Any) -> bytes:
        table, deployment.store.table = deployment.store.table, "no-such-table"
        beat(0.5)
        deployment.store.table = table
        return compute_here(name, parameters, limit, every, beat)

    replace(deployment.worker, compute=compute).receive(message)
    assert deployment.entry(signature).the_answer.is_result


def failed_call(code: str, status: int) -> ClientError:
    metadata: Any = {"HTTPStatusCode": status}
    return ClientError(
        {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": metadata}, "UpdateItem"
    )


@pytest.mark.parametrize(
    ("error", "level"),
    [
        (failed_call("ValidationException", 400), "ERROR"),
        (failed_call("AccessDeniedException", 400), "ERROR"),
        (failed_call("ResourceNotFoundException", 400), "ERROR"),
        (failed_call("ReceiptHandleIsInvalid", 404), "ERROR"),
        (failed_call("ThrottlingException", 400), "WARNING"),
        (failed_call("ProvisionedThroughputExceededException", 400), "WARNING"),
        (failed_call("RequestLimitExceeded", 400), "WARNING"),
        (failed_call("RequestThrottled", 403), "WARNING"),
        (failed_call("InternalServerError", 500), "WARNING"),
        (failed_call("ServiceUnavailable", 503), "WARNING"),
        (ReadTimeoutError(endpoint_url="https://aws"), "WARNING"),
    ],
)
def test_a_heartbeat_that_aws_refuses_is_logged_as_a_fault(
    error: Exception, level: str, deployment: MotoDeployment, logged: io.StringIO
) -> None:
    def refuse(*_: object) -> None:
        raise error

    run = deployment.store.begin(deployment.entry(ask(deployment)[0]))
    deployment.task_queue.hide = refuse  # type: ignore[method-assign,assignment]
    delivery = Delivery(task_queue=deployment.task_queue, receipt_handle="receipt")
    deployment.worker.heartbeat(run, delivery, 0.5)
    [line] = [json.loads(each) for each in logged.getvalue().splitlines() if "heartbeat" in each]
    assert line["level"] == level


@pytest.mark.parametrize("told", [0, 0.3, 1])
def test_a_sent_again_job_is_shown_without_the_progress_of_its_lost_run(
    told: float, deployment: MotoDeployment
) -> None:
    signature, _ = ask(deployment)
    run = deployment.store.begin(deployment.entry(signature))
    deployment.store.heartbeat(run, told)
    deployment.clock.passes(31)
    shown = deployment.get(ASKED).json
    assert (shown["state"], shown["progress"]) == ("queued", None)


def test_a_run_ends_at_its_time_limit_or_when_the_job_is_given_up(
    deployment: MotoDeployment,
) -> None:
    limits = []

    def compute(name: str, parameters: bytes, limit: float, every: float, beat: Any) -> bytes:
        limits.append(limit)
        raise Uncomputable("enough")

    worker = replace(deployment.worker, compute=compute)
    worker.receive(ask(deployment)[1])
    _, message = ask(deployment, "/v1/doubling?number=1")
    deployment.clock.passes(3590)
    worker.receive(message)
    assert limits == [30, 10]


def test_an_attempt_that_began_again_ends_when_the_job_is_given_up(
    deployment: MotoDeployment,
) -> None:
    """Alone it has its whole time limit again, but no more than that."""

    def compute(name: str, parameters: bytes, limit: float, every: float, beat: Any) -> bytes:
        deployment.clock.passes(3601)
        beat(0.5)
        raise AssertionError("it goes on")

    _, message = ask(deployment)
    replace(deployment.worker, compute=compute).receive(message)
    assert "gave up" in deployment.get(ASKED).json["detail"]


# AWS does not answer


def test_a_message_comes_back_soon_when_the_answer_could_not_be_written(
    deployment: MotoDeployment,
) -> None:
    _, message = ask(deployment)

    def compute(*call: Any) -> bytes:
        deployment.store.table = "no-such-table"
        return compute_here(*call)

    with pytest.raises(ClientError):
        replace(deployment.worker, compute=compute).receive(message)
    assert deployment.hidden_for(message) == 30


# the Lambda


def test_the_handler_reports_what_is_to_stay_in_the_queue(
    deployment: MotoDeployment, invoke: Invoke
) -> None:
    deployment.send("not ours")
    deployment.send({"signature": "b" * 64, "computation": "doubling"})
    records = deployment.messages()
    report = invoke("WorkerFunction", {"Records": [r.raw_event for r in records]})
    [malformed] = [r.message_id for r in records if r.body == '"not ours"']
    assert report == {"batchItemFailures": [{"itemIdentifier": malformed}]}
