"""The table of the calls to AWS, by path: one more, or one less, is a change of what it costs.

Counted at instances that have just asked what they ask for once in some seconds; what that is comes
last.
"""

import json
from collections import Counter

import pytest

from backburner.protocol.task_queue import COUNT_EVERY_S
from backburner.retry_after.run_times import FEW, FIRST_EVERY_S, REFRESH_EVERY_S
from tests.support.aws_calls import paths
from tests.support.aws_calls.functions import Functions
from tests.support.aws_calls.paths import Path
from tests.support.instances import parameters
from tests.support.run_times import fill

READ, WRITE, DELETE = "dynamodb:GetItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"
SEND, HIDE, PUT = "sqs:SendMessage", "sqs:ChangeMessageVisibility", "s3:PutObject"
JOB, FAILED_JOB = (SEND, "Queue"), (SEND, "FailedJobsQueue")
LOOK_UP, UPDATE = (READ, "entry"), (WRITE, "entry")
SECRET = ("secretsmanager:GetSecretValue", "local/sales-database")
SETTING = ("ssm:GetParameter", "/local/currency")
HEARTBEAT = [UPDATE, (HIDE, "Queue")]

CALLS: list[tuple[Path, list[tuple[str, str]]]] = [
    (paths.hit, [LOOK_UP]),
    (paths.local_cache_hit, []),
    (paths.not_modified, [LOOK_UP]),
    (paths.miss, [LOOK_UP, UPDATE, JOB]),
    (paths.poll, [LOOK_UP]),
    (paths.joined, [LOOK_UP]),
    (paths.stale, [LOOK_UP, UPDATE, JOB]),
    (paths.stale_under_refresh, [LOOK_UP]),
    (paths.lost_job_sent_again, [LOOK_UP, UPDATE, JOB]),
    (paths.unsent, [LOOK_UP, UPDATE, JOB, UPDATE]),
    (paths.refused, [LOOK_UP, LOOK_UP]),
    (paths.buried_by_request, [LOOK_UP, UPDATE, FAILED_JOB]),
    (paths.unknown, [LOOK_UP, LOOK_UP]),
    (paths.redirect, [LOOK_UP]),
    (paths.forget, [(DELETE, "entry")]),
    (paths.bad_request, []),
    (paths.computed, [UPDATE, UPDATE]),
    (paths.computed_with_three_heartbeats, [UPDATE, *HEARTBEAT * 3, UPDATE]),
    (paths.large_result, [UPDATE, *HEARTBEAT, (PUT, "LargeResults"), UPDATE]),
    (paths.with_a_secret_and_a_setting, [UPDATE, SECRET, SETTING, UPDATE]),
    (paths.uncomputable, [UPDATE, UPDATE]),
    (paths.given_back, [UPDATE, UPDATE, (HIDE, "Queue")]),
    (paths.failed_jobs, [UPDATE, UPDATE, FAILED_JOB]),
    (paths.alive_elsewhere, [UPDATE, (HIDE, "Queue")]),
    (paths.answered_already, [UPDATE]),
    (paths.buried_by_worker, [UPDATE, UPDATE, FAILED_JOB]),
    (paths.malformed, [(HIDE, "Queue")]),
    (paths.buried, [LOOK_UP, UPDATE, FAILED_JOB]),
    (paths.dead_letter_of_an_answer, [LOOK_UP]),
    (paths.malformed_dead_letter, []),
]


@pytest.mark.parametrize(("path", "calls"), CALLS, ids=[path.__name__ for path, _ in CALLS])
def test_a_path_takes_these_calls_in_this_order(
    path: Path, calls: list[tuple[str, str]], functions: Functions
) -> None:
    assert [(call.operation, call.about) for call in path(functions)] == calls


def test_every_path_is_in_the_table() -> None:
    public = {
        value
        for name, value in vars(paths).items()
        if callable(value) and getattr(value, "__module__", "") == paths.__name__
        if not name.startswith("_")
    }
    assert public == {path for path, _ in CALLS}


# what an instance asks for once in some seconds


COUNT, RUN_TIMES = ("sqs:GetQueueAttributes", "Queue"), (READ, "run times")


