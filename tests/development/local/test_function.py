import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from signal import SIGKILL
from threading import Thread
from typing import Any

import pytest

from backburner.development.local import template
from backburner.development.local.function import (
    MAX_EVENT_BYTES,
    EventTooLarge,
    Function,
    InvocationError,
)
from tests.support.eventually import eventually

HANDLERS = Path(__file__).parent / "functions"

pytestmark = pytest.mark.enable_socket

Make = Callable[..., Function]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Function] = []

    def make(
        handler: str, *, timeout: float = 20, most: int = 1, code: Path = HANDLERS
    ) -> Function:
        declaration = template.FunctionDeclaration(
            name="TriedFunction",
            handler=handler,
            code=code,
            timeout=timeout,
            memory=256,
            environment={},
            event_sources=[],
            is_default_route=False,
        )
        environment = {
            "AWS_LAMBDA_FUNCTION_NAME": "TriedFunction",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_REGION": "eu-north-1",
            "PYTHONPATH": str(code),
            "ANSWER": "42",
        }
        made.append(Function(declaration, environment=environment, most_sandboxes=most))
        return made[-1]

    yield make
    for function in made:
        function.close()


def test_a_handler_gets_the_event_and_returns_the_answer(make: Make) -> None:
    event = {"text": "é\ud83d\udd25".encode("utf-16", "surrogatepass").decode("utf-16"), "n": [1.5]}
    assert make("handlers.echo").invoke(event)["event"] == event


def test_a_handler_gets_lambdas_context_and_the_environment_of_its_function(make: Make) -> None:
    function = make("handlers.describe", timeout=9)
    first, second = function.invoke(None), function.invoke(None)
    assert first["function_name"] == "TriedFunction"
    assert first["memory"] == 256
    assert first["arn"] == "arn:aws:lambda:eu-north-1:123456789012:function:TriedFunction"
    assert first["request_id"] != second["request_id"]
    assert 0 < first["remaining"] <= 9000
    assert first["environment"]["ANSWER"] == "42"
    assert "HOME" not in first["environment"]


def test_a_handler_finds_its_own_code_and_not_the_emulators(make: Make) -> None:
    path = make("handlers.describe").invoke(None)["path"]
    assert str(HANDLERS) in path
    assert not any(Path(folder, "runtime.py").exists() for folder in path)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_of_a_handler_lacks_what_its_function_does_not_list(
    make: Make, method: str, tmp_path: Path
) -> None:
    shutil.copy(HANDLERS / "importing.py", tmp_path)
    (tmp_path / "requirements.txt").touch()
    said = make("importing.in_a_child", code=tmp_path).invoke(method)
    assert re.search(r"httpx is not in .*requirements.txt; add the line httpx==", said)


def test_a_sandbox_serves_one_event_after_the_other(make: Make) -> None:
    function = make("handlers.echo")
    assert len({function.invoke(None)["pid"] for _ in range(3)}) == 1


def test_more_sandboxes_are_started_when_they_are_needed(make: Make) -> None:
    function = make("handlers.act", most=2)
    nap = {"act": "sleep", "seconds": 0.5}
    naps = [Thread(target=function.invoke, args=[nap]) for _ in range(3)]
    for thread in naps:
        thread.start()
    for thread in naps:
        thread.join()
    assert len(function.pids()) == 2


def test_what_a_handler_raises_is_an_invocation_error_and_its_sandbox_goes_on(make: Make) -> None:
    function = make("handlers.act")
    before = function.invoke({"act": "nothing"})
    with pytest.raises(InvocationError, match="no luck today"):
        function.invoke({"act": "raise"})
    assert function.invoke({"act": "nothing"}) == before


def test_a_process_that_ends_is_an_invocation_error_and_replaced(make: Make) -> None:
    function = make("handlers.act")
    before = function.invoke({"act": "nothing"})
    with pytest.raises(InvocationError, match=f"process {before} ended"):
        function.invoke({"act": "die"})
    assert function.invoke({"act": "nothing"}) != before


