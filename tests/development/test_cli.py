"""The command line: its help, its errors, its exit codes."""

import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from backburner import __version__
from backburner.development.cli import Commands, main
from backburner.development.errors import CommandError

COMMANDS = ["new", "run", "compute", "ask", "test", "lock", "docs", "upgrade", "redrive", "forget"]
COMMANDS += ["doctor"]


def test_the_version_is_told() -> None:
    assert CliRunner().invoke(main, ["--version"]).output == f"backburner, version {__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    shown = CliRunner().invoke(main, [command, "--help"])
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: main {command} ")


def test_the_help_lists_every_command() -> None:
    shown = CliRunner().invoke(main, ["--help"]).output
    listed = [line.split()[0] for line in shown.partition("Commands:\n")[2].splitlines()]
    assert listed == sorted(COMMANDS)


def failing(error: Exception) -> click.Group:
    def fail() -> None:
        raise error

    return Commands(commands=[click.Command("fail", callback=fail)])


def test_an_error_is_one_sentence() -> None:
    done = CliRunner().invoke(failing(CommandError("it is full; empty it")), ["fail"])
    assert (done.exit_code, done.stderr) == (1, "Error: it is full; empty it\n")


def test_a_fault_of_ours_is_one_line_with_its_place() -> None:
    done = CliRunner().invoke(failing(KeyError("x")), ["fail"])
    assert done.exit_code == 1
    assert done.stderr.startswith("Error: KeyError: 'x' (")
    assert len(done.stderr.splitlines()) == 1


def test_a_word_that_is_no_command_is_refused() -> None:
    done = CliRunner().invoke(main, ["nwe"])
    assert done.exit_code == 2
    assert "No such command 'nwe'" in done.stderr


def test_an_upgrade_outside_of_a_project_writes_nothing_without_a_yes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert CliRunner().invoke(main, ["upgrade", "--yes"]).exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_it_says_what_to_install() -> None:
    """-S leaves out all that is installed."""
    command = [sys.executable, "-S", "-m", "backburner.development", "--help"]
    source = str(Path("src").resolve())
    done = subprocess.run(  # noqa: S603
        command, env={"PYTHONPATH": source}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'backburner[dev]'" in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["new", "Not a name"], 1, "cannot be the name of a stack"),
        (["run", "--env", "LOUD"], 2, "is not NAME=VALUE"),
        (["compute", "word-count"], 0, '"words"'),
        (["ask", "word-count", "--url", "http://127.0.0.1:9"], 2, "http://127.0.0.1:9"),
        (["test"], 1, "the tests need pytest, which is not installed; install backburner with"),
    ],
)
def test_only_the_tests_need_pytest(arguments: list[str], status: int, said: str) -> None:
    without = "import sys; sys.modules['pytest'] = None; import backburner.development.cli as cli"
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", f"{without}; cli.main()", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done
