"""make sam-local, as far as it goes without Docker; sam-cli's own code reads what is written."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local import sam_local
from local.deployment import Deployment
from local.template import TEMPLATE

SAMS_PYTHON = sam_local.SAM.with_name("python")
SAM_READS = Path(__file__).with_name("sam_reads.py")

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
    docker = docker_that(tmp_path, 'echo "$*" > "$0.asked"; echo 172.17.0.1')
    assert sam_local.bridge_gateway(docker) == "172.17.0.1"
    assert Path(f"{docker}.asked").read_text().startswith("network inspect bridge ")


def test_an_address_is_ours_if_something_can_listen_there() -> None:
    assert sam_local.is_ours("127.0.0.1")
    assert not sam_local.is_ours("192.0.2.1")


@pytest.mark.skipif(not sam_local.is_ours("127.0.0.2"), reason="this machine has one loopback")
def test_moto_listens_where_it_is_told_to() -> None:
    with Deployment(moto_host="127.0.0.2", environment={"LOG_LEVEL": "ERROR"}) as deployment:
        assert deployment.moto_url.startswith("http://127.0.0.2:")
        assert deployment.client("sqs").list_queues()["QueueUrls"]


def test_every_function_has_every_variable_that_it_declares(
    deployment: Deployment, environment: dict[str, dict[str, str]]
) -> None:
    declared = {f.name: {*f.environment, "AWS_ENDPOINT_URL"} for f in deployment.stack.functions()}
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
    command = [
        str(sam_local.SAM),
        *sam_local.invocation("RequestFunction", "events/1_request_miss.json")[1:],
    ]
    failed = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert "requires a container runtime" in failed.stderr
    assert failed.returncode == 1
