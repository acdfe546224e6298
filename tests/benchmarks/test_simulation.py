"""The rules of the simulation behind docs/scale.md."""

from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("simpy", reason="make simulate runs this in an environment of its own")

from backburner.local_cache import MAX_AGE_S
from benchmarks.simulation.front import BACKLOG, GATEWAY, HOT_KEY, RAMP, RATE, in_memory
from benchmarks.simulation.limits import Quotas, TokenBucket
from benchmarks.simulation.outcome import SimulationOutcome
from benchmarks.simulation.report import BURST, OPEN, RATES, UNLIMITED, of_limits
from benchmarks.simulation.report import LOADS as LOADS_OF_THE_DOCUMENT
from benchmarks.simulation.service import simulate
from benchmarks.simulation.settings import (
    PROCESSOR_MB,
    StackParameters,
    asked_for,
    fitting,
    rounded,
)
from benchmarks.simulation.traffic import Traffic
from benchmarks.simulation.workers import MAPPING

SMALL = Traffic(name="small", rate=200, seconds=5, signatures=500, is_cold=True)
STEADY = replace(SMALL, is_cold=False)
VIRAL = replace(SMALL, rate=20_000, seconds=2, viral=0.9)
LOADS = {
    "a cold one": (SMALL, OPEN, UNLIMITED),
    "a steady one": (STEADY, OPEN, UNLIMITED),
    "one over RequestRate": (SMALL, StackParameters(), Quotas()),
    "one over MaxBacklog": (SMALL, replace(OPEN, max_backlog=20, max_workers=2), UNLIMITED),
    "one over every quota": (VIRAL, OPEN, Quotas(gateway_rate=15_000, concurrency=300)),
}


@pytest.fixture(params=LOADS, scope="module")
def outcome(request: pytest.FixtureRequest) -> SimulationOutcome:
    return simulate(*LOADS[request.param])


def test_every_question_is_answered_or_refused(outcome: SimulationOutcome) -> None:
    assert outcome.asked > 0
    assert outcome.waiting == 0
    assert outcome.asked == outcome.served + outcome.refused.total()


def test_a_signature_is_computed_once_while_its_answer_is_fresh(outcome: SimulationOutcome) -> None:
    assert set(outcome.computed.values()) <= {1}


def test_who_waited_asked_at_least_once_more(outcome: SimulationOutcome) -> None:
    assert outcome.waits.total() == outcome.served_later
    assert outcome.polls - outcome.polls_refused.total() >= outcome.served_later


def test_no_more_computations_run_at_once_than_workers_may() -> None:
    outcome = simulate(SMALL, replace(OPEN, max_workers=7), UNLIMITED)
    assert max(second.running for second in outcome.seconds) == 7


def test_the_same_seed_has_the_same_outcome_and_another_one_another() -> None:
    first, again = (simulate(SMALL, OPEN, UNLIMITED) for _ in range(2))
    assert first == again
    assert first != simulate(SMALL, OPEN, UNLIMITED, seed=2)


def test_without_limits_nothing_is_refused() -> None:
    assert simulate(VIRAL, replace(OPEN, max_backlog=0), UNLIMITED).first.keys() <= {RAMP, HOT_KEY}
    assert simulate(STEADY, OPEN, UNLIMITED).refused == {}


def test_each_limit_refuses_what_is_over_it() -> None:
    fast = replace(STEADY, rate=2_000)
    assert simulate(fast, StackParameters(), UNLIMITED).limits == [RATE]
    quotas = replace(UNLIMITED, gateway_rate=1_000, gateway_burst=500)
    assert GATEWAY in simulate(fast, OPEN, quotas).limits
    full = replace(OPEN, max_backlog=20, max_workers=2)
    assert BACKLOG in simulate(SMALL, full, UNLIMITED).limits
    assert HOT_KEY in simulate(VIRAL, OPEN, UNLIMITED).limits


def test_a_rate_that_is_let_through_is_the_rate_of_the_limit() -> None:
    outcome = simulate(
        replace(STEADY, rate=2_000, seconds=20), StackParameters(request_rate=500), UNLIMITED
    )
    admitted = outcome.asked + outcome.polls - outcome.refused[RATE] - outcome.polls_refused[RATE]
    assert admitted == pytest.approx(500 * len(outcome.seconds), rel=0.1)


def test_a_new_function_has_a_thousand_environments_at_once_and_a_hundred_more_a_second() -> None:
    outcome = simulate(replace(VIRAL, rate=50_000), OPEN, UNLIMITED)
    assert outcome.limits[0] == RAMP
    assert outcome.seconds[0].instances <= 1_100


def test_the_mapping_begins_with_five_workers_and_adds_five_a_second() -> None:
    outcome = simulate(SMALL, OPEN, UNLIMITED)
    assert [second.running for second in outcome.seconds[:3]] == [5, 10, 15]
    assert outcome.delayed[MAPPING] > 0


def test_the_local_cache_bounds_the_reads_of_a_key_whatever_its_rate() -> None:
    rates = np.array([1.0, 1e3, 1e6])
    reads = rates * (1 - in_memory(rates, instances=10))
    assert all(np.diff(reads) > 0)
    assert reads[-1] == pytest.approx(10 / MAX_AGE_S, rel=0.01)


def test_a_worker_with_half_a_processor_takes_twice_as_long() -> None:
    whole, half = (
        simulate(
            replace(SMALL, variation=0, rate=1),
            replace(OPEN, worker_memory=PROCESSOR_MB // parts),
            UNLIMITED,
        )
        for parts in (1, 2)
    )
    assert half.wait(0.5) - whole.wait(0.5) == pytest.approx(SMALL.run_time, abs=1)


def test_popularity_follows_zipf() -> None:
    shares = replace(SMALL, exponent=1.0).shares
    assert shares.sum() == pytest.approx(1)
    assert shares[0] == pytest.approx(10 * shares[9])
    assert replace(SMALL, viral=0.9).shares[0] > 0.9


def test_in_the_long_run_a_signature_is_new_once_in_the_time_it_is_fresh() -> None:
    one = Traffic(name="one", rate=1_000, signatures=1, fresh_for=100)
    assert one.new_jobs == pytest.approx(0.01, rel=0.001)


def test_a_token_bucket_lets_its_burst_through_at_once_and_then_its_rate() -> None:
    bucket = TokenBucket(rate=10, burst=5)
    assert bucket.take(100, 0) == 5
    assert bucket.take(100, 1) == 10
    assert bucket.take(0, 9) == 0
    assert bucket.take(100, 9) + bucket.take(100, 9.5) <= 5 + 8 * 10 + 5


def test_what_is_set_carries_the_load() -> None:
    parameters = fitting(STEADY, peak=400)
    quotas = asked_for(STEADY, parameters)
    assert simulate(STEADY, parameters, quotas).refused == {}
    assert quotas == Quotas()
    cold = replace(BURST, rate=20_000)
    assert asked_for(cold, fitting(cold, peak=40_000)).gateway_rate == 60_000


def test_settings_are_round_numbers() -> None:
    assert [rounded(n) for n in (7.2, 12, 96, 101, 1_234)] == [8, 15, 100, 150, 1_500]


def test_the_document_has_the_limits_and_the_loads_of_the_simulation() -> None:
    document = (Path(__file__).parents[2] / "docs/scale.md").read_text()
    assert of_limits() in document
    for load, rate in product(LOADS_OF_THE_DOCUMENT, RATES):
        assert document.count(f"| {load.name} | {rate:,} |") == 2
