"""A process has the libraries that its function has in Lambda, and no other."""

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

import computations
from backburner.development.listed_imports import lists

SRC = Path(computations.__file__).parents[1]


def tried(modules: str, source: Path = SRC, *, with_layer: bool = False) -> str:
    """What comes of an import in a process with what src/ lists, and the layer beside it."""
    script = f"""
from pathlib import Path
from backburner.development import listed_imports
listed_imports.install(*map(Path, {list(map(str, lists(source, with_layer)))!r}))
try:
    import {modules}
except ModuleNotFoundError as error:
    print(error)
else:
    print("imported")
"""
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def test_it_has_all_that_its_functions_import_and_what_python_and_lambda_bring() -> None:
    listed = "pydantic, typing_extensions, cachetools, aws_lambda_powertools, annotated_types"
    functions = "backburner.request, backburner.dead_letter, computations.route_plan"
    assert tried(f"json, boto3, dateutil, {listed}, {functions}") == "imported"


@pytest.mark.parametrize("module", ["numpy", "pyvrp", "pytest"])
def test_the_request_function_lacks_the_layer_and_what_only_this_machine_has(module: str) -> None:
    line = f"{module}=={version(module)}"
    told = f"{module} is not in src/requirements.txt; add the line {line} to src/requirements.txt"
    assert tried(module) == told


def test_a_worker_has_the_layer_and_its_listed_libraries_alone() -> None:
    assert tried("numpy, pyvrp, httpcore, backburner.worker", with_layer=True) == "imported"


@pytest.mark.parametrize(
    ("module", "line"),
    [("httpx", "httpx"), ("yaml", "PyYAML"), ("packaging", "packaging")],
)
def test_a_worker_lacks_what_the_command_brings(module: str, line: str) -> None:
    told = tried(module, with_layer=True)
    assert told.startswith(
        f"{module} is not in src/requirements.txt or layer/requirements.txt; add"
    )
    assert told.endswith(f" the line {line}=={version(line)} to layer/requirements.txt")


def test_what_is_installed_nowhere_is_told_by_python() -> None:
    assert tried("no_such_library") == "No module named 'no_such_library'"


@pytest.mark.parametrize("line", ["numpy>=2", "pandas-stubs\npyvrp", "psycopg[binary]"])
def test_what_is_added_is_there_with_what_it_requires(line: str, tmp_path: Path) -> None:
    source = tmp_path / "src"
    source.mkdir()
    (source / "requirements.txt").write_text(f"# heavy\n{line}\n")
    module = "psycopg_binary" if "psycopg" in line else "numpy"
    assert tried(f"psycopg, {module}" if "psycopg" in line else module, source) == "imported"