def test_a_process_that_is_killed_is_noticed_though_a_child_of_it_lives(
    make: Make, tmp_path: Path
) -> None:
    function = make("handlers.act", timeout=60)
    function.start()
    pid_file = tmp_path / "pid"
    invocation = Invocation(function, {"act": "leave a child and sleep", "pid_file": str(pid_file)})
    child = eventually(lambda: pid_file.exists() and pid_file.read_text())
    os.kill(function.pids()[0], SIGKILL)
    assert "ended" in invocation.error(within=2)
    eventually(lambda: not is_alive(int(child)))


def test_a_handler_that_runs_out_of_time_is_ended_with_all_its_children(
    make: Make, tmp_path: Path
) -> None:
    function = make("handlers.act", timeout=0.5)
    pid_file = tmp_path / "pid"
    with pytest.raises(InvocationError, match=r"timed out after 0\.50 seconds"):
        function.invoke({"act": "leave a child and sleep", "pid_file": str(pid_file)})
    assert function.pids() == []
    eventually(lambda: not is_alive(int(pid_file.read_text())))


def test_an_idle_sandbox_that_died_is_replaced(make: Make) -> None:
    function = make("handlers.echo")
    before = function.invoke(None)["pid"]
    os.kill(before, SIGKILL)
    eventually(lambda: not function.pids())
    assert function.invoke(None)["pid"] != before


def test_what_a_handler_prints_goes_to_the_console_and_does_no_harm(
    make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    make("handlers.act").invoke({"act": "print"})
    assert "printed by a handler" in capfd.readouterr().err


def test_a_handler_that_cannot_be_imported_is_an_invocation_error(
    make: Make, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(InvocationError):
        make("handlers.nobody").invoke(None)
    assert "AttributeError" in capfd.readouterr().err


def test_editing_a_file_takes_effect_at_the_next_event(make: Make, tmp_path: Path) -> None:
    code = tmp_path / "edited.py"
    code.write_text("def handler(event, context): return 'before'\n")
    function = make("edited.handler", code=tmp_path)
    assert function.invoke(None) == "before"
    code.write_text("def handler(event, context): return 'after it'\n")
    assert function.invoke(None) == "after it"


def test_an_event_over_6_mb_is_not_taken(make: Make) -> None:
    with pytest.raises(EventTooLarge):
        make("handlers.echo").invoke("x" * MAX_EVENT_BYTES)


def test_a_response_over_6_mb_is_an_invocation_error(make: Make) -> None:
    function = make("handlers.act")
    assert len(function.invoke({"act": "return", "bytes": 6_000_000})) == 6_000_000
    with pytest.raises(InvocationError, match="at most"):
        function.invoke({"act": "return", "bytes": 6_300_000})


def test_closing_ends_the_processes_and_their_children(make: Make, tmp_path: Path) -> None:
    function = make("handlers.act")
    pid_file = tmp_path / "pid"
    sandbox = function.invoke({"act": "leave a child", "pid_file": str(pid_file)})
    function.close()
    assert not is_alive(sandbox)
    eventually(lambda: not is_alive(int(pid_file.read_text())))
    with pytest.raises(InvocationError, match="closed"):
        function.invoke(None)


class Invocation:
    """One that goes on beside the test."""

    def __init__(self, function: Function, event: object) -> None:
        self._function = function
        self._event = event
        self._error = ""
        self._thread = Thread(target=self._run)
        self._thread.start()

    def error(self, within: float) -> str:
        self._thread.join(within)
        return self._error

    def _run(self) -> Any:
        try:
            self._function.invoke(self._event)
        except InvocationError as error:
            self._error = str(error)


def is_alive(pid: int) -> bool:
    """A zombie that nobody has reaped yet is dead enough."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat")
    return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] != "Z"