@pytest.mark.parametrize(
    ("path", "more"),
    [
        (paths.hit, []),
        (paths.poll, [RUN_TIMES]),
        (paths.joined, [RUN_TIMES]),
        (paths.miss, [COUNT, RUN_TIMES]),
        (paths.stale, [COUNT]),
        (paths.lost_job_sent_again, [RUN_TIMES]),
        (paths.unsent, [COUNT]),
        (paths.refused, [COUNT, RUN_TIMES]),
        (paths.computed, [(WRITE, "run times")]),
        (paths.given_back, []),
        (paths.buried, []),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_new_instance_takes_these_calls_more(
    path: Path, more: list[tuple[str, str]], functions: Functions
) -> None:
    functions.warm = False
    [usual] = [calls for each, calls in CALLS if each is path]
    taken = Counter((call.operation, call.about) for call in path(functions))
    assert taken - Counter(usual) == Counter(more)
    assert Counter(usual) <= taken


@pytest.mark.parametrize(("samples", "every"), [(FEW - 1, FIRST_EVERY_S), (FEW, REFRESH_EVERY_S)])
def test_an_instance_asks_for_them_once_in_some_seconds(
    samples: int, every: int, functions: Functions
) -> None:
    asked = []
    fill(functions.deployment.run_times, functions.computation, samples)
    functions.restart()
    for number in range(100):
        functions.body = f'{{"number": {number}}}'
        with functions.recorder.recording() as calls:
            functions.ask()
        asked += [(call.operation, call.about) for call in calls]
        functions.deployment.clock.passes(1)
    assert asked.count(COUNT) == -(-100 // COUNT_EVERY_S)
    assert asked.count(RUN_TIMES) == 100 / every


@pytest.mark.parametrize(("samples", "every"), [(0, FIRST_EVERY_S), (FEW, REFRESH_EVERY_S)])
def test_a_worker_writes_what_a_job_took_once_in_some_seconds(
    samples: int, every: int, functions: Functions
) -> None:
    written = []
    fill(functions.deployment.run_times, functions.computation, samples)
    functions.restart()
    for number in range(20):
        functions.body = f'{{"number": {number}}}'
        message = functions.missed()
        with functions.recorder.recording() as calls:
            functions.work(message)
        written += [call for call in calls if call.about == "run times"]
        functions.deployment.delete(message)
        functions.deployment.clock.passes(1)
    assert len(written) == 20 / every


# what DynamoDB bills for them


UNITS: list[tuple[str, Path, float, float]] = [
    ("doubling", paths.hit, 0.5, 0),
    ("doubling", paths.local_cache_hit, 0, 0),
    ("doubling", paths.miss, 0.5, 1),
    ("doubling", paths.poll, 0.5, 0),
    ("doubling", paths.stale, 0.5, 1),
    ("doubling", paths.refused, 1.5, 0),
    ("doubling", paths.computed, 0, 2),
    ("doubling", paths.computed_with_three_heartbeats, 0, 5),
    ("doubling", paths.buried, 1, 1),
    ("doubling", paths.forget, 0, 1),
    ("E-n22-k4", paths.hit, 0.5, 0),
    ("E-n22-k4", paths.miss, 0.5, 1),
    ("E-n22-k4", paths.stale, 0.5, 1),
    ("E-n22-k4", paths.computed, 0, 2),
    ("E-n22-k4", paths.buried, 1, 1),
    ("X-n200-k36", paths.hit, 0.5, 0),
    ("X-n200-k36", paths.miss, 0.5, 3),
    ("X-n200-k36", paths.poll, 0.5, 0),
    ("X-n200-k36", paths.stale, 0.5, 4),
    ("X-n200-k36", paths.computed, 0, 6),
    ("X-n200-k36", paths.computed_with_three_heartbeats, 0, 15),
    ("X-n200-k36", paths.buried, 1, 3),
    ("X-n200-k36", paths.forget, 0, 1),
]


@pytest.mark.parametrize(
    ("question", "path", "reads", "writes"),
    UNITS,
    ids=[f"{question}-{path.__name__}" for question, path, *_ in UNITS],
)
def test_a_path_takes_these_units_of_capacity(
    question: str, path: Path, reads: float, writes: float, functions: Functions
) -> None:
    """Of the smallest of items, and of plans for 21 and for 199 stops."""
    if question != "doubling":
        functions.computation = "route-plan"
        functions.body = json.dumps(parameters(question) | {"effort": "quick"})
    calls = path(functions)
    assert sum(call.read_units for call in calls) == reads
    assert sum(call.write_units for call in calls) == writes
