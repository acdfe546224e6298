"""examples/sales-report: by itself, and served with its database's password in a secret."""

import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import postgres_server
import psycopg
import pytest
from postgres_server import SalesDatabase

from backburner.development.local.deployment import Deployment
from backburner.development.suites.api import Api, Reply
from tests.support.eventually import eventually
from tests.support.traces import Traces

pytestmark = pytest.mark.enable_socket

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "examples/sales-report"
ROWS = 20_000
PATH = "/v1/sales-report"


@pytest.fixture(scope="module")
def database() -> Iterator[SalesDatabase]:
    programs = postgres_server.installed(os.environ, postgres_server.folders())
    with postgres_server.sales_database(programs, ROWS) as database:
        yield database


class Served:
    """The example, served on this machine, and all that it leaves."""

    def __init__(self, deployment: Deployment, console: Path) -> None:
        self.api = Api(deployment.url)
        self.traces = Traces(deployment.client, console)

    def get(self, path: str) -> Reply:
        return self.traces.keep(self.api.get(path))

    def post(self, **parameters: object) -> Reply:
        return self.traces.keep(self.api.post(PATH, parameters))

    def answer(self, **parameters: object) -> Reply:
        return self.traces.keep(self.api.answer(parameters, PATH))


@pytest.fixture(scope="module")
def served(database: SalesDatabase, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("sales-report")
    console, env_file = folder / "console.txt", folder / ".env"
    env_file.write_text(f"SALES_DATABASE={database.url}\n")
    with (
        console.open("w") as output,
        Deployment(
            workers=1,
            computations=[EXAMPLE / "src/computations"],
            env_file=env_file,
            console=output.fileno(),
        ) as deployment,
    ):
        yield Served(deployment, console)


def test_a_report_is_told_to_wait_for_and_is_then_what_the_database_has(
    served: Served, database: SalesDatabase
) -> None:
    year = {"start": "2025-01-01", "end": "2026-01-01"}
    assert served.post(**year).status == 202
    report = served.answer(**year)
    assert report.status == 200
    with psycopg.connect(database.url) as connection:
        [(sales, revenue)] = connection.execute(
            "SELECT count(*), sum(quantity * price) FROM sale WHERE sold_at >= '2025-01-01Z'"
        )
    assert report.json["total"]["sales"] == sales
    assert report.json["total"]["revenue"] == str(revenue)
    assert len(report.json["groups"]) == 5


def test_it_is_fresh_for_an_hour(served: Served) -> None:
    month = {"start": "2025-05-01", "end": "2025-06-01"}
    served.answer(**month)
    again = served.post(**month)
    assert again.headers["cache-status"].startswith("backburner; hit; ttl=3")
    assert again.headers["cache-control"].startswith("public, max-age=3600")


def test_the_password_is_nowhere_while_reports_are_made_nor_after_that(
    served: Served, database: SalesDatabase
) -> None:
    running = {"start": "2024-01-01", "end": "2024-02-01"}
    waiting = {"start": "2024-02-01", "end": "2024-03-01"}
    with psycopg.connect(database.server.admin_url) as locking:
        locking.execute("LOCK TABLE sale IN ACCESS EXCLUSIVE MODE")
        eventually(lambda: served.post(**running).json["state"] == "running")
        signature = served.post(**waiting).signature
        assert signature in str(served.traces.messages())
        assert database.password not in served.traces.everything()
    assert served.answer(**running).status == served.answer(**waiting).status == 200
    for path in ("/v1", "/openapi.json", "/", f"{PATH}/{signature}"):
        assert served.get(path).status == 200
    assert signature in str(served.traces.items())
    assert database.password not in served.traces.everything()


def test_the_password_is_nowhere_if_the_database_lets_nobody_in(
    served: Served, database: SalesDatabase
) -> None:
    database.server.execute("ALTER ROLE sales_report NOLOGIN")
    failed = served.answer(start="2024-03-01", end="2024-04-01")
    database.server.execute("ALTER ROLE sales_report LOGIN")
    assert (failed.status, failed.media_type) == (500, "application/problem+json")
    assert "ConnectionError" in served.traces.log.read_text()
    assert failed.signature in str(served.traces.messages())
    assert database.password not in served.traces.everything()


def test_the_search_finds_what_is_in_a_message_and_in_an_object(served: Served) -> None:
    sqs, s3 = served.traces.client("sqs"), served.traces.client("s3")
    [bucket] = s3.list_buckets()["Buckets"]
    [queue] = [url for url in sqs.list_queues()["QueueUrls"] if "FailedJobs" in url]
    sqs.send_message(QueueUrl=queue, MessageBody="hidden-away")
    s3.put_object(Bucket=bucket["Name"], Key="key", Body=b"put-aside")
    found = served.traces.everything()
    assert ("hidden-away" in found, "put-aside" in found) == (True, True)


def test_its_layer_has_what_is_tested_here() -> None:
    listed = (EXAMPLE / "layer/requirements.txt").read_text().splitlines()
    pins = [line for line in listed if not line.startswith("#")]
    locked = (ROOT / "requirements/dev.txt").read_text()
    assert {pin.partition("==")[0] for pin in pins} == {"psycopg", "psycopg-binary"}
    assert [pin for pin in pins if f"{pin} " not in locked] == []


@pytest.mark.evidence
def test_the_example_passes_its_own_tests(tmp_path: Path) -> None:
    """As in a made project: with the engine, and without this project's computations.

    -S leaves out the .pth file by which this project's src/ is on the path.
    """
    (tmp_path / "backburner").symlink_to(ROOT / "src/backburner")
    path = os.pathsep.join([str(tmp_path), sysconfig.get_path("purelib")])
    tested = subprocess.run(
        [sys.executable, "-S", "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=EXAMPLE,
        env={**os.environ, "PYTHONPATH": path},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert tested.returncode == 0, tested.stdout
