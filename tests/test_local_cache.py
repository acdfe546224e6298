"""What an instance remembers: fresh results, for a short time, and nothing else."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest

from backburner.local_cache import MAX_AGE_S, MAX_BYTES, local_cache
from backburner.protocol.entry import Answer, Entry
from backburner.protocol.signature import Signature

from .conftest import Clock, MotoDeployment

ASKED = "/v1/doubling?number=21"


class Counted:
    """A client of DynamoDB that counts its calls."""

    def __init__(self, dynamodb: Any) -> None:
        self.dynamodb, self.calls = dynamodb, 0

    def __getattr__(self, name: str) -> Any:
        self.calls += 1
        return getattr(self.dynamodb, name)


@pytest.fixture
def counted(deployment: MotoDeployment) -> MotoDeployment:
    return replace(deployment, dynamodb=Counted(deployment.dynamodb))


def calls(deployment: MotoDeployment, path: str) -> int:
    before = deployment.dynamodb.calls
    deployment.get(path)
    return int(deployment.dynamodb.calls - before)


def test_a_result_that_was_just_served_is_served_again_without_a_call(
    counted: MotoDeployment,
) -> None:
    counted.get(ASKED)
    counted.work()
    assert [calls(counted, ASKED) for _ in range(3)] == [1, 0, 0]


def test_what_was_forgotten_in_the_table_is_out_of_use_within_seconds(
    counted: MotoDeployment,
) -> None:
    signature = counted.get(ASKED).signature
    counted.work()
    counted.get(ASKED)
    counted.empty()
    counted.clock.passes(MAX_AGE_S)
    assert counted.get(f"/v1/doubling/{signature}").status == 404


def test_what_was_forgotten_is_out_of_use_within_seconds_though_the_clock_was_set_back(
    counted: MotoDeployment,
) -> None:
    signature = counted.get(ASKED).signature
    counted.work()
    counted.get(ASKED)
    counted.empty()
    counted.clock.is_set(-3600)
    counted.clock.passes(MAX_AGE_S)
    assert counted.get(f"/v1/doubling/{signature}").status == 404


def test_the_local_cache_serves_no_answer_that_is_not_fresh_any_more(
    counted: MotoDeployment,
) -> None:
    counted.get(ASKED)
    counted.work()
    counted.clock.passes(600 - MAX_AGE_S / 2)
    assert counted.get(ASKED).headers["cache-status"].startswith("backburner; hit; ttl=")
    counted.clock.passes(MAX_AGE_S / 2)
    assert (
        counted.get(ASKED).headers["cache-status"] == "backburner; hit; ttl=-1; detail=refreshing"
    )


def test_neither_placeholders_nor_problems_nor_stale_answers_are_remembered(
    counted: MotoDeployment,
) -> None:
    for asked in (ASKED, "/v1/doubling?number=-1"):
        counted.get(asked)
        assert calls(counted, asked) == 1
    counted.work()
    assert [calls(counted, "/v1/doubling?number=-1") for _ in range(2)] == [1, 1]
    counted.get(ASKED)
    counted.clock.passes(600)
    counted.get(ASKED)
    assert [calls(counted, ASKED) for _ in range(2)] == [1, 1]


def test_a_large_result_is_remembered_without_its_bytes(counted: MotoDeployment) -> None:
    large = "/v1/noise?size=400000"
    counted.get(large)
    counted.work()
    assert [calls(counted, large) for _ in range(2)] == [1, 0]
    assert counted.request_handler.local_cache.currsize < 2000


def test_what_is_remembered_is_still_of_its_own_computation(counted: MotoDeployment) -> None:
    signature = counted.get(ASKED).signature
    counted.work()
    assert counted.get(ASKED).status == 200
    assert counted.get(f"/v1/crashing/{signature}").status == 404


def test_memory_is_bounded_in_bytes() -> None:
    remembered = local_cache(Clock().timer)
    answer = Answer(
        body=Random(0).randbytes(1_000_000),
        status=200,
        etag="",
        computed_at=0,
        fresh_until=1,
        renew_at=1,
        ends_at=1,
    )
    empty = Entry(signature=Signature(""), computation="doubling", answer=answer)
    for n in range(100):
        remembered[Signature(str(n))] = replace(empty, signature=Signature(str(n)))
    assert remembered.currsize <= MAX_BYTES
    assert Signature("99") in remembered
    assert Signature("0") not in remembered
