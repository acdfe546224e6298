"""The whole way, through the functions' handlers, without a message written by hand."""

import io
import json
from typing import Any

import pytest

from backburner import dead_letter, request, worker

from .conftest import Deployment, Reply, load_event


@pytest.fixture(autouse=True)
def _environment(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    """What template.yaml puts into the functions' environment."""
    for name in ("RequestFunction", "WorkerFunction", "DeadLetterFunction"):
        for variable, value in deployment.stack.function(name).environment.items():
            monkeypatch.setenv(variable, value)
    request.front.cache_clear()
    worker.worker.cache_clear()
    dead_letter.undertaker.cache_clear()


def ask(event: dict[str, Any]) -> Reply:
    return Reply(request.handler(event, None))


def carry(deployment: Deployment) -> dict[str, Any]:
    """What is in the queue, as the worker's mapping hands it over."""
    return {"Records": [message.raw_event for message in deployment.messages()]}


def without_what_changes(event: dict[str, Any]) -> Any:
    """An SQS event without ids, times and counts, which are different each time."""
    [record] = event["Records"]
    changes = {"messageId", "receiptHandle", "eventSourceARN", "attributes"}
    kept = {name: value for name, value in record.items() if name not in changes}
    return {**kept, "keys": sorted(record), "attributes": sorted(record["attributes"])}


def test_a_request_misses_its_message_is_worked_on_and_the_request_hits(
    deployment: Deployment,
) -> None:
    missed = ask(load_event("1_request_miss.json"))
    assert missed.status == 202

    carried = carry(deployment)
    assert without_what_changes(carried) == without_what_changes(load_event("2_job_message.json"))
    assert worker.handler(carried, None) == {"batchItemFailures": []}

    hit = ask(load_event("3_request_hit.json"))
    assert (hit.status, hit.signature) == (200, missed.signature)
    assert hit.json["distance"] == 45


def test_an_operator_has_it_forgotten_and_the_next_who_asks_misses(deployment: Deployment) -> None:
    ask(load_event("1_request_miss.json"))
    worker.handler(carry(deployment), None)
    assert ask(load_event("3_request_hit.json")).status == 200

    assert ask(load_event("5_request_forget.json")).status == 204
    assert ask(load_event("3_request_hit.json")).status == 404
    assert ask(load_event("1_request_miss.json")).status == 202


def test_a_message_that_the_queue_gave_up_on_ends_as_a_problem(deployment: Deployment) -> None:
    asked = load_event("1_request_miss.json")
    ask(asked)
    carried = carry(deployment)
    letter = load_event("4_dead_letter.json")
    assert carried["Records"][0]["body"] == letter["Records"][0]["body"]
    assert sorted(carried["Records"][0]) == sorted(letter["Records"][0])

    assert dead_letter.handler(letter, None) == {"batchItemFailures": []}
    assert ask(asked).status == 500
    assert worker.handler(carried, None) == {"batchItemFailures": []}
    assert ask(asked).status == 500


def test_one_correlation_id_goes_from_the_request_to_the_workers_lines(
    deployment: Deployment, logged: io.StringIO
) -> None:
    event = load_event("1_request_miss.json")
    event["rawPath"], event["body"] = "/v1/crashing", json.dumps({"how": "raise"})
    ask(event)
    worker.handler(carry(deployment), None)
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    [sent] = [line for line in lines if line.get("message") == "job sent"]
    [failed] = [line for line in lines if line.get("message") == "an attempt failed"]
    assert sent["correlation_id"] == event["requestContext"]["requestId"]
    assert failed["correlation_id"] == sent["correlation_id"]
