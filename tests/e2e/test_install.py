"""The README's first commands, on each Python of this machine with the oldest pip of its kind."""

import os
import subprocess
import sys
from pathlib import Path
from signal import SIGINT

import pytest

from backburner.development.suites.api import Api
from tests.support.processes import url_in

from .sam_project import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

OLDEST_PIP = {"3.11": "23.0.1", "3.12": "23.2.1", "3.13": "24.2"}
"""As Debian 12 has it, and the first releases of later Pythons."""


@pytest.fixture(params=OLDEST_PIP)
def python(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """In an environment of its own, as its pip is changed."""
    beside = Path(sys.base_prefix).parent.glob(f"{request.param}*/bin")
    folders = ["/usr/bin", *map(str, beside), *os.get_exec_path()]
    programs = [f"{folder}/python{request.param}" for folder in folders]
    if not (found := next(filter(works, programs), None)):
        pytest.skip(f"Python {request.param} is not installed")
    made = tmp_path / "an older pip"
    subprocess.run([found, "-m", "venv", made], check=True)  # noqa: S603
    pip = [f"{made}/bin/pip", "install", "--quiet", f"pip=={OLDEST_PIP[request.param]}"]
    subprocess.run(pip, check=True)  # noqa: S603
    return f"{made}/bin/python"


def works(program: str) -> bool:
    """Not so what only says which Python it would start, or one without Debian's python3-venv."""
    command = [program, "-c", "import ensurepip"]
    return Path(program).exists() and not subprocess.run(command, check=False).returncode  # noqa: S603


def test_make_run_answers_and_make_test_has_what_it_needs(python: str, tmp_path: Path) -> None:
    clone, path = tmp_path / "clone", tmp_path / "no uv"
    subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)  # noqa: S603, S607
    path.mkdir()
    (path / "uv").symlink_to("/bin/false")
    environment = {"HOME": str(tmp_path / "home"), "PATH": f"{path}:/usr/bin:/bin"}

    run = ["make", "run", f"PYTHON='{python}'", "PORT=0"]
    with subprocess.Popen(  # noqa: S603
        run, cwd=clone, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as running:
        assert running.stdout
        assert Api(url_in(running.stdout)).get("/v1/word-count?text=one").status in (200, 202)
        os.killpg(running.pid, SIGINT)
    install = ["make", f"PYTHON='{python}'", ".venv/ready", ".venv-ministack/ready"]
    subprocess.run(install, cwd=clone, env=environment, check=True)  # noqa: S603
