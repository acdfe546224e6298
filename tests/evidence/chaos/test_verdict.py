"""The verdict finds what it is there to find."""

from dataclasses import replace

import pytest

from tests.evidence.chaos import verdict
from tests.evidence.chaos.clients import Asked
from tests.evidence.chaos.disturbances import Execution, Kill
from tests.evidence.chaos.faulty_aws import Write

SIGNATURE = "a" * 64
ASKED = Asked(number=7, location=f"/v1/witnessed/{SIGNATURE}", signature=SIGNATURE, expected_at=101)
ANSWERED = replace(ASKED, answered_at=113)
BEGUN = Write(signature=SIGNATURE, run="first", begun_at=100, lease=102, answered_at=None)
BEATEN = replace(BEGUN, lease=103)
TAKEN_OVER = replace(BEGUN, run="second", begun_at=103, lease=105)
DONE = Write(signature=SIGNATURE, run=None, begun_at=0, lease=0, answered_at=104)
FIRST = Execution(number=7, worker=1, began_at=100.1, done_at=None)
SECOND = Execution(number=7, worker=2, began_at=103.1, done_at=103.9)


def twice(writes: list[Write], executions: list[Execution]) -> list[str]:
    return list(verdict.computed_twice([ASKED], writes, executions))


def test_a_run_that_takes_over_when_the_lease_has_run_out_is_right() -> None:
    assert twice([BEGUN, BEATEN, TAKEN_OVER, DONE], [FIRST, SECOND]) == []


def test_a_run_begun_before_the_last_heartbeats_lease_ran_out_is_found() -> None:
    early = replace(TAKEN_OVER, begun_at=102.5)
    [violation] = twice([BEGUN, BEATEN, early, DONE], [FIRST, SECOND])
    assert "begun 0.500 s before the lease of first ran out" in violation


def test_a_run_begun_after_the_answer_is_found() -> None:
    [violation] = twice([BEGUN, DONE, replace(TAKEN_OVER, begun_at=104.5)], [FIRST])
    assert "after the answer" in violation


@pytest.mark.parametrize("writes", [[BEGUN], [BEGUN, BEATEN]])
def test_a_second_computation_in_one_run_is_found(writes: list[Write]) -> None:
    assert twice(writes, [FIRST, SECOND]) == ["7 was computed 2 times in 1 runs"]


def test_a_computation_that_no_run_has_begun_is_found() -> None:
    assert twice([TAKEN_OVER], [FIRST]) == ["7 was computed 1 times in 0 runs"]


def test_a_client_without_an_answer_is_found() -> None:
    assert list(verdict.unanswered([ANSWERED])) == []
    assert list(verdict.unanswered([ASKED])) == ["a client that asked for 7 got no answer"]
    [gave_up] = verdict.unanswered([replace(ASKED, trouble="500 gave up")])
    assert gave_up.endswith("got 500 gave up")


def test_a_killed_job_has_recovered_when_it_is_computed_again() -> None:
    kills = [Kill(at=100.6, number=7), Kill(at=100.7, number=None), Kill(at=103.95, number=7)]
    assert verdict.recovery_times(kills, [FIRST, SECOND]) == [pytest.approx(2.5)]


def test_the_wait_past_what_was_expected_is_that_of_the_last() -> None:
    at_once = replace(ANSWERED, location="", expected_at=0)
    assert verdict.longest_wait_past_expected([ANSWERED, at_once]) == 12
