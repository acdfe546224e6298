"""Every command of docs/computations.md, in order, as a newcomer types them; AWS is ministack."""

import os
import re
import shlex
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import postgres_server
import pytest
from postgres_server import SalesDatabase

from tests.support.ports import free_port

from .emulator import UNLIKE_AWS, Emulator
from .newcomer import Newcomer, wheel
from .sam_project import ARCHITECTURE, ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

TUTORIAL = (ROOT / "docs/computations.md").read_text()
FENCE = re.compile(r"([^\n]*\n)\n```(python|console)\n(.*?)```", re.DOTALL)
MAX_ANSWER_S = 90
"""Seconds in which a server on a busy machine answers as the page says."""
PROJECT = "my-api"
"""As the page names it."""


@dataclass(frozen=True)
class Step:
    """A command and the lines that it prints, or a file and its text."""

    command: str
    expected: list[str] = field(default_factory=list)
    path: str = ""


def steps() -> Iterator[Step]:
    for before, kind, text in FENCE.findall(TUTORIAL):
        if kind == "python":
            yield Step(text, path=re.findall(r"`(src/\S+\.py)`", before)[-1])
            continue
        for block in text.removeprefix("$ ").split("\n$ "):
            command, *expected = block.strip().splitlines()
            yield Step(command, expected)


class TutorialReader:
    """Types what the page says, but for the port, the database and the emulator's ways."""

    def __init__(self, newcomer: Newcomer, emulator: Emulator, database: SalesDatabase) -> None:
        self.newcomer, self.emulator = newcomer, emulator
        self.folder = newcomer.folder
        self.environment = {**newcomer.environment, **emulator.environment}
        self.replaced = {
            "127.0.0.1:3000": f"127.0.0.1:{(port := free_port())}",
            "make run": f"make run PORT={port}",
            "postgresql://me:change-me@localhost:5432/postgres": database.url,
            "test --url": f"test -k {shlex.quote('not ' + ' and not '.join(UNLIKE_AWS))} --url",
        }
        self.running = ExitStack()

    def takes(self, step: Step) -> None:
        if step.path:
            (self.folder / step.path).write_text(step.command)
            return
        command, expected = step.command, step.expected
        for ours, here in self.replaced.items():
            command = command.replace(ours, here)
            expected = [line.replace(ours, here) for line in expected]
        if command.startswith("cd "):
            self.folder /= command.removeprefix("cd ")
        elif command.startswith("make run"):
            self.runs_until_the_tests(command)
        else:
            self.types(command, expected)

    def types(self, command: str, expected: list[str]) -> None:
        if command == "make test":
            self.running.close()
        end = time.monotonic() + MAX_ANSWER_S
        while not said(expected, printed := self.runs(command)):
            may_wait = command.startswith("curl ") and time.monotonic() < end
            assert may_wait, f"{command}:\n{printed}"
            time.sleep(0.5)
        self.adapts(command, printed)

    def runs(self, command: str) -> str:
        done = subprocess.run(  # noqa: S603
            ["/bin/bash", "-c", f"{command}{'; echo $URL' * command.startswith('URL=')}"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        refused = done.returncode and not command.startswith("curl ")
        assert not refused, f"{command} failed:\n{done.stdout}"
        return done.stdout

    def runs_until_the_tests(self, command: str) -> None:
        self.running.enter_context(
            self.newcomer.running(self.folder, port=int(command.rpartition("=")[2]))
        )

    def adapts(self, command: str, printed: str) -> None:
        """What the emulator needs beside the commands: docs/emulator.md."""
        if command == f"backburner new {PROJECT}":
            self.for_this_processor(self.folder / PROJECT / "samconfig.toml")
        elif command == "sam build":
            self.emulator.adapt(self.folder / ".aws-sam/build/template.yaml")
        elif command.startswith("sam deploy"):
            self.emulator.settle()
        elif command.startswith("URL="):
            self.environment["URL"] = self.emulator.address_of(printed.strip())

    def for_this_processor(self, samconfig: Path) -> None:
        here = f"Architecture={ARCHITECTURE}"
        text = samconfig.read_text().replace('"LogRetentionDays=7', f'"{here} MaxWorkers=2')
        build = "[default.build.parameters]\n"
        assert text.count(build) == 1
        samconfig.write_text(text.replace(build, f'{build}parameter_overrides = "{here}"\n'))


def said(expected: list[str], printed: str) -> bool:
    """True if the lines are there in this order; … stands for anything."""
    pattern = ".*".join(re.escape(line).replace("…", ".*") for line in expected)
    return bool(re.search(pattern, printed, re.DOTALL))


def test_each_step_does_what_the_page_says(tmp_path: Path, emulator_of_its_own: Emulator) -> None:
    newcomer = Newcomer(tmp_path)
    (newcomer.folder / "bin/backburner").symlink_to(newcomer.installs(wheel()))
    newcomer.has_awscli()
    programs = postgres_server.installed(os.environ, postgres_server.folders())
    with postgres_server.sales_database(programs, rows=1000) as database:
        reader = TutorialReader(newcomer, emulator_of_its_own, database)
        with reader.running:
            for step in steps():
                reader.takes(step)


def test_the_page_has_steps_and_files() -> None:
    found = list(steps())
    assert [step.path for step in found if step.path] == ["src/computations/table_sizes.py"]
    assert len(found) > 20
