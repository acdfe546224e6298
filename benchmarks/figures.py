"""The paths of the two functions beside their floors: python -m benchmarks.figures GROUP LOCATIONS

It runs in a process that imports from a bundle, against the canned server. LOCATIONS is what
benchmarks.prepare printed. Prints a ratio for each figure of the group as JSON.
"""

import gzip
import json
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from benchmarks import bare, questions
from benchmarks.canned_control import heard
from benchmarks.inside import bench_computations, printing_json
from benchmarks.paired import Ratio, compare
from benchmarks.questions import QUEUED, SETTLED, UNKNOWN, Event

ROUNDS = 30
Locations = dict[str, str]
Handle = Callable[[], Any]


class RequestFunction:
    """The handler of the bundle, and bare handlers that make the same calls."""

    def __init__(self) -> None:
        from backburner import request

        self._handler, self._cache = request.handler, request.request_handler().local_cache

    def compare(self, next_event: Callable[[], Event], status: int, calls: int = 30) -> Ratio:
        """Without the local cache."""

        def ours() -> Any:
            self._cache.clear()
            return self._handler(next_event(), None)

        return self._beside(ours, self._floor(ours, status), status, calls)

    def compare_from_local_cache(self, event: Event, calls: int = 60) -> Ratio:
        """From the local cache, beside a handler that reads the table."""

        def ours() -> Any:
            return self._handler(event, None)

        def cleared() -> Any:
            self._cache.clear()
            return ours()

        return self._beside(ours, self._floor(cleared, 200), 200, calls)

    def _floor(self, ours: Handle, status: int) -> Handle:
        """A bare handler with the calls of ours, when it is warm."""
        check(ours(), status)
        heard()
        check(ours(), status)
        return bare.handler(bare.each_time(heard()))

    def _beside(self, ours: Handle, floor: Handle, status: int, calls: int) -> Ratio:
        check(floor(), status)
        return compare(ours, floor, rounds=ROUNDS, calls=calls)


def check(answer: dict[str, Any], status: int) -> None:
    if answer["statusCode"] != status:
        raise RuntimeError(f"the answer is {answer}, and not {status}; mend the benchmark")


def hits(locations: Locations) -> dict[str, Ratio]:
    function = RequestFunction()
    by_get = questions.get(locations[f"21 {SETTLED}"])
    by_post = questions.post(questions.route_plan(21, SETTLED))
    large = questions.post(questions.route_plan(1000, SETTLED))
    return {
        "table_hit_get": function.compare(lambda: by_get, 200),
        "table_hit_post": function.compare(lambda: by_post, 200),
        "table_hit_post_first": function.compare(questions.new_each_time(by_post), 200),
        "local_cache_hit_get": function.compare_from_local_cache(by_get),
        "local_cache_hit_post": function.compare_from_local_cache(by_post),
        "hit_1000_seen": function.compare(lambda: large, 200, calls=5),
        "hit_1000_first": function.compare(questions.new_each_time(large), 200, calls=5),
    }


def jobs(locations: Locations) -> dict[str, Ratio]:
    function = RequestFunction()
    poll_get = questions.get(locations[f"21 {QUEUED}"])
    poll_post = questions.post(questions.route_plan(4, QUEUED))
    misses = {n: questions.post(questions.route_plan(n, UNKNOWN)) for n in (4, 21)}
    return {
        "miss_4": function.compare(questions.new_each_time(misses[4]), 202, calls=15),
        "miss": function.compare(questions.new_each_time(misses[21]), 202, calls=15),
        "poll_get": function.compare(lambda: poll_get, 202),
        "poll_post": function.compare(lambda: poll_post, 202),
    }


def signatures(_: Locations) -> dict[str, Ratio]:
    """From the body to the signature, beside json.loads of the same body."""
    stops = questions.post(questions.route_plan(1000, UNKNOWN))
    floats = questions.post(questions.numbers(50_000), "numbers")
    return {
        "signature_1000": signing(stops, calls=4),
        "signature_1mb": signing(floats, calls=1),
    }


def signing(event: Event, calls: int) -> Ratio:
    from backburner.http import routes
    from backburner.http.event import Request
    from backburner.http.memo import new_memo

    next_event = questions.new_each_time(event)

    def ours() -> object:
        found: Any = routes.find(Request.from_event(next_event()), new_memo())
        return found.entry.signature

    return compare(ours, lambda: json.loads(event["body"]), rounds=ROUNDS, calls=calls)


def worker(locations: Locations) -> dict[str, Ratio]:
    """An instant job, computed in the worker's own process."""
    from backburner import worker
    from backburner.attempt import alone

    results: dict[bytes, bytes] = {}

    def compute(name: str, parameters: bytes, *_: object) -> bytes:
        results[parameters] = alone.result(name, parameters, lambda _: None)
        return results[parameters]

    here = replace(worker.worker(), compute=compute)
    worker.worker = lambda: here  # type: ignore[assignment]
    event = questions.message(locations["message"])

    def ours() -> Any:
        return worker.handler(event, None)

    for _ in range(2):
        heard()
        if ours()["batchItemFailures"]:
            raise RuntimeError(f"the job failed, after {heard()}; mend the benchmark")
    calls = bare.each_time(heard())
    [(parameters, result)] = results.items()
    floor = bare.worker(calls, gzip.compress(parameters), result)
    return {"worker": compare(ours, floor, rounds=ROUNDS, calls=20)}


GROUPS = {"hits": hits, "jobs": jobs, "signatures": signatures, "worker": worker}


if __name__ == "__main__":
    with printing_json() as output:
        bench_computations()
        found = GROUPS[sys.argv[1]](json.loads(sys.argv[2]))
        output.update({name: ratio.as_json() for name, ratio in found.items()})
