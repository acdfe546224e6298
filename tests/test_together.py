"""The jobs of a batch wait together, in one process, and fail one by one."""

import json
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from backburner import attempt
from backburner.attempt.together import Together
from backburner.computation import Setting, declared
from backburner.errors import AttemptFailed, TryAgain, Uncomputable

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="nothing forks elsewhere")
INTERVAL = 0.3
PATIENCE = Setting("patience")


class NotMyRun(Exception):
    """The run is not mine any more."""


def ignore(_progress: float) -> None:
    """A heartbeat that says nothing."""


def together(
    jobs: Sequence[dict[str, Any]],
    *,
    limit: float = 30,
    beats: Sequence[attempt.Beat] = (),
    settings: Sequence[str] = (),
    interval: float = INTERVAL,
    name: str = "patient",
) -> list[Any]:
    """What comes of each job: its result, or the error that was raised."""
    with Together(len(jobs)) as batch, ThreadPoolExecutor(len(jobs)) as threads:

        def outcome(number: int) -> Any:
            body = json.dumps(
                {"number": number, **jobs[number]} if name == "patient" else jobs[number]
            )
            beat = beats[number] if beats else ignore
            with declared.given({PATIENCE: settings[number] if settings else ""}):
                try:
                    return json.loads(batch.compute(name, body.encode(), limit, interval, beat))
                except Exception as error:  # noqa: BLE001 (it is looked at)
                    return error

        return list(threads.map(outcome, range(len(jobs))))


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
            {"how": how, "others": 3, "seconds": 0.01}
            for how in ("waits", "refuses", "raises", "again")
        ]
    )
    assert waits["met"] == 4
    assert isinstance(refuses, Uncomputable)
    assert "ArithmeticError" in str(raises)
    assert isinstance(again, TryAgain)
    assert again.after == 0.01


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("blocks", "patient kept the event loop for over 0.3 s; await what takes long, or"),
        ("blocks_in_a_task", "patient kept the event loop"),
        ("dies", "patient died with exit code 7"),
    ],
)
def test_a_job_that_takes_the_process_along_fails_and_the_others_begin_again(
    how: str, why: str, tmp_path: Path
) -> None:
    beaten: list[float] = []
    guilty, *others = together(
        [
            {"how": how, "others": 2},
            *[{"how": "waits", "seconds": 0.5, "there": str(tmp_path)}] * 2,
        ],
        beats=[ignore, beaten.append, ignore],
    )
    assert isinstance(guilty, AttemptFailed)
    assert why in str(guilty)
    assert [each["met"] for each in others] == [2, 2]
    assert [begun(tmp_path, number) for number in (1, 2)] == [2, 2]
    assert 0.0 in beaten  # as they begin again, and not only an interval later


def test_the_heartbeat_of_a_job_that_keeps_the_loop_stops_and_those_of_the_others_do_not() -> None:
    beaten: dict[int, list[float]] = {0: [], 1: []}
    together(
        [{"how": "blocks", "others": 1}, {"how": "waits", "seconds": 1}],
        beats=[beaten[0].append, beaten[1].append],
    )
    assert len(beaten[0]) <= 2
    assert len(beaten[1]) >= 3


@pytest.mark.parametrize(
    ("how", "why"),
    [
        ("exits", "SystemExit"),
        ("exits_in_a_task", "ends the process"),
        ("cancels_itself", "CancelledError"),
    ],
)
def test_what_would_end_the_loop_ends_only_its_own_attempt(
    how: str, why: str, tmp_path: Path
) -> None:
    failed, other = together(
        [{"how": how, "others": 1}, {"how": "waits", "seconds": 0.1, "there": str(tmp_path)}]
    )
    assert why in str(failed)
    assert other["met"] == 2
    assert begun(tmp_path, 1) == 1


def test_when_the_process_is_killed_from_outside_every_attempt_in_it_has_failed() -> None:
    failed = together([{"how": "waits", "seconds": 60}] * 2, beats=[kill_the_loop, ignore])
    assert all("died with exit code -9" in str(each) for each in failed)


def kill_the_loop(_progress: float) -> None:
    """The grandchild of this process: the host has no other child."""
    for host in children(os.getpid()):
        for loop in children(host):
            os.kill(loop, 9)


def children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(each) for each in text.split()]


def test_a_job_over_its_time_limit_is_cancelled_and_nobody_else() -> None:
    beaten: list[float] = []
    late, other = together(
        [{"how": "waits", "seconds": 60}, {"how": "waits"}],
        limit=0.2,
        interval=3,
        beats=[beaten.append, ignore],
    )
    assert beaten == []  # by the loop, before the worker would lose patience
    assert "patient took over 0 s; ask for less, or raise time_limit" in str(late)
    assert other["met"] == 2


def test_a_job_that_does_not_let_itself_be_cancelled_is_given_up_all_the_same() -> None:
    late, other = together([{"how": "stays"}, {"how": "waits"}], limit=0.2)
    assert "took over 0 s" in str(late)
    assert other["met"] == 2


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


def test_a_process_that_returns_into_the_loop_tells_nothing() -> None:
    results = together([{"how": "forks", "others": 1}, {"how": "waits", "others": 1}])
    assert [each["met"] for each in results] == [2, 2]


def test_a_computation_of_the_standard_lane_does_not_keep_the_loop() -> None:
    """A message may outlive a deploy that gives its computation another lane."""
    results = together([{"number": 1}, {"number": 2}], name="doubling")
    assert [each["doubled"] for each in results] == [2, 4]


def test_nothing_of_a_batch_outlives_it(tmp_path: Path) -> None:
    before, files = children(os.getpid()), open_files()
    together([{"how": "dies"}, {"how": "stays"}, {"how": "forks"}], limit=0.2)
    assert children(os.getpid()) == before
    assert open_files() <= files


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
