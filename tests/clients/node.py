"""Where node is. CI always has it: .ci/run."""

import os
import shutil

import pytest

NEEDED = 18


def node() -> str:
    """The path of node; without it the test is skipped, except in CI, where it fails."""
    if found := shutil.which("node"):
        return found
    lacking = f"node {NEEDED} or later is not on the path; on Debian: apt-get install nodejs"
    if os.environ.get("CI"):
        pytest.fail(lacking)
    pytest.skip(lacking)
