"""What Lambda's Init makes, so that the first event does not have to."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from botocore.session import get_session

from backburner import init_phase, request, resources, worker
from backburner.computation import registry
from backburner.errors import BrokenComputation, MissingSetting
from tests.support.environment import exactly

from .conftest import REGION, MotoDeployment, end_instances

HANDLERS: dict[str, Callable[[], Any]] = {
    "RequestFunction": request.request_handler,
    "WorkerFunction": worker.worker,
}
WITHOUT_CLIENTS = ["snap-start", "provisioned-concurrency"]
"""The kinds of Init for which no client waits."""
CREDENTIALS = {"AccessKeyId": "key", "SecretAccessKey": "secret", "Token": "token"}


class _CountingServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Empty)
        self.connections, self.asked, self.are_signed = 0, list[str](), list[bool]()

    def get_request(self) -> Any:
        self.connections += 1
        return super().get_request()


class _Empty(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _CountingServer

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        self.server.asked.append(self.headers.get("x-amz-target", self.path))
        self.server.are_signed.append("authorization" in self.headers)
        body = json.dumps(self.credentials() if self.path == "/credentials" else {}).encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def credentials(self) -> dict[str, str]:
        """The first have ended."""
        year = 2020 if self.server.asked.count("/credentials") == 1 else 2100
        return {**CREDENTIALS, "Expiration": f"{year}-01-01T00:00:00Z"}

    do_POST = do_GET  # noqa: N815 - its base class has it so

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def aws() -> Iterator[_CountingServer]:
    with _CountingServer() as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture(autouse=True)
def _new_instances() -> Iterator[None]:
    end_instances()
    yield
    end_instances()


def prepare(
    function: str, deployment: MotoDeployment, kind: str, without: str = "", **more: str
) -> None:
    """As Lambda imports the handler."""
    declared = dict(deployment.stack.function(function).environment)
    declared.pop(without, None)
    with exactly(declared | {"AWS_LAMBDA_INITIALIZATION_TYPE": kind} | more):
        init_phase.prepare(HANDLERS[function])


@pytest.mark.parametrize("function", HANDLERS)
@pytest.mark.parametrize(("kind", "made"), [("", 0), ("on-demand", 1), ("snap-start", 1)])
def test_a_function_is_made_in_lambda_and_nowhere_else(
    deployment: MotoDeployment, aws: _CountingServer, function: str, kind: str, made: int
) -> None:
    url = f"http://127.0.0.1:{aws.server_port}"
    prepare(function, deployment, kind, AWS_ENDPOINT_URL=url)
    assert HANDLERS[function].cache_info().currsize == made  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("function", "asked"), [("RequestFunction", []), ("WorkerFunction", ["/"])]
)
def test_the_first_call_on_demand_finds_a_connection_that_is_open(
    deployment: MotoDeployment, aws: _CountingServer, function: str, asked: list[str]
) -> None:
    """The light client connects. botocore's can only ask, and asks unsigned for a page."""
    url = f"http://127.0.0.1:{aws.server_port}"
    prepare(function, deployment, "on-demand", AWS_ENDPOINT_URL=url)
    assert aws.asked == asked
    key = {"signature": {"S": "s"}}
    resources.REQUEST.begin()
    HANDLERS[function]().store.client.update_item(TableName="t", Key=key)
    assert aws.asked == [*asked, "DynamoDB_20120810.UpdateItem"]
    assert aws.are_signed == [*(False for _ in asked), True]
    assert aws.connections == 1


@pytest.mark.parametrize("kind", WITHOUT_CLIENTS)
def test_a_snapshot_has_no_connection(
    deployment: MotoDeployment, aws: _CountingServer, kind: str
) -> None:
    url = f"http://127.0.0.1:{aws.server_port}"
    prepare("RequestFunction", deployment, kind, AWS_ENDPOINT_URL=url)
    assert aws.connections == 0


