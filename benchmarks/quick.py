"""Checks counts against their bounds: make bench QUICK=1

Unlike times, counts are the same on every machine, so CI can hold them. A gain lowers its bound.
"""

import json
import sys

from benchmarks import built

BOUNDS = {
    # name: files, modules, calls
    "start, first request a GET": (400, 345, 1),
    "start, first request a POST": (400, 345, 5),
    "start of the worker": (4_600, 585, 3),
    "table hit, GET": (0, 0, 1),
    "table hit, POST": (0, 0, 1),
    "local-cache hit, GET": (0, 0, 0),
    "local-cache hit, POST": (0, 0, 0),
    "poll, GET": (0, 0, 1),
    "poll, POST": (0, 0, 1),
    "miss": (0, 0, 3),
    "job": (0, 0, 2),
}
"""The most files touched, modules imported and calls to AWS made; the calls of a start include
those that an instance makes once in some seconds."""
BYTES = {
    built.REQUEST: 13_000_000,
    built.WORKER: 13_000_000,
    "DeadLetterFunction": 13_000_000,
    "ComputationsLayer": 80_000_000,
}
"""The most bytes of what is built, unpacked."""
COUNTED = ("files", "modules", "calls")
STARTS = {"get": built.REQUEST, "post": built.REQUEST, "worker": built.WORKER}


def main() -> None:
    rows = [*of_paths(), *((name, "bytes", built.size(name), most) for name, most in BYTES.items())]
    print("| what | counted | here | at most |\n|---|---|--:|--:|")
    for name, kind, here, most in rows:
        print(f"| {name} | {kind} | {here:,} | {most:,} |")
    over = [f"{name}: {here:,} {kind}" for name, kind, here, most in rows if here > most]
    if over:
        sys.exit(
            f"over the bounds of benchmarks/quick.py: {'; '.join(over)}; "
            "take the cause out, or raise the bound if it is worth that"
        )


def of_paths() -> list[tuple[str, str, int, int]]:
    """What is counted, how much it is, and its bound."""
    with built.canned_aws() as endpoint:
        locations = json.dumps(built.run(built.WORKER, "benchmarks.prepare", endpoint))
        found: dict[str, dict[str, int]] = {}
        for start, function in STARTS.items():
            found |= built.run(function, "benchmarks.counts", endpoint, start, locations)
    return [
        (name, kind, found[name][kind], most)
        for name, bounds in BOUNDS.items()
        for kind, most in zip(COUNTED, bounds, strict=True)
    ]
