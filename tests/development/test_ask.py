"""backburner ask, of the servers of clients/behaviours.json."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner, Result

from backburner.development import ask
from backburner.development.ask import LATE, NO_RESULT, NO_SERVICE, REFUSED, RESULT, WRONG
from backburner.development.cli import main
from backburner.development.client import ProblemError
from backburner.development.errors import CommandError
from tests.clients.scripted_server import TABLE, serving

pytestmark = pytest.mark.enable_socket

NAMES = [row["name"] for row in json.loads(TABLE.read_text("utf-8"))["behaviours"]]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as url:
        yield url


class Asking:
    """Runs the command with a question, at a server that behaves in one way."""

    def __init__(self, server: str, test: str) -> None:
        self.server, self.test = server, test

    def __call__(
        self, behaviour: str, *options: str, stdin: str = '{"question": 1}', **environment: str
    ) -> Result:
        url = f"{self.server}/{self.test}-{NAMES.index(behaviour)}"
        arguments = ["ask", "slow", "-", "--url", url, *options]
        return CliRunner().invoke(main, arguments, input=stdin, env=environment)


@pytest.fixture
def asking(server: str, request: pytest.FixtureRequest) -> Asking:
    return Asking(server, request.node.name.replace("/", "").replace("-", ""))


def test_the_result_is_json_on_standard_output(asking: Asking) -> None:
    asked = asking("a hit")
    assert (asked.exit_code, json.loads(asked.stdout), asked.stderr) == (RESULT, {"n": 1}, "")


def test_it_may_be_written_into_a_file(asking: Asking, tmp_path: Path) -> None:
    out = tmp_path / "result.json"
    asked = asking("a hit", "--out", str(out))
    assert (asked.exit_code, asked.stdout, json.loads(out.read_text())) == (RESULT, "", {"n": 1})


def test_progress_is_told_in_lines_where_there_is_no_terminal(asking: Asking) -> None:
    asked = asking("202 with progress, three times")
    assert (asked.exit_code, asked.stdout) == (RESULT, '{"n": 1}\n')
    assert asked.stderr.splitlines() == ["running", "50%", "90%"]


def test_what_is_set_counts_more_than_the_file(asking: Asking) -> None:
    assert asking("a hit", "--set", "question=1", stdin='{"question": 2}').exit_code == RESULT


def test_the_token_is_an_option_or_in_the_environment(asking: Asking) -> None:
    behaviour = "303 to a large result: without the token"
    assert asking(behaviour, BACKBURNER_TOKEN="secret").exit_code == RESULT  # noqa: S106
    asking.test += "again"
    assert asking(behaviour, "--token", "secret").exit_code == RESULT


def test_every_parameter_that_does_not_validate_is_told(asking: Asking) -> None:
    asked = asking("422 says what does not validate")
    assert asked.exit_code == WRONG
    assert "/depot/y: Input should be a valid number" in asked.stderr


def test_what_would_command_the_terminal_is_escaped(asking: Asking, tmp_path: Path) -> None:
    problem = asking("a problem that commands the terminal")
    assert problem.stderr == ("\\u001b]0;owned\\u0007\\u009b2J:\n  /a\\ud800: \\u202etxt\\u2028\n")
    result = asking("a result that commands the terminal")
    assert result.stdout == '{"n": "\\u001b\\u009b2J\\u202e\\u2028\\ud800 é🐝"}\n'
    asking.test += "again"
    out = tmp_path / "result.json"
    assert asking("a result that commands the terminal", "--out", str(out)).exit_code == RESULT
    assert out.read_text("utf-8") == result.stdout


@pytest.mark.parametrize(
    "listed",
    [
        7,
        {},
        {"computations": 7},
        {"computations": [7]},
        {"computations": [{"name": "slow", "example": 7, "parameters": {}}]},
        {"computations": [{"name": [], "example": {}, "parameters": {}}]},
    ],
)
def test_a_list_of_computations_that_makes_no_sense_is_told(listed: object) -> None:
    told = SimpleNamespace(result=listed)
    client: Any = SimpleNamespace(url="http://127.0.0.1", follow=lambda _location: told)
    with pytest.raises(CommandError, match="does not list its computations"):
        ask.described(client, "slow")


def test_a_deadline_ends_it_and_says_that_the_job_goes_on(asking: Asking) -> None:
    asked = asking("no response at all: the deadline ends it", "--deadline", "0.2")
    assert asked.exit_code == LATE
    assert "the job goes on" in asked.stderr


def test_what_is_no_backburner_service_is_told(asking: Asking) -> None:
    asked = asking("a result that is not JSON")
    assert asked.exit_code == NO_SERVICE
    assert "check --url" in asked.stderr


def test_a_file_that_is_not_json_is_told_before_anything_is_asked(asking: Asking) -> None:
    asked = asking("a hit", stdin="{")
    assert asked.exit_code == WRONG
    assert "is not JSON" in asked.stderr


@pytest.mark.parametrize(
    ("status", "slug", "code"),
    [
        (400, "malformed-json", WRONG),
        (404, "not-found", WRONG),
        (413, "too-large", WRONG),
        (422, "invalid-parameters", WRONG),
        (422, "cannot-be-computed", REFUSED),
        (401, "unauthorized", NO_RESULT),
        (500, "gave-up", NO_RESULT),
        (503, "unavailable", NO_RESULT),
    ],
)
def test_each_problem_has_its_exit_code(status: int, slug: str, code: int) -> None:
    members: dict[str, Any] = {"type": f"urn:problem-type:backburner:{slug}"}
    assert ask.code(ProblemError(status, members)) == code
