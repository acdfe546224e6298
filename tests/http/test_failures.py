"""Every exception is a problem, and none says what only the log may know."""

import io
import json

import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from backburner.errors import Unsent
from backburner.http import failures
from backburner.problems import NotFound


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "secret"}}, "GetItem")


def unsent(cause: Exception) -> Unsent:
    error = Unsent("the queue did not take it")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status", "logged_as"),
    [
        (ReadTimeoutError(endpoint_url="https://aws"), 503, "AWS did not answer"),
        (refused("ThrottlingException"), 503, "AWS did not answer"),
        (refused("AccessDeniedException"), 500, "AWS refused a call"),
        (unsent(refused("ThrottlingException")), 503, "AWS did not answer"),
        (unsent(refused("AccessDenied")), 500, "AWS refused a call"),
        (ZeroDivisionError("secret"), 500, "a request failed"),
    ],
    ids=str,
)
def test_an_exception_is_logged_as_an_error_and_told_without_its_text(
    error: Exception, status: int, logged_as: str, logged: io.StringIO
) -> None:
    problem = failures.problem_of(error)
    assert problem.status == status
    assert (problem.retry_after is not None) == (status == 503)
    assert b"secret" not in problem.as_json()
    line = json.loads(logged.getvalue())
    assert (line["level"], line["message"]) == ("ERROR", logged_as)


def test_a_problem_is_itself_and_worth_no_line(logged: io.StringIO) -> None:
    problem = NotFound("there is nothing at this path")
    assert failures.problem_of(problem) is problem
    assert logged.getvalue() == ""
