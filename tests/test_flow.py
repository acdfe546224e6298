"""The whole way, through the functions' handlers, without a message written by hand."""

import io
import json
from collections.abc import Callable
from typing import Any

import pytest

from .conftest import HandlerReply, Invoke, MotoDeployment, load_event

Ask = Callable[[Any], HandlerReply]


@pytest.fixture
def ask(invoke: Invoke) -> Ask:
    return lambda event: HandlerReply(invoke("RequestFunction", event))


def carry(deployment: MotoDeployment) -> dict[str, Any]:
    """What is in the queue, as the worker's mapping hands it over."""
    return {"Records": [message.raw_event for message in deployment.messages()]}


def without_what_changes(event: dict[str, Any]) -> Any:
    """An SQS event without ids, times and counts, which are different each time."""
    [record] = event["Records"]
    changes = {"messageId", "receiptHandle", "eventSourceARN", "attributes"}
    kept = {name: value for name, value in record.items() if name not in changes}
    return {**kept, "keys": sorted(record), "attributes": sorted(record["attributes"])}


def test_a_request_misses_its_message_is_worked_on_and_the_request_hits(
    deployment: MotoDeployment, invoke: Invoke, ask: Ask
) -> None:
    missed = ask(load_event("1_request_miss.json"))
    assert missed.status == 202

    carried = carry(deployment)
    assert without_what_changes(carried) == without_what_changes(load_event("2_job_message.json"))
    assert invoke("WorkerFunction", carried) == {"batchItemFailures": []}

    hit = ask(load_event("3_request_hit.json"))
    assert (hit.status, hit.signature) == (200, missed.signature)
    assert hit.json["distance"] == 45


def test_an_operator_has_it_forgotten_and_the_next_who_asks_misses(
    deployment: MotoDeployment, invoke: Invoke, ask: Ask
) -> None:
    ask(load_event("1_request_miss.json"))
    invoke("WorkerFunction", carry(deployment))
    assert ask(load_event("3_request_hit.json")).status == 200

    assert ask(load_event("5_request_forget.json")).status == 204
    assert ask(load_event("3_request_hit.json")).status == 404
    assert ask(load_event("1_request_miss.json")).status == 202


def test_a_message_that_the_queue_gave_up_on_ends_as_a_problem(
    deployment: MotoDeployment, invoke: Invoke, ask: Ask
) -> None:
    asked = load_event("1_request_miss.json")
    ask(asked)
    carried = carry(deployment)
    failed_job = load_event("4_dead_letter.json")
    assert carried["Records"][0]["body"] == failed_job["Records"][0]["body"]
    assert sorted(carried["Records"][0]) == sorted(failed_job["Records"][0])

    assert invoke("DeadLetterFunction", failed_job) == {"batchItemFailures": []}
    assert ask(asked).status == 500
    assert invoke("WorkerFunction", carried) == {"batchItemFailures": []}
    assert ask(asked).status == 500


def test_one_correlation_id_goes_from_the_request_to_the_workers_lines(
    deployment: MotoDeployment, invoke: Invoke, ask: Ask, logged: io.StringIO
) -> None:
    event = load_event("1_request_miss.json")
    event["rawPath"], event["body"] = "/v1/crashing", json.dumps({"how": "raise"})
    ask(event)
    invoke("WorkerFunction", carry(deployment))
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    [sent] = [line for line in lines if line.get("message") == "job sent"]
    [failed] = [line for line in lines if line.get("message") == "an attempt failed"]
    assert sent["correlation_id"] == event["requestContext"]["requestId"]
    assert failed["correlation_id"] == sent["correlation_id"]
    assert {sent["computation"], failed["computation"]} == {"crashing"}
    assert sent["signature"] == failed["signature"]
    assert failed["reason"].startswith("ArithmeticError, crashing.py:")
    assert failed["where"].count("crashing.py") == 1
    assert not {"exception", "stack_trace"} & set(failed)
