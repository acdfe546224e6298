"""What `make bench` relies on: canned answers, floors with the same calls, fair loads."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks import bare, goals, questions
from benchmarks.canned_aws import CannedAws
from benchmarks.paired import Ratio, compare
from benchmarks.peers import load, services
from tests.support.eventually import eventually

KEY = {"signature": {"S": "a"}}


def update(aws: CannedAws, expression: str, **values: object) -> object:
    named = {f":{name}": value for name, value in values.items()}
    body = {
        "Key": KEY,
        "UpdateExpression": expression,
        "ExpressionAttributeValues": named,
        "ReturnValues": "ALL_NEW",
    }
    return aws.answer("DynamoDB_20120810.UpdateItem", body)["Attributes"]


def test_an_update_is_applied_to_the_item() -> None:
    aws = CannedAws()
    job = {"M": {"attempts": {"N": "0"}, "progress": {"N": "1"}}}
    update(aws, "SET job = :job, expires_at = :end", job=job, end={"N": "5"})
    begun = update(
        aws,
        "SET job.run = :run, job.attempts = job.attempts + :one REMOVE job.progress",
        run={"S": "r"},
        one={"N": "1"},
    )
    assert begun == {
        **KEY,
        "expires_at": {"N": "5"},
        "job": {"M": {"attempts": {"N": "1"}, "run": {"S": "r"}}},
    }


def test_a_frozen_server_finds_the_same_items_at_every_call() -> None:
    aws = CannedAws()
    aws.answer("Canned.Freeze", {"frozen": True})
    update(aws, "SET job = :job", job={"M": {}})
    assert aws.answer("DynamoDB_20120810.GetItem", {"Key": KEY}) == {}


def test_a_call_that_is_not_canned_is_named() -> None:
    with pytest.raises(NotImplementedError, match="no answer is canned for Scan; add it here"):
        CannedAws().answer("DynamoDB_20120810.Scan", {})


def test_the_floor_has_our_calls_as_boto3_takes_them() -> None:
    assert bare.method_of("GetItem") == ("dynamodb", "get_item")
    assert bare.method_of("SendMessage") == ("sqs", "send_message")
    assert bare.with_bytes({":a": {"M": {"b": {"B": "aGk="}}}}) == {
        ":a": {"M": {"b": {"B": b"hi"}}}
    }


def test_the_floor_lacks_what_an_instance_asks_once_in_some_seconds() -> None:
    calls = [
        ("GetItem", {"Key": KEY}),
        ("GetItem", {"Key": {"signature": {"S": "run-times/route-plan"}}}),
        ("GetQueueAttributes", {}),
    ]
    assert bare.each_time(calls) == calls[:1]


def test_a_question_that_is_new_each_time_is_the_same_question_in_the_same_length() -> None:
    event = questions.post(questions.route_plan(4, questions.UNKNOWN))
    new = questions.new_each_time(event)
    bodies = [new()["body"] for _ in range(1000)]
    assert len(set(bodies)) == 1000
    assert len({len(body) for body in bodies}) == 1
    assert all(json.loads(body) == json.loads(event["body"]) for body in bodies)


def test_a_ratio_is_the_median_of_the_rounds_with_its_quartiles() -> None:
    assert Ratio.of([3, 1, 2, 5, 4]) == Ratio(ratio=3, p25=2, p75=4)
    work = range(1000)
    assert 0.2 < compare(lambda: sum(work), lambda: sum(work), rounds=5, calls=20).ratio < 5


def test_the_load_asks_each_question_and_some_far_more_often() -> None:
    asked = Counter(load.zipf())
    assert (asked.total(), len(asked)) == (load.REQUESTS, load.SIGNATURES)
    assert asked[0] > 100 > 10 > asked[load.SIGNATURES - 1]


def test_a_killed_worker_takes_its_children_with_it_whatever_their_group() -> None:
    forks = "import subprocess; subprocess.run(['sleep', '60'], start_new_session=True)"
    with subprocess.Popen([sys.executable, "-c", forks]) as worker:  # noqa: S603
        [child] = eventually(lambda: services.descendants(worker.pid))
        services.kill(worker)
    assert eventually(lambda: has_ended(child))


def has_ended(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"


def test_a_figure_has_one_goal() -> None:
    names = [goal.name for goal in goals.GOALS]
    assert len(names) == len(set(names))
