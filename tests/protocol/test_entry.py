"""What lies under a signature, and when."""

import gzip
from dataclasses import replace
from random import Random

import pytest

from backburner.computation import ASYNC, Policy
from backburner.problems import TooLarge
from backburner.protocol.entry import MAX_BACK_OFF, MAX_PARAMETERS_BYTES, Answer, Entry, Job
from backburner.protocol.signature import Signature
from tests.conftest import NOW

POLICY = Policy(version=3, fresh_for=600, stale_for=60, failure_kept_for=90, attempts=2)
SIGNATURE = Signature("a" * 64)


def job(parameters: bytes = b"{}", expected_time: float = 1, failures: int = 0) -> Job:
    return Job.new(
        POLICY,
        parameters,
        expected_time,
        correlation_id="request-1",
        now=NOW,
        lane=ASYNC,
        failures=failures,
    )


def test_a_job_is_made_as_the_policy_is_now() -> None:
    made = job()
    assert (made.version, made.max_attempts, made.state, made.lane) == (3, 2, "queued", ASYNC)
    assert (made.requested_at, made.gives_up_at) == (NOW, NOW + 3600)
    assert gzip.decompress(made.parameters) == b"{}"


def test_a_failure_is_kept_twice_as_long_each_time_up_to_a_factor() -> None:
    kept = [job(failures=n).failure_kept_for for n in range(8)]
    assert kept[:4] == [90, 180, 360, 720]
    assert kept[-1] == 90 * MAX_BACK_OFF


def test_a_failure_outlasts_the_wait_for_a_long_job() -> None:
    assert job(expected_time=200).failure_kept_for == 400


def test_no_client_is_told_to_stay_away_for_longer_than_its_answer_is_kept() -> None:
    assert job().answer_kept_for == 90
    assert job(failures=5).answer_kept_for == 660


def test_parameters_that_do_not_fit_into_an_item_are_told_with_the_limit() -> None:
    noise = Random(0).randbytes(MAX_PARAMETERS_BYTES)
    with pytest.raises(TooLarge, match=f"{MAX_PARAMETERS_BYTES} are the most"):
        job(noise)


def test_a_job_is_alive_until_its_lease_or_its_time_ends() -> None:
    assert not Entry(signature=SIGNATURE, computation="doubling").is_alive(NOW)
    for lease, gives_up_at in ((NOW + 10, NOW + 100), (NOW + 100, NOW + 10)):
        leased = Entry(
            signature=SIGNATURE, computation="doubling", job=leased_job(lease, gives_up_at)
        )
        assert leased.is_alive(NOW + 9.9)
        assert not leased.is_alive(NOW + 10)


def leased_job(lease: float, gives_up_at: float, attempts: int = 0) -> Job:
    return replace(job(), lease=lease, gives_up_at=gives_up_at, attempts=attempts)


def test_a_job_is_spent_without_attempts_or_time() -> None:
    def is_spent(attempts: int, at: float) -> bool:
        spent = leased_job(NOW + 10, NOW + 100, attempts)
        return Entry(signature=SIGNATURE, computation="doubling", job=spent).is_spent(at)

    assert not is_spent(1, NOW)
    assert is_spent(2, NOW)
    assert is_spent(0, NOW + 100)


def test_an_answer_is_fresh_then_stale_then_gone() -> None:
    answer = Answer.result(b"{}", POLICY, NOW)
    entry = Entry(signature=SIGNATURE, computation="doubling", answer=answer)
    assert (entry.is_settled(NOW + 599), entry.is_settled(NOW + 600)) == (True, False)
    assert entry.servable(NOW + 659) is answer
    assert entry.servable(NOW + 660) is None


def test_what_is_asked_for_without_looking_is_an_error_that_says_so() -> None:
    nothing = Entry(signature=SIGNATURE, computation="doubling")
    with pytest.raises(LookupError, match="has no answer; check for one first"):
        _ = nothing.the_answer
    with pytest.raises(LookupError, match="has no job; check for one first"):
        _ = nothing.the_job
