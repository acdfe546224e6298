"""backburner test: the project's own tests, and the suites that hold for every project."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from backburner.development.errors import CommandError

SUITES = Path(__file__).with_name("suites")
OWN = Path("tests")
NO_TESTS = pytest.ExitCode.NO_TESTS_COLLECTED


def test(url: str, arguments: Sequence[str]) -> int:
    """Run the tests, or with a URL the contract alone against what is deployed there."""
    if url:
        os.environ["BACKBURNER_URL"] = url
        chosen = [SUITES / "test_contract.py"]
    else:
        chosen = [*([OWN] if OWN.exists() else []), SUITES]
    status = pytest.main([*map(str, chosen), *arguments])
    if status == NO_TESTS:
        raise CommandError("no test was run; what was asked for leaves none")
    return int(status)
