"""examples/sales-report as an operator has it: its layer, its secret and its database."""

import os
from collections.abc import Iterator

import postgres_server
import psycopg
import pytest
from postgres_server import SalesDatabase

from tests.support.traces import Traces

from .emulator import Emulator
from .sam_project import ROOT, copy_of
from .stack import DeployedStack

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

EXAMPLE = ROOT / "examples/sales-report"
PATH = "/v1/sales-report"
ROWS = 20_000


@pytest.fixture(scope="module")
def database() -> Iterator[SalesDatabase]:
    programs = postgres_server.installed(os.environ, postgres_server.folders())
    with postgres_server.sales_database(programs, ROWS) as database:
        yield database


@pytest.fixture(scope="module")
def deployed(
    database: SalesDatabase, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[DeployedStack]:
    """In an emulator of its own: of the other tests' stack nothing may be left."""
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        folder = tmp_path_factory.mktemp("project")
        project = copy_of(EXAMPLE, "sales-report", folder, emulator.environment)
        emulator.client("secretsmanager").create_secret(
            Name=f"{project.stack_name}/sales-database", SecretString=database.url
        )
        stack = DeployedStack(emulator, project)
        stack.deploy()
        yield stack


def test_a_report_is_what_the_database_has_and_its_password_is_nowhere(
    deployed: DeployedStack, database: SalesDatabase
) -> None:
    year = {"start": "2025-01-01", "end": "2026-01-01"}
    traces = Traces(deployed.emulator.client, deployed.emulator.log)
    assert traces.keep(deployed.api.post(PATH, year)).status == 202
    report = traces.keep(deployed.api.answer(year, PATH))
    assert report.status == 200
    with psycopg.connect(database.url) as connection:
        [(sales, revenue)] = connection.execute(
            "SELECT count(*), sum(quantity * price) FROM sale WHERE sold_at >= '2025-01-01Z'"
        )
    total = report.json["total"]
    assert (total["sales"], total["revenue"]) == (sales, str(revenue))
    assert report.signature in str(traces.items())
    assert "sales-report" in deployed.emulator.log.read_text()
    assert database.password not in traces.everything()


def test_the_password_is_nowhere_if_the_database_lets_nobody_in(
    deployed: DeployedStack, database: SalesDatabase
) -> None:
    database.server.execute("ALTER ROLE sales_report NOLOGIN")
    traces = Traces(deployed.emulator.client, deployed.emulator.log)
    failed = traces.keep(deployed.api.answer({"start": "2024-01-01", "end": "2025-01-01"}, PATH))
    assert failed.status == 500
    assert "ConnectionError" in deployed.emulator.log.read_text()
    assert failed.signature in str(traces.messages())
    assert database.password not in traces.everything()
