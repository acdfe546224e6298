"""The protocol's conditional writes: when each goes through, and when it is LostRace."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from backburner.computation import Policy
from backburner.problems import CannotBeComputed
from backburner.protocol.entry import Answer, Entry, Job
from backburner.protocol.signature import Signature
from backburner.protocol.store import DELETION_GRACE, Leases, LostRace, Run, Store
from tests.conftest import NOW, Clock, MotoDeployment

EMPTY = Entry(signature=Signature("a" * 64), computation="doubling")
POLICY = Policy(version=1, fresh_for=600, stale_for=3600)
JOB = Job(
    version=1,
    parameters=b"parameters",
    correlation_id="request-1",
    requested_at=NOW,
    expected_time=2,
    gives_up_at=NOW + 3600,
    failure_kept_for=60,
    max_attempts=3,
)


@pytest.fixture
def store(deployment: MotoDeployment) -> Store:
    return deployment.store


@pytest.fixture
def clock(deployment: MotoDeployment) -> Clock:
    return deployment.clock


def result(clock: Clock, json: bytes = b'{"doubled":42}') -> Answer:
    return Answer.result(json, POLICY, clock())


def problem(clock: Clock) -> Answer:
    return Answer.problem(CannotBeComputed("no"), JOB, clock())


def now_in(store: Store) -> Entry:
    return store.look_up(EMPTY, consistent=True)


def stale_entry(store: Store, clock: Clock) -> Entry:
    """A result that was fresh until just now."""
    store.claim(EMPTY, JOB)
    store.complete(store.begin(EMPTY), result(clock))
    clock.passes(POLICY.fresh_for)
    return now_in(store)


# look up


def test_an_entry_that_is_not_there_has_neither_answer_nor_job(store: Store) -> None:
    assert store.look_up(EMPTY) == EMPTY


def test_an_entry_comes_back_as_it_was_written(store: Store) -> None:
    claimed = store.claim(EMPTY, JOB)
    assert now_in(store) == claimed
    assert claimed.job == replace(JOB, lease=NOW + 60)


def test_what_another_version_wrote_is_ignored_and_what_it_lacked_has_its_default(
    store: Store, deployment: MotoDeployment
) -> None:
    store.claim(EMPTY, JOB)
    deployment.dynamodb.update_item(
        TableName=deployment.table,
        Key={"signature": {"S": EMPTY.signature}},
        UpdateExpression="SET job.mood = :x, unheard_of = :x REMOVE job.sends",
        ExpressionAttributeValues={":x": {"S": "good"}},
    )
    assert now_in(store).job == replace(JOB, lease=NOW + 60)


# claim


def test_a_claim_leaves_a_queued_job_with_a_lease(store: Store) -> None:
    job = store.claim(EMPTY, JOB).the_job
    assert (job.state, job.lease, job.attempts, job.sends) == ("queued", NOW + 60, 0, 1)


def test_the_second_claim_loses_and_learns_of_the_first(store: Store) -> None:
    first = store.claim(EMPTY, JOB)
    with pytest.raises(LostRace) as lost:
        store.claim(EMPTY, replace(JOB, correlation_id="request-2"))
    assert lost.value.entry == first


def test_a_claim_loses_against_a_job_whose_lease_ran_out(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    clock.passes(61)
    with pytest.raises(LostRace):
        store.claim(EMPTY, JOB)


def test_a_claim_loses_against_a_fresh_answer(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    store.complete(store.begin(EMPTY), result(clock))
    clock.passes(POLICY.fresh_for - 0.001)
    with pytest.raises(LostRace):
        store.claim(EMPTY, JOB)


def test_a_claim_on_a_stale_answer_keeps_it(store: Store, clock: Clock) -> None:
    stale = stale_entry(store, clock)
    refreshed = store.claim(stale, JOB)
    assert refreshed.answer == stale.answer
    assert refreshed.the_job.state == "queued"


def test_a_claim_that_took_effect_unheard_is_mine(store: Store) -> None:
    first = store.claim(EMPTY, JOB)
    assert store.claim(EMPTY, JOB) == first


# send again


def test_a_job_whose_lease_ran_out_is_queued_again_for_twice_as_long(
    store: Store, clock: Clock
) -> None:
    entry = store.claim(EMPTY, JOB)
    clock.passes(60)
    again = store.send_again(entry).the_job
    assert (again.sends, again.lease, again.attempts) == (2, clock() + 120, 0)


def test_the_lease_of_a_queued_job_doubles_up_to_15_minutes() -> None:
    assert [Leases().of_send(n) for n in range(1, 8)] == [60, 120, 240, 480, 900, 900, 900]


def test_sends_that_failed_do_not_lengthen_the_lease(store: Store, clock: Clock) -> None:
    entry = store.claim(EMPTY, JOB)
    for _ in range(4):
        clock.passes(10)
        entry = store.send_again(store.unclaim(entry))
    assert (entry.the_job.sends, entry.the_job.lease) == (1, clock() + 60)


@pytest.mark.parametrize("is_given_back", [True, False])
def test_the_lease_of_a_job_that_has_begun_doubles_anew(
    is_given_back: bool, store: Store, clock: Clock
) -> None:
    entry = store.claim(EMPTY, JOB)
    for _ in range(3):
        clock.passes(900)
        entry = store.send_again(entry)
    run = store.begin(EMPTY)
    if is_given_back:
        store.give_back(run, 2)
    for sends in (1, 2):
        clock.passes(now_in(store).the_job.lease - clock())
        job = store.send_again(now_in(store)).the_job
        assert (job.sends, job.lease) == (sends, clock() + 60 * sends)


def test_a_job_that_is_queued_again_has_no_progress_any_more(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    store.heartbeat(store.begin(EMPTY), 0.9)
    clock.passes(30)
    job = store.send_again(now_in(store)).the_job
    assert (job.state, job.progress, job.progress_at) == ("queued", None, None)


def test_sending_again_loses_while_the_lease_runs(store: Store, clock: Clock) -> None:
    entry = store.claim(EMPTY, JOB)
    clock.passes(59.999)
    with pytest.raises(LostRace):
        store.send_again(entry)


def test_of_two_that_send_again_one_loses(store: Store, clock: Clock) -> None:
    entry = store.claim(EMPTY, JOB)
    clock.passes(60)
    again = store.send_again(entry)
    clock.passes(0.001)
    with pytest.raises(LostRace) as lost:
        store.send_again(entry)
    assert lost.value.entry == again


def test_a_job_without_attempts_or_time_is_not_sent_again(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, replace(JOB, max_attempts=1))
    entry = store.begin(EMPTY).entry
    clock.passes(31)
    with pytest.raises(LostRace):
        store.send_again(entry)


# unclaim


def test_a_released_job_can_be_sent_again_at_once(store: Store) -> None:
    released = store.unclaim(store.claim(EMPTY, JOB))
    assert not released.is_alive(NOW)
    assert store.send_again(released).is_alive(NOW)


def test_an_unclaim_loses_when_the_message_got_through_after_all(store: Store) -> None:
    entry = store.claim(EMPTY, JOB)
    run = store.begin(EMPTY)
    with pytest.raises(LostRace):
        store.unclaim(entry)
    assert now_in(store) == run.entry


# begin


def test_beginning_takes_the_job_for_a_run(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    clock.passes(5)
    job = store.begin(EMPTY).job
    assert (job.state, job.attempts, job.lease) == ("running", 1, clock() + 30)
    assert (job.started_at, job.parameters) == (clock(), JOB.parameters)


def test_beginning_loses_where_there_is_no_job(store: Store) -> None:
    with pytest.raises(LostRace) as lost:
        store.begin(EMPTY)
    assert lost.value.entry == EMPTY


def test_beginning_loses_while_another_run_is_alive(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    run = store.begin(EMPTY)
    clock.passes(29.999)
    with pytest.raises(LostRace) as lost:
        store.begin(EMPTY)
    assert lost.value.entry == run.entry


def test_beginning_takes_over_from_a_run_whose_lease_ran_out(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    first = store.begin(EMPTY)
    clock.passes(30)
    second = store.begin(EMPTY)
    assert second.token != first.token
    assert second.job.attempts == 2


def test_beginning_loses_when_no_attempt_is_left(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    for _ in range(JOB.max_attempts):
        store.begin(EMPTY)
        clock.passes(30)
    with pytest.raises(LostRace):
        store.begin(EMPTY)


def test_beginning_loses_when_the_job_is_given_up(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    clock.passes(3600)
    with pytest.raises(LostRace):
        store.begin(EMPTY)


# heartbeat


def test_a_heartbeat_extends_the_lease_and_tells_the_progress(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    run = store.begin(EMPTY)
    clock.passes(10)
    store.heartbeat(run, 0.25)
    job = now_in(store).the_job
    assert (job.lease, job.progress, job.run) == (clock() + 30, 0.25, run.token)


# the fence: whoever does not hold the run changes nothing

WRITES: dict[str, Callable[[Store, Run, Clock], object]] = {
    "heartbeat": lambda store, run, clock: store.heartbeat(run, 0.5),
    "complete": lambda store, run, clock: store.complete(run, result(clock, b"late")),
    "fail": lambda store, run, clock: store.fail(run, problem(clock)),
    "give back": lambda store, run, clock: store.give_back(run, 2),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_late_worker_changes_nothing_while_another_runs(
    write: Callable[[Store, Run, Clock], object], store: Store, clock: Clock
) -> None:
    store.claim(EMPTY, JOB)
    late = store.begin(EMPTY)
    clock.passes(30)
    current = store.begin(EMPTY)
    with pytest.raises(LostRace) as lost:
        write(store, late, clock)
    assert lost.value.entry == now_in(store) == current.entry


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_late_worker_changes_nothing_after_the_answer(
    write: Callable[[Store, Run, Clock], object], store: Store, clock: Clock
) -> None:
    store.claim(EMPTY, JOB)
    late = store.begin(EMPTY)
    clock.passes(30)
    store.complete(store.begin(EMPTY), result(clock))
    answered = now_in(store)
    with pytest.raises(LostRace):
        write(store, late, clock)
    assert now_in(store) == answered


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_late_worker_changes_nothing_where_the_entry_is_gone(
    write: Callable[[Store, Run, Clock], object],
    store: Store,
    clock: Clock,
    deployment: MotoDeployment,
) -> None:
    store.claim(EMPTY, JOB)
    late = store.begin(EMPTY)
    deployment.dynamodb.delete_item(
        TableName=deployment.table, Key={"signature": {"S": EMPTY.signature}}
    )
    with pytest.raises(LostRace):
        write(store, late, clock)
    assert now_in(store) == EMPTY


# complete, fail, give back


def test_completing_puts_the_answer_and_removes_the_job(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    answer = result(clock)
    store.complete(store.begin(EMPTY), answer)
    assert now_in(store) == replace(EMPTY, answer=answer)


def test_a_run_may_complete_after_its_lease_if_nobody_took_over(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    run = store.begin(EMPTY)
    clock.passes(300)
    store.complete(run, result(clock))
    assert now_in(store).the_answer.is_result


def test_completing_what_took_effect_unheard_is_no_loss(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    run, answer = store.begin(EMPTY), result(clock)
    store.complete(run, answer)
    store.complete(run, answer)
    assert now_in(store).answer == answer


def test_failing_makes_the_problem_the_answer(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    store.fail(store.begin(EMPTY), problem(clock))
    assert now_in(store) == replace(EMPTY, answer=problem(clock))


def test_a_failed_refresh_leaves_the_stale_answer_and_is_not_tried_again_at_once(
    store: Store, clock: Clock
) -> None:
    stale = stale_entry(store, clock)
    store.claim(stale, JOB)
    store.fail(store.begin(EMPTY), problem(clock))
    kept = now_in(store)
    assert kept.job is None
    assert kept.answer == replace(
        stale.the_answer, renew_at=clock() + 60, failures=1, renewal_failed_at=clock()
    )
    with pytest.raises(LostRace):
        store.claim(kept, JOB)
    clock.passes(60)
    assert store.claim(kept, JOB).is_alive(clock())


@pytest.mark.parametrize("left", [POLICY.stale_for, 1], ids=["a while", "a second"])
def test_a_refresh_that_failed_unheard_is_no_loss(store: Store, clock: Clock, left: float) -> None:
    """Also where the end of the stale answer, the same for everybody, says when to renew it."""
    store.claim(stale_entry(store, clock), replace(JOB, gives_up_at=NOW + 10_000))
    clock.passes(POLICY.stale_for - left)
    run, failure = store.begin(EMPTY), problem(clock)
    store.fail(run, failure)
    store.fail(run, failure)
    assert now_in(store).the_answer.failures == 1


@pytest.mark.parametrize("left", [POLICY.stale_for, 1], ids=["a while", "a second"])
def test_a_refresh_that_another_run_failed_is_lost(store: Store, clock: Clock, left: float) -> None:
    store.claim(stale_entry(store, clock), replace(JOB, gives_up_at=NOW + 10_000))
    clock.passes(POLICY.stale_for - left - 30)
    late = store.begin(EMPTY)
    clock.passes(30)
    store.fail(store.begin(EMPTY), problem(clock))
    clock.passes(0.001)
    with pytest.raises(LostRace):
        store.fail(late, problem(clock))


def test_a_refresh_that_fails_after_the_end_of_the_stale_answer_replaces_it(
    store: Store, clock: Clock
) -> None:
    store.claim(stale_entry(store, clock), replace(JOB, gives_up_at=NOW + 10_000))
    clock.passes(POLICY.stale_for)
    store.fail(store.begin(EMPTY), problem(clock))
    assert now_in(store).answer == problem(clock)


def test_waiting_to_renew_never_outlasts_the_stale_answer(store: Store, clock: Clock) -> None:
    stale = stale_entry(store, clock)
    store.claim(stale, replace(JOB, gives_up_at=NOW + 10_000))
    clock.passes(POLICY.stale_for - 1)
    store.fail(store.begin(EMPTY), problem(clock))
    assert now_in(store).the_answer.renew_at == stale.the_answer.ends_at


def test_a_job_that_is_given_back_is_queued_for_longer_than_its_delay(
    store: Store, clock: Clock
) -> None:
    store.claim(EMPTY, JOB)
    run = store.begin(EMPTY)
    store.heartbeat(run, 0.7)
    store.give_back(run, 20)
    job = now_in(store).the_job
    assert (job.state, job.attempts, job.progress) == ("queued", 1, None)
    assert job.lease == clock() + 20 + 60
    store.give_back(run, 20)  # as botocore does when the first call's answer got lost


# bury


def test_a_spent_job_is_buried_with_its_attempts_in_the_problem(store: Store, clock: Clock) -> None:
    entry = store.claim(EMPTY, JOB)
    clock.passes(3600)
    buried = store.bury(entry)
    assert buried.job is None
    assert buried.the_answer.status == 500
    assert not buried.the_answer.is_fresh(clock() + JOB.failure_kept_for)


def test_a_job_that_is_alive_in_a_worker_is_not_buried(store: Store) -> None:
    store.claim(EMPTY, JOB)
    running = store.begin(EMPTY).entry
    with pytest.raises(LostRace):
        store.bury(running)
    assert now_in(store) == running


def test_a_job_that_changed_since_it_was_seen_is_not_buried(store: Store, clock: Clock) -> None:
    seen = store.claim(EMPTY, JOB)
    clock.passes(60)
    again = store.send_again(seen)
    with pytest.raises(LostRace):
        store.bury(seen)
    assert now_in(store) == again


def test_a_buried_refresh_leaves_the_stale_answer(store: Store, clock: Clock) -> None:
    stale = stale_entry(store, clock)
    refresh = store.claim(stale, replace(JOB, gives_up_at=clock() + 10))
    clock.passes(10)
    buried = store.bury(refresh)
    assert buried.the_answer.is_result
    assert buried.is_settled(clock())


@pytest.mark.parametrize("left", [POLICY.stale_for, 1], ids=["a while", "a second"])
def test_burying_what_took_effect_unheard_is_no_loss_and_another_one_is(
    store: Store, clock: Clock, left: float
) -> None:
    stale = stale_entry(store, clock)
    clock.passes(POLICY.stale_for - left)
    refresh = store.claim(stale, replace(JOB, gives_up_at=clock() + 0.1))
    clock.passes(0.2)
    buried = store.bury(refresh)
    assert store.bury(refresh) == buried
    clock.passes(0.001)
    with pytest.raises(LostRace):
        store.bury(refresh)


# what botocore sends again because its answer got lost


class Twice:
    """A client whose every write is sent twice; only the second answer is heard."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb = dynamodb

    def __getattr__(self, name: str) -> Any:
        call = getattr(self.dynamodb, name)
        if name == "get_item":
            return call

        def twice(**given: Any) -> Any:
            with suppress(ClientError):
                call(**given)
            return call(**given)

        return twice


