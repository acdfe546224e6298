"""The jobs of a batch wait together, in one process, and fail one by one."""

import json
import os
import re
import socket
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

import computations
from backburner.attempt import alone
from backburner.attempt.together import Together
from backburner.computation import Setting, declared
from backburner.errors import TryAgain, Uncomputable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing forks elsewhere")
INTERVAL = 0.3
UNRULY = Path(__file__).parents[1] / "support/unruly"
PATIENCE = Setting("patience")


class NotMyRun(Exception):
    """The run is not mine any more."""


def ignore(_progress: float) -> None:
    """A heartbeat that says nothing."""


def together(
    jobs: Sequence[dict[str, Any]],
    *,
    limits: Sequence[float] = (),
    beats: Sequence[alone.Beat] = (),
    settings: Sequence[str] = (),
    interval: float = INTERVAL,
    name: str = "patient",
    patience: float = 2,
) -> list[Any]:
    """What comes of each job: its result, or the error that was raised."""

    def outcome(number: int) -> Any:
        body = json.dumps(
            jobs[number] if name == "doubling" else {"number": number, **jobs[number]}
        )
        beat = beats[number] if beats else ignore
        with declared.given({PATIENCE: settings[number] if settings else ""}):
            try:
                return json.loads(
                    batch.compute(
                        name, body.encode(), limits[number] if limits else 30, interval, beat
                    )
                )
            except Exception as error:  # noqa: BLE001 (it is looked at)
                return error

    batch = Together(len(jobs), patience=patience)
    with ThreadPoolExecutor(len(jobs)) as threads:
        outcomes = [threads.submit(outcome, n) for n in range(len(jobs))]
        for each in outcomes:
            each.add_done_callback(batch.leave)
        batch.run()
    return [each.result() for each in outcomes]


def begun(folder: Path, number: int) -> int:
    """In how many processes a job was begun."""
    return len(list(folder.glob(f"{number}-*")))


def test_ten_jobs_that_wait_for_each_other_meet_in_one_process() -> None:
    results = together([{"how": "meets", "others": 9}] * 10)
    assert {each["met"] for each in results} == {10}
    [process] = {each["process"] for each in results}
    assert process != os.getpid()


def test_each_job_has_its_own_outcome() -> None:
    waits, refuses, raises, again = together(
        [
            {"how": how, "others": 0 if how == "raises" else 3, "seconds": 0.01}
            for how in ("waits", "refuses", "raises", "again")
        ]
    )
    assert waits["met"] == 4
    assert isinstance(refuses, Uncomputable)
    assert "ArithmeticError" in str(raises)
    assert isinstance(again, TryAgain)
    assert again.after == 0.01


OVER, DIED, RESULT = "took over 1 s", r"died with exit code", "'how'"
RUDE = {
    "blocks": OVER,
    "blocks_in_a_callback": OVER,
    "blocks_in_a_task": OVER,
    "keeps_the_interpreter": OVER,
    "stops_the_loop": "RuntimeError",
    "closes_the_loop": "RuntimeError",
    "forgets_all_timers": OVER,
    "cancels_everybody": OVER,
    "cancels_itself": "CancelledError",
    "does_not_let_itself_be_cancelled": OVER,
    "shuts_the_executor": RESULT,
    "fills_the_executor": OVER,
    "looks_up_silent_names": OVER,
    "stops_the_clock": OVER,
    "breaks_asyncio": RESULT,
    "handles_errors_badly": f"{DIED} 5",
    "sets_another_policy": RESULT,
    "exits": f"{DIED} 7",
    "aborts": f"{DIED} -6",
    "crashes_in_c": f"{DIED} -11",
    "crashes_in_a_thread": f"{DIED} -11",
    "raises_system_exit": "SystemExit",
    "raises_system_exit_in_a_task": "SystemExit",
    "interrupts": "KeyboardInterrupt",
    "kills_itself": f"{DIED} -9",
    "kills_its_group": f"{DIED} -9",
    "stops_itself": OVER,
    "terminates_itself": f"{DIED} -15",
    "sets_an_alarm": f"{DIED} -14",
    "becomes_another_program": f"{DIED} 1",
    "forks_and_returns": "'forks_and_returns'",
    "forks_and_dies": f"{DIED} 7",
    "multiplies": RESULT,
    "has_children": "from a child",
    "starts_threads": RESULT,
    "starts_tasks": RESULT,
    "closes_all": f"{DIED} 1|closed its pipe",
    "opens_too_many": "OSError",
    "writes_to_all_pipes": "wrote to the worker's pipe",
    "tells_much_progress": RESULT,
    "prints_much": RESULT,
    "is_too_large": "the most: ask for less",
    "is_not_valid": "not valid at how",
    "refuses": "as asked",
    "raises_what_is_unheard_of": "Unheard",
    "raises_generator_exit": "GeneratorExit",
    "recurses": "RecursionError",
    "runs_out_of_memory": "MemoryError",
    "never_ends_at_exit": RESULT,
}
"""What comes of each in the end."""


