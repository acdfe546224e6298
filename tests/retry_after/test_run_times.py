"""What the jobs of a computation took lately."""

from dataclasses import replace

import pytest

from backburner.retry_after.run_times import (
    FEW,
    FIRST_EVERY_S,
    REFRESH_EVERY_S,
    SLOTS,
    RunTimes,
    Sample,
)
from tests.conftest import Clock, MotoDeployment
from tests.support.run_times import fill


@pytest.fixture
def run_times(deployment: MotoDeployment) -> RunTimes:
    return deployment.run_times


@pytest.fixture
def clock(deployment: MotoDeployment) -> Clock:
    return deployment.clock


def test_there_are_none_before_the_first_job(run_times: RunTimes) -> None:
    assert run_times.of("doubling") == []


def test_what_a_worker_adds_a_request_reads(
    deployment: MotoDeployment, run_times: RunTimes
) -> None:
    run_times.add("doubling", Sample(1.5, 0.25))
    assert run_times.of("doubling") == [Sample(1.5, 0.25)]
    assert run_times.of("crashing") == []


@pytest.mark.parametrize(("others", "every"), [(0, FIRST_EVERY_S), (FEW, REFRESH_EVERY_S)])
def test_an_instance_reads_and_writes_only_so_often(
    run_times: RunTimes, clock: Clock, others: int, every: int
) -> None:
    fill(run_times, "doubling", others)

    def shares() -> set[float]:
        return {sample.run_share for sample in run_times.of("doubling")} - {100}

    run_times.add("doubling", Sample(1, 1))
    assert shares() == {1}
    run_times.add("doubling", Sample(2, 2))
    clock.passes(every)
    assert shares() == {1}
    run_times.add("doubling", Sample(3, 3))
    assert shares() == {1}
    clock.passes(every - 0.1)
    assert shares() == {1}
    clock.passes(0.1)
    assert shares() == {3}


def test_one_cold_start_is_soon_outvoted(run_times: RunTimes, clock: Clock) -> None:
    """Or all clients of a new computation would wait for as long, for ten seconds and more."""
    slots = iter(n / SLOTS for n in range(SLOTS))
    instance = replace(run_times, random=lambda: next(slots))
    for n in range(1, FEW + 1):
        instance.add("doubling", Sample(n, n))
        assert len(instance.of("doubling")) == n
        clock.passes(FIRST_EVERY_S)
    instance.add("doubling", Sample(0, 0))
    assert len(instance.of("doubling")) == FEW


def test_it_reads_and_writes_though_the_clock_was_set_back(
    run_times: RunTimes, clock: Clock
) -> None:
    run_times.add("doubling", Sample(1, 1))
    assert run_times.of("doubling") == [Sample(1, 1)]
    clock.is_set(-3600)
    clock.passes(REFRESH_EVERY_S)
    run_times.add("doubling", Sample(2, 2))
    assert run_times.of("doubling") == [Sample(2, 2)]


def test_the_latest_replace_the_old_at_their_own_pace(run_times: RunTimes, clock: Clock) -> None:
    slots = iter(n / SLOTS for n in range(SLOTS + 1) if n < SLOTS)
    filling = replace(run_times, random=lambda: next(slots, 0.0))
    for n in range(SLOTS + 1):
        filling.add("doubling", Sample(0, n))
        clock.passes(REFRESH_EVERY_S)
    shares = sorted(sample.run_share for sample in filling.of("doubling"))
    assert shares == list(range(1, SLOTS + 1))


def test_an_estimate_that_cannot_be_had_is_no_failure(run_times: RunTimes) -> None:
    lost = replace(run_times, table="no-such-table")
    lost.add("doubling", Sample(1, 1))
    assert lost.of("doubling") == ()


def test_a_job_that_was_computed_teaches_the_next_ones(deployment: MotoDeployment) -> None:
    deployment.get("/v1/doubling?number=1")
    [message] = deployment.messages()
    deployment.clock.passes(3)

    def compute(*_: object) -> bytes:
        deployment.clock.passes(8)
        return b"{}"

    replace(deployment.worker, compute=compute).receive(message)
    deployment.clock.passes(REFRESH_EVERY_S)
    reply = deployment.get("/v1/doubling?number=2")
    assert reply.headers["retry-after"] == "11"
