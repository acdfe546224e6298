"""What sam build is told when a bundle cannot be made. tests/test_build.py looks at bundles."""

import sys
from pathlib import Path

import pytest

from backburner import __version__
from backburner.development.bundle import RUNTIME, bundle, find_python, read
from backburner.development.errors import CommandError


def listed(folder: Path, *lines: str) -> Path:
    path = folder / "requirements.txt"
    path.write_text("\n".join(lines))
    return path


def test_comments_and_backburner_itself_are_not_installed(tmp_path: Path) -> None:
    lines = ["# ours", f"backburner=={__version__}", "", "numpy==2.5.5  # numbers", "--pre"]
    assert read(listed(tmp_path, *lines)) == ["numpy==2.5.5", "--pre"]


@pytest.mark.parametrize("line", ["backburner==0.0.1", "BackBurner[dev] < 0.1"])
def test_another_version_than_is_installed_is_refused(line: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=rf"backburner {__version__} is installed; install what"):
        read(listed(tmp_path, line))


def test_a_python_of_another_version_is_refused_with_what_to_install() -> None:
    with pytest.raises(CommandError, match=rf"needs Python {RUNTIME}, .* install python{RUNTIME}"):
        find_python(["/usr/bin/false", "no-such-python"])


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason=f"makes bundles, for Python {RUNTIME}")
def test_a_layer_that_lists_nothing_has_a_file_as_lambda_wants_one(tmp_path: Path) -> None:
    source, target = tmp_path / "layer", tmp_path / "built"
    source.mkdir()
    target.mkdir()
    listed(source, "# nothing yet")
    bundle("ComputationsLayer", "aarch64", source=source, target=target)
    assert [path.name for path in target.rglob("*")] == ["requirements.txt"]


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason=f"makes bundles, for Python {RUNTIME}")
def test_what_pip_cannot_find_is_said(tmp_path: Path) -> None:
    listed(tmp_path, "no-such-package @ file:///nowhere/no_such_package-1-py3-none-any.whl")
    with pytest.raises(CommandError, match=r"what .*requirements.txt lists could not be had"):
        bundle("ComputationsLayer", "aarch64", source=tmp_path, target=tmp_path / "built")
