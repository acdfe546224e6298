"""The contract, against a deployment that runs already."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SUITE = "src/backburner/development/suites/test_contract.py"


def check_contract(url: str, *, unlike_aws: Sequence[str] = ()) -> None:
    """All of it but the tests that an emulator cannot pass."""
    left_out = [f"--deselect={SUITE}::{test}" for test in unlike_aws]
    checked = subprocess.run(  # noqa: S603 - the command is ours
        [sys.executable, "-m", "pytest", "-q", SUITE, "tests/contract", *left_out],
        cwd=ROOT,
        env={**os.environ, "BACKBURNER_URL": url},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout
