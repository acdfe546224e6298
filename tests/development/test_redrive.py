"""What was given up is driven again by one command, and nothing is lost whatever ends it."""

import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from random import Random
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner, Result

from backburner.computation import registry
from backburner.development import cli
from backburner.development.redrive import (
    ALIVE,
    ANSWERED,
    LEFT,
    OUTDATED,
    SENT,
    WOULD_BE_SENT,
    Redrive,
)
from backburner.errors import AttemptFailed, Returned, Unsent
from backburner.protocol.entry import MAX_PARAMETERS_BYTES
from backburner.protocol.failed_jobs import FailedJob
from backburner.protocol.signature import Signature
from backburner.protocol.task_queue import Message
from tests.conftest import HandlerReply, MotoDeployment

ASKED = "/v1/doubling?number=21"
PARAMETERS = b'{"label":"","number":21,"takes":2,"weights":[]}'


def command(deployment: MotoDeployment, **changes: Any) -> Redrive:
    return Redrive(
        **{
            "store": deployment.store,
            "lanes": deployment.request_handler.lanes,
            "sqs": deployment.sqs,
            "failed_jobs_url": deployment.failed_jobs_url,
            "is_dry_run": False,
            "patience": 0,
            **changes,
        }
    )


def outcomes(deployment: MotoDeployment, **changes: Any) -> dict[str, int]:
    return dict(command(deployment, **changes).run())


def failed_jobs(deployment: MotoDeployment) -> list[FailedJob]:
    """Those that a command would see now."""
    found = deployment.sqs.receive_message(
        QueueUrl=deployment.failed_jobs_url, MaxNumberOfMessages=10, VisibilityTimeout=0
    )
    return [FailedJob.read(each["Body"]) for each in found.get("Messages", [])]


def crashing(*_: object) -> bytes:
    raise AttemptFailed("crashed")


def give_up(deployment: MotoDeployment) -> HandlerReply:
    """A job whose every attempt crashes; the reply that set it."""
    asked = deployment.get(ASKED)
    [message] = deployment.messages()
    worker = replace(deployment.worker, compute=crashing)
    for _ in range(2):
        with pytest.raises(Returned):
            worker.receive(message)
    worker.receive(message)
    deployment.delete(message)
    return asked


def leave(deployment: MotoDeployment, body: str) -> None:
    deployment.sqs.send_message(QueueUrl=deployment.failed_jobs_url, MessageBody=body)


def gone(deployment: MotoDeployment, signature: str) -> None:
    deployment.dynamodb.delete_item(TableName=deployment.table, Key={"signature": {"S": signature}})


# whoever gives up leaves a failed job


def test_the_last_failed_attempt_leaves_a_failed_job_with_the_question(
    deployment: MotoDeployment,
) -> None:
    asked = give_up(deployment)
    [failed_job] = failed_jobs(deployment)
    assert (failed_job.message.signature, failed_job.version) == (asked.signature, 1)
    assert gzip.decompress(failed_job.parameters) == PARAMETERS


def test_a_failed_job_of_the_largest_parameters_is_within_what_sqs_takes(
    deployment: MotoDeployment,
) -> None:
    largest = Random(0).randbytes(MAX_PARAMETERS_BYTES)
    give_up(deployment)
    [failed_job] = failed_jobs(deployment)
    assert len(replace(failed_job, parameters=largest).write()) < 256 * 1024


def by_the_request(deployment: MotoDeployment) -> None:
    deployment.clock.passes(3600)
    assert deployment.get(ASKED).status == 500


def by_a_worker(deployment: MotoDeployment) -> None:
    deployment.clock.passes(3600)
    deployment.work()


def by_a_dead_letter(deployment: MotoDeployment) -> None:
    for message in deployment.messages():
        deployment.dead_letters.receive(message)


@pytest.mark.parametrize("buried", [by_the_request, by_a_worker, by_a_dead_letter])
def test_whoever_buries_a_job_leaves_a_failed_job(
    deployment: MotoDeployment, buried: Callable[[MotoDeployment], None]
) -> None:
    signature = deployment.get(ASKED).signature
    buried(deployment)
    assert [failed_job.message.signature for failed_job in failed_jobs(deployment)] == [signature]


def test_what_can_never_be_computed_leaves_none(deployment: MotoDeployment) -> None:
    deployment.get("/v1/doubling?number=-1")
    deployment.work()
    assert failed_jobs(deployment) == []


def test_a_failed_job_that_cannot_be_left_hurts_no_client(deployment: MotoDeployment) -> None:
    deployment.failed_jobs.url = "https://sqs.us-east-1.amazonaws.com/123456789012/no-such-queue"
    give_up(deployment)
    assert deployment.get(ASKED).status == 500


# and the command drives it again


