"""What the documents say is so, and that there is an end to them."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

from backburner import __version__

ROOT = Path(__file__).parent.parent
ENGINE = ROOT / "src/backburner"
PACKAGES = [file.parent for file in sorted(ENGINE.rglob("__init__.py"))]
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


def test_what_the_tree_in_the_readme_names_is_there() -> None:
    above = [""] * 8
    for indent, names in re.findall(r"^( {4,})([\w./]+(?: [\w.]+\.py)*)  +", TREE, re.M):
        depth = len(indent) // 4 - 1
        folder = "".join(above[:depth])
        for name in names.split():
            assert (ROOT / (folder + name)).exists(), folder + name
        above[depth:] = [names] + [""] * 7


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_the_docstring_of_a_package_is_a_map_of_its_modules(package: Path) -> None:
    drawn = ast.get_docstring(ast.parse((package / "__init__.py").read_text())) or ""
    named = set(re.findall(r"\w+\.py", drawn))
    modules = {each.name for each in package.glob("*.py") if not each.name.startswith("__")}
    assert modules - named == set()
    assert named - {each.name for each in ENGINE.rglob("*.py")} == set()


def test_the_changelog_begins_with_this_version() -> None:
    latest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert latest
    assert latest[1] == __version__


def test_the_clauses_in_the_table_of_the_protocol_are_those_of_the_store() -> None:
    table = re.findall(r"^\| .*\|$", (ROOT / "docs/protocol.md").read_text(), re.M)
    named = {clause for row in table for clause in re.findall(r"`([A-Z_]+)`", row)}
    lists = re.findall(r"\[([A-Z_, ]+)\]", (ROOT / "src/backburner/protocol/store.py").read_text())
    assert named == {clause.strip() for clauses in lists for clause in clauses.split(",")}
