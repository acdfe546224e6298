"""A thousand equal requests at once are one job, and a message that several workers get one run.

moto is not atomic across threads: this runs on ministack. Each race is also run with its condition
taken out of the store: if it could not be lost then, it would show nothing.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.race.engine import Ministack, ministack
from tests.evidence.race.racers import PROCESSES, Racers, racers

pytestmark = pytest.mark.enable_socket

WON, COLLAPSED = "backburner; fwd=miss", "backburner; fwd=miss; collapsed"
FAULTS = {"NO_JOB": "attribute_not_exists(unheard_of)", "BEGINNABLE": "attribute_exists(job)"}


@pytest.fixture(scope="module")
def engine() -> Iterator[Ministack]:
    with ministack() as engine:
        yield engine


@pytest.fixture(scope="module")
def sound(engine: Ministack) -> Iterator[Racers]:
    with racers(engine.environments, {}) as sound:
        yield sound


@pytest.fixture(scope="module")
def faulty(engine: Ministack) -> Iterator[Racers]:
    """Their claims and their runs go through, whoever has the job."""
    with racers(engine.environments, FAULTS) as faulty:
        yield faulty


@pytest.fixture
def question(engine: Ministack, tmp_path: Path) -> dict[str, Any]:
    """One that nobody has asked; in the queue is nothing from another race."""
    engine.empty_the_queue()
    return {"log": str(tmp_path / "log.txt"), "seconds": 1}


def runs(question: dict[str, Any]) -> int:
    log = Path(question["log"])
    return len(log.read_text().splitlines()) if log.exists() else 0


def cache_statuses(told: list[dict[str, Any]]) -> Counter[str]:
    assert {response["statusCode"] for response in told} == {202}, Counter(map(str, told))
    return Counter(response["headers"]["cache-status"] for response in told)


def test_a_thousand_equal_requests_at_once_are_one_claim_one_message_and_one_run(
    sound: Racers, engine: Ministack, question: dict[str, Any]
) -> None:
    assert cache_statuses(sound.ask(question, 1000)) == {WON: 1, COLLAPSED: 999}
    [message] = engine.messages()
    assert Counter(sound.work(message)) == {True: 1, False: PROCESSES - 1}
    assert runs(question) == 1


def test_without_its_condition_a_claim_is_won_by_several(
    faulty: Racers, engine: Ministack, question: dict[str, Any]
) -> None:
    assert cache_statuses(faulty.ask(question, 100))[WON] > 1
    assert len(engine.messages()) > 1


def test_without_its_condition_a_job_is_begun_by_several(
    faulty: Racers, engine: Ministack, question: dict[str, Any]
) -> None:
    faulty.ask(question, PROCESSES)
    faulty.work(engine.messages()[0])
    assert runs(question) > 1
