"""The clients, the command and the shell's loop ask the local deployment."""

import json
import re
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest
from click.testing import CliRunner

from backburner.development.cli import main
from backburner.development.local.deployment import Deployment
from tests.clients import noticed
from tests.clients.noticed import COMPUTATIONS
from tests.clients.scripted_server import TABLE, serving
from tests.support import instances

pytestmark = pytest.mark.enable_socket

DOCUMENT = Path(__file__).parent.parent.parent / "docs/http.md"
MOST_POLLS = 1.5
WARM_UP, JOBS = 1, 4


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    console = tmp_path_factory.mktemp("clients") / "console.txt"
    with (
        console.open("w") as output,
        Deployment(computations=[COMPUTATIONS], console=output.fileno()) as deployment,
    ):
        yield deployment.url


def test_a_result_takes_one_and_a_half_polls_at_most(url: str) -> None:
    numbers = [range(100 * client, 100 * client + WARM_UP + JOBS) for client in (1, 2)]
    questions = [[{"number": number, "seconds": 0.3} for number in each] for each in numbers]
    with ThreadPoolExecutor() as threads:
        python = threads.submit(noticed.by_python, url, questions[0])
        javascript = threads.submit(noticed.by_javascript, url, questions[1])
    for answers in (python.result(), javascript.result()):
        assert fmean(answer.polls for answer in answers[WARM_UP:]) <= MOST_POLLS


@pytest.fixture(scope="module")
def shell() -> str:
    [loop] = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text("utf-8"), re.M | re.S)
    return str(loop)


def run(shell: str, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """As it is written in the document, in the shell that Debian has as sh."""
    command = ["sh", "-euc", shell + 'ask "$@"', "sh", *arguments]
    path = {"PATH": "/usr/bin:/bin"}
    return subprocess.run(  # noqa: S603
        command, env=path | environment, capture_output=True, text=True, timeout=60
    )


def test_the_loop_of_the_shell_has_the_result(url: str, shell: str, tmp_path: Path) -> None:
    question = tmp_path / "question.json"
    question.write_text('{"text": "a slow computation"}')
    ran = run(shell, url, "word-count", str(question))
    assert (ran.returncode, json.loads(ran.stdout)["words"]) == (0, {"1": 1, "4": 1, "11": 1})


def test_the_loop_of_the_shell_tells_a_problem(url: str, shell: str, tmp_path: Path) -> None:
    question = tmp_path / "question.json"
    question.write_text('{"words": 1}')
    ran = run(shell, url, "word-count", str(question))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert json.loads(ran.stderr)["status"] == 422


def test_the_loop_of_the_shell_ends_by_its_deadline(url: str, shell: str, tmp_path: Path) -> None:
    question = tmp_path / "question.json"
    question.write_text('{"number": 7, "seconds": 20}')
    ran = run(shell, url, "finishing", str(question), DEADLINE="1")
    assert ran.returncode == 2
    assert "the job goes on" in ran.stderr


def test_the_loop_of_the_shell_waits_a_minute_at_most(shell: str, tmp_path: Path) -> None:
    question = tmp_path / "question.json"
    question.write_text('{"question": 1}')
    names = [row["name"] for row in json.loads(TABLE.read_text("utf-8"))["behaviours"]]
    row = names.index("202 with hostile numbers, times and nesting")
    with serving() as server:
        told = 'sleep() { echo "$1" >&2; }\n' + shell
        ran = run(told, f"{server}/shell-{row}", "slow", str(question))
    assert (ran.returncode, json.loads(ran.stdout)) == (0, {"n": 1})
    assert ran.stderr.split() == ["60", "60", *["2"] * 7]


def asked(url: str, *arguments: str) -> Any:
    ran = CliRunner().invoke(main, ["ask", *arguments, "--url", url])
    assert ran.exit_code == 0, ran.stderr
    return json.loads(ran.stdout)


def test_the_command_asks_the_example_of_a_computation(url: str) -> None:
    assert asked(url, "word-count") == {"words": {"1": 1, "4": 1, "11": 1}}


def test_the_command_takes_a_file_of_json(url: str, tmp_path: Path) -> None:
    file = tmp_path / "P-n16-k8.json"
    file.write_text(json.dumps(instances.parameters("P-n16-k8")))
    plan = asked(url, "route-plan", str(file), "--set", "effort=quick")
    assert plan["distance"] == 450  # the optimum


def test_the_command_takes_a_list_as_csv(url: str, tmp_path: Path) -> None:
    stops = tmp_path / "stops.csv"
    stops.write_text("id,x,y\nnear,3,4\nfar,-5,12\n")
    others = ("--set", 'depot={"x": 0, "y": 0}', "--set", 'vehicles={"count": 2, "capacity": 3}')
    plan = asked(url, "route-plan", str(stops), *others, "--set", "effort=quick")
    assert sorted(plan["routes"][0]["stops"]) == ["far", "near"]


def test_the_command_tells_which_computations_there_are(url: str) -> None:
    ran = CliRunner().invoke(main, ["ask", "no-such", "--url", url])
    assert ran.exit_code == 2
    assert "finishing, link-preview, route-plan, word-count" in ran.stderr
