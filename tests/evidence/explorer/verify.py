"""What is explored, and what came of it; `python -m tests.evidence.explorer` does all of it."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from multiprocessing import get_context
from typing import NamedTuple

from .calm import Calm
from .explore import Bound, Explorer
from .faults import FAULTS
from .shorten import Schedule, shortened
from .stage import stage
from .start import STARTS, Start


class Finding(NamedTuple):
    """A violation, by the shortest schedule that was found for it."""

    invariant: str
    what: str
    start: Start
    is_crowded: bool
    schedule: Schedule
    calm: Calm | None
    fault: int | None = None

    @property
    def command(self) -> str:
        """It shows the violation again, move by move."""
        options = ["--crowd"] * self.is_crowded
        options += [f"--calm {','.join(self.calm)}"] if self.calm else []
        options += [f"--fault {self.fault}"] if self.fault is not None else []
        words = ["python -m tests.evidence.explorer replay", *self.start, *options]
        return f"PYTHONPATH=src {' '.join(words)} '{' '.join(map(str, self.schedule))}'"


class Report(NamedTuple):
    """What one part of the exploration came to."""

    computation: str
    states: "array[int]"
    """Their digests."""
    schedules: int
    findings: list[Finding]

    @classmethod
    def of(
        cls, start: Start, explorer: Explorer, *, crowd: bool = False, fault: int | None = None
    ) -> "Report":
        findings = [
            Finding(
                violation.invariant,
                str(violation),
                start,
                crowd,
                shortened(explorer.world, explorer.start, schedule, calm, violation.invariant),
                calm,
                fault,
            )
            for violation, schedule, calm in explorer.found
        ]
        states = array("Q", explorer.states)
        return cls(start.computation, states, explorer.schedules, findings)


@dataclass(frozen=True)
class Search:
    """Every schedule within a bound."""

    start: Start
    bound: Bound
    every_calm: bool = False

    def __str__(self) -> str:
        return f"{' '.join(self.start)}, all schedules of {self.bound}"

    def run(self) -> Report:
        explorer = Explorer(*self.start.world(), every_calm=self.every_calm)
        explorer.search(self.bound)
        return Report.of(self.start, explorer)


@dataclass(frozen=True)
class Walks:
    """Random schedules, one for each seed, with more actors."""

    start: Start
    seeds: range
    moves: int = 100

    def __str__(self) -> str:
        return f"{' '.join(self.start)}, random schedules {self.seeds[0]} to {self.seeds[-1]}"

    def run(self) -> Report:
        explorer = Explorer(*self.start.crowded_world())
        for seed in self.seeds:
            explorer.walk(seed, self.moves)
        return Report.of(self.start, explorer, crowd=True)


@dataclass(frozen=True)
class Hunt:
    """Every schedule within a bound, with a fault seeded: it has to be found.

    Each state is calmed in every way: in one by its digest, a fault would be found by chance.
    """

    number: int

    def __str__(self) -> str:
        return f"seeded fault {self.number}, {FAULTS[self.number].name}"

    def run(self) -> Report:
        fault = FAULTS[self.number]
        world, start = fault.start.world()
        with fault.seeded():
            explorer = Explorer(world, start, every_calm=True)
            explorer.search(fault.bound)
            return Report.of(fault.start, explorer, fault=self.number)

    def caught(self, report: Report) -> bool:
        """By the invariant that it breaks, and no other."""
        return [f.invariant for f in report.findings[:1]] == [FAULTS[self.number].breaks]


Task = Search | Walks | Hunt

HUNTS = [Hunt(number) for number in range(len(FAULTS))]
QUICK: list[Task] = [
    *(Search(start, Bound(8, 1)) for start in STARTS),
    *(Walks(start, range(30)) for start in STARTS),
    *HUNTS,
]
THOROUGH: list[Task] = [
    *(Search(start, Bound(16, 1)) for start in STARTS),
    *(Search(start, Bound(10, 2)) for start in STARTS),
    *(Search(start, Bound(100, 0), every_calm=True) for start in STARTS),
    *(Walks(start, range(n, n + 200)) for start in STARTS for n in (0, 200)),
    *HUNTS,
]


@dataclass(frozen=True)
class Verdict:
    states: int
    schedules: int
    findings: list[Finding]
    caught: int

    @property
    def is_good(self) -> bool:
        return not self.findings and self.caught == len(FAULTS)

    def __str__(self) -> str:
        return (
            f"{self.states:,} distinct states in {self.schedules:,} schedules, "
            f"{len(self.findings)} violations, "
            f"{self.caught} of {len(FAULTS)} seeded faults caught"
        )


def verify(tasks: list[Task], processes: int) -> Iterator[tuple[Task, Report]]:
    """Each task and its report, in the order in which they come to an end."""
    with get_context("spawn").Pool(processes) as pool:
        yield from pool.imap_unordered(run, tasks, chunksize=1)


def run(task: Task) -> tuple[Task, Report]:
    with stage():
        return task, task.run()


def verdict(reports: Iterable[tuple[Task, Report]]) -> Verdict:
    """The states of one computation are counted once, however often they were reached."""
    states: dict[str, set[int]] = {}
    schedules, caught, findings = 0, 0, list[Finding]()
    for task, report in reports:
        if isinstance(task, Hunt):
            caught += task.caught(report)
            continue
        states.setdefault(report.computation, set()).update(report.states)
        schedules += report.schedules
        findings += report.findings
    return Verdict(sum(map(len, states.values())), schedules, findings, caught)