@pytest.fixture
def rudely(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], list[Any]]:
    """What comes of a rude job and of its two good neighbours, who have begun before."""
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(UNRULY)])
    monkeypatch.setattr(socket, "getaddrinfo", look_up)

    def rudely(how: str) -> list[Any]:
        jobs = [
            {"how": each, "others": 2, "there": str(tmp_path)} for each in (how, "good", "good")
        ]
        limit = 1 if RUDE[how] == OVER else 30
        return together(jobs, name="rude", limits=[limit, 30, 30], patience=0.5)

    return rudely


def look_up(host: str, *_: Any, **_options: Any) -> list[Any]:
    """Nothing else is looked up here; a name server may be silent."""
    if host == "silent.test":
        time.sleep(60)
    return [host]


def test_a_loop_that_does_not_turn_is_ended_long_before_a_time_limit(
    rudely: Callable[[str], list[Any]], tmp_path: Path
) -> None:
    hows = ("blocks_for_a_while", "good")
    jobs = [{"how": how, "others": 1, "there": str(tmp_path)} for how in hows]
    results = together(jobs, name="rude", patience=1)
    assert [each["how"] for each in results] == list(hows)
    assert [begun(tmp_path, number) for number in (0, 1)] == [2, 2]


@pytest.mark.parametrize("how", RUDE)
def test_the_good_neighbours_of_a_rude_job_are_answered_all_the_same(
    how: str, rudely: Callable[[str], list[Any]]
) -> None:
    rude, *good = rudely(how)
    assert [len(each["size"]) for each in good] == [5_000_000] * 2, good
    assert re.search(RUDE[how], str(rude)), rude


def test_when_the_process_is_killed_from_outside_its_jobs_begin_again_alone(tmp_path: Path) -> None:
    others = children(os.getpid())  # of the tests before: a server, a browser
    killed: list[int] = []

    def kill(_progress: float) -> None:
        if begun(tmp_path, 0) and not killed:
            killed.extend(pid for pid in children(os.getpid()) if pid not in others)
            os.kill(killed[0], 9)

    waits = {"how": "waits", "seconds": 1, "there": str(tmp_path)}
    results = together([waits] * 2, beats=[kill, ignore])
    assert [each["met"] for each in results] == [1, 1]
    assert [begun(tmp_path, number) for number in (0, 1)] == [2, 2]


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


def test_a_job_over_its_time_limit_is_cancelled_and_nobody_else() -> None:
    beaten: list[float] = []
    late, other = together(
        [{"how": "waits", "seconds": 60}, {"how": "waits"}],
        limits=[0.2, 30],
        interval=3,
        beats=[beaten.append, ignore],
    )
    assert beaten == []  # by the loop, before the worker would lose patience
    assert "patient took over 0 s; ask for less, or raise time_limit" in str(late)
    assert other["met"] == 2


