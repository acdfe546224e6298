"""The table of mistakes fits the code, and whether a mistake is noticed is told rightly."""

from pathlib import Path

import pytest

from .mutant import ROOT, Copy, Mutant, mutated
from .table import FENCE, MUTANTS

HARMLESS = Mutant(
    what="a comment that says something else",
    path="src/backburner/protocol/signature.py",
    line='"""Signs a question: all ways',
    instead='"""Signs a question: whatever ways',
    tests="tests/protocol/test_signature.py",
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.what)
def test_a_mistake_can_be_made_where_the_table_says(mutant: Mutant) -> None:
    text = (ROOT / mutant.path).read_text()
    assert mutated(text, mutant) != text
    for tests in mutant.tests.split():
        file, _, test = tests.partition("::")
        assert f"def {test}" in (ROOT / file).read_text()


def test_there_are_enough_and_each_is_another() -> None:
    assert len({mutant.what for mutant in MUTANTS}) == len(MUTANTS) >= 25


def test_a_mistake_is_noticed_and_what_is_none_is_not(tmp_path: Path) -> None:
    copy = Copy(tmp_path)
    assert copy.notices(FENCE[0])
    assert not copy.notices(HARMLESS)
