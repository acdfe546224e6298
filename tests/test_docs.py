"""What the documents say is so."""

import importlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from backburner import __version__, computations
from backburner.computation import Computation
from backburner.signature import canonical

from . import test_computations

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


@pytest.fixture
def word_count(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Computation:
    """The computation that the README shows."""
    [source] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (tmp_path / "word_count.py").write_text(source)
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    return computations.load("word-count")


def test_the_computation_in_the_readme_computes(word_count: Computation) -> None:
    given = word_count.parameters.model_validate_json(canonical(word_count.example), strict=True)
    result = word_count.compute(given, lambda _: None)
    assert result.model_dump() == {"words": {1: 1, 4: 1, 11: 1}}


@pytest.mark.parametrize(
    "conforms",
    [
        test_computations.test_the_example_computes_to_json_in_the_form_of_the_result,
        test_computations.test_the_same_parameters_give_the_same_result,
        test_computations.test_it_is_documented,
        test_computations.test_its_parameters_are_closed_and_their_canonical_form_is_a_fixed_point,
        test_computations.test_the_worker_has_the_time_that_it_may_take,
        test_computations.test_an_example_is_json,
    ],
)
def test_the_computation_in_the_readme_passes_its_own_suite(
    conforms: Callable[[Computation], None], word_count: Computation
) -> None:
    conforms(word_count)


def test_what_the_readme_links_to_is_there() -> None:
    for link in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_tree_in_the_readme_is_the_tree() -> None:
    named = re.findall(r"^ {4,}([a-z_/.]+(?:\.py|\.yaml|\.toml|/)) ", README, re.M)
    assert len(named) > 10
    for name in named:
        assert list(ROOT.glob(f"**/{name.rstrip('/').rpartition('/')[2]}")), name


def test_the_changelog_begins_with_this_version() -> None:
    latest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert latest
    assert latest[1] == __version__


def test_the_clauses_in_the_table_of_the_protocol_are_those_of_the_store() -> None:
    table = re.findall(r"^\| .*\|$", (ROOT / "docs/protocol.md").read_text(), re.M)
    named = {clause for row in table for clause in re.findall(r"`([A-Z_]+)`", row)}
    lists = re.findall(r"\[([A-Z_, ]+)\]", (ROOT / "src/backburner/store.py").read_text())
    assert named == {clause.strip() for clauses in lists for clause in clauses.split(",")}
