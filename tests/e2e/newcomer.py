"""Somebody with the wheel and an empty folder, in a clean environment."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT

from backburner import __version__
from backburner.development.suites.api import Api
from tests.support.ports import free_port

from .sam_project import ROOT, SAM


class Newcomer:
    """A person with an empty folder, two tools on the path, and a wheel."""

    def __init__(self, above: Path) -> None:
        self.folder = folder = above / "an empty folder"
        folder.mkdir()
        self.log = folder / "log.txt"
        tools = {"python3.13": Path(sys.base_prefix) / "bin/python3.13", "sam": SAM}
        (folder / "bin").mkdir()
        for name, tool in tools.items():
            (folder / "bin" / name).symlink_to(tool)
        self.environment = {"HOME": str(folder), "PATH": f"{folder / 'bin'}:/usr/bin:/bin"}

    def runs(self, *command: str, within: Path | None = None, **environment: str) -> str:
        done = subprocess.run(  # noqa: S603
            command,
            cwd=within or self.folder,
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)} failed:\n{done.stdout}"
        return done.stdout

    def types(self, line: str, within: Path | None = None) -> str:
        """A line of a document, in a shell."""
        return self.runs("/bin/bash", "-c", line, within=within)

    def printed(self) -> str:
        """By the last `make run`."""
        return self.log.read_text()

    def installs(self, wheel: Path) -> str:
        """Where the command is then."""
        self.runs("python3.13", "-m", "venv", "venv")
        self.runs("venv/bin/pip", "install", "--quiet", f"{wheel}[dev]")
        return str(self.folder / "venv/bin/backburner")

    def has_awscli(self) -> None:
        """Apart from all else: it wants a boto3 of its own, and a path without spaces."""
        awscli = self.folder.parent / "awscli"
        self.runs("python3.13", "-m", "venv", str(awscli))
        self.runs(f"{awscli}/bin/pip", "install", "--quiet", "awscli")
        (self.folder / "bin/aws").symlink_to(awscli / "bin/aws")

    @contextmanager
    def running(self, project: Path, port: int = 0) -> Iterator[Api]:
        """`make run`, until Ctrl-C."""
        port = port or free_port()
        with self.log.open("wb") as log:
            make = subprocess.Popen(  # noqa: S603
                ["/usr/bin/make", "run", f"PORT={port}"],
                cwd=project,
                env=self.environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            yield Api(f"http://127.0.0.1:{port}")
        finally:
            os.killpg(make.pid, SIGINT)
            make.wait(30)


def wheel() -> Path:
    """Made by `make dist`."""
    [made] = (ROOT / "dist").glob(f"backburner-{__version__}-*.whl")
    return made
