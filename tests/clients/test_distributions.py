"""What the clients' distributions have in them."""

import json
import subprocess
import zipfile
from pathlib import Path

from hatchling.builders.wheel import WheelBuilder

import backburner_client
from tests.clients.node import node

CLIENTS = Path(__file__).parent.parent.parent / "clients"
PACKAGE = json.loads((CLIENTS / "javascript/package.json").read_text())


def test_the_python_distribution_is_one_typed_module(tmp_path: Path) -> None:
    [made] = WheelBuilder(str(CLIENTS / "python")).build(directory=str(tmp_path))
    names = [name for name in zipfile.ZipFile(made).namelist() if ".dist-info" not in name]
    assert sorted(names) == ["backburner_client/__init__.py", "backburner_client/py.typed"]
    assert f"-{backburner_client.__version__}-" in made


def test_both_clients_have_one_version() -> None:
    assert PACKAGE["version"] == backburner_client.__version__


def test_the_javascript_distribution_needs_nothing() -> None:
    assert not {"dependencies", "devDependencies"} & set(PACKAGE)
    assert all((CLIENTS / "javascript" / name).exists() for name in PACKAGE["files"])


def test_the_types_name_all_that_the_module_exports() -> None:
    script = "import('./backburner.js').then((m) => console.log(Object.keys(m).join(' ')))"
    command = [node(), "--eval", script]
    ran = subprocess.run(  # noqa: S603
        command, cwd=CLIENTS / "javascript", capture_output=True, text=True, check=True
    )
    types = (CLIENTS / "javascript/backburner.d.ts").read_text()
    assert [n for n in ran.stdout.split() if f"export class {n} " not in types] == []
