"""make sam-local in Docker: what it serves, and that it leaves nothing behind."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import urllib3

from backburner.development.local import sam_local
from backburner.development.suites.api import Api
from tests.support import instances
from tests.support.contract import check_contract
from tests.support.eventually import eventually
from tests.support.ports import two_free_ports

from .sam_project import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

FUNCTIONS = ["RequestFunction", "WorkerFunction", "DeadLetterFunction"]
UNLIKE_AWS = [
    # It answers a body that is not UTF-8 with 502.
    r"test_400_for_json_that_has_no_one_meaning[\xff]",
]
"""What of the contract it cannot pass."""
LONGEST_START = 400
"""Seconds: sam builds three functions, a layer and two images."""


@pytest.fixture(autouse=True)
def _docker() -> None:
    try:
        sam_local.bridge_gateway()
    except sam_local.NoDocker as error:
        pytest.skip(str(error))
    if not sam_local.SAM.exists():
        pytest.skip("sam is not installed; run `make .venv-sam/ready`")


class SamLocal:
    """make sam-local in a process group of its own, as a terminal starts it."""

    def __init__(self, log: Path) -> None:
        self.log = log
        self.port = two_free_ports()
        self.url = f"http://127.0.0.1:{self.port + 1}"
        with log.open("w") as output:
            self._process = subprocess.Popen(  # noqa: S603
                [
                    sys.executable,
                    "-m",
                    "backburner.development.local.sam_local",
                    "--port",
                    str(self.port),
                ],
                cwd=ROOT,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def is_serving(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return urllib3.request("GET", f"{self.url}/health", retries=False).status == 200
        except urllib3.exceptions.HTTPError:
            return False

    def end(self, by: signal.Signals) -> int:
        """Ctrl-C is for the whole group."""
        end = os.killpg if by == signal.SIGINT else os.kill
        end(self._process.pid, by)
        return self._process.wait(60)

    def kill(self) -> None:
        if self._process.poll() is None:
            self.end(signal.SIGINT)


@contextmanager
def serving(log: Path) -> Iterator[SamLocal]:
    sam = SamLocal(log)
    try:
        eventually(sam.is_serving, within=LONGEST_START)
        yield sam
    finally:
        sam.kill()


def containers() -> list[str]:
    ours = [f"--filter=volume={sam_local.BUILT / name}" for name in FUNCTIONS]
    command = ["docker", "ps", "--all", "--quiet", *ours]
    return subprocess.check_output(command, text=True).split()  # noqa: S603


def test_it_serves_the_api_and_ctrl_c_takes_every_container_along(tmp_path: Path) -> None:
    with serving(tmp_path / "log.txt") as sam:
        api = Api(sam.url)
        plan = instances.parameters("P-n16-k8")
        told = api.post("/v1/route-plan", plan)
        assert told.status == 202
        assert api.answer(plan, "/v1/route-plan").status == 200
        assert api.ask("DELETE", told.headers["Location"]).status == 403
        check_contract(sam.url, unlike_aws=UNLIKE_AWS)
        assert len(containers()) >= len(FUNCTIONS)
        assert sam.end(signal.SIGINT) == 0
    assert containers() == []


def test_sigterm_takes_every_container_along(tmp_path: Path) -> None:
    with serving(tmp_path / "log.txt") as sam:
        assert containers()
        assert sam.end(signal.SIGTERM) == 0
    assert containers() == []


def test_the_command_it_prints_answers_one_event(tmp_path: Path) -> None:
    with serving(tmp_path / "log.txt") as sam:
        command = sam.log.read_text().splitlines()[1].split()
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
        assert '"statusCode": 202' in done.stdout, done.stderr
        assert sam.end(signal.SIGINT) == 0
    assert containers() == []
