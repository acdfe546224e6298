"""Locally a secret is in .env, and goes the way of the deployed one from there."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from backburner.development.local.deployment import Deployment
from backburner.development.local.template import TEMPLATE
from tests.support.eventually import eventually

from .test_local_deployment import COMPUTATIONS, Client

pytestmark = pytest.mark.enable_socket
SECRET = "postgres://app:s3cret@db/sales"  # noqa: S105 (of nothing)


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("project") / ".env"
    path.write_text(f"SALES_DATABASE={SECRET}\nUNKNOWN_TO_ALL=1\n")
    return path


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("printed") / "console.txt"


@pytest.fixture(scope="module")
def client(env_file: Path, console: Path) -> Iterator[Client]:
    with (
        console.open("w") as output,
        Deployment(
            computations=COMPUTATIONS, env_file=env_file, console=output.fileno()
        ) as deployment,
    ):
        yield Client(deployment.url)


def test_a_worker_has_the_secret_of_the_file_and_an_edit_is_used_at_once(
    client: Client, env_file: Path, console: Path
) -> None:
    length = client.answer("reporting", {"what": "length"})
    assert (length.status, length.json()) == (200, {"said": str(len(SECRET))})
    refused = client.answer("reporting", {"what": "refuse"})
    assert (refused.status, refused.json()["detail"]) == (422, "'***' does not answer")
    env_file.write_text(f"SALES_DATABASE={SECRET}\nCURRENCY=SEK\n")
    currency = client.answer("reporting", {"what": "currency"})
    assert (currency.status, currency.json()) == (200, {"said": "SEK"})
    env_file.unlink()
    client.post("reporting", {"what": "crash"})
    eventually(lambda: "write SALES_DATABASE=" in console.read_text(), within=30)
    assert "s3cret" not in console.read_text()


def test_a_file_of_secrets_is_beside_the_template_and_not_committed() -> None:
    assert Deployment()._env_file == TEMPLATE.parent / ".env"
    assert ".env" in (TEMPLATE.parent / ".gitignore").read_text().splitlines()
