"""`make verify`: the protocol's evidence; and `replay`, one schedule of it, move by move."""

import argparse
import os
import sys
import time

from .calm import Calm
from .faults import FAULTS
from .shorten import replay
from .stage import stage
from .state import Move, State
from .verify import HUNTS, THOROUGH, Finding, Hunt, Setting, Task, verdict, verify
from .world import World


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.protocol", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    again = commands.add_parser("replay", help="one schedule, move by move")
    again.add_argument("computation")
    again.add_argument("start", choices=("empty", "stale"))
    again.add_argument("schedule", help="as a violation prints it")
    again.add_argument("--crowd", action="store_true", help="more actors, as in random schedules")
    again.add_argument("--calm", help="how it goes on when faults stop")
    again.add_argument("--fault", type=int, help="with this fault seeded")
    asked = parser.parse_args()
    return _replay(asked) if asked.command == "replay" else _verify()


def _verify() -> int:
    begun = time.monotonic()
    reports = []
    for task, report in verify([*THOROUGH, *HUNTS], os.cpu_count() or 1):
        reports.append((task, report))
        print(f"{time.monotonic() - begun:4.0f} s  {_title(task)}: {len(report.states):,} states")
        for finding in report.findings:
            _tell(finding)
        sys.stdout.flush()
    result = verdict(reports)
    print(result)
    return 0 if result.is_good else 1


def _title(task: Task) -> str:
    return f"{FAULTS[task.fault].name}" if isinstance(task, Hunt) else str(task)


def _tell(finding: Finding) -> None:
    print(f"        {finding.what}\n        {finding.command}")


def _replay(asked: argparse.Namespace) -> int:
    setting = Setting(asked.computation, asked.start)
    calm = Calm(*asked.calm.split(",")) if asked.calm else None
    schedule = tuple(map(Move.parse, asked.schedule.split()))
    with stage():
        world, start = setting.crowded_world() if asked.crowd else setting.world()

        def tell(move: Move, state: State) -> None:
            print(f"{move!s:14} {_describe(world, state)}")

        if asked.fault is None:
            violation = replay(world, start, schedule, calm, tell)
        else:
            with FAULTS[asked.fault].seeded():
                violation = replay(world, start, schedule, calm, tell)
    if calm:
        print(f"then faults stop: actors {calm.survivors}, each attempt: {calm.computing}, ")
        print(f"and a client asks by {calm.client}")
    print(violation or "no violation")
    return 1 if violation else 0


def _describe(world: World, state: State) -> str:
    entry = world.company.entry(state.item)
    job = entry.job and (
        f"job {entry.job.state} {entry.job.run or ''} lease {entry.job.lease - state.now:+.0f} s, "
        f"attempts {entry.job.attempts}"
    )
    answer = entry.answer and (
        f"answer {entry.answer.status} fresh {entry.answer.fresh_until - state.now:+.0f} s, "
        f"ends {entry.answer.ends_at - state.now:+.0f} s"
    )
    queue = " ".join(f"{m.id} {m.visible_at - state.now:+.0f} s" for m in state.queue)
    dead = " ".join(f"dead {m.id}" for m in state.dead)
    return "; ".join(text for text in (answer, job, queue, dead) if text) or "nothing"


if __name__ == "__main__":
    sys.exit(main())
