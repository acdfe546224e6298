"""One mistake, and a copy of the tree to make it in."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
TIME_LIMIT = 300
"""Seconds for the tests of one mutant; a mutant that hangs them is noticed, too."""


@dataclass(frozen=True, kw_only=True)
class Mutant:
    what: str
    """What goes wrong with it, in a few words."""
    path: str
    line: str
    """A part of the file that stands there once."""
    instead: str
    tests: str
    """Those that notice, as pytest takes them; all are a part of `make test` or `make evidence`."""


class Copy:
    """A copy of what git tracks, as it is now; the environments are shared."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in tracked():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
        for environment in ROOT.glob(".venv*"):
            (folder / environment.name).symlink_to(environment)

    def notices(self, mutant: Mutant) -> bool:
        """Whether the tests fail on it. An error of pytest's own is no failure of a test."""
        with self._made(mutant):
            return self.fails(mutant.tests)

    def fails(self, tests: str) -> bool:
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-x",
            "-q",
            "-m",
            "not e2e",
            "-p",
            "no:cacheprovider",
            *tests.split(),
        ]
        try:
            done = subprocess.run(  # noqa: S603 - the command is ours
                command,
                cwd=self.folder,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                capture_output=True,
                text=True,
                timeout=TIME_LIMIT,
            )
        except subprocess.TimeoutExpired:
            return True
        if done.returncode not in (0, 1):
            raise RuntimeError(f"pytest {tests} ended with {done.returncode}:\n{done.stdout}")
        return done.returncode == 1

    @contextmanager
    def _made(self, mutant: Mutant) -> Iterator[None]:
        file = self.folder / mutant.path
        text = file.read_text()
        file.write_text(mutated(text, mutant))
        try:
            yield
        finally:
            file.write_text(text)


def mutated(text: str, mutant: Mutant) -> str:
    if text.count(mutant.line) != 1:
        raise ValueError(
            f"{mutant.line!r} stands {text.count(mutant.line)} times in {mutant.path}; "
            "a mutant needs a part that stands there once"
        )
    return text.replace(mutant.line, mutant.instead)


def tracked() -> list[str]:
    listed = subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True)  # noqa: S607
    return [name for name in listed.splitlines() if (ROOT / name).exists()]
