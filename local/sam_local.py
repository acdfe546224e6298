"""make sam-local: the deployment of `make run`, and its API once more in Docker, by `sam local`.

The containers work on the table, queues and bucket of the deployment, whose own workers take what
they send: sam local has no queues. A function gets only variables that the template declares
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

from local.deployment import HOST, LOOK_AGAIN, REGION, Deployment, PortInUse, StoresLost

ROOT = Path(__file__).parent.parent
SAM = ROOT / ".venv-sam/bin/sam"
BUILT = ROOT / ".aws-sam/local"
"""Beside what `sam build` makes for AWS: this is for the processor of this machine."""
ENVIRONMENT_FILE = ROOT / ".aws-sam/environment.json"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
DESKTOP = "host.docker.internal"
"""Docker Desktop's containers reach the loopback of this machine by that name."""
LONGEST_END = 30
"""Seconds for sam to stop and remove its containers, one after the other."""


class NoDocker(Exception):
    """There is no Docker here, or it does not run."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.sam_local", description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="of make run; sam's is the next")
    port = parser.parse_args().port
    # SIGTERM ends it in the same way as Ctrl-C; and what is started by `&` ignores SIGINT, and so
    # would sam.
    for end_of_all in (signal.SIGINT, signal.SIGTERM):
        signal.signal(end_of_all, signal.default_int_handler)
    try:
        gateway = bridge_gateway()
        listens_at, seen_at = (gateway, gateway) if is_ours(gateway) else (HOST, DESKTOP)
        with Deployment(port=port, moto_host=listens_at) as deployment:
            write(environment(deployment, seen_at))
            print(f"make run is at {deployment.url}, sam local will be at {HOST}:{port + 1}; also:")
            command = shlex.join(invocation("RequestFunction", "1_request_miss.json"))
            print(f"  {command}", flush=True)
            return serve(port + 1, deployment)
    except (NoDocker, PortInUse, StoresLost) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def bridge_gateway(docker: str = "docker") -> str:
    """The address of Docker's host on the network of its containers."""
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
    """Docker Desktop's containers have their network in a machine of their own."""
    if not address:  # to a socket it is every interface
        return False
    try:
        with socket.create_server((address, 0)):
            return True
    except OSError:
        return False


def environment(deployment: Deployment, host: str) -> dict[str, dict[str, str]]:
    """By function: what it has in the deployment, with moto where containers find it."""
    port = deployment.moto_url.rpartition(":")[2]
    return {
        declared.name: {
            name: deployment.functions[declared.name]
            .environment[name]
            .replace(deployment.moto_url, f"http://{host}:{port}")
            for name in [*declared.environment, "AWS_ENDPOINT_URL"]
        }
        for declared in deployment.stack.functions()
    }


def write(environment: dict[str, dict[str, str]]) -> None:
    ENVIRONMENT_FILE.parent.mkdir(exist_ok=True)
    ENVIRONMENT_FILE.write_text(json.dumps(environment, indent=2))


def serve(port: int, deployment: Deployment) -> int:
    """Build, and serve the API until Ctrl-C."""
    overrides = ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    if status := run([str(SAM), "build", "--build-dir", str(BUILT), *overrides], deployment):
        return status
    try:
        return run([str(SAM), "local", "start-api", "--port", str(port), *options()], deployment)
    finally:
        remove_containers(deployment)


def remove_containers(deployment: Deployment, docker: str = "docker") -> None:
    """Those that sam forgets: it starts one for each function at once, and loses sight of some."""
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
    # Keys of a real account have no business in the containers.
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    path = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"  # python3.13, for the build
    environment = {**os.environ, **keys, "PATH": path, "SAM_CLI_TELEMETRY": "0"}
    # In a session of its own it does not get the terminal's Ctrl-C besides the one it gets from us.
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


@contextmanager
def uninterrupted() -> Iterator[list[int]]:
    """What ends us while a process is started would leave that process alone; it is noted."""
    signals: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: signals.append(number))
    yield signals
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler)


def end(sam: "subprocess.Popen[bytes]") -> None:
    """By SIGINT: it is the only signal at which sam always takes its containers along."""
    if sam.poll() is not None:
        return
    for further in (signal.SIGINT, signal.SIGTERM):
        signal.signal(further, signal.SIG_IGN)
    os.killpg(sam.pid, signal.SIGINT)
    try:
        sam.wait(LONGEST_END)
    except subprocess.TimeoutExpired:
        print(f"sam has not ended after {LONGEST_END} s; see `docker ps`", file=sys.stderr)
        os.killpg(sam.pid, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
