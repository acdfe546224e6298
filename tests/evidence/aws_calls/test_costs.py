"""The figures of docs/costs.md are those that are counted."""

from pathlib import Path

from benchmarks.costs import report
from tests.conftest import MotoDeployment

DOCUMENT = (Path(__file__).parents[3] / "docs/costs.md").read_text()


def test_the_tables_of_the_document_are_what_is_counted(deployment: MotoDeployment) -> None:
    """If not: put in what `PYTHONPATH=src .venv/bin/python -m benchmarks.costs` prints."""
    for table in report(deployment):
        assert table in DOCUMENT
