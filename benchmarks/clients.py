"""What the clients' users have of the local deployment: polls per result, and how late they notice.

    PYTHONPATH=src:clients/python .venv/bin/python -m benchmarks.clients

A job is one question at a time; the first ones of a load only teach the estimator.
"""

import random
import tempfile
from collections.abc import Callable
from itertools import count
from pathlib import Path
from statistics import fmean

from backburner.development.local.deployment import Deployment
from tests.clients import noticed
from tests.clients.noticed import COMPUTATIONS, Noticed

JOBS, WARM_UP, SEED = 12, 4, 1
LOADS: dict[str, tuple[Callable[[random.Random], float], bool]] = {
    "0.2 s": (lambda _: 0.2, False),
    "1 s": (lambda _: 1, False),
    "4 s": (lambda _: 4, False),
    "0.5 … 1.5 s": (lambda draw: draw.uniform(0.5, 1.5), False),
    "2 … 6 s, tells its progress": (lambda draw: draw.uniform(2, 6), True),
}
CLIENTS = {"Python": noticed.by_python, "JavaScript": noticed.by_javascript}
MOST_POLLS, MOST_SHARE, MOST_SECONDS = 1.5, 0.15, 0.2
"""The bar: polls per result, and a share of the run time with as many seconds more."""


def main() -> None:
    print(
        "| run time | client | polls per result | noticed after | the bar |\n|---|---|--:|--:|--:|"
    )
    numbers = count(1)
    for load, (seconds, tells) in LOADS.items():
        for client, ask in CLIENTS.items():
            draw = random.Random(f"{SEED}/{load}")
            questions = [
                {"number": next(numbers), "seconds": seconds(draw), "tells": tells}
                for _ in range(WARM_UP + JOBS)
            ]
            with tempfile.TemporaryFile() as console, deployed(console.fileno()) as deployment:
                answers = ask(deployment.url, questions)[WARM_UP:]
            mean = fmean(float(question["seconds"]) for question in questions[WARM_UP:])
            print(row(load, client, answers, MOST_SHARE * mean + MOST_SECONDS), flush=True)


def deployed(console: int) -> Deployment:
    """Each client teaches the estimator of its own deployment."""
    return Deployment(computations=[Path(COMPUTATIONS)], console=console)


def row(load: str, client: str, answers: list[Noticed], bar: float) -> str:
    polls, late = fmean(a.polls for a in answers), fmean(a.late for a in answers)
    return f"| {load} | {client} | {polls:.2f} | {late:.2f} s | {MOST_POLLS} / {bar:.2f} s |"


if __name__ == "__main__":
    main()
