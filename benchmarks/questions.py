"""What is asked: events of API Gateway for questions to route-plan of some size."""

import copy
import itertools
import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent
EVENT: dict[str, Any] = json.loads((ROOT / "events/1_request_miss.json").read_text())
MESSAGE: dict[str, Any] = json.loads((ROOT / "events/2_job_message.json").read_text())
Event = dict[str, Any]

SETTLED, QUEUED, UNKNOWN = range(3)
"""Seeds: questions that are answered, whose job is queued, and that nobody has asked yet."""
BLANKS = " \n\r\t"


def route_plan(stops: int, seed: int) -> str:
    """A question to route-plan; 1,000 stops take 38 kB."""
    chance = random.Random(f"{stops} {seed}")

    def stop() -> dict[str, int]:
        x, y = (chance.randint(100, 999) for _ in "xy")
        return {"x": x, "y": y, "demand": chance.randint(1, 9)}

    vehicles = {"count": stops // 4 + 1, "capacity": 100}
    given = {"depot": {"x": 500, "y": 500}, "stops": [stop() for _ in range(stops)]}
    return json.dumps({**given, "vehicles": vehicles, "effort": "quick"})


def numbers(count: int) -> str:
    """A question to `numbers`, of benchmarks/computations; 50,000 take a megabyte."""
    chance = random.Random(count)
    return json.dumps({"numbers": [chance.uniform(0, 1000) for _ in range(count)]})


def post(body: str, computation: str = "route-plan") -> Event:
    return _event("POST", f"/v1/{computation}", body)


def get(location: str) -> Event:
    return _event("GET", location)


def new_each_time(event: Event) -> Callable[[], Event]:
    """The same question in another writing each time, so that no instance has seen it before.

    Seven blanks at its end count up, so that all have the same length.
    """
    writings = itertools.cycle(itertools.product(BLANKS, repeat=7))
    return lambda: {**event, "body": event["body"] + "".join(next(writings))}


def message(body: str) -> Event:
    """The event of the mapping for a message of that body."""
    event = copy.deepcopy(MESSAGE)
    event["Records"][0]["body"] = body
    return event


def _event(method: str, path: str, body: str | None = None) -> Event:
    event = copy.deepcopy(EVENT)
    event["rawPath"] = path
    event["requestContext"]["http"] |= {"method": method, "path": path}
    event["headers"]["accept-encoding"] = "gzip"
    del event["body"]
    return event if body is None else {**event, "body": body}
