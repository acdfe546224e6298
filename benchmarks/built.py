"""The built bundles, and processes that run from them as in Lambda: bundle first, then boto3."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from backburner.development.local.template import Stack, load

ROOT = Path(__file__).parent.parent
BUILT = ROOT / "build/bench"
REQUEST, WORKER = "RequestFunction", "WorkerFunction"
REGION = "us-east-1"
QUEUES = ("Queue", "DeadLetterQueue", "FailedJobsQueue")


def environment(endpoint: str) -> dict[str, str]:
    """What the template gives the request function and the worker, and an endpoint of AWS."""
    queues = {name: f"{endpoint}/123456789012/{name}" for name in QUEUES}
    physical_ids = {"Table": "table", "LargeResults": "large-results", **queues}
    path = ROOT / "template.yaml"
    stack = Stack(path=path, template=load(path), region=REGION, physical_ids=physical_ids)
    return {
        "PATH": os.environ["PATH"],
        "AWS_ACCESS_KEY_ID": "canned",
        "AWS_SECRET_ACCESS_KEY": "canned",
        "AWS_SESSION_TOKEN": "canned" * 100,
        "HOME": "/nonexistent",  # without ~/.aws, as in Lambda
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "TZ": ":UTC",
        **stack.function(WORKER).environment,
        **stack.function(REQUEST).environment,
        "QUEUED_LEASE": "900",  # what is queued stays queued while it is measured
    }


def command(function: str, endpoint: str, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """A command of Python and its environment; it imports from that function's bundle."""
    path = f"{BUILT / function}{os.pathsep}{ROOT}"
    return [sys.executable, "-B", *arguments], {**environment(endpoint), "PYTHONPATH": path}


def run(function: str, module: str, endpoint: str, *arguments: str) -> Any:
    """What a module prints as JSON, run from that function's bundle."""
    line, environ = command(function, endpoint, "-m", module, *arguments)
    return json.loads(subprocess.check_output(line, env=environ, cwd="/"))  # noqa: S603


@contextmanager
def canned_aws() -> Iterator[str]:
    """The endpoint of a canned server, in another process."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        fd = listener.fileno()
        line = [sys.executable, "-m", "benchmarks.canned_aws", str(fd)]
        server = subprocess.Popen(line, pass_fds=[fd], cwd=ROOT)  # noqa: S603
        port = listener.getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.kill()
        server.wait()


def size(artefact: str) -> int:
    """Bytes, unpacked."""
    return sum(f.stat().st_size for f in (BUILT / artefact).rglob("*") if f.is_file())
