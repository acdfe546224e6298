"""The whole deployment, asked over HTTP as any client asks it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from signal import SIGINT, SIGKILL, Signals
from typing import Any

import pytest
import urllib3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

import computations
from backburner import resources
from backburner.aws.environment import light_client
from backburner.development.local.deployment import (
    REGION,
    RUNNING_FILE,
    Deployment,
    written,
)
from backburner.development.redrive import redrive
from tests.support import instances
from tests.support.environment import exactly
from tests.support.eventually import eventually
from tests.support.processes import url_in
from tests.support.tokens import bearer

pytestmark = pytest.mark.enable_socket

TESTS = Path(__file__).parent.parent
COMPUTATIONS = [TESTS / "support/computations", TESTS / "served/computations"]
LEASE = 2
PATIENCE = 60
E_N22_K4 = instances.parameters("E-n22-k4")
MALFORMED = "this is no message of ours"


@dataclass
class Client:
    """It does as it is told: it asks again after Retry-After seconds."""

    url: str

    def __post_init__(self) -> None:
        self._http = urllib3.PoolManager(retries=False, maxsize=64)

    def get(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        return self._http.request("GET", self.url + path, headers=_named(headers))

    def post(self, computation: str, parameters: object) -> urllib3.BaseHTTPResponse:
        return self._http.request("POST", f"{self.url}/v1/{computation}", json=parameters)

    def delete(self, path: str, **headers: str) -> urllib3.BaseHTTPResponse:
        return self._http.request("DELETE", self.url + path, headers=_named(headers))

    def answer(self, computation: str, parameters: object) -> urllib3.BaseHTTPResponse:
        """What comes of it in the end."""
        asked = time.monotonic()
        while (response := self.post(computation, parameters)).status == 202:
            assert time.monotonic() < asked + PATIENCE, response.data
            time.sleep(int(response.headers["Retry-After"]))
        return response


def _named(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the functions print."""
    return tmp_path_factory.mktemp("e2e") / "console.txt"


@pytest.fixture(scope="module")
def deployed(console: Path) -> Iterator[Deployment]:
    leases = {"RUNNING_LEASE": str(LEASE), "HEARTBEAT_INTERVAL": "0.5", "QUEUED_LEASE": "20"}
    with (
        console.open("w") as output,
        Deployment(
            environment=leases, computations=COMPUTATIONS, console=output.fileno()
        ) as deployment,
    ):
        yield deployment


@pytest.fixture(scope="module")
def client(deployed: Deployment) -> Client:
    return Client(deployed.url)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Every run of the computation `counted` writes a line here: its worker's process."""
    return tmp_path / "log.txt"


def runs(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture(scope="module")
def plan(client: Client) -> urllib3.BaseHTTPResponse:
    return client.answer("route-plan", E_N22_K4)


def test_a_route_plan_is_asked_for_and_asked_again_as_told(client: Client) -> None:
    parameters = E_N22_K4 | {"effort": "quick"}
    told = client.post("route-plan", parameters)
    assert told.status == 202
    assert int(told.headers["Retry-After"]) >= 1
    assert told.headers["Location"] == f"/v1/route-plan/{told.json()['signature']}"
    assert client.answer("route-plan", parameters).status == 200


def test_a_published_instance_comes_out_at_its_optimum(plan: urllib3.BaseHTTPResponse) -> None:
    assert (plan.status, plan.json()["distance"]) == (200, instances.OPTIMA["E-n22-k4"])


def test_the_same_question_gets_the_same_answer(
    client: Client, plan: urllib3.BaseHTTPResponse
) -> None:
    again = client.post("route-plan", E_N22_K4)
    assert (again.status, again.headers["ETag"]) == (200, plan.headers["ETag"])
    assert again.data == plan.data


def test_its_location_has_the_same_bytes_and_a_304_for_who_has_them(
    client: Client, plan: urllib3.BaseHTTPResponse
) -> None:
    location = plan.headers["Content-Location"]
    assert client.get(location).data == plan.data
    not_modified = client.get(location, if_none_match=plan.headers["ETag"])
    assert (not_modified.status, not_modified.data) == (304, b"")


@pytest.mark.parametrize(
    "in_other_words",
    [
        lambda question: dict(reversed(question.items())),
        lambda question: json.loads(json.dumps(question), parse_int=float),
        lambda question: question | {"effort": "standard", "speed": 1},
    ],
    ids=["keys in another order", "floats", "defaults given"],
)
def test_the_same_question_in_other_words_is_the_same(
    client: Client, plan: urllib3.BaseHTTPResponse, in_other_words: Callable[[Any], Any]
) -> None:
    answer = client.post("route-plan", in_other_words(E_N22_K4))
    assert answer.status == 200
    assert answer.headers["Content-Location"] == plan.headers["Content-Location"]


def test_fifty_equal_requests_at_once_cause_one_computation(client: Client, log: Path) -> None:
    parameters = {"log": str(log), "seconds": 0.5}
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(lambda _: client.answer("counted", parameters), range(50)))
    assert {answer.status for answer in answers} == {200}
    assert len(runs(log)) == 1


