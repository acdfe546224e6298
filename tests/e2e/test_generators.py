"""What others generate from /openapi.json works against the service that serves it.

The generators are locked in generators/package-lock.json and requirements/generators.txt.
"""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import urllib3

from backburner.development.local.deployment import Deployment
from tests.clients.node import node

from .sam_project import ROOT

pytestmark = [pytest.mark.e2e, pytest.mark.enable_socket]

GENERATORS = Path(__file__).with_name("generators")
OF_PYTHON = ROOT / ".venv-generators/bin"
OUR_CLIENT = ("backburner.js", "backburner.d.ts")
MOST_SECONDS = 120
"""Of each program, npm's downloads too."""
PRIVATE = ROOT / "tests/support/computations"
"""One of them is private, so that all components of the document are in use."""


@dataclass(frozen=True)
class Workshop:
    """A folder with the document and the generators."""

    folder: Path
    url: str

    def run(self, *command: str | Path, **environment: str) -> str:
        ran = subprocess.run(  # noqa: S603
            [str(part) for part in command],
            cwd=self.folder,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=MOST_SECONDS,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout

    def generator(self, name: str, *arguments: str) -> str:
        return self.run(node(), self.folder / "node_modules/.bin" / name, *arguments)

    def ask(self, *program: str | Path, **environment: str) -> object:
        """Run a program that asks word-count; each has a question that nobody has asked."""
        text = f"a slow {Path(program[-1]).stem}"
        return json.loads(self.run(*program, self.url, text, **environment))


def words(program: str) -> object:
    return {"words": {"1": 1, "4": 1, str(len(program)): 1}}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    folder = tmp_path_factory.mktemp("generated") / "workshop"
    shutil.copytree(GENERATORS, folder)
    for name in OUR_CLIENT:
        shutil.copy(ROOT / "clients/javascript" / name, folder)
    console = folder / "console.txt"
    with (
        console.open("w") as output,
        Deployment(computations=[PRIVATE], console=output.fileno()) as deployed,
    ):
        document = urllib3.request("GET", f"{deployed.url}/openapi.json").data
        (folder / "openapi.json").write_bytes(document)
        workshop = Workshop(folder, deployed.url)
        workshop.run("npm", "ci")
        yield workshop


@pytest.fixture(scope="module")
def compiled(workshop: Workshop) -> Path:
    """All of TypeScript, strictly: what is generated, what uses it, and our own client's types."""
    workshop.generator("openapi-typescript", "openapi.json", "-o", "schema.ts")
    workshop.generator(
        "swagger-typescript-api", "-p", "openapi.json", "-o", str(workshop.folder), "-n", "api.ts"
    )
    workshop.generator("tsc", "--project", ".")
    made = workshop.folder / "made"
    shutil.copy(workshop.folder / OUR_CLIENT[0], made)
    return made


@pytest.mark.parametrize(
    "program", ["with_openapi_fetch", "with_swagger_typescript_api", "with_our_client"]
)
def test_a_client_in_typescript(workshop: Workshop, compiled: Path, program: str) -> None:
    assert workshop.ask(node(), compiled / f"{program}.js") == words(program)


def test_a_client_by_openapi_python_client(workshop: Workshop) -> None:
    generate = ("generate", "--path", "openapi.json", "--output-path", "python")
    path = {"PATH": f"{OF_PYTHON}:{os.environ['PATH']}"}  # it calls ruff
    told = workshop.run(OF_PYTHON / "openapi-python-client", *generate, **path)
    assert "Warning" not in told
    program = "with_openapi_python_client"
    asked = workshop.ask(OF_PYTHON / "python", f"{program}.py", PYTHONPATH="python")
    assert asked == words(program)


def test_the_linter_of_redocly_has_no_complaint(workshop: Workshop) -> None:
    assert workshop.run(node(), "lint.mjs", "openapi.json") == ""


def test_the_lock_file_names_no_registry() -> None:
    assert '"resolved"' not in (GENERATORS / "package-lock.json").read_text()
