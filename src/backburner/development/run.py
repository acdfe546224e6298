"""backburner run: the deployment, until Ctrl-C."""

import json
import shlex
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import urllib3

from backburner.development.local.deployment import Deployment

EACH_S = 2
"""Seconds after which a start that takes long says that it goes on."""


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
    deployment = Deployment(
        port=port,
        moto_port=moto_port,
        workers=workers,
        environment=environment,
        computations=computations,
        kept_in=kept_in,
        is_fresh=fresh,
        for_people=not json_logs,
    )
    with suppress(KeyboardInterrupt), ExitStack() as running:
        with told_to_wait():
            running.enter_context(deployment)
        print(greeting(deployment), flush=True)
        deployment.serve()


@contextmanager
def told_to_wait() -> Iterator[None]:
    """Say meanwhile that it goes on: the first start compiles what it imports."""
    ended = Event()

    def tell() -> None:
        while not ended.wait(EACH_S):
            print("  …", flush=True)

    Thread(target=tell, daemon=True).start()
    try:
        yield
    finally:
        ended.set()


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
