"""backburner test, in a project of one computation."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backburner.development.project import new
from backburner.development.wheel import Wheel

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "backburner.development", "test", "-q", "-p", "no:cacheprovider"]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    made = new("my-api", tmp_path, lambda: Wheel("none.whl", b""))
    # This repository's computations are on the path, too, and would come first.
    (made / "src/computations/__init__.py").touch()
    return made


def run(project: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603
        [*COMMAND, *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_suites_hold_for_a_new_project(project: Path) -> None:
    done = run(project, "-k", "not contract")
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout


def test_a_computation_that_is_not_as_it_must_be_is_found(project: Path) -> None:
    source = project / "src/computations/word_count.py"
    source.write_text(source.read_text().replace(', description="The text."', ""))
    done = run(project, "-k", "documented")
    assert done.returncode == 1
    assert "word-count: describe text with Field(description=" in done.stdout


def test_no_test_at_all_is_told(project: Path) -> None:
    done = run(project, "-k", "no_such_test")
    assert done.returncode == 1
    assert "Error: no test was run" in done.stderr
