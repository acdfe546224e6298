"""What the documents say is so."""

import importlib
import re
from pathlib import Path

import pytest

from backburner import __version__, computations
from backburner.signature import canonical

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_the_computation_in_the_readme_computes(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    [source] = re.findall(r"```python\n(.*?)```", README, re.S)
    (tmp_path / "word_count.py").write_text(source)
    monkeypatch.setattr(computations, "__path__", [str(tmp_path)])
    importlib.invalidate_caches()
    word_count = computations.load("word-count")
    given = word_count.parameters.model_validate_json(canonical(word_count.example), strict=True)
    result = word_count.compute(given, lambda _: None)
    assert result.model_dump() == {"words": {1: 1, 4: 1, 11: 1}}


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