def test_every_write_that_is_sent_twice_is_mine(deployment: MotoDeployment, clock: Clock) -> None:
    store = replace(deployment, dynamodb=Twice(deployment.dynamodb)).store
    entry = store.claim(EMPTY, JOB)
    clock.passes(60)
    entry = store.unclaim(store.send_again(entry))
    run = store.begin(entry)
    store.heartbeat(run, 0.5)
    store.give_back(run, 0)
    run = store.begin(entry)
    store.complete(run, result(clock))
    for end in (store.fail, lambda run, _: store.bury(run.entry)):
        clock.passes(POLICY.fresh_for)
        store.claim(now_in(store), replace(JOB, gives_up_at=clock() + 10))
        run = store.begin(EMPTY)
        clock.passes(10)
        end(run, problem(clock))
        assert now_in(store).the_answer.is_result
    store.reset(now_in(store), replace(NEXT, gives_up_at=clock() + 10))
    store.forget(EMPTY)
    assert now_in(store) == EMPTY


# reset


NEXT = replace(JOB, correlation_id="redrive-1")


def test_a_reset_takes_the_problem_away_and_leaves_a_queued_job(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    store.fail(store.begin(EMPTY), problem(clock))
    reset = store.reset(now_in(store), NEXT)
    assert now_in(store) == reset
    assert (reset.answer, reset.job) == (None, replace(NEXT, lease=clock() + 60))


def test_a_reset_keeps_a_stale_result(store: Store, clock: Clock) -> None:
    stale = stale_entry(store, clock)
    store.claim(stale, JOB)
    store.fail(store.begin(EMPTY), problem(clock))
    seen = now_in(store)
    assert store.reset(seen, NEXT).answer == seen.answer


def test_a_reset_brings_back_what_is_gone(store: Store) -> None:
    assert store.reset(EMPTY, NEXT).the_job.correlation_id == "redrive-1"


def test_a_reset_loses_against_a_job(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    with pytest.raises(LostRace):
        store.reset(EMPTY, NEXT)


def test_a_reset_loses_against_an_answer_that_came_meanwhile(store: Store, clock: Clock) -> None:
    store.claim(EMPTY, JOB)
    store.fail(store.begin(EMPTY), problem(clock))
    seen = now_in(store)
    clock.passes(60)
    store.claim(seen, JOB)
    store.complete(store.begin(EMPTY), result(clock))
    for before in (seen, EMPTY):
        with pytest.raises(LostRace):
            store.reset(before, NEXT)


# deletion, and everything that is no lost race


def test_dynamodb_may_delete_an_entry_only_well_after_its_end(
    store: Store, clock: Clock, deployment: MotoDeployment
) -> None:
    store.claim(EMPTY, JOB)
    assert deployment.item(EMPTY.signature)["expires_at"] == {
        "N": str(int(JOB.gives_up_at) + DELETION_GRACE)
    }
    store.complete(store.begin(EMPTY), result(clock))
    assert deployment.item(EMPTY.signature)["expires_at"] == {
        "N": str(int(now_in(store).the_answer.ends_at) + DELETION_GRACE)
    }


def test_any_other_error_of_dynamodb_is_not_a_lost_race(deployment: MotoDeployment) -> None:
    elsewhere = Store(deployment.dynamodb, "no-such-table", Leases())
    with pytest.raises(ClientError, match="ResourceNotFound"):
        elsewhere.claim(EMPTY, JOB)