def test_a_job_that_does_not_let_itself_be_cancelled_ends_with_its_process(
    rudely: Callable[[str], list[Any]], tmp_path: Path
) -> None:
    """A time limit ends the work. The neighbour, who is not done, begins again."""
    hows = ("does_not_let_itself_be_cancelled", "waits")
    jobs = [{"how": how, "others": 1, "there": str(tmp_path)} for how in hows]
    late, other = together(jobs, name="rude", limits=[0.5, 30])
    assert "took over" in str(late)
    assert other["how"] == "waits"
    assert begun(tmp_path, 1) == 2


def test_all_have_their_heartbeats_while_one_keeps_the_loop_and_while_they_wait_for_their_turn(
    rudely: Callable[[str], list[Any]], tmp_path: Path
) -> None:
    beaten: list[list[float]] = [[], []]

    def beat(number: int) -> alone.Beat:
        return lambda _: beaten[number].append(time.monotonic())

    jobs = [{"how": "blocks", "others": 1, "there": str(tmp_path)} for _ in range(2)]
    over = together(jobs, name="rude", limits=[2, 2], beats=[beat(0), beat(1)], patience=1)
    assert all("took over 2 s" in str(each) for each in over)
    assert all(len(each) >= 6 for each in beaten)
    gaps = [after - before for each in beaten for before, after in pairwise(each)]
    assert max(gaps) < 1.5  # of 0.3 s; one of them waits for 2 s until the other has ended


def test_nobody_begins_again_for_longer_than_the_invocation_lasts() -> None:
    batch = Together(1, ends_at=time.monotonic() - 1)
    with ThreadPoolExecutor(1) as threads:
        job = threads.submit(batch.compute, "patient", b'{"how": "dies"}', 30, INTERVAL, ignore)
        job.add_done_callback(batch.leave)
        batch.run()
    assert "took over 0 s" in str(job.exception())


def test_what_cannot_begin_is_a_failed_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    def process(*_: Any) -> None:
        raise BlockingIOError("no more processes")

    monkeypatch.setattr(alone, "process", process)
    for failed in together([{"how": "waits"}] * 2):
        assert str(failed) == "patient could not begin: no more processes"


def test_a_heartbeat_that_raises_ends_its_own_attempt_alone(tmp_path: Path) -> None:
    def lose(_progress: float) -> None:
        raise NotMyRun

    lost, other = together(
        [{"how": "waits", "seconds": 60}, {"how": "waits", "seconds": 1, "there": str(tmp_path)}],
        beats=[lose, ignore],
    )
    assert isinstance(lost, NotMyRun)
    assert other["met"] == 2
    assert begun(tmp_path, 1) == 1


def test_a_job_reads_its_own_values_alone() -> None:
    results = together([{"how": "tells", "others": 2}] * 3, settings=["one", "two", "three"])
    assert [each["told"] for each in results] == ["one", "two", "three"]


def test_what_a_job_leaves_in_the_loop_ends_with_it(tmp_path: Path) -> None:
    together([{"how": "leaves_a_task", "there": str(tmp_path)}, {"how": "waits", "seconds": 0.2}])
    assert (tmp_path / "cancelled").exists()


def test_a_computation_of_the_standard_lane_does_not_keep_the_loop() -> None:
    """A message may outlive a deploy that gives its computation another lane."""
    results = together([{"number": 1}, {"number": 2}], name="doubling")
    assert [each["doubled"] for each in results] == [2, 4]


def test_nothing_of_a_batch_outlives_it(tmp_path: Path) -> None:
    before, files = children(os.getpid()), open_files()
    together([{"how": "dies"}, {"how": "waits", "seconds": 60}], limits=[1, 1])
    assert children(os.getpid()) == before
    assert open_files() <= files


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
