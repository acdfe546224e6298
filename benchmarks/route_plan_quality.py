"""How good the plans are: each published instance, each effort, against the known optimum.

    .venv/bin/python benchmarks/route_plan_quality.py [effort …] [instance …]

Prints a Markdown table. Seconds are of processor time. All of it takes about 15 minutes.
"""

import sys
import time
from pathlib import Path
from typing import get_args

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from backburner.computation import Uncomputable  # noqa: E402
from computations import route_plan  # noqa: E402
from computations.route_plan import parameters as takes  # noqa: E402
from tests.support import instances  # noqa: E402


def main(*chosen: str) -> None:
    efforts = [effort for effort in get_args(takes.Effort) if effort in chosen]
    names = [name for name in instances.OPTIMA if name in chosen]
    print("| instance   | stops | effort   | optimum | found | gap, % | seconds | expected |")
    print("| ---------- | ----: | -------- | ------: | ----: | -----: | ------: | -------: |")
    for effort in efforts or get_args(takes.Effort):
        for name in names or instances.OPTIMA:
            print(row(name, effort), flush=True)


def row(name: str, effort: str) -> str:
    parameters = takes.Parameters(**instances.parameters(name), effort=effort)
    optimum = instances.OPTIMA[name]
    started = time.process_time()
    found = distance(parameters)
    seconds = time.process_time() - started
    gap = f"{100 * (found / optimum - 1):.2f}" if found else "-"
    return (
        f"| {name:<10} | {len(parameters.stops):>5} | {effort:<8} | {optimum:>7} "
        f"| {found or 'none':>5} | {gap:>6} | {seconds:>7.1f} "
        f"| {takes.expected_time(parameters):>8.1f} |"
    )


def distance(parameters: takes.Parameters) -> int | None:
    try:
        return route_plan.compute(parameters, lambda _: None).distance
    except Uncomputable:
        return None


if __name__ == "__main__":
    main(*sys.argv[1:])
