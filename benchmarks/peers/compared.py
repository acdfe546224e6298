"""Compares backburner with what else is used for slow computations, under one load."""

import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from benchmarks.peers import load, services

PEERS: dict[str, load.Start] = {
    "backburner": services.ours,
    "FastAPI + Celery + Redis": services.celery,
    "FastAPI + RQ + Redis": services.rq,
    "Powertools Idempotency": partial(services.in_the_request, idempotent="yes"),
    "a plain handler": partial(services.in_the_request, idempotent="no"),
}
NEED_REDIS = ("FastAPI + Celery + Redis", "FastAPI + RQ + Redis")
COLUMNS = {
    "computations per signature": "{computations_per_signature:g}",
    "requests per result": "{requests_per_result:g}",
    "request function, CPU s per 1,000 requests": "{cpu_per_1000_requests:g}",
    "per 1,000 results": "{cpu_per_1000_results:g}",
    "first answer p50 / p99, ms": "{first_p50_ms} / {first_p99_ms}",
    "result p50 / p99, ms": "{result_p50_ms} / {result_p99_ms}",
    "its worker killed": "{killed}",
}


def measure() -> dict[str, dict[str, Any]]:
    """Each peer alone under the load; then a worker of each is killed, in all of them at once."""
    peers = {name: start for name, start in PEERS.items() if is_there(name)}
    found: dict[str, dict[str, Any]] = {}
    for name, start in peers.items():
        print(f"  {name} …", file=sys.stderr, flush=True)
        found[name] = dict(load.under_load(start))
    with ThreadPoolExecutor(len(peers)) as pool:
        for name, seen in zip(peers, pool.map(load.killed, peers.values()), strict=True):
            found[name]["killed"] = seen
    return found


def is_there(name: str) -> bool:
    if name in NEED_REDIS and not services.REDIS:
        print(f"{name} is left out: there is no redis-server; install Debian's", file=sys.stderr)
        return False
    return True


def table(found: dict[str, dict[str, Any]]) -> str:
    """In Markdown."""
    rows = [[name, *(c.format(**seen) for c in COLUMNS.values())] for name, seen in found.items()]
    heading = ["", *COLUMNS]
    rule = ["---", *["--:"] * len(COLUMNS)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (heading, rule, *rows))
