"""make sam-local: the deployment of `make run`, and its API once more in Docker, by `sam local`.

The containers work on the table, queues and bucket of the deployment, whose own workers take what
they send: sam local has no queues. What cannot be tried without Docker follows sam's own source: a
function gets only variables that the template declares (samcli/local/lambdafn/env_vars.py), and its
container is on Docker's bridge network (samcli/local/docker/container.py).
"""

import argparse
import json
import os
import platform
import shlex
import socket
import subprocess
import sys
from pathlib import Path

from local.deployment import HOST, REGION, Deployment, PortInUse

ROOT = Path(__file__).parent.parent
SAM = ROOT / ".venv-sam/bin/sam"
BUILT = ROOT / ".aws-sam/local"
"""Beside what `sam build` makes for AWS: this is for the processor of this machine."""
ENVIRONMENT_FILE = ROOT / ".aws-sam/environment.json"
ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
DESKTOP = "host.docker.internal"
"""Docker Desktop's containers reach the loopback of this machine by that name."""


class NoDocker(Exception):
    """There is no Docker here, or it does not run."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.sam_local", description=__doc__)
    parser.add_argument("--port", type=int, default=3000, help="of make run; sam's is the next")
    port = parser.parse_args().port
    try:
        gateway = bridge_gateway()
        listens_at, seen_at = (gateway, gateway) if is_ours(gateway) else (HOST, DESKTOP)
        with Deployment(port=port, moto_host=listens_at) as deployment:
            write(environment(deployment, seen_at))
            print(f"make run is at {deployment.url}, sam local will be at {HOST}:{port + 1}; also:")
            print(f"  {shlex.join(invocation('RequestFunction', 'events/1_request_miss.json'))}")
            return serve(port + 1)
    except (NoDocker, PortInUse) as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0


def bridge_gateway(docker: str = "docker") -> str:
    """The address of Docker's host on the network of its containers."""
    gateway = "{{(index .IPAM.Config 0).Gateway}}"
    command = [docker, "network", "inspect", "bridge", "--format", gateway]
    try:
        said = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603
    except FileNotFoundError as error:
        raise NoDocker(f"sam local needs Docker: no {docker} on the path; {REMEDY}") from error
    except subprocess.CalledProcessError as error:
        why = error.stderr.strip().partition("\n")[0]
        raise NoDocker(f"sam local needs Docker, which does not run: {why}; {REMEDY}") from error
    return said.stdout.strip()


REMEDY = "start it, or take `make run`, which needs none"


def is_ours(address: str) -> bool:
    """Docker Desktop's containers have their network in a machine of their own."""
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


def serve(port: int) -> int:
    """Build, and serve the API until Ctrl-C."""
    overrides = ["--parameter-overrides", f"Architecture={ARCHITECTURE}"]
    run([str(SAM), "build", "--build-dir", str(BUILT), *overrides])
    return run([str(SAM), "local", "start-api", "--port", str(port), *options()])


def invocation(function: str, event: str) -> list[str]:
    return ["sam", "local", "invoke", function, "--event", event, *options()]


def options() -> list[str]:
    return [
        *("--template", str(BUILT / "template.yaml")),
        *("--config-file", str(ROOT / "samconfig.toml")),
        *("--env-vars", str(ENVIRONMENT_FILE)),
        *("--parameter-overrides", f"Architecture={ARCHITECTURE}"),
        *("--region", REGION),
    ]


def run(command: list[str]) -> int:
    # Keys of a real account have no business in the containers.
    keys = {"AWS_ACCESS_KEY_ID": "local", "AWS_SECRET_ACCESS_KEY": "local"}
    path = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"  # python3.13, for the build
    environment = {**os.environ, **keys, "PATH": path, "SAM_CLI_TELEMETRY": "0"}
    return subprocess.run(command, env=environment, check=False).returncode  # noqa: S603


if __name__ == "__main__":
    sys.exit(main())
