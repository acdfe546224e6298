"""backburner run: the deployment, until Ctrl-C."""

import json
import shlex
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

import urllib3

from backburner.development.local.deployment import Deployment


def run(
    *,
    port: int,
    moto_port: int,
    workers: int,
    environment: Mapping[str, str],
    computations: Sequence[Path],
    kept_in: Path,
    fresh: bool,
    json_logs: bool,
) -> None:
    # SIGTERM ends it like Ctrl-C, which background processes of a shell ignore.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    try:
        with Deployment(
            port=port,
            moto_port=moto_port,
            workers=workers,
            environment=environment,
            computations=computations,
            kept_in=kept_in,
            is_fresh=fresh,
            for_people=not json_logs,
        ) as deployment:
            print(greeting(deployment), flush=True)
            deployment.serve()
    except KeyboardInterrupt:
        return


def greeting(deployment: Deployment) -> str:
    url, moto_url = deployment.url, deployment.moto_url
    stores = f"its table, queues and bucket at {moto_url} (moto) are {deployment.kept}"
    ready = f"The console is at {url}/, until Ctrl-C; {stores}. Or ask with:"
    return "\n  ".join([ready, *questions(url)[-1:], f"curl -i {url}/v1"])


def questions(url: str) -> list[str]:
    """Commands that ask the computations' examples; empty while the code is broken."""
    json_type = "-H 'content-type: application/json'"
    listed = urllib3.request("GET", f"{url}/v1").json().get("computations", [])
    return [
        f"curl -i {url}/v1/{each['name']} {json_type} -d {shlex.quote(json.dumps(each['example']))}"
        for each in listed
    ]
