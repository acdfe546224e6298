"""Measures the built bundles beside their floors, and peers: make bench

With names of parts (hits, jobs, …, peers) it measures only these, and keeps the figures of the
others. Writes build/bench.json.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

from benchmarks import built, cold_start, deployed, quick
from benchmarks.goals import GOALS, Goal
from benchmarks.peers import compared

PEERS = "peers"
OUTPUT = built.ROOT / "build/bench.json"
Figures = dict[str, dict[str, float]]


def main(names: list[str]) -> None:
    report: dict[str, Any] = {"figures": {}, "peers": {}}
    if names and OUTPUT.exists():
        report = json.loads(OUTPUT.read_text())
    for name in names or [*PARTS, PEERS]:
        print(f"measuring {name} …", file=sys.stderr, flush=True)
        if name == PEERS:
            report["peers"] = compared.measure()
        else:
            report["figures"] |= with_goals(PARTS[name]())
        OUTPUT.write_text(json.dumps(report, indent=1))
    print(table(report["figures"]))
    if report["peers"]:
        print("", compared.table(report["peers"]), sep="\n")


def paths(group: str) -> Figures:
    """The figures of benchmarks.figures, against a server of their own."""
    with built.canned_aws() as endpoint:
        locations = built.run(built.WORKER, "benchmarks.prepare", endpoint)
        function = built.WORKER if group == "worker" else built.REQUEST
        found: Figures = built.run(
            function, "benchmarks.figures", endpoint, group, json.dumps(locations)
        )
    return found


def bundle() -> Figures:
    return {"bundle_mb": {"ratio": round(built.size(built.REQUEST) / 1e6, 2)}}


def cold_starts() -> Figures:
    return {name: ratio.as_json() for name, ratio in cold_start.measure().items()}


PARTS: dict[str, Callable[[], Figures]] = {
    "hits": partial(paths, "hits"),
    "jobs": partial(paths, "jobs"),
    "signatures": partial(paths, "signatures"),
    "worker": partial(paths, "worker"),
    "cold_starts": cold_starts,
    "short_jobs": deployed.short_jobs,
    "load": deployed.hits_under_load,
    "bundle": bundle,
}


def with_goals(found: Figures) -> dict[str, Any]:
    goals = {goal.name: goal.most for goal in GOALS}
    return {
        name: {"p25": figure["ratio"], "p75": figure["ratio"], **figure, "goal": goals[name]}
        for name, figure in found.items()
    }


def table(figures: Figures) -> str:
    """In Markdown, as it stands in docs/performance.md."""
    rows = [row(goal, figures[goal.name]) for goal in GOALS if goal.name in figures]
    return "\n".join(["| figure | ratio | p25 to p75 | goal | |", "|---|--:|--:|--:|---|", *rows])


def row(goal: Goal, found: dict[str, float]) -> str:
    ratio = found["ratio"]
    spread = f"{found['p25']:.3g} to {found['p75']:.3g}" if found["p25"] < found["p75"] else ""
    if goal.most is None:
        return f"| {goal.what} | {ratio:.3g} | {spread} | | |"
    verdict = "met" if ratio <= goal.most else "not met"
    return f"| {goal.what} | {ratio:.3g} | {spread} | {goal.most:g} | {verdict} |"


if __name__ == "__main__":
    quick.main() if sys.argv[1:] == ["quick"] else main(sys.argv[1:])
