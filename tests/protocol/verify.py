"""What is explored, and what came of it; `python -m tests.protocol` does all of it."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

from .calm import Calm
from .explore import Bound, Explorer
from .faults import FAULTS, Fault
from .invariants import LIVENESS
from .shorten import Schedule, shortened
from .stage import stage
from .state import State
from .world import Bounds, World

REQUESTS, LATER = ("P1", "P2"), ("S3",)
"""Three requests on one signature: two by parameters, one by what a Location named."""
CROWD = Bounds(workers=3, undertakers=2, receives=3, beats=2)
CROWD_OF_REQUESTS = tuple(f"P{n}" for n in range(1, 9))
CROWD_LATER = tuple(f"S{n}" for n in range(1, 5))


class Setting(NamedTuple):
    """Where schedules begin."""

    computation: str
    start: str
    """`empty`, or `stale`: an old result is there."""

    def world(self) -> tuple[World, State]:
        world = World(computation=self.computation)
        start = world.stale if self.start == "stale" else world.empty
        return world, start(*REQUESTS, later=LATER)

    def crowded_world(self) -> tuple[World, State]:
        world = World(computation=self.computation, bounds=CROWD)
        start = world.stale if self.start == "stale" else world.empty
        return world, start(*CROWD_OF_REQUESTS, later=CROWD_LATER)


EMPTY, STALE = Setting("tripling", "empty"), Setting("tripling", "stale")
EMPTY_AFRESH, STALE_AFRESH = (
    Setting("tripling-afresh", "empty"),
    Setting("tripling-afresh", "stale"),
)
EMPTY_SLOWLY = Setting("tripling-slowly", "empty")
SETTINGS = [EMPTY, STALE, EMPTY_AFRESH, STALE_AFRESH, EMPTY_SLOWLY]


class Finding(NamedTuple):
    """A violation, by the shortest schedule that was found for it."""

    invariant: str
    what: str
    setting: Setting
    is_crowded: bool
    schedule: Schedule
    calm: Calm | None
    fault: int | None = None

    @property
    def command(self) -> str:
        options = ["--crowd"] * self.is_crowded
        options += [f"--calm {','.join(self.calm)}"] if self.calm else []
        options += [f"--fault {self.fault}"] if self.fault is not None else []
        moves = " ".join(map(str, self.schedule))
        where = f"{self.setting.computation} {self.setting.start}"
        return " ".join(
            ["PYTHONPATH=src python -m tests.protocol replay", where, *options, f"'{moves}'"]
        )


class Report(NamedTuple):
    """What one part of the exploration came to."""

    computation: str
    states: "array[int]"
    schedules: int
    findings: list[Finding]


@dataclass(frozen=True)
class Search:
    """Every schedule within a bound."""

    setting: Setting
    bound: Bound
    every_calm: bool = False

    def run(self) -> Report:
        world, start = self.setting.world()
        explorer = Explorer(world, start, every_calm=self.every_calm)
        explorer.search(self.bound)
        return _report(self.setting, explorer)


@dataclass(frozen=True)
class Walks:
    """Random schedules, one for each seed, of more actors."""

    setting: Setting
    seeds: range
    moves: int = 80

    def run(self) -> Report:
        world, start = self.setting.crowded_world()
        explorer = Explorer(world, start)
        for seed in self.seeds:
            explorer.walk(seed, self.moves)
        return _report(self.setting, explorer, is_crowded=True)


@dataclass(frozen=True)
class Hunt:
    """A seeded fault: farther and farther, until it is found."""

    fault: int
    settings: tuple[Setting, ...] = (EMPTY, STALE)
    bounds: tuple[Bound, ...] = (Bound(9, 1), Bound(9, 2), Bound(13, 1))

    def run(self) -> Report:
        fault = FAULTS[self.fault]
        for bound in self.bounds:
            for setting in self.settings:
                report = self._search(fault, setting, bound)
                if any(finding.invariant == fault.breaks for finding in report.findings):
                    return report
        return report

    def _search(self, fault: Fault, setting: Setting, bound: Bound) -> Report:
        world, start = setting.world()
        with fault.seeded():
            explorer = Explorer(world, start, every_calm=fault.breaks in LIVENESS)
            explorer.search(bound)
            return _report(setting, explorer, fault=self.fault)


Task = Search | Walks | Hunt

QUICK: list[Task] = [
    *(Search(setting, Bound(9, 1)) for setting in SETTINGS),
    *(Walks(setting, range(40)) for setting in SETTINGS),
]
THOROUGH: list[Task] = [
    *(Search(setting, Bound(18, 1)) for setting in SETTINGS),
    *(Search(setting, Bound(10, 2)) for setting in SETTINGS),
    *(Search(setting, Bound(100, 0), every_calm=True) for setting in SETTINGS),
    *(Walks(setting, range(n, n + 1000)) for setting in SETTINGS for n in (0, 1000)),
]
HUNTS: list[Task] = [Hunt(number) for number in range(len(FAULTS))]


@dataclass(frozen=True)
class Verdict:
    states: int
    schedules: int
    findings: list[Finding]
    caught: list[Finding]
    """The first finding for each fault that was caught by the invariant that it breaks."""

    @property
    def is_good(self) -> bool:
        return not self.findings and len(self.caught) == len(FAULTS)

    def __str__(self) -> str:
        return (
            f"{self.states:,} distinct states in {self.schedules:,} schedules, "
            f"{len(self.findings)} violations, "
            f"{len(self.caught)} of {len(FAULTS)} seeded faults caught"
        )


def verify(tasks: list[Task], processes: int) -> Iterator[tuple[Task, Report]]:
    """Each task and its report, in the order in which they come to an end."""
    with get_context("fork").Pool(processes) as pool:
        yield from pool.imap_unordered(_run, tasks, chunksize=1)


def verdict(reports: Iterable[tuple[Task, Report]]) -> Verdict:
    states: dict[str, set[int]] = {}
    schedules, findings, caught = 0, list[Finding](), list[Finding]()
    for task, report in reports:
        if isinstance(task, Hunt):
            caught += [f for f in report.findings if f.invariant == FAULTS[task.fault].breaks]
            continue
        states.setdefault(report.computation, set()).update(report.states)
        schedules += report.schedules
        findings += report.findings
    return Verdict(sum(map(len, states.values())), schedules, findings, caught)


def _run(task: Task) -> tuple[Task, Report]:
    with stage():
        return task, task.run()


def _report(
    setting: Setting, explorer: Explorer, *, is_crowded: bool = False, fault: int | None = None
) -> Report:
    findings = []
    for violation, schedule, calm in explorer.found:
        invariant = violation.invariant
        short = shortened(explorer.world, explorer.start, schedule, calm, invariant)
        what = str(violation)
        findings.append(Finding(invariant, what, setting, is_crowded, short, calm, fault))
    return Report(setting.computation, array("Q", explorer.states), explorer.schedules, findings)
