"""Burial: written once, counted once, and kept for a redrive."""

import io
import json
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError

from backburner.errors import MalformedMessage
from backburner.protocol.entry import Entry
from backburner.protocol.failed_jobs import FailedJob, FailedJobs
from backburner.protocol.store import LostRace
from tests.conftest import MotoDeployment

ASKED = "/v1/doubling?number=21"


@pytest.fixture
def spent(deployment: MotoDeployment) -> Entry:
    """An entry whose job has no time left, and that nobody has buried."""
    signature = deployment.get(ASKED).signature
    deployment.clock.passes(4000)
    return deployment.entry(signature)


def counted(capsys: pytest.CaptureFixture[str]) -> Counter[str]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "_aws" in line]
    names = [line["_aws"]["CloudWatchMetrics"][0]["Metrics"][0]["Name"] for line in lines]
    return Counter(names)


def kept(deployment: MotoDeployment) -> list[FailedJob]:
    received = deployment.sqs.receive_message(
        QueueUrl=deployment.failed_jobs_url, MaxNumberOfMessages=10
    )
    return [FailedJob.read(message["Body"]) for message in received.get("Messages", [])]


def test_a_job_that_is_given_up_is_counted_and_kept(
    deployment: MotoDeployment, spent: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.failed_jobs.bury(deployment.store, spent)
    assert counted(capsys)["failed"] == 1
    [failed_job] = kept(deployment)
    assert failed_job.message.signature == spent.signature
    assert failed_job.parameters == spent.the_job.parameters


def test_who_loses_the_race_for_a_burial_neither_counts_nor_keeps_it(
    deployment: MotoDeployment, spent: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.failed_jobs.bury(deployment.store, spent)
    other = replace(spent, job=replace(spent.the_job, attempts=1))
    with pytest.raises(LostRace):
        deployment.failed_jobs.bury(deployment.store, other)
    assert counted(capsys)["failed"] == 1
    assert len(kept(deployment)) == 1


def test_a_request_that_finds_the_job_buried_meanwhile_counts_no_failure(
    deployment: MotoDeployment, spent: Entry, capsys: pytest.CaptureFixture[str]
) -> None:
    other = replace(spent, job=replace(spent.the_job, attempts=1))
    deployment.store.bury(spent)
    store, look_up = deployment.store, deployment.store.look_up
    reads = iter([other])

    def old_at_first(empty: Entry, *, consistent: bool = False) -> Entry:
        return next(reads, None) or look_up(empty, consistent=consistent)

    store.look_up = old_at_first  # type: ignore[method-assign]
    assert deployment.get(ASKED).status == 500
    assert counted(capsys)["failed"] == 0


def test_a_dead_letter_that_buries_a_job_counts_a_failure(
    deployment: MotoDeployment, capsys: pytest.CaptureFixture[str]
) -> None:
    deployment.get(ASKED)
    [message] = deployment.messages()
    deployment.dead_letters.receive(message)
    assert counted(capsys)["failed"] == 1
    assert len(kept(deployment)) == 1


def test_if_it_cannot_be_kept_clients_have_their_answer_and_the_log_an_error(
    deployment: MotoDeployment, spent: Entry, logged: io.StringIO
) -> None:
    class Silent:
        def send_message(self, **_: object) -> None:
            raise EndpointConnectionError(endpoint_url="https://sqs")

    silent: Any = Silent()
    FailedJobs(lambda: silent, "url").bury(deployment.store, spent)
    assert deployment.entry(spent.signature).the_answer.status == 500
    assert '"level":"ERROR"' in logged.getvalue()


def test_a_failed_job_is_read_as_it_was_written(deployment: MotoDeployment, spent: Entry) -> None:
    failed_job = FailedJob.of(replace(spent, private_to="ann"))
    assert FailedJob.read(failed_job.write()) == failed_job
    assert failed_job.entry.private_to == "ann"


def test_a_failed_job_that_is_not_whole_says_what_to_do(spent: Entry) -> None:
    body = json.loads(FailedJob.of(spent).write())
    del body["parameters"]
    with pytest.raises(MalformedMessage, match=r"is not whole .*; delete it"):
        FailedJob.read(json.dumps(body))
