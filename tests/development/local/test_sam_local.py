"""make sam-local, as far as it goes without Docker; sam-cli's own code reads what is written."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from backburner.development.local import sam_local
from backburner.development.local.deployment import Deployment
from backburner.development.local.template import TEMPLATE
from tests.support.eventually import eventually
from tests.support.processes import moto_of

SAMS_PYTHON = sam_local.SAM.with_name("python")
SAM_READS = Path(__file__).parents[2] / "support/sam_reads.py"

pytestmark = pytest.mark.enable_socket


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    with Deployment(environment={"LOG_LEVEL": "ERROR"}) as deployment:
        yield deployment


@pytest.fixture(scope="module")
def environment(deployment: Deployment) -> dict[str, dict[str, str]]:
    return sam_local.environment(deployment, "containers.example")


@pytest.fixture(scope="module")
def read_by_sam(
    environment: dict[str, dict[str, str]], tmp_path_factory: pytest.TempPathFactory
) -> Any:
    if not SAMS_PYTHON.exists():
        pytest.skip("sam is not installed; run `make .venv-sam/ready`")
    file = tmp_path_factory.mktemp("sam") / "environment.json"
    file.write_text(json.dumps(environment))
    command = [SAMS_PYTHON, SAM_READS, TEMPLATE, file]
    return json.loads(subprocess.check_output(command, stderr=subprocess.DEVNULL))  # noqa: S603


def docker_that(folder: Path, script: str) -> str:
    docker = folder / "docker"
    docker.write_text(f"#!/bin/sh\n{script}\n")
    docker.chmod(0o755)
    return str(docker)


def test_without_docker_it_says_so_in_one_line() -> None:
    with pytest.raises(sam_local.NoDocker) as missing:
        sam_local.bridge_gateway("no-such-docker")
    assert str(missing.value) == (
        "sam local needs Docker: no no-such-docker on the path; "
        "start it, or take `make run`, which needs none"
    )


def test_what_docker_says_when_it_does_not_run_is_passed_on(tmp_path: Path) -> None:
    docker = docker_that(tmp_path, "echo 'Cannot connect.\nAnd more.' >&2; exit 1")
    with pytest.raises(sam_local.NoDocker, match=r"does not run: Cannot connect\.; start it"):
        sam_local.bridge_gateway(docker)


def test_docker_is_asked_where_its_containers_find_this_machine(tmp_path: Path) -> None:
    docker = docker_that(tmp_path, 'echo "$*" > "$0.asked"; echo 172.17.0.1 172.17.0.0/16')
    assert sam_local.bridge_gateway(docker) == "172.17.0.1"
    assert Path(f"{docker}.asked").read_text().startswith("network inspect bridge ")


def test_a_bridge_without_a_gateway_has_the_first_address_of_its_subnet(tmp_path: Path) -> None:
    docker = docker_that(tmp_path, "echo ' 172.18.0.0/16'")
    assert sam_local.bridge_gateway(docker) == "172.18.0.1"


@pytest.mark.parametrize("said", ["", "' '", "' nonsense'"])
def test_a_bridge_without_any_address_is_no_docker(said: str, tmp_path: Path) -> None:
    with pytest.raises(sam_local.NoDocker, match=r"bridge` has no gateway and the subnet '.*'; st"):
        sam_local.bridge_gateway(docker_that(tmp_path, f"echo {said}"))


def test_an_address_is_ours_if_something_can_listen_there() -> None:
    assert sam_local.is_ours("127.0.0.1")
    assert not sam_local.is_ours("192.0.2.1")


def test_no_address_is_not_every_address() -> None:
    assert not sam_local.is_ours("")


@pytest.mark.skipif(not sam_local.is_ours("127.0.0.2"), reason="this machine has one loopback")
def test_moto_listens_where_it_is_told_to() -> None:
    with Deployment(moto_host="127.0.0.2", environment={"LOG_LEVEL": "ERROR"}) as deployment:
        assert deployment.moto_url.startswith("http://127.0.0.2:")
        assert deployment.client("sqs").list_queues()["QueueUrls"]


def test_every_function_has_every_variable_that_it_declares(
    deployment: Deployment, environment: dict[str, dict[str, str]]
) -> None:
    declared = {f.name: {*f.environment, *sam_local.OURS} for f in deployment.stack.functions()}
    assert {name: set(variables) for name, variables in environment.items()} == declared


def test_moto_is_named_as_containers_find_it(
    deployment: Deployment, environment: dict[str, dict[str, str]]
) -> None:
    port = deployment.moto_url.rpartition(":")[2]
    for variables in environment.values():
        assert variables["AWS_ENDPOINT_URL"] == f"http://containers.example:{port}"
        assert deployment.moto_url not in str(variables)


def test_sam_gives_every_function_what_the_file_says(
    read_by_sam: Any, environment: dict[str, dict[str, str]]
) -> None:
    for function, variables in environment.items():
        assert variables.items() <= read_by_sam[function].items()


def test_sam_fails_for_want_of_docker_and_of_nothing_else(
    environment: dict[str, dict[str, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The options that make sam-local gives are those that this sam knows."""
    if not SAMS_PYTHON.exists():
        pytest.skip("sam is not installed; run `make .venv-sam/ready`")
    monkeypatch.setattr(sam_local, "BUILT", TEMPLATE.parent)
    monkeypatch.setattr(sam_local, "ENVIRONMENT_FILE", tmp_path / "environment.json")
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    sam_local.write(environment)
    command = sam_local.invocation("RequestFunction", "1_request_miss.json")
    failed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert "requires a container runtime" in failed.stderr
    assert failed.returncode == 1


