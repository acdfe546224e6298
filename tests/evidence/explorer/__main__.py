"""`make verify`: the protocol's evidence; and `replay`, one schedule of it, move by move."""

import argparse
import os
import sys
import time
from contextlib import nullcontext

from .calm import Calm
from .faults import FAULTS
from .shorten import replay
from .stage import stage
from .start import Start
from .state import Move, State
from .verify import THOROUGH, verdict, verify
from .world import World


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.evidence.explorer", description=__doc__)
    again = parser.add_subparsers(dest="command").add_parser("replay", help="one schedule")
    again.add_argument("computation")
    again.add_argument("there", choices=("empty", "stale"), help="what is there at its start")
    again.add_argument("schedule", help="as a violation prints it")
    again.add_argument("--crowd", action="store_true", help="more actors, as in random schedules")
    again.add_argument("--calm", help="how it goes on when faults stop")
    again.add_argument("--fault", type=int, help="with this fault seeded")
    asked = parser.parse_args(arguments)
    return show(asked) if asked.command else explore()


def explore() -> int:
    began = time.monotonic()
    reports = []
    for task, report in verify(THOROUGH, os.cpu_count() or 1):
        reports.append((task, report))
        print(f"{time.monotonic() - began:4.0f} s  {task}: {len(report.states):,} states")
        for finding in report.findings:
            print(f"        {finding.what}\n        {finding.command}", flush=True)
    result = verdict(reports)
    print(result)
    return 0 if result.is_good else 1


def show(asked: argparse.Namespace) -> int:
    start = Start(asked.computation, asked.there)
    calm = Calm(*asked.calm.split(",")) if asked.calm else None
    schedule = tuple(map(Move.parse, asked.schedule.split()))
    with stage():
        world, state = start.crowded_world() if asked.crowd else start.world()

        def tell(move: Move, state: State) -> None:
            print(f"{move!s:14} {_description(world, state)}")

        with nullcontext() if asked.fault is None else FAULTS[asked.fault].seeded():
            violation = replay(world, state, schedule, calm, tell)
    if calm:
        print(
            f"Then faults stop: those under way {calm.survivors}, each attempt comes to "
            f"{calm.computing}, and a client asks by {calm.client}."
        )
    print(violation or "no violation")
    return 1 if violation else 0


def _description(world: World, state: State) -> str:
    entry, parts = world.company.entry(state.item), []
    if answer := entry.answer:
        fresh, ends = answer.fresh_until - state.now, answer.ends_at - state.now
        parts.append(f"answer {answer.status}, fresh for {fresh:.0f} s, ends in {ends:.0f} s")
    if job := entry.job:
        who, lease = job.run or "", job.lease - state.now
        parts.append(f"job {job.state} {who}, lease {lease:.0f} s, attempts {job.attempts}")
    parts += [f"{m.id} visible in {m.visible_at - state.now:.0f} s" for m in state.queue]
    parts += [f"{m.id} dead" for m in state.dead]
    return "; ".join(parts) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
