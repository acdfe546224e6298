"""A process has the libraries that the request function has, and no other."""

import subprocess
import sys
from pathlib import Path

import pytest

import computations

SRC = Path(computations.__file__).parents[1]


def tried(modules: str, requirements: Path = SRC / "requirements.txt") -> str:
    """What comes of an import in a process with these requirements."""
    script = f"""
from pathlib import Path
from backburner.development import request_imports
request_imports.install(Path({str(requirements)!r}))
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
def test_it_lacks_the_layer_and_what_only_this_machine_has(module: str) -> None:
    assert tried(module) == f"{module} is not in {SRC / 'requirements.txt'}"


def test_what_is_installed_nowhere_is_told_by_python() -> None:
    assert tried("no_such_library") == "No module named 'no_such_library'"


def test_what_is_added_to_the_requirements_is_there(tmp_path: Path) -> None:
    (tmp_path / "requirements.txt").write_text("# heavy\nnumpy>=2\n")
    assert tried("numpy", tmp_path / "requirements.txt") == "imported"
