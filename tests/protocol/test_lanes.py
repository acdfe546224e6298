"""A lane is a queue and whoever takes from it: from the request to the answer."""

import json
import sys
import time
from dataclasses import replace
from typing import Any

import boto3
import pytest
from moto import mock_aws

from backburner.attempt import batch
from backburner.computation import STANDARD, WAITING
from backburner.development.local.template import TEMPLATE, create_stack, lanes_of
from backburner.protocol.lanes import Lanes
from tests.conftest import Invoke, MotoDeployment

WAITING_WORKER = "WaitingWorkerFunction"
ASKED = "/v1/patient?number={}&how=meets&others={}"
NONE_FAILED: dict[str, Any] = {"batchItemFailures": []}
ON_LINUX = pytest.mark.skipif(sys.platform != "linux", reason="nothing forks elsewhere")


@pytest.fixture(autouse=True)
def _as_late_as_it_is(deployment: MotoDeployment) -> None:
    """The handlers' own clock is the machine's."""
    deployment.clock.now = time.time()


def ask(deployment: MotoDeployment, jobs: int) -> dict[str, Any]:
    """Ask for so many that wait for each other; what their worker then gets."""
    for number in range(jobs):
        assert deployment.get(ASKED.format(number, jobs - 1)).status == 202
    records = deployment.messages(WAITING_WORKER)
    assert len(records) == jobs
    return {"Records": [record.raw_event for record in records]}


def test_a_job_goes_to_the_queue_of_its_lane(deployment: MotoDeployment) -> None:
    reply = deployment.get(ASKED.format(1, 0))
    deployment.get("/v1/doubling?number=1")
    assert deployment.entry(reply.signature, "patient").the_job.lane == WAITING
    assert [len(deployment.messages(each)) for each in ("WorkerFunction", WAITING_WORKER)] == [1, 1]


def test_a_job_that_is_sent_again_goes_to_its_lane(deployment: MotoDeployment) -> None:
    reply = deployment.get(ASKED.format(1, 0))
    deployment.clock.passes(61)
    assert deployment.get(f"/v1/patient/{reply.signature}").status == 202
    assert len(deployment.messages(WAITING_WORKER)) == 2


@ON_LINUX
def test_ten_jobs_that_wait_take_one_invocation_and_one_process(
    deployment: MotoDeployment, invoke: Invoke
) -> None:
    """Each waits until all ten were begun: one after the other they would wait for ever."""
    event = ask(deployment, 10)
    assert invoke(WAITING_WORKER, event) == NONE_FAILED
    answers = [deployment.get(ASKED.format(number, 9)) for number in range(10)]
    assert {answer.status for answer in answers} == {200}
    assert {answer.json["met"] for answer in answers} == {10}
    assert len({answer.json["process"] for answer in answers}) == 1


@ON_LINUX
def test_of_a_batch_only_the_messages_of_failed_attempts_come_back(
    deployment: MotoDeployment, invoke: Invoke
) -> None:
    for how in HOWS:
        deployment.get(f"/v1/patient?how={how}")
    records = deployment.messages(WAITING_WORKER)
    report = invoke(WAITING_WORKER, {"Records": [record.raw_event for record in records]})
    computed = [deployment.get(f"/v1/patient?how={how}") for how in HOWS]
    assert [each.status for each in computed] == [200, 202, 422, 202]
    assert len(report["batchItemFailures"]) == 2
    assert [each.json.get("attempts") for each in computed] == [None, 1, None, 1]


HOWS = ("waits", "raises", "refuses", "dies")
"""The last ends their process, and only its own attempt fails by that."""


@ON_LINUX
def test_a_message_of_a_batch_without_a_job_takes_nobody_along(
    deployment: MotoDeployment, invoke: Invoke
) -> None:
    event = ask(deployment, 1)
    [record] = event["Records"]
    event["Records"].append({**record, "messageId": "malformed", "body": "no message"})
    report = invoke(WAITING_WORKER, event)
    assert [each["itemIdentifier"] for each in report["batchItemFailures"]] == ["malformed"]
    assert deployment.get(ASKED.format(0, 0)).status == 200


@ON_LINUX
def test_lines_of_a_batch_have_the_correlation_id_of_their_own_message(
    deployment: MotoDeployment, invoke: Invoke, logged: Any
) -> None:
    for number in range(4):
        deployment.get(f"/v1/patient?how=raises&number={number}")
    records = deployment.messages(WAITING_WORKER)
    logged.truncate(0)
    invoke(WAITING_WORKER, {"Records": [record.raw_event for record in records]})
    lines = [json.loads(line) for line in logged.getvalue().strip("\0").splitlines()]
    failed = {e["correlation_id"] for e in lines if e["message"] == "an attempt failed"}
    assert failed == {json.loads(record.body)["correlation_id"] for record in records}


def test_where_nothing_can_fork_each_message_has_a_thread(
    deployment: MotoDeployment,
) -> None:
    event, received = ask(deployment, 2), []
    batch.at_once(event, None, lambda record: received.append(record.message_id))
    assert sorted(received) == sorted(each["messageId"] for each in event["Records"])


# a lane that is not deployed


def without_the_lane(deployment: MotoDeployment) -> MotoDeployment:
    lanes = Lanes({STANDARD: deployment.task_queue})
    deployment.request_handler = replace(deployment.request_handler, lanes=lanes)
    return deployment


@ON_LINUX
def test_the_jobs_of_a_lane_that_is_not_deployed_run_alone_in_the_standard_one(
    deployment: MotoDeployment, invoke: Invoke
) -> None:
    for number in range(2):
        assert without_the_lane(deployment).get(ASKED.format(number, 0)).status == 202
    for record in deployment.messages("WorkerFunction"):
        assert invoke("WorkerFunction", {"Records": [record.raw_event]}) == NONE_FAILED
    answers = [deployment.get(ASKED.format(number, 0)).json for number in range(2)]
    assert {answer["met"] for answer in answers} == {1}
    assert len({answer["process"] for answer in answers}) == 2


def test_a_job_whose_lane_is_gone_is_sent_again_to_the_standard_one(
    deployment: MotoDeployment,
) -> None:
    """Its message went with the queue; so its lease runs out."""
    reply = deployment.get(ASKED.format(1, 0))
    deployment.clock.passes(61)
    assert without_the_lane(deployment).get(f"/v1/patient/{reply.signature}").status == 202
    assert [len(deployment.messages(each)) for each in ("WorkerFunction", WAITING_WORKER)] == [1, 1]


def test_the_local_deployment_has_the_lanes_that_samconfig_deploys() -> None:
    samconfig = TEMPLATE.with_name("samconfig.toml")
    assert lanes_of(samconfig) == {"MaxWaitingWorkers": "10"}
    assert lanes_of(samconfig, "production") == {"MaxWaitingWorkers": "50"}
    assert lanes_of(samconfig.with_name("none.toml")) == {}
    with mock_aws():
        session = boto3.Session("local", "local", region_name="eu-west-1")
        stack = create_stack(session.client("cloudformation"), parameters={})
    assert "WaitingQueue" not in stack.physical_ids
    assert WAITING_WORKER not in [each.name for each in stack.functions()]
    assert "WAITING_QUEUE_URL" not in stack.function("RequestFunction").environment