def test_fifty_different_requests_at_once_are_all_answered(client: Client, log: Path) -> None:
    parameters = [{"log": str(log), "number": number} for number in range(50)]
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(lambda each: client.answer("counted", each), parameters))
    assert [answer.json() for answer in answers] == [{"number": number} for number in range(50)]
    assert len(runs(log)) == 50


def test_the_job_of_a_worker_that_is_killed_is_finished_by_another(
    client: Client, log: Path
) -> None:
    parameters = {"log": str(log), "seconds": 2}
    client.post("counted", parameters)
    (worker,) = eventually(lambda: runs(log))
    os.kill(worker, SIGKILL)
    killed = time.monotonic()
    assert client.answer("counted", parameters).status == 200
    assert time.monotonic() - killed < LEASE + 10
    assert len(runs(log)) == 2
    assert runs(log)[1] != worker


@pytest.mark.parametrize("how", ["raise", "die"])
def test_a_computation_that_always_crashes_ends_as_a_problem(client: Client, how: str) -> None:
    answer = client.answer("crashing", {"how": how})
    assert answer.status == 500
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert "2 attempts" in json.dumps(answer.json())


def test_what_cannot_be_computed_is_a_problem_at_once(client: Client) -> None:
    assert client.answer("doubling", {"number": -1}).status == 422


def test_a_private_answer_is_its_callers_and_an_operator_forgets_it(client: Client) -> None:
    ann, bob = bearer("ann"), bearer("bob")
    asked = "/v1/whispering?number=21"
    assert client.get(asked).status == 401
    eventually(lambda: client.get(asked, authorization=ann).status == 200)
    answer = client.get(asked, authorization=ann)
    location = answer.headers["Content-Location"]
    assert answer.headers["Cache-Control"].startswith("private, ")
    assert client.get(location, authorization=bob).status == 404
    assert client.delete(location, authorization=ann).status == 403
    assert client.delete(location, **signature(client.url + location)).status == 204
    eventually(lambda: client.get(location, authorization=ann).status == 404)


def signature(url: str) -> dict[str, str]:
    request = AWSRequest(method="DELETE", url=url)
    SigV4Auth(Credentials("AKID", "secret"), "execute-api", REGION).add_auth(request)
    return {"authorization": request.headers["Authorization"]}


def test_new_work_is_refused_while_too_much_is_waiting(console: Path) -> None:
    with (
        console.open("a") as output,
        Deployment(
            workers=1,
            environment={"MAX_BACKLOG": "2"},
            computations=COMPUTATIONS,
            console=output.fileno(),
        ) as bounded,
    ):
        client = Client(bounded.url)
        client.post("endless", {})
        eventually(lambda: client.post("endless", {}).json()["state"] == "running")
        waiting = {"number": -1}
        assert client.post("doubling", waiting).status == 202
        new = ({"number": number} for number in count())
        [refused] = eventually(lambda: refusals([client.post("doubling", next(new))]))
        assert int(refused.headers["Retry-After"]) >= 2
        assert client.post("doubling", waiting).status == 202


