"""make sam-local: runs the deployment of `make run`, and its API again in Docker by `sam local`.

The containers use the deployment's table, queues and bucket. As sam local has no queues, the
deployment's workers take the jobs. A function gets only the variables that the template declares
(samcli/local/lambdafn/env_vars.py), and its container is on Docker's bridge network
(samcli/local/docker/container.py).
"""

import argparse
import ipaddress
import json
import os
import platform
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from backburner.development.errors import CommandError
from backburner.development.local.deployment import HOST, LOOK_AGAIN, REGION, Deployment
from backburner.development.terminal import say

ROOT = Path.cwd()
SAM = ROOT / ".venv-sam/bin/sam"
BUILT = ROOT / ".aws-sam/local"
"""A build for this machine's processor; `sam build` puts the one for AWS elsewhere."""
ENVIRONMENT_FILE = ROOT / ".aws-sam/environment.json"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
DESKTOP = "host.docker.internal"
"""The name by which Docker Desktop's containers reach this machine's loopback."""
OURS = ("AWS_ENDPOINT_URL", "SHOW_ERRORS", "REQUEST_PATIENCE")
"""What the template declares without a value, and is set here."""
MAX_END_S = 30
"""Seconds for sam to stop and remove its containers, one after the other."""


class NoDocker(CommandError):
    """Docker is not installed, or not running."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="make sam-local", description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="of make run; sam's is the next")
    port = parser.parse_args().port
    # SIGTERM ends it like Ctrl-C. Processes started with `&` ignore SIGINT, and sam would inherit
    # that.
    for end_of_all in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end_of_all, signal.default_int_handler)
    try:
        gateway = bridge_gateway()
        listens_at, seen_at = (gateway, gateway) if is_ours(gateway) else (HOST, DESKTOP)
        with Deployment(port=port, moto_host=listens_at, more_hosts=[DESKTOP]) as deployment:
            write(environment(deployment, seen_at))
            say(f"make run is at {deployment.url}, sam local will be at {HOST}:{port + 1}; also:")
            command = shlex.join(invocation("RequestFunction", "1_request_miss.json"))
            words = [f"{name}={value}" for name, value in keys(deployment).items()]
            say(" ".join(["  ", *words, command]))
            return serve(port + 1, deployment)
    except CommandError as error:
        say(error, sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def bridge_gateway(docker: str = "docker") -> str:
    """The address of this machine in the containers' network."""
    both = "{{with index .IPAM.Config 0}}{{.Gateway}} {{.Subnet}}{{end}}"
    command = [docker, "network", "inspect", "bridge", "--format", both]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except FileNotFoundError as error:
        raise NoDocker(f"sam local needs Docker: no {docker} on the path; {REMEDY}") from error
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().partition("\n")[0]
        raise NoDocker(f"sam local needs Docker, which does not run: {why}; {REMEDY}") from error
    gateway, _, subnet = said.stdout.strip("\n").partition(" ")
    return gateway or first_host(subnet)


def first_host(subnet: str) -> str:
    """Where the bridge is; a daemon names no gateway until it is restarted (moby #26799)."""
    try:
        return str(next(iter(ipaddress.ip_network(subnet).hosts())))
    except ValueError as error:
        why = f"its network `bridge` has no gateway and the subnet {subnet!r}"
        raise NoDocker(f"sam local needs Docker's bridge: {why}; {REMEDY}") from error


REMEDY = "start it, or take `make run`, which needs none"


def is_ours(address: str) -> bool:
    """True if this machine has the address; Docker Desktop's network is in a virtual machine."""
    if not address:  # a socket would take it for every interface
        return False
    try:
        with socket.create_server((address, 0)):
            return True
    except OSError:
        return False


def environment(deployment: Deployment, host: str) -> dict[str, dict[str, str]]:
    """Each function's environment in the deployment, with moto's address as containers see it."""
    port = deployment.moto_url.rpartition(":")[2]
    return {
        declared.name: {
            name: deployment.functions[declared.name]
            .environment[name]
            .replace(deployment.moto_url, f"http://{host}:{port}")
            for name in [*declared.environment, *OURS]
        }
        for declared in deployment.stack.functions()
    }


def write(environment: dict[str, dict[str, str]]) -> None:
    ENVIRONMENT_FILE.parent.mkdir(exist_ok=True)
    ENVIRONMENT_FILE.write_text(json.dumps(environment, indent=2))


def serve(port: int, deployment: Deployment) -> int:
    """Build the functions, then serve the API until Ctrl-C."""
    overrides = ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    if status := run([str(SAM), "build", "--build-dir", str(BUILT), *overrides], deployment):
        return status
    try:
        return run([str(SAM), "local", "start-api", "--port", str(port), *options()], deployment)
    finally:
        remove_containers(deployment)


def remove_containers(deployment: Deployment, docker: str = "docker") -> None:
    """Remove the containers that sam forgets: it loses track of some that it starts at once."""
    ours = [f"--filter=volume={BUILT / name}" for name in deployment.functions]
    listed = subprocess.run(  # noqa: S603
        [docker, "ps", "--all", "--quiet", *ours], capture_output=True, text=True, check=False
    )
    if containers := listed.stdout.split():
        subprocess.run([docker, "rm", "--force", *containers], capture_output=True, check=False)  # noqa: S603


def invocation(function: str, event: str) -> list[str]:
    event = str(ROOT / "events" / event)
    return [str(SAM), "local", "invoke", function, "--event", event, *options()]


def options() -> list[str]:
    return [
        *("--template", str(BUILT / "template.yaml")),
        *("--config-file", str(ROOT / "samconfig.toml")),
        *("--env-vars", str(ENVIRONMENT_FILE)),
        *("--parameter-overrides", f"Architecture={ARCHITECTURE}"),
        *("--region", REGION),
    ]


def run(command: list[str], deployment: Deployment) -> int:
    path = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"  # python3.13, for the build
    environment = {**os.environ, **keys(deployment), "PATH": path, "SAM_CLI_TELEMETRY": "0"}
    # In its own session, sam does not get the terminal's Ctrl-C on top of the one that `end` sends.
    with uninterrupted() as interruptions:
        sam = subprocess.Popen(command, env=environment, start_new_session=True)  # noqa: S603
    try:
        if interruptions:
            raise KeyboardInterrupt
        while (status := sam.poll()) is None:
            deployment.check()
            time.sleep(LOOK_AGAIN)
        return status
    finally:
        end(sam)


def keys(deployment: Deployment) -> dict[str, str]:
    """Those of this run, so that the keys of a real account stay out of the containers."""
    return dict.fromkeys(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"), deployment.url_key)


@contextmanager
def uninterrupted() -> Iterator[list[int]]:
    """Collect signals meanwhile: ending while a process starts would leave it running."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))
    yield signals
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def end(sam: "subprocess.Popen[bytes]") -> None:
    """End sam by SIGINT, the only signal at which it always removes its containers."""
    if sam.poll() is not None:
        return
    for further in (signal.SIGINT, signal.SIGTERM):
        signal.signal(further, signal.SIG_IGN)
    os.killpg(sam.pid, signal.SIGINT)
    try:
        sam.wait(MAX_END_S)
    except subprocess.TimeoutExpired:
        say(f"sam has not ended after {MAX_END_S} s; see `docker ps`", sys.stderr)
        os.killpg(sam.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
