"""Counts what a start and each kind of request take: python -m benchmarks.counts START LOCATIONS

It runs from a bundle, in a new process for each START (get, post or worker), and prints the counts
as JSON. Files are those that are opened, listed or asked for (`stat`) by Python.
"""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from benchmarks import questions
from benchmarks.canned_control import heard
from benchmarks.inside import printing_json
from benchmarks.questions import QUEUED, SETTLED, UNKNOWN

Handle = Callable[[], Any]
Counts = dict[str, int]


class Touched:
    """Counts the files that this process touches."""

    def __init__(self) -> None:
        self.files = 0
        self._stat = os.stat
        sys.addaudithook(self._audit)
        os.stat = self._counted_stat

    def _audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        is_file = event in ("open", "os.listdir", "os.scandir")
        self.files += is_file and arguments[0] != os.devnull

    def _counted_stat(self, *arguments: Any, **options: Any) -> os.stat_result:
        self.files += 1
        return self._stat(*arguments, **options)

    def at_start(self, first: Handle) -> Counts:
        """What this process took up to its first answer."""
        first()
        return {"files": self.files, "modules": len(sys.modules), "calls": len(heard())}

    def by(self, handle: Handle) -> Counts:
        """What one call takes, when all is warm."""
        handle()
        heard()
        files, modules = self.files, len(sys.modules)
        handle()
        return {
            "files": self.files - files,
            "modules": len(sys.modules) - modules,
            "calls": len(heard()),
        }


def get(locations: dict[str, str], touched: Touched) -> dict[str, Counts]:
    """Starts with a GET."""
    from backburner import request

    hit, poll = (questions.get(locations[f"21 {seed}"]) for seed in (SETTLED, QUEUED))
    return {
        "start, first request a GET": touched.at_start(partial(request.handler, hit, None)),
        "table hit, GET": touched.by(from_table(request, hit)),
        "local-cache hit, GET": touched.by(partial(request.handler, hit, None)),
        "poll, GET": touched.by(partial(request.handler, poll, None)),
    }


def post(_: dict[str, str], touched: Touched) -> dict[str, Counts]:
    """Starts with a POST."""
    from backburner import request

    hit, poll, miss = (
        questions.post(questions.route_plan(21, seed)) for seed in (SETTLED, QUEUED, UNKNOWN)
    )
    return {
        "start, first request a POST": touched.at_start(partial(request.handler, miss, None)),
        "table hit, POST": touched.by(from_table(request, hit)),
        "local-cache hit, POST": touched.by(partial(request.handler, hit, None)),
        "poll, POST": touched.by(partial(request.handler, poll, None)),
        "miss": touched.by(partial(request.handler, miss, None)),
    }


def worker(locations: dict[str, str], touched: Touched) -> dict[str, Counts]:
    """Starts with a job, without its child process."""
    from backburner import worker
    from backburner.attempt import alone

    def compute(name: str, parameters: bytes, *_: object) -> bytes:
        return alone.result(name, parameters, lambda _: None)

    here = replace(worker.worker(), compute=compute)
    worker.worker = lambda: here  # type: ignore[assignment]
    handle = partial(worker.handler, questions.message(locations["message"]), None)
    return {"start of the worker": touched.at_start(handle), "job": touched.by(handle)}


def from_table(request: Any, event: questions.Event) -> Handle:
    """The request, with an empty local cache."""

    def handle() -> Any:
        request.request_handler().local_cache.clear()
        return request.handler(event, None)

    return handle


STARTS = {"get": get, "post": post, "worker": worker}

if __name__ == "__main__":
    with printing_json() as output:
        counts = STARTS[sys.argv[1]](json.loads(sys.argv[2]), Touched())
        output.update(counts)
