"""What `sam build` has made: small, compiled, complete, and the same for every function."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from backburner.development.listed_imports import PINS

ROOT = Path(__file__).parent.parent
BUILT = ROOT / ".aws-sam" / "build"
REQUEST = BUILT / "RequestFunction"
FUNCTIONS = ["RequestFunction", "WorkerFunction", "DeadLetterFunction"]
LARGEST_BUNDLE = 14_000_000
"""Bytes, unpacked, with bytecode."""
LARGEST_LAYER = 100_000_000
"""A function and its layers have 250 MB."""
RUNTIME = {"boto3", "botocore", "s3transfer", "jmespath", "dateutil", "six", "urllib3"}
"""What Lambda's Python has of its own: boto3 and what that needs."""
TAKEN_IF_THERE = {"certifi", "brotli"}
"""botocore has certificates of its own, and AWS sends nothing in brotli."""
MAGIC_NUMBER_OF_3_13 = (3571).to_bytes(2, "little")
UNCHECKED_HASH = (0b01).to_bytes(4, "little")
WHERE = {**dict.fromkeys(FUNCTIONS, "/var/task"), "ComputationsLayer": "/opt"}


def is_built() -> bool:
    """Whether what is there was built of what is in src/ now."""
    built = BUILT / "template.yaml"
    changed = max(path.stat().st_mtime for path in (ROOT / "src").rglob("*.py"))
    return built.exists() and built.stat().st_mtime > changed


pytestmark = pytest.mark.skipif(not is_built(), reason="not built since src/ changed: `make build`")


def sources(artefact: str) -> list[Path]:
    return sorted((BUILT / artefact).rglob("*.py"))


def size(artefact: str) -> int:
    return sum(path.stat().st_size for path in (BUILT / artefact).rglob("*") if path.is_file())


def packages(folder: Path) -> set[str]:
    named = (path.name for path in folder.iterdir() if path.suffix != ".dist-info")
    return {name.removesuffix(".py") for name in named} - {"__pycache__"}


def tops(files: set[str]) -> set[str]:
    return {file.partition("/")[0].removesuffix(".py") for file in files}


REQUEST_STARTS = """
import backburner.request
from backburner.computation import registry
for name in registry.names():
    registry.load(name)
"""
WORKER_READS_SECRETS = """
import backburner.worker
from backburner.attempt.declared_values import DeclaredValues
from backburner.resources import VALUES
from botocore.session import get_session
make_client = get_session().create_client
values = DeclaredValues(prefix="local", make_client=make_client, time_limits=VALUES)
values._provider("secret")
values._provider("setting")
"""
PRINT_FILES = """
import sys
for module in [*sys.modules.values()]:
    print(getattr(module, "__file__", None) or "")
"""


@pytest.fixture(scope="module")
def imported() -> set[str]:
    """The files that a cold start of the request function imports, from their package on."""
    return files_of(REQUEST_STARTS)


def files_of(program: str) -> set[str]:
    environ = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "AWS_DEFAULT_REGION": "us-east-1"}
    command = [sys.executable, "-c", program + PRINT_FILES]
    printed = subprocess.check_output(command, env=environ, text=True)  # noqa: S603
    return set(re.findall(r"/(?:site-packages|src)/(\S+\.py)$", printed, re.M))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_bundle_is_small(function: str) -> None:
    assert size(function) <= LARGEST_BUNDLE


def test_the_layer_leaves_room_for_more() -> None:
    assert size("ComputationsLayer") <= LARGEST_LAYER


@pytest.mark.parametrize("artefact", [*FUNCTIONS, "ComputationsLayer"])
def test_every_source_has_its_bytecode_for_the_runtime_which_nobody_checks(artefact: str) -> None:
    assert len(sources(artefact)) > 100
    for source in sources(artefact):
        header = bytecode(source).read_bytes()[:8]
        assert (header[:2], header[4:]) == (MAGIC_NUMBER_OF_3_13, UNCHECKED_HASH), source


def bytecode(source: Path) -> Path:
    return source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc"


@pytest.mark.parametrize("artefact", WHERE)
def test_a_traceback_names_the_file_as_it_is_in_lambda(artefact: str) -> None:
    source = sources(artefact)[-1]
    name = f"{WHERE[artefact]}/{source.relative_to(BUILT / artefact)}"
    assert name.encode() in bytecode(source).read_bytes()


def test_the_request_function_finds_all_that_it_imports(imported: set[str]) -> None:
    missing = {file for file in imported if not (REQUEST / file).exists()}
    assert tops(missing) <= RUNTIME | TAKEN_IF_THERE


def test_the_worker_finds_all_that_it_imports_to_read_secrets() -> None:
    files = files_of(WORKER_READS_SECRETS)
    assert "aws_lambda_powertools/utilities/parameters/secrets.py" in files
    missing = {file for file in files if not (BUILT / "WorkerFunction" / file).exists()}
    assert tops(missing) <= RUNTIME | TAKEN_IF_THERE


def test_the_request_function_imports_nothing_of_that(imported: set[str]) -> None:
    assert not [file for file in imported if "parameters/secrets" in file or "boto3/" in file]
    assert "backburner/attempt/declared_values.py" not in imported


def test_the_request_function_imports_every_package_that_it_carries(imported: set[str]) -> None:
    assert packages(REQUEST) <= tops(imported)


def test_what_the_runtime_or_the_layer_has_is_not_in_a_bundle() -> None:
    layer = packages(BUILT / "ComputationsLayer" / "python")
    assert "numpy" in layer
    assert not packages(REQUEST) & (RUNTIME | layer)


@pytest.mark.parametrize("listed", [PINS, ROOT / "layer/requirements.txt"])
def test_what_is_deployed_is_what_is_tested(listed: Path) -> None:
    locked = pins(ROOT / "requirements/dev.txt")
    assert pins(listed)
    assert pins(listed) <= locked


def test_a_project_is_developed_with_what_is_deployed() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    named = {line for line in project["optional-dependencies"]["run"] if "==" in line}
    own = {name.partition(">")[0] for name in project["dependencies"]} - RUNTIME
    assert named == {pin for pin in pins(PINS) if pin.partition("==")[0] in own}


def test_nothing_for_development_is_in_a_bundle() -> None:
    engine = REQUEST / "backburner"
    assert (engine / "request.py").exists()
    assert not [*engine.rglob("*development*"), *engine.rglob("py.typed")]


def pins(path: Path) -> set[str]:
    return set(re.findall(r"^[\w-]+==[\w.]+", path.read_text(), re.M))
