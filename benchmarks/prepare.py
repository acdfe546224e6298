"""Fills the canned server with entries, by our own handlers: python -m benchmarks.prepare

It runs from the worker's bundle and prints the locations of the entries as JSON.
"""

import itertools
import json
from dataclasses import replace
from typing import Any

from benchmarks import questions
from benchmarks.canned_control import heard, tell
from benchmarks.inside import bench_computations, printing_json
from benchmarks.questions import QUEUED, SETTLED

SIZES = (4, 21, 1000)
SLOTS = 64
RESULT = json.dumps(
    {
        "cost": 1234.5,
        "routes": [
            {"stops": [*range(n, n + 7)], "distance": 411.5, "load": 42} for n in (0, 7, 14)
        ],
    }
).encode()
"""Stands for every result: what is computed is not what is measured."""


def main() -> dict[str, str]:
    from backburner import request, worker  # after stdout has been put aside

    at_once = replace(worker.worker(), compute=lambda *_: RESULT)
    worker.worker = lambda: at_once  # type: ignore[assignment]
    tell("Freeze", frozen=False)
    tell("Put", **run_times())
    locations = {}
    for size, seed in itertools.product(SIZES, (SETTLED, QUEUED)):
        body = questions.route_plan(size, seed)
        locations[f"{size} {seed}"] = ask(request, questions.post(body))
        if seed == SETTLED:
            work(worker)
    ask(request, questions.post('{"text": "a slow computation"}', "word-count"))
    locations["message"] = sent()
    tell("Freeze", frozen=True)
    return locations


def ask(request: Any, event: questions.Event) -> str:
    """Ask by the request function; the location of the entry."""
    answer = request.handler(event, None)
    if answer["statusCode"] != 202:
        raise RuntimeError(f"a new question got {answer}; look at the canned server")
    location: str = answer["headers"]["location"]
    return location


def work(worker: Any) -> None:
    """Answer the question by the worker."""
    outcome = worker.handler(questions.message(sent()), None)
    if outcome["batchItemFailures"]:
        raise RuntimeError(f"a job failed: {outcome}; look at the canned server")


def sent() -> str:
    """The body of the last message that was sent."""
    bodies: list[str] = [b["MessageBody"] for call, b in heard() if call == "SendMessage"]
    return bodies[-1]


def run_times() -> dict[str, Any]:
    """The samples of a computation that has run often."""
    slots = {
        f"slot_{n}": {"L": [{"N": f"{0.05 + n / 1000}"}, {"N": f"{0.5 + n / 100}"}]}
        for n in range(SLOTS)
    }
    return {"signature": {"S": "run-times/route-plan"}, **slots}


if __name__ == "__main__":
    with printing_json() as output:
        bench_computations()
        output.update(main())
