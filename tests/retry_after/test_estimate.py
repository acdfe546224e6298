"""When to come back."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backburner.protocol.entry import Job
from backburner.retry_after.estimate import (
    CALM_WAIT_S,
    MIN_WAIT_S,
    best_wait,
    estimate,
    until_there_is_room,
)
from backburner.retry_after.run_times import Sample

JOB = Job(
    version=1,
    parameters=b"",
    correlation_id="",
    requested_at=1000,
    expected_time=100,
    gives_up_at=4600,
    failure_kept_for=60,
    max_attempts=3,
    answer_kept_for=3600,
    lease=1060,
)
RUNNING = replace(JOB, run="run", started_at=1020, lease=1050)
USUAL = [Sample(queue_wait=20, run_share=0.5)] * 3


def seconds(job: Job, now: float, samples: list[Sample] | None = None, random: float = 0) -> float:
    return estimate(job, samples or [], now, random).seconds


def test_without_measurements_a_job_takes_what_its_computation_expects() -> None:
    assert seconds(JOB, 1000) == 100
    assert seconds(RUNNING, 1050) == 70


def test_with_measurements_it_takes_what_they_say() -> None:
    assert seconds(JOB, 1000, USUAL) == 70
    assert seconds(RUNNING, 1050, USUAL) == 20


def test_a_time_in_the_queue_counts_only_for_a_queued_job() -> None:
    backed_up = [Sample(queue_wait=500, run_share=1)]
    assert seconds(JOB, 1000, backed_up) == 600
    assert seconds(RUNNING, 1020, backed_up) == 100


def test_clients_are_spread() -> None:
    assert seconds(JOB, 1000, random=0.5) == pytest.approx(102.5)


def test_a_running_job_is_asked_for_when_its_own_pace_brings_it_to_its_end() -> None:
    fast = replace(RUNNING, progress=0.5, progress_at=1030)
    assert seconds(fast, 1030) == 10
    assert estimate(fast, [], 1030, 0).expected_at == 1040


def test_a_little_progress_says_nothing_yet() -> None:
    assert seconds(replace(RUNNING, progress=0.01, progress_at=1030), 1030) == 90


def test_an_overdue_job_is_asked_for_less_often_the_longer_it_takes() -> None:
    alive = replace(RUNNING, lease=5000)
    assert seconds(alive, 1120) == 20
    assert seconds(alive, 1220) == 40
    assert seconds(alive, 4000) == 60


def test_a_lost_job_is_asked_for_just_after_its_lease() -> None:
    assert seconds(replace(RUNNING, lease=1125), 1120) == 6


def test_nobody_waits_much_past_the_time_when_the_job_is_given_up() -> None:
    assert seconds(replace(JOB, gives_up_at=1010), 1000) == 11


def test_whoever_comes_back_finds_an_answer_that_came_at_once() -> None:
    assert seconds(replace(JOB, answer_kept_for=60), 1000) == 55
    assert seconds(replace(RUNNING, answer_kept_for=60, lease=9000), 4000, random=0.9) == 55


def test_the_expected_time_is_that_of_the_median_job() -> None:
    samples = [Sample(0, share) for share in (0.1, 0.5, 0.9)]
    assert estimate(JOB, samples, 1000, 0).expected_at == 1050
    assert estimate(JOB, samples, 1060, 0).expected_at == 1090


def test_jobs_of_two_kinds_are_asked_for_at_the_end_of_each() -> None:
    times = [10.0] * 50 + [100.0] * 50
    assert best_wait(times, 0) == 10
    assert best_wait(times, 10) == 90
    assert best_wait(times, 100) is None


def test_jobs_that_differ_little_are_asked_for_when_all_are_done() -> None:
    assert best_wait([9.8, 9.9, 10.0], 0) == 10.0


# short jobs


def test_a_short_job_is_asked_for_as_soon_as_such_jobs_are_done() -> None:
    short = [Sample(0.016, 0.001)] * 3
    assert seconds(JOB, 1000, short) == pytest.approx(0.116)
    assert estimate(JOB, short, 1000, 0).expected_at == pytest.approx(1000.116)


def test_a_poll_costs_as_much_as_a_tenth_of_a_second_at_least() -> None:
    """So jobs that differ by less are asked for when all are done."""
    assert best_wait([0.05, 0.1, 0.14], 0) == 0.14
    assert best_wait([0.05, 0.1, 2.0], 0) == 0.1


def test_the_clients_of_a_short_job_are_spread_over_a_fortieth_of_a_second() -> None:
    assert seconds(JOB, 1000, [Sample(0, 0.001)], random=0.8) == pytest.approx(0.12)


@given(st.floats(0.001, 2), st.floats(0, 2), st.floats(0, 0.999), st.booleans())
def test_nobody_asks_more_than_five_times_within_eight_tenths_of_a_second_or_twice_a_second_later(
    took: float, queued: float, random: float, is_measured: bool
) -> None:
    """Whatever was measured, and also if the job starts late or never ends."""
    samples = [Sample(0, took / JOB.expected_time)] if is_measured else []
    job = replace(JOB, expected_time=took) if not is_measured else JOB
    running = replace(job, run="run", started_at=1000 + queued, lease=2000)
    now, asked = 1000.0, []
    while now < 1003:
        seen = job if now < 1000 + queued else running
        now += seconds(seen, now, samples, random)
        asked.append(now - 1000)
    assert sum(age < 0.79 for age in asked) <= 5
    later = [age for age in asked if age >= CALM_WAIT_S]
    assert all(b - a >= CALM_WAIT_S - 1e-6 for a, b in pairwise(later))


@given(st.lists(st.floats(0.001, 1e6), min_size=1).map(sorted), st.floats(0, 1e6))
def test_the_best_wait_ends_when_some_job_was_done(times: list[float], age: float) -> None:
    left = [time - age for time in times if time > age]
    wait = best_wait(times, age)
    assert wait in left if left else wait is None


@given(st.floats(1000, 5000), st.floats(0, 0.999), st.floats(0.001, 5000))
def test_the_wait_is_never_nothing_and_never_past_the_end(
    now: float, random: float, expected: float
) -> None:
    wait = seconds(replace(JOB, expected_time=expected), now, [], random)
    assert wait >= MIN_WAIT_S
    assert wait == MIN_WAIT_S or now + wait <= JOB.gives_up_at + 1


# refused


def test_who_is_refused_waits_as_long_as_jobs_waited_in_the_queue() -> None:
    samples = [Sample(wait, 1) for wait in (30, 10, 20)]
    assert until_there_is_room(samples, 0) == 20


def test_those_who_are_refused_are_spread_over_as_much_time_again() -> None:
    assert until_there_is_room([Sample(20, 1)], 0.5) == 30


@pytest.mark.parametrize(("waited", "told"), [([], 2), ([0.1], 2), ([9000.0], 60)])
def test_a_refusal_is_neither_too_short_nor_too_long(waited: list[float], told: float) -> None:
    assert until_there_is_room([Sample(wait, 1) for wait in waited], 0) == told
