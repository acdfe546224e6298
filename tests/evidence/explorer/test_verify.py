"""A quick form of `make verify`: fewer moves, and every seeded fault."""

import shlex

import pytest

from .__main__ import main
from .explore import Bound
from .faults import FAULTS
from .invariants import MESSAGE_SENT, Violation
from .shorten import Impossible, replay, shortened
from .stage import stage
from .start import EMPTY
from .state import Move
from .verify import HUNTS, QUICK, Hunt, Report, Search, Task, Walks, run, verdict, verify


@pytest.fixture(scope="module")
def reports() -> dict[Task, Report]:
    return dict(verify(QUICK, processes=2))


@pytest.mark.parametrize("task", [task for task in QUICK if task not in HUNTS], ids=str)
def test_the_protocol_bears(task: Task, reports: dict[Task, Report]) -> None:
    assert not [(finding.what, finding.command) for finding in reports[task].findings]


@pytest.mark.parametrize("hunt", HUNTS, ids=str)
def test_it_is_found(hunt: Hunt, reports: dict[Task, Report]) -> None:
    assert hunt.caught(reports[hunt])


def test_the_verdict_counts_it_all(reports: dict[Task, Report]) -> None:
    result = verdict(reports.items())
    assert result.is_good
    assert result.states > 10_000
    every = f"{len(FAULTS)} of {len(FAULTS)}"
    assert str(result).endswith(f" 0 violations, {every} seeded faults caught")


def test_a_fault_that_is_not_caught_is_no_good_verdict(reports: dict[Task, Report]) -> None:
    unseen = Report("tripling", reports[HUNTS[0]].states, 1, [])
    assert not verdict({**reports, HUNTS[0]: unseen}.items()).is_good


def test_a_violation_is_no_good_verdict(reports: dict[Task, Report]) -> None:
    bad = reports[HUNTS[0]]
    assert not verdict({**reports, QUICK[0]: bad}.items()).is_good


UNSENT = next(fault for fault in FAULTS if fault.breaks == MESSAGE_SENT)
DETOUR = "P2:ok P2:crash P1:ok P1:ok P1:throttled"


def test_a_violation_is_told_by_the_shortest_schedule_that_has_it() -> None:
    detour = tuple(map(Move.parse, DETOUR.split()))
    with stage(), UNSENT.seeded():
        world, start = EMPTY.world()
        short = shortened(world, start, detour, None, MESSAGE_SENT)
        assert " ".join(map(str, short)) == "P1:ok P1:ok P1:throttled"
        violation = replay(world, start, short)
    assert isinstance(violation, Violation)
    assert violation.invariant == MESSAGE_SENT


def test_without_its_fault_the_same_schedule_violates_nothing() -> None:
    with stage():
        world, start = EMPTY.world()
        assert replay(world, start, tuple(map(Move.parse, DETOUR.split()))) is None


def test_a_schedule_that_cannot_be_is_not_replayed() -> None:
    with stage(), pytest.raises(Impossible):
        replay(*EMPTY.world(), (Move("deliver", "m1"),))


def test_a_finding_names_the_command_that_shows_it(reports: dict[Task, Report]) -> None:
    hunt = HUNTS[FAULTS.index(UNSENT)]
    assert reports[hunt].findings[0].command == (
        "PYTHONPATH=src python -m tests.evidence.explorer replay tripling empty "
        f"--fault {hunt.number} "
        "'P1:ok P1:ok P1:throttled'"
    )


def test_that_command_shows_it(
    reports: dict[Task, Report], capsys: pytest.CaptureFixture[str]
) -> None:
    hunt = HUNTS[FAULTS.index(UNSENT)]
    words = shlex.split(reports[hunt].findings[0].command)
    assert main(words[words.index("replay") :]) == 1
    told = capsys.readouterr().out
    assert told.startswith("P1:ok          nothing\nP1:ok          job queued")
    assert MESSAGE_SENT in told


def test_the_actors_print_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    run(Search(EMPTY, Bound(5, 1)))
    assert capfd.readouterr().out == ""


@pytest.mark.parametrize("task", [Walks(EMPTY, range(3)), Search(EMPTY, Bound(5, 1))], ids=str)
def test_what_is_explored_is_the_same_each_time(task: Task) -> None:
    [(_, first), (_, second)] = run(task), run(task)
    assert set(first.states) == set(second.states)
    assert first.schedules == second.schedules


def test_another_seed_goes_another_way() -> None:
    [(_, first), (_, second)] = run(Walks(EMPTY, range(1))), run(Walks(EMPTY, range(1, 2)))
    assert set(first.states) != set(second.states)
