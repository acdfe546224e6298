"""The clients of both languages meet each server of clients/behaviours.json."""

import asyncio
import json
import os
import ssl
import subprocess
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from backburner_client import (
    AsyncBackburner,
    Backburner,
    Cancelled,
    Computed,
    ComputeError,
    JobStatus,
    ProblemError,
    Unreachable,
)
from tests.clients.node import node
from tests.clients.scripted_server import SIGNATURE, TABLE, serving

pytestmark = pytest.mark.enable_socket

ROWS = json.loads(TABLE.read_text("utf-8"))["behaviours"]
QUESTION = {"question": 1}
START = 1_800_000_000.0
"""The clients' clock, seconds since the epoch."""
ENOUGH_ROWS = 25
TLS = ssl.create_default_context()
"""For all clients: to make one takes longer than most rows."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with serving() as url:
        yield url


@dataclass
class Passing:
    """Time that passes only by waiting."""

    now: float = START
    waits: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        if seconds:
            self.waits.append(round(seconds, 6))

    async def asleep(self, seconds: float) -> None:
        self.sleep(seconds)


def settings(row: dict[str, Any], clock: Passing, sleep: Callable[[float], object]) -> Any:
    given = {"token": row.get("token"), "random": lambda: row.get("random", 0)}
    given |= {"max_bytes": row["max_bytes"]} if "max_bytes" in row else {}
    if row.get("clock") == "real":
        return given
    return {**given, "sleep": sleep, "now": clock}


@pytest.mark.parametrize("number", range(len(ROWS)), ids=lambda n: ROWS[n]["name"])
def test_python(url: str, number: int) -> None:
    row, clock, told = ROWS[number], Passing(), list[JobStatus]()
    base = f"{url}/sync-{number}"
    cancel = threading.Event() if "cancel_after" in row else None
    if cancel:
        threading.Timer(row["cancel_after"], cancel.set).start()
    http = httpx.Client(verify=TLS)
    with Backburner(base, http=http, **settings(row, clock, clock.sleep)) as client:

        def ask() -> Computed:
            options: Any = {"deadline": row.get("deadline", 60), "on_progress": told.append}
            if followed := row.get("follow"):
                return client.follow(filled(followed, base), cancel=cancel, **options)
            return client.compute("slow", QUESTION, cancel=cancel, **options)

        began = time.monotonic()
        gives = outcome(row, lambda: [ask() for _ in range(row.get("calls", 1))][-1])
    assert_as_written(row, base, gives, clock, told, time.monotonic() - began)


@pytest.mark.parametrize("number", range(len(ROWS)), ids=lambda n: ROWS[n]["name"])
def test_python_with_asyncio(url: str, number: int) -> None:
    row, clock, told = ROWS[number], Passing(), list[JobStatus]()
    base = f"{url}/async-{number}"

    async def ask() -> Computed:
        options: Any = {"deadline": row.get("deadline", 60), "on_progress": told.append}
        http = httpx.AsyncClient(verify=TLS)
        options_of_all = settings(row, clock, clock.asleep)
        async with AsyncBackburner(base, http=http, **options_of_all) as client:
            for _ in range(row.get("calls", 1)):
                if followed := row.get("follow"):
                    asking = client.follow(filled(followed, base), **options)
                else:
                    asking = client.compute("slow", QUESTION, **options)
                answer = await cancelled_after(row.get("cancel_after"), asking)
            return answer

    began = time.monotonic()
    gives = outcome(row, lambda: asyncio.run(ask()))
    assert_as_written(row, base, gives, clock, told, time.monotonic() - began)


def test_a_cookie_that_python_cannot_send_ends_in_an_error_of_the_client() -> None:
    baked = httpx.MockTransport(
        lambda _: httpx.Response(202, headers=[(b"set-cookie", "a=é".encode())])
    )
    http, clock = httpx.Client(transport=baked), Passing()
    client = Backburner("http://service", http=http, sleep=clock.sleep, now=clock)
    with client, pytest.raises(Unreachable):
        client.compute("slow", QUESTION)


async def cancelled_after(seconds: float | None, asking: Awaitable[Computed]) -> Computed:
    task = asyncio.ensure_future(asking)
    if seconds:
        asyncio.get_running_loop().call_later(seconds, task.cancel)
    return await task


def outcome(row: dict[str, Any], ask: Callable[[], Computed]) -> dict[str, Any]:
    try:
        result = ask().result
    except (Cancelled, asyncio.CancelledError):
        return {"error": "cancelled"}
    except ProblemError as problem:
        return {"error": "Problem", **told_of(problem, row["gives"])}
    except (ComputeError, ValueError) as error:
        return {"error": type(error).__name__, **told_of(error, row["gives"])}
    return {"size": len(json.dumps(result))} if "size" in row["gives"] else {"result": result}


def told_of(error: Exception, wanted: dict[str, Any]) -> dict[str, Any]:
    told = {name: getattr(error, name) for name in wanted if name != "error"}
    return told | ({"location": bool(told["location"])} if "location" in told else {})


def assert_as_written(
    row: dict[str, Any],
    base: str,
    gives: dict[str, Any],
    clock: Passing,
    told: list[JobStatus],
    took: float,
) -> None:
    run = base.rpartition("/")[2]
    verdict = httpx.get(base.replace(run, f"verdict/{run}"), verify=TLS).json()
    assert verdict == []
    assert gives == row["gives"]
    if row.get("clock") == "real":
        assert took < row.get("deadline", 5) + 2
    else:
        assert clock.waits == row.get("waits", clock.waits)
    assert [status.progress for status in told] == row.get("progress", [s.progress for s in told])


def filled(location: str, base: str) -> str:
    run = base.rpartition("/")[2]
    given = {"{base}": f"/{run}", "{elsewhere}": "http://127.0.0.2:9", "{signature}": SIGNATURE}
    for name, value in given.items():
        location = location.replace(name, value)
    return location


def test_javascript(url: str) -> None:
    """By node's own runner, all rows in one process."""
    environment = {**os.environ, "BEHAVIOURS_URL": url}
    suite = "clients/javascript/backburner.test.js"
    command = [node(), "--test", "--test-reporter=spec", suite]
    ran = subprocess.run(  # noqa: S603
        command, env=environment, capture_output=True, text=True, timeout=120
    )
    assert ran.returncode == 0, ran.stdout[-8000:] + ran.stderr[-2000:]
    assert f"pass {len(ROWS)}" in ran.stdout


def test_the_table_is_long_enough() -> None:
    names = [row["name"] for row in ROWS]
    assert len(set(names)) == len(names) > ENOUGH_ROWS