FAKE_SAM = """
trap 'sleep 1; echo ended >> "$0.log"; exit' INT
echo "$$ $*" >> "$0.log"
[ "$1" = build ] && exit "${BUILD_FAILS:-0}"
[ "$SIGNAL_AT_ONCE" ] && kill -TERM $PPID
while :; do sleep 0.05; done
"""
"""As sam local start-api it takes longer to end than subprocess.run has patience."""
FAKE_DOCKER = """
echo "$*" >> "$0.log"
case $1 in network) echo 127.0.0.1 127.0.0.0/8;; ps) echo one; echo two;; esac
"""
RUN_WITH_FAKES = """
import sys
from pathlib import Path
from backburner.development.local import sam_local
sam_local.SAM = Path(sys.argv.pop())
sam_local.ENVIRONMENT_FILE = sam_local.SAM.with_name("environment.json")
sys.exit(sam_local.main())
"""


@dataclass
class Fakes:
    """make sam-local with a sam and a docker that write down what they are told."""

    folder: Path

    def start(self, **environment: str) -> "subprocess.Popen[str]":
        for name, script in {"sam": FAKE_SAM, "docker": FAKE_DOCKER}.items():
            (self.folder / name).write_text(f"#!/bin/sh\n{script}")
            (self.folder / name).chmod(0o755)
        return subprocess.Popen(  # noqa: S603
            [sys.executable, "-c", RUN_WITH_FAKES, "--port", "0", str(self.folder / "sam")],
            cwd=sam_local.ROOT,
            env={**os.environ, "PATH": f"{self.folder}:{os.environ['PATH']}", **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def told(self, name: str) -> list[str]:
        log = self.folder / f"{name}.log"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def fakes(tmp_path: Path) -> Fakes:
    return Fakes(tmp_path)


@pytest.mark.parametrize("how", ["Ctrl-C twice", "SIGTERM"])
def test_sam_has_the_time_to_stop_its_containers(how: str, fakes: Fakes) -> None:
    with fakes.start() as process:
        eventually(lambda: len(fakes.told("sam")) == 2)
        if how == "SIGTERM":
            process.send_signal(signal.SIGTERM)
        else:
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.3)
            os.killpg(process.pid, signal.SIGINT)
        assert process.wait(20) == 0
    _, start, ended = fakes.told("sam")
    assert "local start-api" in start
    assert ended == "ended"


def test_containers_that_sam_forgets_are_removed(fakes: Fakes) -> None:
    with fakes.start() as process:
        eventually(lambda: len(fakes.told("sam")) == 2)
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    _, listed, removed = fakes.told("docker")
    assert listed.startswith("ps --all --quiet ")
    for function in ("RequestFunction", "WorkerFunction", "DeadLetterFunction"):
        assert f"--filter=volume={sam_local.BUILT / function}" in listed.split()
    assert removed == "rm --force one two"


def test_who_ends_us_while_sam_is_started_ends_sam(fakes: Fakes) -> None:
    """It is sam that sends the signal, as early as can be."""
    with fakes.start(SIGNAL_AT_ONCE="1") as process:
        assert process.wait(20) == 0
    assert fakes.told("sam")[-1] == "ended"


def test_sam_goes_when_moto_dies(fakes: Fakes) -> None:
    with fakes.start() as process:
        eventually(lambda: len(fakes.told("sam")) == 2)
        os.kill(moto_of(process.pid), signal.SIGKILL)
        assert process.wait(20) == 1
        assert process.stdout
        assert "moto's process ended (exit code -9)" in process.stdout.read().splitlines()[-1]
    assert fakes.told("sam")[-1] == "ended"


def test_a_build_that_fails_is_the_end(fakes: Fakes) -> None:
    with fakes.start(BUILD_FAILS="3") as process:
        said = process.communicate(timeout=20)[0].splitlines()
    assert process.returncode == 3
    assert len(fakes.told("sam")) == 1
    runs_from_any_folder(said[1], fakes)


def runs_from_any_folder(command: str, fakes: Fakes) -> None:
    """The command for one event, which is for another terminal."""
    words = shlex.split(command)
    sam, *options = [each for each in words if not each.startswith("AWS_")]
    assert sam == str(fakes.folder / "sam")
    assert Path(options[options.index("--event") + 1]).is_file()
