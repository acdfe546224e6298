"""The wheel that goes into a new project is that which was installed."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

from backburner.development import wheel
from backburner.development.errors import CommandError
from backburner.http.console import FILES, PAGE

ROOT = Path(__file__).parents[2]
PACK = "import sys; from backburner.development import wheel; w = wheel.pack()\n\
open(sys.argv[1] + '/' + w.name, 'wb').write(w.content)"
REWRITTEN = ("RECORD",)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("built")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)  # noqa: S603
    [made] = folder.glob("*.whl")
    return made


def install(made: Path, folder: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--target", folder, made], check=True, capture_output=True)  # noqa: S603


def contents(made: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(made) as archive:
        names = [name for name in archive.namelist() if not name.endswith(REWRITTEN)]
        return {name: archive.read(name) for name in names}


def test_a_wheel_packed_again_is_the_wheel_and_can_be_installed(
    built: Path, tmp_path: Path
) -> None:
    install(built, tmp_path / "installed")
    packed = tmp_path / built.name
    subprocess.run(  # noqa: S603
        [sys.executable, "-c", PACK, str(tmp_path)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path / "installed")},
        check=True,
    )
    assert contents(packed) == contents(built)
    install(packed, tmp_path / "again")
    assert (tmp_path / "again/backburner/request.py").exists()


def test_the_wheel_has_types_the_template_and_no_computation_of_ours(built: Path) -> None:
    names = set(contents(built))
    assert "backburner/py.typed" in names
    assert "backburner/development/skeleton/template.yaml" in names
    assert "backburner/development/client.py" in names
    assert "backburner/development/documents/reference.md" in names
    assert {f"backburner/http/console/{name}" for name in (PAGE, *FILES)} <= names
    assert not [name for name in names if "route_plan" in name]


def test_what_the_source_links_to_is_in_the_sdist() -> None:
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
    included = [ROOT / path for path in build["targets"]["sdist"]["only-include"]]
    links = [path.resolve() for path in (ROOT / "src").rglob("*") if path.is_symlink()]
    assert links
    for link in links:
        assert any(link.is_relative_to(path) for path in included), link


def test_a_checkout_has_no_wheel_to_give() -> None:
    with pytest.raises(CommandError, match=r"runs from its checkout, .* `pip install '.\[dev\]'`"):
        wheel.pack()
