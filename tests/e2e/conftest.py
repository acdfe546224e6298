"""One stack for all the tests: deployed, updated, and deleted at the end."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from backburner.development.suites.api import Api

from .emulator import Emulator
from .sam_project import ROOT, copy_of
from .stack import DeployedStack


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    with Emulator(tmp_path_factory.mktemp("emulator")) as emulator:
        yield emulator


@pytest.fixture(scope="session")
def stack(emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> DeployedStack:
    """With five computations more than the product has, added as anybody adds one."""
    folder = tmp_path_factory.mktemp("project")
    project = copy_of(ROOT, "backburner", folder, emulator.environment)
    for name in ("doubling.py", "crashing.py", "noise.py", "reporting.py", "patient.py"):
        shutil.copy(ROOT / "tests/support/computations" / name, project.computations)
    stack = DeployedStack(emulator, project)
    stack.deploy()
    return stack


@pytest.fixture(scope="session")
def api(stack: DeployedStack) -> Api:
    return stack.api


@pytest.fixture(scope="session")
def updated(stack: DeployedStack) -> DeployedStack:
    """The same stack, after one computation has become another version of itself."""
    source = stack.project.computations / "doubling.py"
    edit(source, "version=1", "version=2")
    edit(source, "2 * parameters.number", "3 * parameters.number")
    stack.deploy()
    return stack


def edit(source: Path, old: str, new: str) -> None:
    text = source.read_text()
    assert text.count(old) == 1
    source.write_text(text.replace(old, new))


@pytest.fixture
def emulator_of_its_own(tmp_path: Path) -> Iterator[Emulator]:
    """Another test counts what is left in the shared one."""
    (tmp_path / "emulator").mkdir()
    with Emulator(tmp_path / "emulator") as emulator:
        yield emulator