def test_credentials_that_end_meanwhile_are_fetched_again(
    deployment: MotoDeployment, aws: _CountingServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A snapshot is restored long after Init. With SnapStart, Lambda gives them by HTTP."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(resources, "_session", cache(get_session))  # the others' has theirs
    url = f"http://127.0.0.1:{aws.server_port}"
    container = {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{url}/credentials"}
    prepare("RequestFunction", deployment, "snap-start", AWS_ENDPOINT_URL=url, **container)
    assert aws.asked == ["/credentials"]
    resources.REQUEST.begin()
    with exactly(container):
        client = request.request_handler().store.client
        client.get_item(TableName="t", Key={"signature": {"S": "s"}})
    assert aws.asked == ["/credentials", "/credentials", "DynamoDB_20120810.GetItem"]


@pytest.mark.parametrize("function", HANDLERS)
def test_without_dynamodb_it_is_made_all_the_same(
    deployment: MotoDeployment, function: str
) -> None:
    prepare(function, deployment, "on-demand", AWS_ENDPOINT_URL="http://127.0.0.1:9")
    assert HANDLERS[function].cache_info().currsize == 1  # type: ignore[attr-defined]


@pytest.mark.parametrize("kind", ["on-demand", *WITHOUT_CLIENTS])
@pytest.mark.parametrize("function", HANDLERS)
def test_a_missing_setting_is_told_by_the_first_event(
    deployment: MotoDeployment, function: str, kind: str
) -> None:
    prepare(function, deployment, kind, without="TABLE_NAME")
    with exactly({}), pytest.raises(MissingSetting, match="TABLE_NAME"):
        HANDLERS[function]()


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a package of computations."""
    package = tmp_path / "prepared"
    package.mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.partition(".")[0] == package.name]:
        del sys.modules[name]


@pytest.mark.parametrize("kind", WITHOUT_CLIENTS)
@pytest.mark.parametrize(
    "broken",
    [
        "raise ValueError('broken')",
        "raise SystemExit(3)",
        "raise KeyboardInterrupt",
        "import time\ntime.sleep(1)",
    ],
)
def test_computations_are_loaded_where_nobody_waits_and_a_broken_one_takes_no_other_along(
    deployment: MotoDeployment,
    written: Path,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    broken: str,
) -> None:
    (written / "awry.py").write_text(broken)
    (written / "fine.py").write_text("LOADED = True")
    (written / "a_first.py").write_text("LOADED = True")
    monkeypatch.setattr(init_phase, "LOADING_S", 0.2)
    prepare("RequestFunction", deployment, kind, COMPUTATIONS_PACKAGE="prepared")
    assert "prepared.a_first" in sys.modules
    assert ("prepared.fine" in sys.modules) == ("sleep" not in broken)
    assert request.request_handler.cache_info().currsize == 1


def test_on_demand_a_computation_is_loaded_by_the_event_that_needs_it(
    deployment: MotoDeployment, aws: _CountingServer, written: Path
) -> None:
    (written / "fine.py").write_text("LOADED = True")
    url = f"http://127.0.0.1:{aws.server_port}"
    more = {"COMPUTATIONS_PACKAGE": "prepared", "AWS_ENDPOINT_URL": url}
    prepare("RequestFunction", deployment, "on-demand", **more)
    assert "prepared.fine" not in sys.modules


def test_a_broken_computation_is_told_after_init_as_before(
    deployment: MotoDeployment, written: Path
) -> None:
    (written / "awry.py").write_text("raise ValueError('broken')")
    prepare("RequestFunction", deployment, "snap-start", COMPUTATIONS_PACKAGE="prepared")
    with (
        exactly({"COMPUTATIONS_PACKAGE": "prepared"}),
        pytest.raises(BrokenComputation, match=r"ValueError at .*broken"),
    ):
        registry.load("awry")


@pytest.mark.parametrize(("kind", "made"), [("", 0), ("on-demand", 1)])
@pytest.mark.parametrize("made_by", ["request.request_handler", "worker.worker"])
def test_to_import_the_handler_is_to_prepare_it(
    deployment: MotoDeployment, aws: _CountingServer, made_by: str, kind: str, made: int
) -> None:
    module = made_by.partition(".")[0]
    declared = deployment.stack.function(f"{module.title()}Function").environment
    environment = {
        **declared,
        "AWS_LAMBDA_INITIALIZATION_TYPE": kind,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{aws.server_port}",
        "AWS_REGION": REGION,
        "AWS_DEFAULT_REGION": REGION,
        "PYTHONPATH": str(Path(init_phase.__file__).parent.parent),
    }
    told = f"from backburner import {module}; print({made_by}.cache_info().currsize)"
    ended = subprocess.run(  # noqa: S603 - the command is fixed
        [sys.executable, "-c", told], env=environment, capture_output=True, text=True, check=True
    )
    assert ended.stdout == f"{made}\n"