def refusals(responses: list[urllib3.BaseHTTPResponse]) -> list[urllib3.BaseHTTPResponse]:
    return [response for response in responses if response.status == 503]


def test_a_bug_is_fixed_and_one_command_brings_the_answer(
    deployed: Deployment, client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug = tmp_path / "bug"
    bug.touch()
    assert client.answer("breaking", {"bug": str(bug)}).status == 500
    bug.unlink()
    assert client.answer("breaking", {"bug": str(bug)}).status == 500
    assert run_redrive(deployed, tmp_path, monkeypatch) == 0
    assert client.answer("breaking", {"bug": str(bug)}).status == 200


def run_redrive(deployed: Deployment, folder: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    """backburner redrive --local, where the computations of the tests are, too."""
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(COMPUTATIONS[1])])
    with written(folder / RUNNING_FILE, json.dumps(deployed.access)):
        return redrive(None, is_dry_run=False, patience=2, folder=folder)


def test_a_malformed_message_goes_through_the_dead_letters_and_is_reported(
    deployed: Deployment, console: Path
) -> None:
    queue = deployed.stack.physical_ids["Queue"]
    deployed.client("sqs").send_message(QueueUrl=queue, MessageBody=MALFORMED)
    eventually(lambda: "a malformed dead letter" in console.read_text())
    eventually(lambda: messages_in(deployed, "DeadLetterQueue") == 0)


def test_the_request_function_has_the_client_that_it_has_in_lambda(deployed: Deployment) -> None:
    with exactly(deployed.functions["RequestFunction"].environment):
        assert light_client("dynamodb", resources.REQUEST)


def test_a_busy_worker_does_not_hold_up_the_front(client: Client, log: Path) -> None:
    for number in range(4):
        client.post("counted", {"log": str(log), "number": number, "seconds": 3})
    eventually(lambda: runs(log))
    started = time.monotonic()
    assert client.get("/health").status == 200
    assert time.monotonic() - started < 1.5


@pytest.mark.parametrize("signal", [SIGINT, SIGKILL])
def test_no_process_outlives_the_deployment(signal: Signals) -> None:
    folders = [f"--computations={folder}" for folder in COMPUTATIONS]
    command = [sys.executable, "-m", "backburner.development", "run", "--port", "0", *folders]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as deployment:  # noqa: S603
        assert deployment.stdout
        try:
            client = Client(url_in(deployment.stdout))
            client.post("endless", {})
            eventually(lambda: client.post("endless", {}).json()["state"] == "running")
            processes = descendants(deployment.pid)
            assert len(processes) >= 5
        finally:
            deployment.send_signal(signal)
        assert deployment.wait(5) == (-SIGKILL if signal == SIGKILL else 0)
    eventually(lambda: not processes & set(parents()))


def messages_in(deployment: Deployment, queue: str) -> int:
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    attributes: dict[str, str] = deployment.client("sqs").get_queue_attributes(
        QueueUrl=deployment.stack.physical_ids[queue], AttributeNames=names
    )["Attributes"]
    return sum(map(int, attributes.values()))


def descendants(pid: int) -> set[int]:
    children = {child for child, parent in parents().items() if parent == pid}
    return children.union(*map(descendants, children))


def parents() -> dict[int, int]:
    """The parent of every process that is alive."""
    command = ["ps", "-A", "-o", "pid=,ppid=,stat="]
    table = subprocess.check_output(command, text=True)  # noqa: S603
    rows = (line.split() for line in table.splitlines())
    return {int(pid): int(parent) for pid, parent, state in rows if not state.startswith("Z")}