def test_once_the_bug_is_fixed_one_command_brings_the_answers(deployment: MotoDeployment) -> None:
    give_up(deployment)
    assert deployment.get(ASKED).status == 500
    assert outcomes(deployment) == {SENT: 1}
    assert deployment.get(ASKED).status == 202
    deployment.work()
    assert deployment.get(ASKED).json == {"doubled": 42.0, "label": ""}
    assert failed_jobs(deployment) == []


def test_a_job_that_is_driven_again_has_all_its_attempts_and_time(
    deployment: MotoDeployment,
) -> None:
    asked = give_up(deployment)
    deployment.clock.passes(1000)
    command(deployment).run()
    job = deployment.entry(asked.signature).the_job
    assert (job.attempts, job.failures, job.gives_up_at) == (0, 0, deployment.clock() + 3600)
    assert job.correlation_id.startswith("redrive-")


def test_if_the_bug_is_not_fixed_there_is_a_failed_job_again(deployment: MotoDeployment) -> None:
    give_up(deployment)
    command(deployment).run()
    give_up_again = replace(deployment.worker, compute=crashing)
    [message] = deployment.messages()
    for _ in range(2):
        with pytest.raises(Returned):
            give_up_again.receive(message)
    give_up_again.receive(message)
    assert len(failed_jobs(deployment)) == 1


def test_a_refresh_that_gave_up_is_driven_again_behind_its_stale_answer(
    deployment: MotoDeployment,
) -> None:
    deployment.get(ASKED)
    deployment.work()
    deployment.clock.passes(600)
    give_up(deployment)
    assert outcomes(deployment) == {SENT: 1}
    assert (
        deployment.get(ASKED).headers["cache-status"]
        == "backburner; hit; ttl=-1; detail=refreshing"
    )
    deployment.work()
    assert deployment.get(ASKED).headers["cache-status"] == "backburner; hit; ttl=600"


def test_an_entry_that_is_gone_is_computed_again(deployment: MotoDeployment) -> None:
    asked = give_up(deployment)
    gone(deployment, asked.signature)
    assert outcomes(deployment) == {SENT: 1}
    deployment.work()
    assert deployment.get(ASKED).status == 200


def test_what_is_answered_meanwhile_is_left_alone(deployment: MotoDeployment) -> None:
    asked = give_up(deployment)
    deployment.clock.passes(60)
    deployment.get(ASKED)
    deployment.work()
    answered = deployment.entry(asked.signature)
    assert outcomes(deployment) == {ANSWERED: 1}
    assert deployment.entry(asked.signature) == answered
    assert failed_jobs(deployment) == []


def test_what_is_at_work_is_left_alone(deployment: MotoDeployment) -> None:
    asked = give_up(deployment)
    deployment.clock.passes(60)
    deployment.get(ASKED)
    deployment.messages()
    run = deployment.store.begin(deployment.entry(asked.signature))
    assert outcomes(deployment) == {ALIVE: 1}
    assert deployment.entry(asked.signature) == run.entry
    assert (failed_jobs(deployment), deployment.messages()) == ([], [])


def test_two_failed_jobs_about_one_question_are_one_job(deployment: MotoDeployment) -> None:
    asked = give_up(deployment)
    leave(deployment, failed_jobs(deployment)[0].write())
    assert outcomes(deployment) == {SENT: 2}
    deployment.work()
    entry = deployment.entry(asked.signature)
    assert (entry.the_answer.status, entry.job) == (200, None)


def test_a_job_that_is_spent_but_was_never_buried_is_driven_again(
    deployment: MotoDeployment,
) -> None:
    asked = give_up(deployment)
    deployment.clock.passes(60)
    deployment.get(ASKED)
    deployment.messages()
    for _ in range(3):
        deployment.store.begin(deployment.entry(asked.signature))
        deployment.clock.passes(30)
    assert outcomes(deployment) == {SENT: 1}
    assert deployment.entry(asked.signature).the_job.attempts == 0


# a dry run


