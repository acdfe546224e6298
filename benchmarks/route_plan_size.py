"""What a plan costs by its size: seconds of processor time, and memory at its peak.

    .venv/bin/python benchmarks/route_plan_size.py [effort …]

Prints a Markdown table; a row is a process of its own. All of it takes about 10 minutes.
"""

import json
import random
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, get_args

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from computations import route_plan  # noqa: E402
from computations.route_plan import parameters as takes  # noqa: E402

STOPS = (10, 30, 100, 300, 1000)


def main(*chosen: str) -> None:
    print("| stops | windows | effort   | seconds | expected | peak MB |")
    print("| ----: | ------- | -------- | ------: | -------: | ------: |")
    for effort in chosen or get_args(takes.Effort):
        for stops in STOPS:
            for windows in ("no", "yes"):
                row = [sys.executable, __file__, "row", str(stops), windows, effort]
                subprocess.run(row, check=True)  # noqa: S603


def row(stops: int, windows: str, effort: str) -> None:
    text = json.dumps(a_city(stops, windows == "yes") | {"effort": effort})
    parameters = takes.Parameters.model_validate_json(text, strict=True)
    started = time.process_time()
    route_plan.compute(parameters, lambda _: None)
    seconds = time.process_time() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"| {stops:>5} | {windows:<7} | {effort:<8} | {seconds:>7.1f} "
        f"| {takes.expected_time(parameters):>8.1f} | {peak:>7.0f} |",
        flush=True,
    )


def a_city(stops: int, windows: bool) -> dict[str, Any]:
    """Stops within 20 km of a depot; about ten fill a vehicle; windows last for two hours."""
    chance = random.Random(stops)
    return {
        "depot": {"lat": 52.37, "lon": 4.9},
        "stops": [a_stop(chance, windows) for _ in range(stops)],
        "vehicles": {"count": max(2, stops // 4), "capacity": 60},
    }


def a_stop(chance: random.Random, windows: bool) -> dict[str, Any]:
    stop = {
        "lat": 52.37 + chance.uniform(-0.18, 0.18),
        "lon": 4.9 + chance.uniform(-0.29, 0.29),
        "demand": chance.randint(1, 10),
        "service": 300,
    }
    opens = chance.randint(0, 6) * 3600
    return stop | {"window": [opens, opens + 7200]} if windows else stop


if __name__ == "__main__":
    if sys.argv[1:2] == ["row"]:
        row(int(sys.argv[2]), *sys.argv[3:5])
    else:
        main(*sys.argv[1:])
