"""When to come back."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from backburner.entry import Job
from backburner.waiting import SHORTEST, seconds_to_wait

JOB = Job(
    version=1,
    parameters=b"",
    correlation_id="",
    requested_at=1000,
    expected_time=100,
    gives_up_at=4600,
    failure_kept_for=60,
    max_attempts=3,
    lease=1060,
)
RUNNING = replace(JOB, run="run", started_at=1020, lease=1050)


def test_a_new_job_is_waited_for_as_long_as_it_should_take() -> None:
    assert seconds_to_wait(JOB, 1000, 0) == 100


def test_the_wait_for_a_running_job_is_what_is_left_of_it() -> None:
    assert seconds_to_wait(RUNNING, 1050, 0) == 70


def test_clients_are_spread_by_up_to_a_tenth() -> None:
    assert seconds_to_wait(JOB, 1000, 0.5) == 105


def test_an_overdue_job_is_asked_for_less_often_the_longer_it_takes() -> None:
    alive = replace(RUNNING, lease=5000)
    assert seconds_to_wait(alive, 1120, 0) == 24
    assert seconds_to_wait(alive, 1200, 0) == 40
    assert seconds_to_wait(alive, 4000, 0) == 60


def test_a_lost_job_is_asked_for_just_after_its_lease() -> None:
    assert seconds_to_wait(replace(RUNNING, lease=1125), 1120, 0) == 6


def test_nobody_waits_much_past_the_time_when_the_job_is_given_up() -> None:
    assert seconds_to_wait(replace(JOB, gives_up_at=1010), 1000, 0) == 11


@given(st.floats(1000, 5000), st.floats(0, 0.999), st.floats(0.001, 5000))
def test_the_wait_is_never_nothing_and_never_past_the_end(
    now: float, random: float, expected: float
) -> None:
    wait = seconds_to_wait(replace(JOB, expected_time=expected), now, random)
    assert wait >= SHORTEST
    assert wait == SHORTEST or now + wait <= JOB.gives_up_at + 1
