"""backburner docs: what the wheel carries, it shows."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from backburner.development import documents
from backburner.development.cli import main
from backburner.development.errors import CommandError

ROOT = Path(__file__).parents[2]


def test_every_document_is_there_and_those_of_the_clients() -> None:
    linked = {path.resolve() for path in documents.FOLDER.iterdir()}
    assert set((ROOT / "docs").glob("*.md")) < linked
    assert "# backburner-client" in documents.text("python-client")


@pytest.mark.parametrize("name", ["http", "http.md"])
def test_a_document_is_shown_as_it_is_where_there_is_no_terminal(name: str) -> None:
    shown = CliRunner().invoke(main, ["docs", name])
    assert shown.output.strip() == (ROOT / "docs/http.md").read_text().strip()


def test_without_a_name_all_are_listed_with_what_they_are_about() -> None:
    shown = CliRunner().invoke(main, ["docs"]).output
    assert "  http               The HTTP API, for authors of clients\n" in shown


@pytest.mark.parametrize("name", ["nothing", "../../README", ""])
def test_another_name_is_refused(name: str) -> None:
    with pytest.raises(CommandError, match=r"there is no document .*; `backburner docs` lists"):
        documents.text(name)
