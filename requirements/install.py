"""Installs a locked set into a venv, and names what comes: install.py VENV requirements/SET.txt.

By uv if it is on the path and gets on, else by pip. A lock is complete, so nothing is resolved: a
pip before 23.3 refuses a lock in which one package asks for an extra of another.
"""

import os
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile

LOCKED = ("--no-deps", "--require-hashes", "-r")
FETCHED = re.compile(r"^(?:Collecting|Downloading) (?!\S+\.whl)([\w.-]+)", re.M)
CERTIFICATES = {"UV_SYSTEM_CERTS": "true", "UV_NATIVE_TLS": "true"}
"""The machine's, as behind a company's proxy; an older uv knows the second name."""
EACH_S = 2
"""Seconds after which something is said, in any case."""


def main(venv: Path, lock: Path) -> None:
    told = "names are being fetched, names with versions are installed"
    print(f"Installing {lock} into {venv}, this once: {told}", flush=True)
    if not (by_uv(venv, lock) or by_pip(venv, lock)):
        sys.exit(f"{lock} is not installed; the lines above say why")
    print("What is imported is compiled now, this once: some seconds more", flush=True)


def by_uv(venv: Path, lock: Path) -> bool:
    with suppress(OSError, subprocess.CalledProcessError):
        subprocess.run(["uv", "--version"], capture_output=True, check=True)  # noqa: S607
        uv = ("uv", "pip", "install", "--python", venv / "bin/python")
        return has(venv, "python", "--without-pip") and does(venv, *uv, *LOCKED, lock)
    return False


def by_pip(venv: Path, lock: Path) -> bool:
    """By the pip that is there: one for the venv takes seconds to make."""
    python, made = venv / "bin/python", find_spec("pip") is not None
    there = has(venv, "python", "--without-pip") if made else has(venv, "pip")
    pip = (sys.executable if made else python, "-m", "pip", "--python", python, "install")
    # What is imported is compiled then, which is less than all.
    options = ("--disable-pip-version-check", "--no-compile", *LOCKED)
    return there and does(venv, *pip, *options, lock)


def has(venv: Path, program: str, *options: str) -> bool:
    made = (venv / "bin" / program).exists()
    return made or does(venv, sys.executable, "-m", "venv", *options, venv)


def does(venv: Path, *command: str | Path) -> bool:
    """Run it, and name what is fetched and installed meanwhile; if it fails, show what it says."""
    said, ended = set(progress("", venv)), False
    environment = os.environ | CERTIFICATES
    with (
        TemporaryFile("a+") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process,  # noqa: S603
    ):
        while not ended:
            with suppress(subprocess.TimeoutExpired):
                ended = process.wait(EACH_S) is not None
            log.seek(0)
            text = log.read()
            news = [each for each in progress(text, venv) if each not in said]
            said.update(news)
            if news or not ended:
                print(textwrap.indent(textwrap.fill(", ".join(news) or "…", 96), "  "), flush=True)
    if process.returncode:
        print(text)
    return not process.returncode


def progress(log: str, venv: Path) -> Iterator[str]:
    yield from FETCHED.findall(log)
    for path in sorted(venv.glob("lib/*/site-packages/*.dist-info")):
        yield path.name.removesuffix(".dist-info").replace("-", " ")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
