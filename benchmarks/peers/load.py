"""A load of popular and rare questions, and a worker that dies meanwhile."""

import os
import random
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path

from benchmarks.client import Failed, PatientClient, Timed
from benchmarks.deployed import percentiles
from benchmarks.peers.services import Service

REQUESTS, SIGNATURES, CLIENTS = 2000, 200, 16
PATH = "/v1/napping"
LONG, KILLED_AFTER, WAITED = 3, 1, 60
"""Seconds that a job takes, after which its worker is killed, and for which a client waits."""
Start = Callable[[Path], AbstractContextManager[Service]]


def zipf() -> list[int]:
    """Numbers by Zipf's law, s = 1; each at least once."""
    chance = random.Random(0)
    weights = [1 / rank for rank in range(1, SIGNATURES + 1)]
    rest = chance.choices(range(SIGNATURES), weights, k=REQUESTS - SIGNATURES)
    asked = [*range(SIGNATURES), *rest]
    chance.shuffle(asked)
    return asked


def under_load(start: Start) -> dict[str, float]:
    """What a service needs for the load, when it is warm."""
    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as service:
        warm = [{"number": -n} for n in range(1, CLIENTS + 1)]
        clients = [PatientClient(service.url, PATH) for _ in warm]
        with ThreadPoolExecutor(CLIENTS) as pool:
            list(pool.map(PatientClient.ask, clients, warm))
        service.computed.write_text("")
        requests = sum(client.requests for client in clients)
        before, began = processor_time(service.request_function()), time.monotonic()
        asked = ask_all(clients, zipf())
        took = time.monotonic() - began
        used = processor_time(service.request_function()) - before
        sent = sum(client.requests for client in clients) - requests
        computed = len(service.computed.read_text().split())
    return {
        "computations_per_signature": round(computed / SIGNATURES, 2),
        "requests_per_result": round(sent / len(asked), 2),
        "cpu_per_1000_requests": round(1000 * used / sent, 2),
        "cpu_per_1000_results": round(1000 * used / len(asked), 2),
        "seconds": round(took, 1),
        **times("first", [each.first for each in asked]),
        **times("result", [each.result for each in asked]),
    }


def ask_all(clients: list[PatientClient], numbers: list[int]) -> list[Timed]:
    """Each client takes the next question when it has a result."""
    left: Iterator[int] = iter(numbers)
    lock = threading.Lock()

    def asking(client: PatientClient) -> list[Timed]:
        asked: list[Timed] = []
        while True:
            with lock:
                number = next(left, None)
            if number is None:
                return asked
            asked.append(client.ask({"number": number}))

    with ThreadPoolExecutor(len(clients)) as pool:
        return [each for found in pool.map(asking, clients) for each in found]


def times(what: str, seconds: list[float]) -> dict[str, float]:
    found = percentiles(seconds)
    return {f"{what}_p{n}_ms": round(1000 * found[n]) for n in (50, 99)}


def killed(start: Start) -> str:
    """What a client gets whose worker is killed in the middle of the job, and when."""
    with tempfile.TemporaryDirectory() as folder, start(Path(folder)) as service:
        client = PatientClient(service.url, PATH, most=WAITED)
        client.ask({"number": 0})
        timer = threading.Timer(KILLED_AFTER, service.kill_workers)
        timer.start()
        try:
            asked = client.ask({"number": 1, "seconds": LONG})
        except Failed as failed:
            return f"nothing in {WAITED} s" if "202" in str(failed) else str(failed)
        finally:
            timer.join()
        return f"the result after {asked.result:.0f} s"


def processor_time(pids: list[int]) -> float:
    """Seconds of user and system."""
    return sum(map(_ticks, pids)) / os.sysconf("SC_CLK_TCK")


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])
