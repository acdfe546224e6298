"""What callers send is in their entries alone: not in logs, metrics or messages."""

import gzip
import io
import json
from dataclasses import replace
from typing import Any

import pytest

from backburner.attempt import alone
from backburner.protocol.failed_jobs import FailedJob
from tests.conftest import MotoDeployment, motos_own
from tests.support.aws_calls import paths
from tests.support.aws_calls.functions import Functions
from tests.support.aws_calls.paths import Path

from .test_calls import CALLS

MARK = "mark-7d1f"
NUMBER = 71307130
"""A mark where only numbers go."""


@pytest.fixture
def marked(functions: Functions) -> Functions:
    functions.body = json.dumps({"number": NUMBER, "label": MARK})
    return functions


@pytest.fixture
def said(logged: io.StringIO, capfd: pytest.CaptureFixture[str]) -> Any:
    """All that the functions have written until now: log lines, metrics, and anything else."""
    return lambda: logged.getvalue() + "".join(capfd.readouterr())


def messages(deployment: MotoDeployment, queue: str) -> list[Any]:
    """Whatever is in a queue, hidden or not, as moto has it."""
    return list(motos_own(deployment.stack.physical_ids[queue])._messages)


@pytest.mark.parametrize("path", [path for path, _ in CALLS], ids=lambda path: path.__name__)
def test_no_path_says_what_was_asked(path: Path, marked: Functions, said: Any) -> None:
    path(marked)
    written = said()
    assert MARK not in written
    assert str(NUMBER) not in written
    for message in messages(marked.deployment, "Queue"):
        carried = json.loads(message.body)
        assert isinstance(carried, str) or carried.keys() == {
            "signature",
            "computation",
            "correlation_id",
        }
        assert MARK not in str(vars(message))


def test_the_marks_are_where_they_belong(marked: Functions) -> None:
    """So the test above would see them."""
    location = marked.answered()
    item = marked.deployment.item(location.rpartition("/")[2])
    assert MARK.encode() in gzip.decompress(item["answer"]["M"]["body"]["B"])
    assert marked.ask().json == {"doubled": 2 * NUMBER, "label": MARK}


def test_a_failed_job_has_the_parameters_compressed_for_an_operator_to_drive_them_again(
    marked: Functions,
) -> None:
    paths.buried(marked)
    [failed_job] = messages(marked.deployment, "FailedJobsQueue")
    assert MARK not in failed_job.body
    assert MARK.encode() in gzip.decompress(FailedJob.read(failed_job.body).parameters)


def test_a_computation_that_quotes_its_parameters_when_it_crashes_does_so_to_nobody(
    functions: Functions, said: Any
) -> None:
    functions.computation = "crashing"
    functions.body = json.dumps({"how": "raise", "salt": NUMBER})
    functions.compute = alone.compute
    functions.restart()
    functions.work(functions.missed())
    written = said()
    assert "ArithmeticError" in written
    assert str(NUMBER) not in written


def test_a_fault_of_ours_is_logged_without_what_it_says(functions: Functions, said: Any) -> None:
    def chance() -> float:
        raise ValueError(MARK)

    functions.request_handler = replace(functions.request_handler, random=chance)
    assert functions.ask().status == 500
    written = said()
    assert "ValueError" in written
    assert "in accepted" in written
    assert MARK not in written
