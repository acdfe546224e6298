"""What the documents say is so, and that there is an end to them."""

import re
import subprocess
from pathlib import Path

from backburner import __version__

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
MAX_LINES = 2400
"""Of all Markdown in the repository."""
TREE = README.partition("\n## The tree\n")[2].partition("\n## ")[0]


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 150


def test_all_documents_together_have_an_end() -> None:
    listed = subprocess.check_output(["git", "ls-files", "*.md"], cwd=ROOT, text=True)  # noqa: S607
    paths = [ROOT / name for name in listed.splitlines()]
    lines = {path: len(path.read_text().splitlines()) for path in paths if not path.is_symlink()}
    assert sum(lines.values()) <= MAX_LINES, lines


def test_the_computation_in_the_readme_is_the_one_to_copy() -> None:
    [source] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert source == (ROOT / "src/computations/word_count.py").read_text()


def test_what_the_readme_and_the_documents_link_to_is_there() -> None:
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for link in re.findall(r"\]\(([^)#:]+)[)#]", path.read_text()):
            assert (path.parent / link).exists(), f"{path.name}: {link}"


def test_the_tree_in_the_readme_is_the_tree() -> None:
    """It has every module that is deployed by its path, and nothing that is not there."""
    named, above = set(), [""] * 8
    for indent, names in re.findall(r"^( {4,})([\w./]+(?: [\w.]+\.py)*)  +", TREE, re.M):
        depth = len(indent) // 4 - 1
        folder = "".join(above[:depth])
        named |= {folder + name for name in names.split()}
        above[depth:] = [names] + [""] * 7
    assert {name for name in named if not (ROOT / name).exists()} == set()
    engine = (ROOT / "src/backburner").rglob("*.py")
    deployed = (path for path in engine if "development" not in path.parts)
    modules = {str(path.relative_to(ROOT)) for path in deployed if path.name != "__init__.py"}
    assert modules - named == set()


def test_the_changelog_begins_with_this_version() -> None:
    latest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert latest
    assert latest[1] == __version__


def test_the_clauses_in_the_table_of_the_protocol_are_those_of_the_store() -> None:
    table = re.findall(r"^\| .*\|$", (ROOT / "docs/protocol.md").read_text(), re.M)
    named = {clause for row in table for clause in re.findall(r"`([A-Z_]+)`", row)}
    lists = re.findall(r"\[([A-Z_, ]+)\]", (ROOT / "src/backburner/protocol/store.py").read_text())
    assert named == {clause.strip() for clauses in lists for clause in clauses.split(",")}
