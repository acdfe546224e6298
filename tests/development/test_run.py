"""python -m local, as `make run` starts it."""

import os
import shlex
import socket
import subprocess
import sys
from pathlib import Path
from signal import SIGINT, SIGKILL, SIGTERM

import pytest
import urllib3

from tests.support.processes import greeting, moto_of, url_in

pytestmark = pytest.mark.enable_socket

COMMAND = [sys.executable, "-m", "backburner.development", "run"]


def test_it_says_where_it_is_and_what_to_try_and_ends_at_sigterm() -> None:
    command = [*COMMAND, "--port", "0", "--workers", "1", "--env", "LOG_LEVEL=ERROR"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout
        url = url_in(process.stdout)
        assert urllib3.request("GET", f"{url}/health").status == 200
        process.send_signal(SIGTERM)
        assert process.wait(5) == 0
        to_try = process.stdout.read().splitlines()
    assert len(to_try) == 2
    for line in to_try:
        assert shlex.split(line)[:2] == ["curl", "-i"]
        assert shlex.split(line)[2].startswith(f"{url}/v1")


def test_it_ends_at_sigint_although_it_was_started_in_the_background() -> None:
    """A shell has what ends with & ignore SIGINT, and so have its children."""
    in_the_background = ["sh", "-c", "trap '' INT; exec \"$@\"", "sh"]
    command = [*in_the_background, *COMMAND, "--port", "0", "--workers", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout
        assert greeting(process.stdout)
        process.send_signal(SIGINT)
        assert process.wait(5) == 0


@pytest.mark.parametrize(
    ("option", "another"), [("--port", "make run PORT="), ("--moto-port", "--moto-port ")]
)
def test_a_port_in_use_is_one_clear_line(option: str, another: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        free = ["--port", "0"] if option == "--moto-port" else []
        process = subprocess.run(  # noqa: S603
            [*COMMAND, *free, option, port], capture_output=True, text=True, check=False
        )
    (line,) = process.stderr.splitlines()
    assert f"port {port} is in use" in line
    assert line.endswith(f"take another: {another}{int(port) + 1}")
    assert process.returncode == 1
    assert process.stdout == ""


def test_an_environment_that_is_none_is_refused() -> None:
    command = [*COMMAND, "--env", "LOUD"]
    process = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert "'LOUD' is not NAME=VALUE" in process.stderr
    assert process.returncode == 2


def test_when_moto_dies_it_ends_and_says_so_in_one_line() -> None:
    command = [*COMMAND, "--port", "0", "--workers", "1", "--env", "LOG_LEVEL=ERROR"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as process:  # type: ignore[call-overload]  # noqa: S603
        assert "until Ctrl-C" in greeting(process.stdout)
        os.kill(moto_of(process.pid), SIGKILL)
        assert process.wait(10) == 1
        (line,) = process.stderr.read().splitlines()
    assert line == (
        "Error: moto's process ended (exit code -9), and the table, queues and bucket are lost "
        "with it; start again"
    )


def test_with_a_broken_computation_it_says_what_else_to_try(tmp_path: Path) -> None:
    (tmp_path / "aaa_broken.py").write_text("import sys\nsys.exit('broken on purpose')")
    command = [*COMMAND, "--port", "0", "--workers", "1", "--computations", str(tmp_path)]
    with subprocess.Popen(  # noqa: S603
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        said = [greeting(process.stdout), *(process.stdout.readline() for _ in range(2))]
        process.send_signal(SIGTERM)
        _, logged = process.communicate(timeout=10)
    assert said[0].startswith("The console is at http")
    assert "/v1/" in said[1]
    assert "broken" not in "".join(said)
    assert f"{tmp_path / 'aaa_broken.py'}, line 2: broken on purpose" in logged
