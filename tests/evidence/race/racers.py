"""Processes that do the same at the same moment, each with the functions' own wiring."""

import json
import multiprocessing
import os
import uuid
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import chain
from multiprocessing.synchronize import Barrier as ProcessBarrier
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

import computations
from backburner import request, resources, worker
from backburner.aws.time_limits import TimeLimits
from backburner.computation import STANDARD
from backburner.protocol import store
from tests.support.environment import exactly

PROCESSES = 4
TESTS = Path(__file__).parents[2]
COMPUTATIONS = TESTS / "served/computations"
EVENT = TESTS.parent / "events" / "1_request_miss.json"

PATIENCE = TimeLimits(connect=30, read=30, pauses=[0.1, 0.5, 1, 2])
"""One process is hundreds of sandboxes here, and the engine is one process on a busy machine."""

Clauses = Mapping[str, str]
"""Clauses of store.py by name, and what stands there instead."""

Environments = Mapping[str, Mapping[str, str]]
"""Of each function, by its logical id."""

environments: dict[str, Mapping[str, str]] = {}
"""Those of this process, once it is a racer."""

all_ready: list[ProcessBarrier] = []
"""The barrier of this process, once it is a racer."""


class Racers:
    """Each process takes one task of a race, because it waits until all of them are ready."""

    def __init__(self, processes: ProcessPoolExecutor) -> None:
        self._processes = processes

    def ask(self, parameters: Any, requests: int) -> list[dict[str, Any]]:
        """So many equal requests at once: nobody claims before all have looked and seen nothing."""
        share = requests // PROCESSES
        told = self._processes.map(ask, [parameters] * PROCESSES, [share] * PROCESSES)
        return list(chain.from_iterable(told))

    def work(self, message: Any) -> list[bool]:
        """The same message for a worker in each process; which of them are done with it."""
        return list(self._processes.map(work, [message] * PROCESSES))


@contextmanager
def racers(environments: Environments, faults: Clauses) -> Iterator[Racers]:
    context = multiprocessing.get_context("spawn")
    becoming = (environments, faults, context.Barrier(PROCESSES))
    with ProcessPoolExecutor(PROCESSES, context, become_a_racer, becoming) as processes:
        yield Racers(processes)


def become_a_racer(declared: Environments, faults: Clauses, barrier: ProcessBarrier) -> None:
    environments.update(declared)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # a line of metrics for each request
    resources.REQUEST = resources.WORKER = PATIENCE
    computations.__path__.append(str(COMPUTATIONS))
    for name, clause in faults.items():
        setattr(store, name, clause)
    all_ready.append(barrier)


def ask(parameters: Any, requests: int) -> list[dict[str, Any]]:
    with exactly(environments["RequestFunction"]):
        # What an instance does once in a while.
        request.request_handler().run_times.of("counted")
        request.request_handler().lanes.of(STANDARD).is_full()
        return race(parameters, requests)


def race(parameters: Any, requests: int) -> list[dict[str, Any]]:
    looked = Barrier(requests + 1, timeout=60)
    with before_claims(looked), ThreadPoolExecutor(requests) as threads:
        asked = [threads.submit(ask_once, parameters) for _ in range(requests)]
        looked.wait()
        all_ready[0].wait()
        looked.wait()
        return [each.result() for each in asked]


@contextmanager
def before_claims(looked: Barrier) -> Iterator[None]:
    """Who is about to claim says so, and waits for the others."""

    def wait() -> None:
        looked.wait()
        looked.wait()

    client = request.request_handler().store.client
    update: Any = client.update_item

    def wait_and_update(**asked: Any) -> Any:
        wait()
        return update(**asked)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "update_item", wait_and_update)
        yield


def ask_once(parameters: Any) -> dict[str, Any]:
    event = json.loads(EVENT.read_text())
    event["requestContext"]["requestId"] = str(uuid.uuid4())
    event |= {"rawPath": "/v1/counted", "body": json.dumps(parameters)}
    return request.handler(event, None)


def work(message: Any) -> bool:
    with exactly(environments["WorkerFunction"]):
        worker.worker()
        all_ready[0].wait()
        failures: list[Any] = worker.handler({"Records": [message]}, None)["batchItemFailures"]
    return not failures
