"""How many seconds of workers it takes to wait for a server, alone and together: docs/costs.md.

    PYTHONPATH=src .venv/bin/python -m benchmarks.async_together

It asks the local deployment for what a server answers in a second, and adds up how long the
invocations of the workers last, as Lambda bills them. One poller takes from the queue.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import urllib3

from backburner.development.local import deployment
from backburner.development.local.deployment import Deployment
from backburner.development.local.function import Function

from .costs import table
from .prices import GB_SECOND

COMPUTATIONS = Path(__file__).parent / "computations"
PREVIEWS = 30
MEMORY_GB = 0.5
MAX_S = 60
numbers = count()


@dataclass(frozen=True, slots=True)
class Billed:
    jobs: int
    seconds: float


invocations: list[Billed] = []


class TimedFunction(Function):
    """Says how long it took."""

    def invoke(self, event: object) -> Any:
        began = time.monotonic()
        try:
            return super().invoke(event)
        finally:
            if self.name == "AsyncWorkerFunction" and isinstance(event, dict):
                took = time.monotonic() - began
                invocations.append(Billed(len(event["Records"]), took))


def asked(url: str) -> None:
    """Ask until it is answered."""
    question = f"{url}/v1/fetching?number={next(numbers)}"
    until = time.monotonic() + MAX_S
    while urllib3.request("GET", question).status != 200:
        if time.monotonic() > until:
            raise TimeoutError(question)
        time.sleep(0.2)


def row(label: str, url: str, at_once: int) -> list[str]:
    invocations.clear()
    for _ in range(PREVIEWS // at_once):
        with ThreadPoolExecutor(at_once) as clients:
            list(clients.map(asked, [url] * at_once))
    jobs, seconds = (sum(getattr(i, what) for i in invocations) for what in ("jobs", "seconds"))
    dollars = GB_SECOND.dollars * MEMORY_GB * seconds / jobs
    return [
        label,
        f"{len(invocations)}",
        f"{jobs / len(invocations):.1f}",
        f"{seconds / jobs:.2f}",
        f"{dollars:.2f}",
    ]


def main() -> None:
    vars(deployment)["Function"] = TimedFunction
    environment = {"COMPUTATIONS_PACKAGE": "computations"}
    with Deployment(
        workers=1, environment=environment, computations=[COMPUTATIONS], console=2
    ) as local:
        asked(local.url)  # what a first invocation imports
        heading = ["invocations", "jobs of each", "seconds of a job", "dollars a million"]
        rows = [row(f"{n} at once", local.url, n) for n in (1, 3, 10)]
    sys.stdout.write(table([f"{PREVIEWS} previews", *heading], rows) + "\n")


if __name__ == "__main__":
    main()
