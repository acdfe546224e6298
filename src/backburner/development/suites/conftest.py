"""The API to check: that at BACKBURNER_URL, or the deployment on this machine."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backburner.development.compute import ENV_FILE
from backburner.development.local.deployment import Deployment
from backburner.development.suites.api import Api, Reply
from backburner.development.suites.questions import Questions, questions_to


@pytest.fixture(scope="session")
def env_file() -> Path:
    """Of the values of secrets and settings. Tests may start what the values name."""
    return Path(os.environ.get("BACKBURNER_ENV_FILE") or ENV_FILE)


@pytest.fixture(scope="session")
def api(env_file: Path) -> Iterator[Api]:
    if url := os.environ.get("BACKBURNER_URL"):
        yield Api(url)
        return
    with Deployment(env_file=env_file) as deployment:
        yield Api(deployment.url)


@pytest.fixture(scope="session")
def question(api: Api) -> Questions:
    """Questions that nobody has asked before."""
    return questions_to(api)


@pytest.fixture(scope="session")
def asked(question: Questions) -> dict[str, Any]:
    """One question of this session, which is answered already where `hit` is used."""
    return question()


@pytest.fixture(scope="session")
def hit(api: Api, question: Questions, asked: dict[str, Any]) -> Reply:
    api.answer(asked, question.route)
    return api.post(question.route, asked)
