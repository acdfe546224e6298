"""Which computations there are, and what is said of a file that is none."""

import importlib
from pathlib import Path

import pytest

import computations
from backburner.computation import registry
from backburner.errors import BrokenComputation, NoSuchComputation

SOURCE = Path(computations.__file__).parent
SHIPPED = registry.names()


def test_a_name_on_disk_is_the_name_in_the_api() -> None:
    files = [path.stem for path in SOURCE.iterdir() if path.name[0].isalpha()]
    assert sorted(stem.replace("_", "-") for stem in files) == SHIPPED


def test_names_are_known_without_an_import(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise RuntimeError('imported')")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    assert registry.names() == ["broken"]


def test_an_unknown_name_is_told_which_there_are() -> None:
    with pytest.raises(NoSuchComputation, match=r"there are .*doubling"):
        registry.load("tripling")


def test_a_computation_that_cannot_be_imported_says_why_and_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "needs_more.py").write_text("import no_such_library")
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(BrokenComputation, match=r"no_such_library.*inside compute"):
        registry.load("needs-more")


def test_a_computation_that_lacks_a_part_says_which(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "half_done.py").write_text('"""Half."""\nPOLICY = 1\n')
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    with pytest.raises(BrokenComputation, match="lacks Parameters, Result, EXAMPLE, compute"):
        registry.load("half-done")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Of computations, beside those that work."""
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    return tmp_path


BROKEN = {
    "def": "SyntaxError",
    "x = '\0'": "SyntaxError",
    "\xff": "SyntaxError",
    "import sys; sys.exit(3)": "SystemExit at .*: 3",
    "raise BaseException('in_it')": "BaseException at .*: in_it",
    "raise GeneratorExit": "GeneratorExit",
    "1 / 0": "ZeroDivisionError at .*: division by zero",
    "import asyncio\nraise asyncio.CancelledError": "CancelledError",
    "from no_such_library import it": "ModuleNotFoundError at .*: .*no_such_library",
}


@pytest.mark.parametrize("source", BROKEN)
def test_whatever_a_file_does_when_it_is_imported_it_is_named_with_its_line(
    source: str, folder: Path
) -> None:
    (folder / "broken.py").write_text(f'"""It is broken."""\n\n{source}\n', "latin-1")
    with pytest.raises(BrokenComputation, match=BROKEN[source]) as caught:
        registry.load("broken")
    assert "computation 'broken'" in str(caught.value)
    if "\0" not in source and "\xff" not in source:
        line = 3 + source.count("\n")
        assert f"{folder / 'broken.py'}, line {line}" in str(caught.value)


def test_a_file_that_is_interrupted_is_not_broken(folder: Path) -> None:
    (folder / "slow.py").write_text("raise KeyboardInterrupt")
    with pytest.raises(KeyboardInterrupt):
        registry.load("slow")


@pytest.mark.parametrize(
    ("part", "source"),
    [
        ("Parameters", "Parameters = dict"),
        ("Result", "Result = computation.Parameters"),
        ("POLICY", "POLICY = {'version': 1}"),
        ("EXAMPLE", "EXAMPLE = [1]"),
        ("compute", "compute = 1"),
    ],
)
def test_a_part_of_another_form_is_named(part: str, source: str, folder: Path) -> None:
    whole = Path(computations.__path__[-2], "doubling.py").read_text()
    # A name of its own: what can be imported stays so.
    name = f"misshapen-{part.lower()}"
    (folder / f"{name.replace('-', '_')}.py").write_text(f"{whole}\n\n{source}\n")
    with pytest.raises(BrokenComputation, match=f"has a wrong {part}; docs"):
        registry.load(name)
