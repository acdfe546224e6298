"""One attempt at a computation, in a process of its own that takes nothing with it."""

import json
from multiprocessing import Pipe

import pytest

from backburner import attempt
from backburner.errors import AttemptFailed, Uncomputable

LONG, SHORT = 30.0, 0.05


class Lost(Exception):
    """The run is not mine any more."""


def ignore(_progress: float) -> None:
    """A heartbeat that says nothing."""


def compute(
    name: str, parameters: object, *, limit: float = LONG, beat: attempt.Beat = ignore
) -> object:
    return json.loads(attempt.compute(name, json.dumps(parameters).encode(), limit, SHORT, beat))


def test_a_result_comes_back_as_json() -> None:
    assert compute("doubling", {"number": 21}) == {"doubled": 42, "label": ""}


def test_a_refusal_comes_back_as_such() -> None:
    with pytest.raises(Uncomputable, match="at least 0"):
        compute("doubling", {"number": -1})


def test_a_crash_comes_back_with_the_place_and_without_the_parameters_that_it_quotes() -> None:
    with pytest.raises(
        AttemptFailed, match=r"crashing.py.* in compute(.|\n)*ArithmeticError"
    ) as caught:
        compute("crashing", {"how": "raise", "salt": 71307130})
    assert "71307130" not in str(caught.value)


def test_a_process_that_is_killed_is_noticed() -> None:
    with pytest.raises(AttemptFailed, match="died with exit code -9"):
        compute("crashing", {"how": "die"})


def test_a_computation_that_runs_over_its_limit_is_killed() -> None:
    with pytest.raises(AttemptFailed, match="time_limit"):
        compute("endless", {"quiet": True}, limit=SHORT)


def test_a_heartbeat_that_raises_ends_the_attempt() -> None:
    told: list[float] = []

    def beat(progress: float) -> None:
        told.append(progress)
        if len(told) == 3:
            raise Lost

    with pytest.raises(Lost):
        compute("endless", {}, beat=beat)
    assert told == sorted(told)
    assert 0 < told[-1] <= 1


def test_a_computation_that_says_nothing_has_its_heartbeat_all_the_same() -> None:
    def beat(progress: float) -> None:
        raise Lost

    with pytest.raises(Lost):
        compute("endless", {"quiet": True}, beat=beat)


def told(name: str, parameters: object) -> list[object]:
    """What the child's side says, said in this process."""
    ours, theirs = Pipe()
    attempt.tell(theirs, name, json.dumps(parameters).encode())
    said = []
    while ours.poll():
        said.append(ours.recv())
    return said


def test_the_child_tells_of_progress_and_result() -> None:
    assert told("doubling", {"number": 1}) == [
        attempt.Progressed(0.5),
        attempt.Computed(b'{"doubled":2.0,"label":""}'),
    ]


def test_the_child_tells_why_there_is_none() -> None:
    [refused] = told("doubling", {"number": -1})
    assert isinstance(refused, attempt.Refused)
    [crashed] = told("crashing", {"how": "raise"})
    assert isinstance(crashed, attempt.Crashed)
