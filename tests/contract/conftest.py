"""The API to check: that at BACKBURNER_URL, or the deployment on this machine."""

import os
import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from local.deployment import Deployment

from .api import Api, Reply, plan

Question = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session")
def api() -> Iterator[Api]:
    if url := os.environ.get("BACKBURNER_URL"):
        yield Api(url)
        return
    with Deployment() as deployment:
        yield Api(deployment.url)


@pytest.fixture
def question() -> Question:
    """Questions that nobody has asked before."""
    salt = random.SystemRandom().uniform(10, 1000)
    return lambda **changes: plan(round(salt, 6), **changes)


@pytest.fixture(scope="session")
def asked() -> dict[str, Any]:
    """One question of this session, which is answered already where `hit` is used."""
    return plan(round(random.SystemRandom().uniform(10, 1000), 6))


@pytest.fixture(scope="session")
def hit(api: Api, asked: dict[str, Any]) -> Reply:
    api.answer(asked)
    return api.post("/v1/route-plan", asked)


@pytest.fixture(scope="session")
def failure(api: Api) -> Reply:
    """A question that cannot be answered: more demand than the fleet carries."""
    salt = round(random.SystemRandom().uniform(10, 1000), 6)
    return api.answer(plan(salt, vehicles={"count": 1, "capacity": 1}))
