"""make run is ended, also by kill -9, and started again; and who may ask what it opens."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGKILL

import boto3
import pytest
import urllib3

from backburner.development.local.deployment import RUNNING_FILE
from backburner.development.local.kept import FILE
from backburner.development.redrive import local_access
from tests.support.eventually import eventually
from tests.support.processes import greeting, moto_of

from .test_local_deployment import COMPUTATIONS, Client, descendants

pytestmark = pytest.mark.enable_socket

FOLDERS = [f"--computations={folder}" for folder in COMPUTATIONS]
LEASES = ["--env=RUNNING_LEASE=2", "--env=HEARTBEAT_INTERVAL=0.5", "--env=LOG_LEVEL=ERROR"]
COMMAND = [sys.executable, "-m", "backburner.development", "run", "--port=0", *FOLDERS, *LEASES]
MOST_PROCESSES = 7
NOISE = {"size": 400_000}
ask = urllib3.PoolManager(retries=False).request


class Started(Client):
    def __init__(self, process: "subprocess.Popen[str]", greeting: str) -> None:
        words = greeting.split()
        self.process, self.greeting = process, greeting
        self.moto_url = next(word for word in words if "http://" in word and not word.endswith(","))
        super().__init__(next(word for word in words if word.endswith("/,")).removesuffix("/,"))


@contextmanager
def run(*options: str) -> Iterator[Started]:
    with subprocess.Popen([*COMMAND, *options], stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        try:
            assert process.stdout
            yield Started(process, greeting(process.stdout))
        finally:
            process.send_signal(SIGINT)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def ended(folder: Path) -> Path:
    """A run that had a result, a large one, a failed job and a job under way, and was killed."""
    bug = folder / "bug"
    bug.touch()
    with run(f"--kept-in={folder}") as first:
        assert f"kept in {folder}" in first.greeting
        assert first.answer("doubling", {"number": 21}).status == 200
        assert first.answer("breaking", {"bug": str(bug)}).status == 500
        assert len(descendants(first.process.pid)) < MOST_PROCESSES
        assert first.answer("noise", NOISE).status == 303
        first.post("counted", {"log": str(folder / "log"), "seconds": 1.5})
        eventually(lambda: (folder / "log").exists(), within=30)
        eventually(lambda: (folder / FILE).read_bytes().count(b"computed_at") >= 3, within=30)
        for pid in (moto_of(first.process.pid), first.process.pid):
            os.kill(pid, SIGKILL)
    bug.unlink()
    return folder


@pytest.fixture(scope="module")
def again(ended: Path) -> Iterator[Started]:
    with run(f"--kept-in={ended}") as second:
        yield second


def test_what_was_computed_is_there_after_kill_9(again: Started) -> None:
    assert again.post("doubling", {"number": 21}).status == 200
    large = ask("GET", again.post("noise", NOISE).headers["Location"])
    assert (large.status, len(large.data) > NOISE["size"]) == (200, True)


def test_a_job_that_was_under_way_comes_to_its_answer(again: Started, folder: Path) -> None:
    answer = again.answer("counted", {"log": str(folder / "log"), "seconds": 1.5})
    assert answer.status == 200
    assert len((folder / "log").read_text().splitlines()) == 2


def test_a_failed_job_is_kept_for_who_has_the_key(again: Started, folder: Path) -> None:
    access = local_access(folder)
    assert access["endpoint_url"] == again.moto_url
    assert again.post("breaking", {"bug": str(folder / "bug")}).status == 500
    assert stat.S_IMODE((folder / RUNNING_FILE).stat().st_mode) == 0o600
    outputs = access.pop("outputs")
    sqs = boto3.client("sqs", **access)
    found = sqs.receive_message(
        QueueUrl=outputs["FailedJobsQueueUrl"], VisibilityTimeout=1, WaitTimeSeconds=1
    )
    assert '"breaking"' in found["Messages"][0]["Body"]


def test_a_second_run_at_once_keeps_nothing_and_leaves_the_first_its_files(
    again: Started, folder: Path
) -> None:
    before = (folder / RUNNING_FILE).read_text()
    with run(f"--kept-in={folder}", "--fresh") as other:
        assert "kept until it ends, as another run has the file" in other.greeting
        assert other.post("doubling", {"number": 21}).status == 202
    assert (folder / RUNNING_FILE).read_text() == before
    assert again.post("doubling", {"number": 21}).status == 200


def test_a_fresh_run_starts_empty(tmp_path: Path) -> None:
    log = tmp_path / "log"
    for options, computed in [([], 1), ([], 1), (["--fresh"], 2)]:
        with run(f"--kept-in={tmp_path}", *options) as started:
            assert started.answer("counted", {"log": str(log)}).status == 200
        assert len(log.read_text().splitlines()) == computed
        assert started.process.returncode == 0
        assert not (tmp_path / RUNNING_FILE).exists()


def test_a_file_that_cannot_be_read_is_one_line_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text("not a database" * 100)
    command = [*COMMAND, f"--kept-in={tmp_path}"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    assert ended.returncode == 1
    [line] = ended.stderr.splitlines()
    remedy = "start empty with FRESH=1 make run (backburner run --fresh)"
    assert line == f"Error: {tmp_path / FILE} is damaged (file is not a database); {remedy}"


EVIL = {"Origin": "https://evil.example"}
REBOUND = {"Host": "rebound.example"}
GUESSED = {"Authorization": "AWS4-HMAC-SHA256 Credential=local/20260101/us-east-1/sqs/aws4_request"}


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/v1/doubling", EVIL, 403),
        ("GET", "/v1/doubling?number=21", EVIL, 403),
        ("DELETE", "/v1/doubling/x", EVIL, 403),
        ("OPTIONS", "/v1/doubling", EVIL, 403),
        ("GET", "/", REBOUND, 421),
        ("GET", "/v1/doubling?number=21", {"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
def test_no_page_of_the_web_uses_the_api(
    again: Started, method: str, path: str, headers: dict[str, str], status: int
) -> None:
    answer = ask(method, again.url + path, headers=headers)
    assert (answer.status, answer.json()["status"]) == (status, status)


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/", {}, 403),
        ("/", GUESSED, 403),
        ("/", GUESSED | EVIL, 403),
        ("/", GUESSED | REBOUND, 421),
        ("/moto-api/reset", {}, 403),
        ("/moto-api/data.json", {}, 403),
    ],
)
def test_no_page_of_the_web_uses_the_stores(
    again: Started, path: str, headers: dict[str, str], status: int
) -> None:
    answer = ask("POST", again.moto_url + path, headers=headers)
    assert answer.status == status
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_url_of_a_large_result_is_for_whom_it_was_signed(again: Started) -> None:
    url = again.post("noise", NOISE).headers["Location"]
    signed, _, rest = url.partition("X-Amz-Credential=")
    other = f"{signed}X-Amz-Credential=local{rest[rest.index('%2F') :]}"
    page = {"Origin": again.url}
    assert [ask("GET", u, headers=page).status for u in (url, other)] == [200, 403]
    assert ask("GET", url, headers=EVIL).status == 403
    assert ask("GET", url, headers=REBOUND).status == 421