def test_a_dry_run_tells_and_changes_nothing(
    deployment: MotoDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = give_up(deployment)
    before = deployment.entry(asked.signature)
    assert outcomes(deployment, is_dry_run=True) == {WOULD_BE_SENT: 1}
    assert f"doubling/{asked.signature}: would be sent again" in capsys.readouterr().out
    assert deployment.entry(asked.signature) == before
    assert (len(failed_jobs(deployment)), deployment.messages()) == (1, [])


# failed jobs that cannot be driven again


@pytest.mark.parametrize(
    "body",
    [
        "not ours",
        json.dumps({"signature": "a" * 64, "computation": "doubling"}),
        json.dumps({"signature": "a" * 64, "computation": "gone", "version": 1, "parameters": ""}),
        json.dumps(
            {"signature": "a" * 64, "computation": "doubling", "version": 1, "parameters": "AAAA"}
        ),
        FailedJob(
            message=Message(
                signature=Signature("a" * 64), computation="doubling", correlation_id="request-1"
            ),
            version=1,
            parameters=gzip.compress(b'{"number":"many"}'),
        ).write(),
    ],
)
def test_a_failed_job_that_is_not_whole_is_left_and_told(
    deployment: MotoDeployment, capsys: pytest.CaptureFixture[str], body: str
) -> None:
    leave(deployment, body)
    give_up(deployment)
    assert outcomes(deployment) == {LEFT: 1, SENT: 1}
    assert " is left: " in capsys.readouterr().out
    [left] = deployment.sqs.receive_message(QueueUrl=deployment.failed_jobs_url)["Messages"]
    assert left["Body"] == body


def test_a_failed_job_of_a_newer_version_is_left_for_the_newer_code(
    deployment: MotoDeployment,
) -> None:
    give_up(deployment)
    [failed_job] = failed_jobs(deployment)
    command(deployment).run()
    leave(deployment, replace(failed_job, version=2).write())
    deployment.work()
    gone(deployment, failed_job.message.signature)
    assert outcomes(deployment) == {LEFT: 1}


def test_a_failed_job_of_an_older_version_is_deleted_for_nobody_asks_so_any_more(
    deployment: MotoDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_up(deployment)
    module = sys.modules[registry.load("doubling").parameters.__module__]
    monkeypatch.setattr(module, "POLICY", replace(module.POLICY, version=2))
    monkeypatch.setattr(registry, "_loaded", registry._loaded.__wrapped__)  # a new process
    assert outcomes(deployment) == {OUTDATED: 1}
    assert (failed_jobs(deployment), deployment.messages()) == ([], [])


# whatever ends the command


class Dying:
    """A client of SQS that ends the command at a call."""

    def __init__(self, sqs: Any, call: str) -> None:
        self.sqs, self.call = sqs, call

    def __getattr__(self, name: str) -> Any:
        if name == self.call:
            raise SystemExit
        return getattr(self.sqs, name)


@pytest.mark.parametrize("call", ["send_message", "delete_message"])
@pytest.mark.parametrize("later", [0, 60, 4000])
def test_a_command_that_is_killed_loses_nothing(
    deployment: MotoDeployment, call: str, later: float
) -> None:
    give_up(deployment)
    dying = Dying(deployment.sqs, call)
    with pytest.raises(SystemExit):
        command(replace(deployment, sqs=dying), sqs=dying).run()
    deployment.clock.passes(later)
    assert outcomes(deployment) == {SENT: 1}
    deployment.work()
    assert deployment.get(ASKED).status == 200


def test_after_a_command_that_was_killed_the_next_request_sends_the_message(
    deployment: MotoDeployment,
) -> None:
    give_up(deployment)
    with pytest.raises(SystemExit):
        command(replace(deployment, sqs=Dying(deployment.sqs, "send_message"))).run()
    assert deployment.get(ASKED).status == 202
    deployment.clock.passes(60)
    deployment.get(ASKED)
    deployment.work()
    assert deployment.get(ASKED).status == 200


def test_a_queue_that_does_not_answer_leaves_the_failed_jobs_to_be_seen(
    deployment: MotoDeployment,
) -> None:
    give_up(deployment)

    class Refusing(Dying):
        def send_message(self, **_: Any) -> None:
            raise ClientError({"Error": {"Code": "Throttled", "Message": "no"}}, "SendMessage")

    with pytest.raises(Unsent):
        command(replace(deployment, sqs=Refusing(deployment.sqs, ""))).run()
    assert len(failed_jobs(deployment)) == 1


# the command line


@pytest.fixture
def deployed(deployment: MotoDeployment) -> Any:
    """A stack with the outputs of this deployment."""
    outputs = {
        "TableName": deployment.table,
        "QueueUrl": deployment.queue_url,
        "FailedJobsQueueUrl": deployment.failed_jobs_url,
    }
    cloudformation = boto3.client("cloudformation")
    template = {
        "Resources": {"Nothing": {"Type": "AWS::SQS::Queue"}},
        "Outputs": {name: {"Value": value} for name, value in outputs.items()},
    }
    cloudformation.create_stack(StackName="deployed", TemplateBody=json.dumps(template))
    yield "deployed"
    cloudformation.delete_stack(StackName="deployed")


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.main, ["redrive", "--patience=0", *arguments])


def test_it_is_told_the_stack_and_tells_what_came_of_it(
    deployment: MotoDeployment, deployed: str
) -> None:
    give_up(deployment)
    runs = [run(deployed, "--dry-run"), run(deployed), run(deployed)]
    assert [each.exit_code for each in runs] == [0, 0, 0]
    told = [line for each in runs for line in each.output.splitlines() if " failed jobs: " in line]
    assert told == [
        "1 failed jobs: 1 would be sent again",
        "1 failed jobs: 1 sent again",
        "0 failed jobs: nothing to do",
    ]
    leave(deployment, "not ours")
    assert run(deployed).exit_code == 1


def test_a_stack_that_is_not_there_is_told(deployment: MotoDeployment) -> None:
    refused = run("no-such-stack")
    assert refused.exit_code == 1
    assert "no-such-stack" in refused.stderr
