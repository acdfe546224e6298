"""What a machine lacks is told by purpose, with the remedy, and found without the network."""

import os
import re
import socket
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backburner.development.doctor import FREE_BYTES, Machine, doctor
from tests.support.ports import free_port

pytestmark = pytest.mark.enable_socket

Said = pytest.CaptureFixture[str]

WORKS = 'echo "version 1.2"'
PROGRAMS = {"make": WORKS, "python3.13": "echo 3.13.9", "sam": WORKS, "docker": "echo 10.0.0.1 x"}


@pytest.fixture
def bin_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in PROGRAMS.items():
        program(folder / name, script)
    return folder


def program(path: Path, script: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def machine(tmp_path: Path, bin_folder: Path) -> Machine:
    """One that lacks nothing."""
    return Machine(
        root=tmp_path / "project",
        environment={"PATH": str(bin_folder)},
        system="Linux",
        python=(3, 12, 1),
        port=free_port(),
        free_bytes=lambda _: 5 * FREE_BYTES,
        has_library=lambda _: True,
    )


@pytest.fixture(autouse=True)
def _aws(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Credentials and a region, and nothing of who runs the tests."""
    (tmp_path / "project").mkdir(exist_ok=True)
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKID-mark-7d1f")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret-mark-7d1f")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-north-1")


def lacks(capsys: Said) -> list[str]:
    lines = capsys.readouterr().out.splitlines()
    return [line.removeprefix("  lacks  ") for line in lines if line.startswith("  lacks")]


def test_a_machine_that_lacks_nothing_is_told_so_by_purpose(machine: Machine, capsys: Said) -> None:
    assert doctor(machine) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith("  ok     ")] == [
        "run:",
        "deploy:",
        "sam local:",
    ]
    assert "  ok     AWS credentials (env; not tried)" in lines
    assert "  ok     region eu-north-1" in lines
    assert not any("mark-7d1f" in line for line in lines)


def test_this_machine_is_looked_at_by_default(capsys: Said) -> None:
    doctor()
    assert f"Python {'.'.join(map(str, sys.version_info[:3]))}" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"system": "Windows"}, "Linux or macOS: this is Windows; on Windows use WSL"),
        ({"python": (3, 10, 4)}, "Python 3.11 or later: this is 3.10.4; install a later one"),
        ({"free_bytes": lambda _: FREE_BYTES // 2}, "1 GB of disk: 0.5 GB are free at "),
        (
            {"has_library": lambda name: name != "moto"},
            "moto: install the extra dev, `pip install 'backburner[dev]'`",
        ),
        ({"environment": {"PATH": ""}}, "make: install it, for example by `apt install make`"),
    ],
)
def test_what_run_needs_and_lacks_is_told_with_the_remedy(
    changes: dict[str, object], said: str, machine: Machine, capsys: Said
) -> None:
    assert doctor(replace(machine, **changes)) == 1  # type: ignore[arg-type]
    assert lacks(capsys)[0].startswith(said)


def test_a_port_in_use_is_told_with_another(machine: Machine, capsys: Said) -> None:
    with socket.create_server(("127.0.0.1", machine.port)):
        assert doctor(machine) == 1
    remedy = f"end what uses it, or take another: make run PORT={machine.port + 1}"
    assert lacks(capsys) == [f"port {machine.port}: it is in use; {remedy}"]


# deploy, sam local


@pytest.mark.parametrize(
    ("name", "script", "said"),
    [
        (
            "python3.13",
            "echo 'pyenv: python3.13: command not found' >&2; exit 127",
            r"python3.13: .* does not run \(pyenv: python3.13: command not found\); install .*venv",
        ),
        (
            "python3.13",
            "echo \"ModuleNotFoundError: No module named 'ensurepip'\" >&2; exit 1",
            r"python3.13: .* does not run \(.*'ensurepip'\); install .*python3\.13-venv",
        ),
        ("python3.13", None, "python3.13: none on the path; install Python 3.13"),
        ("sam", "exit 3", r"sam: .* does not run \(exit code 3\); install aws-sam-cli"),
        ("sam", None, "sam: neither on the path nor in .venv-sam; install aws-sam-cli"),
        ("docker", "echo 'Cannot connect' >&2; exit 1", "needs Docker, .* Cannot connect; start"),
        ("docker", None, "Docker: none on the path; install and start it"),
    ],
)
def test_a_program_that_is_not_there_or_does_not_run_is_no_hindrance_to_run(
    name: str, script: str | None, said: str, machine: Machine, bin_folder: Path, capsys: Said
) -> None:
    (bin_folder / name).unlink()
    if script:
        program(bin_folder / name, script)
    assert doctor(machine) == 0
    told = lacks(capsys)
    assert told
    assert all(re.search(said, line) for line in told)


def test_what_the_project_has_of_its_own_comes_first(machine: Machine, capsys: Said) -> None:
    program(machine.root / ".venv-sam/bin/sam", "echo SAM CLI of the project")
    program(machine.root / ".venv/bin/python3.13", "echo 3.13.1")
    assert doctor(machine) == 0
    out = capsys.readouterr().out
    assert out.count("SAM CLI of the project") == 2
    assert out.count("python3.13 with venv and pip: 3.13.1") == 2


def test_no_credentials_and_no_region_are_told_without_a_call(
    machine: Machine, capsys: Said, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call would be refused: tests reach only this machine."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    # A role of the container would be asked for at this address.
    monkeypatch.setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:9/role")
    assert doctor(machine) == 0
    credentials, region = lacks(capsys)
    assert credentials.startswith("AWS credentials: none (a machine's role is not looked for); log")
    assert region == "a region: none is set; set AWS_DEFAULT_REGION, or region in samconfig.toml"


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("AWS_SECRET_ACCESS_KEY", "", "AWS credentials: Partial credentials found"),
        ("AWS_PROFILE", "nobody", "AWS credentials: The config profile (nobody) could not be"),
    ],
)
def test_credentials_that_are_wrong_are_told(
    variable: str, value: str, said: str, machine: Machine, capsys: Said,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setenv(variable, value)
    assert doctor(machine) == 0
    assert lacks(capsys)[0].startswith(said)
