"""What the functions take from their environment is what template.yaml puts there."""

import ast
import os
from pathlib import Path
from typing import Any

import pytest

from backburner.development.local.template import Stack
from backburner.errors import MissingSetting
from tests.support.environment import exactly

from .conftest import Invoke, http_event

SOURCES = sorted((Path(__file__).parent.parent / "src").glob("**/*.py"))
NO_RECORDS: dict[str, list[Any]] = {"Records": []}
NEEDED = {
    "RequestFunction": {"TABLE_NAME", "QUEUE_URL", "LARGE_RESULTS_BUCKET", "FAILED_JOBS_QUEUE_URL"},
    "WorkerFunction": {
        "TABLE_NAME",
        "QUEUE_URL",
        "LARGE_RESULTS_BUCKET",
        "FAILED_JOBS_QUEUE_URL",
        "SETTINGS_PREFIX",
    },
    "DeadLetterFunction": {"TABLE_NAME", "FAILED_JOBS_QUEUE_URL"},
}


@pytest.mark.parametrize(
    ("function", "setting"), [(f, setting) for f in NEEDED for setting in sorted(NEEDED[f])]
)
def test_a_function_says_which_setting_it_lacks(
    function: str, setting: str, invoke: Invoke
) -> None:
    event = http_event("GET", "/health") if function == "RequestFunction" else NO_RECORDS
    with pytest.raises(MissingSetting, match=setting):
        invoke(function, event, without={setting})


@pytest.mark.parametrize("function", NEEDED)
def test_a_test_of_a_handler_has_its_environment_and_no_other(
    function: str, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = {name for f in stack.functions() for name in f.environment}
    for name in {*others, "LOG_LEVEL", "POWERTOOLS_SERVICE_NAME", "RUNNING_LEASE"}:
        monkeypatch.setenv(name, "leaks")
    before, declared = dict(os.environ), stack.function(function).environment
    with exactly(declared):
        assert declared.items() <= os.environ.items()
        assert "leaks" not in os.environ.values()
    assert dict(os.environ) == before


def reads_at_import(source: str) -> list[int]:
    """The lines outside functions that have to do with the environment."""
    tree = ast.parse(source)
    inside = {
        id(node)
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        for part in (function.body if isinstance(function.body, list) else [function.body])
        for node in ast.walk(part)
    }
    return [
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("environ", "getenv")
        and id(node) not in inside
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_nothing_reads_the_environment_when_it_is_imported(path: Path) -> None:
    """It would read that of the tests, and no test could tell."""
    assert reads_at_import(path.read_text()) == []


def test_a_read_at_import_is_found() -> None:
    source = "import os\nA = os.environ.get('A')\ndef f(b=os.getenv('B')):\n    return os.environ"
    assert reads_at_import(source) == [2, 3]
