"""What goes into a bundle, and what is told if none can be made. See tests/test_build.py."""

import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from backburner import __version__
from backburner.development.bundle import (
    KEPT,
    RUNTIME,
    Project,
    bundle,
    copy_code,
    find_python,
    read,
    remove_older,
)
from backburner.development.errors import CommandError
from tests.support.wheels import make_wheel

makes_bundles = pytest.mark.skipif(
    sys.version_info[:2] != (3, 13), reason=f"makes bundles, for Python {RUNTIME}"
)


@pytest.fixture
def project(tmp_path: Path) -> Project:
    folder = tmp_path / "my-api"
    (folder / "src/computations").mkdir(parents=True)
    (folder / "layer").mkdir()
    (folder / "requirements.lock").touch()
    return Project(
        folder=folder,
        lock=folder / "requirements.lock",
        processor="aarch64",
        python=find_python(),
    )


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
    with pytest.raises(CommandError, match=rf"needs Python {RUNTIME} .* install python{RUNTIME}"):
        find_python(["/usr/bin/false", "no-such-python"])


def test_without_a_lock_nothing_is_made(project: Project, tmp_path: Path) -> None:
    project.lock.unlink()
    with pytest.raises(CommandError, match=r"requirements.lock is not there; make it: make .venv"):
        bundle("ComputationsLayer", project, tmp_path / "built")


@makes_bundles
def test_a_layer_that_lists_nothing_has_a_file_as_lambda_wants_one(
    project: Project, tmp_path: Path
) -> None:
    listed(project.folder / "layer", "# nothing yet")
    bundle("ComputationsLayer", project, tmp_path / "built")
    assert [path.name for path in (tmp_path / "built").rglob("*")] == ["requirements.txt"]


@makes_bundles
def test_what_pip_cannot_find_is_said(project: Project, tmp_path: Path) -> None:
    wheel = "no-such-package @ file:///nowhere/no_such_package-1-py3-none-any.whl"
    listed(project.folder / "layer", wheel)
    with pytest.raises(CommandError, match=r"what layer/requirements.txt lists could not be had"):
        bundle("ComputationsLayer", project, tmp_path / "built")


@makes_bundles
def test_libraries_have_the_versions_of_the_lock_and_are_made_once_for_it(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for version in "12":
        make_wheel(tmp_path / "index", "tiny", version)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path / "index"))
    listed(project.folder / "layer", "tiny")

    def built() -> str:
        shutil.rmtree(tmp_path / "built", ignore_errors=True)
        bundle("ComputationsLayer", project, tmp_path / "built")
        assert (tmp_path / "built/python/__pycache__/tiny.cpython-313.pyc").exists()
        return (tmp_path / "built/python/tiny.py").read_text()

    project.lock.write_text("tiny==1")
    assert built() == "VERSION = 1"
    (tmp_path / "index").rename(tmp_path / "away")
    assert built() == "VERSION = 1"
    with pytest.raises(CommandError):
        bundle("ComputationsLayer", replace(project, processor="another"), tmp_path / "another")
    project.lock.write_text(
        "tiny==2 ; python_version > '3' \\\n    --hash=sha256:0 \\\n    --hash=sha256:1\n"
    )
    with pytest.raises(CommandError):
        built()
    (tmp_path / "away").rename(tmp_path / "index")
    assert built() == "VERSION = 2"


def test_what_is_used_no_more_is_removed(tmp_path: Path) -> None:
    for number in range(KEPT + 2):
        (tmp_path / f"src-{number}").mkdir()
        os.utime(tmp_path / f"src-{number}", (number, number))
    remove_older(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {f"src-{n}" for n in range(2, KEPT + 2)}


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """Computations of a project, which links may lead out of."""
    folder = tmp_path / "my-api/src/computations"
    for path in ("mine/__init__.py", "mine/.env", ".git/config", "mine/__pycache__/x.pyc"):
        write(folder / path)
    for path in ("outside.txt", "my-api/data/towns.csv", "my-api/.env", "my-api/.keys/key"):
        write(tmp_path / path)
    return folder


def write(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x")


def copied(code: Path) -> set[str]:
    target = code.parents[2] / "copied"
    copy_code(code, target, within=code.parents[1])
    return {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}


def test_what_begins_with_a_dot_is_left_out(code: Path) -> None:
    assert copied(code) == {"mine/__init__.py"}


def test_what_a_link_within_the_project_leads_to_comes_along(code: Path) -> None:
    (code / "mine/data").symlink_to("../../../data")
    (code / "mine/towns.csv").symlink_to(code.parents[1] / "data/towns.csv")
    assert copied(code) == {"mine/__init__.py", "mine/data/towns.csv", "mine/towns.csv"}


@pytest.mark.parametrize(
    "leads_to",
    ["../../../../outside.txt", "/etc", "../../..", "../../../.env", "../../../.keys", "none", "."],
)
def test_another_link_is_refused(code: Path, leads_to: str) -> None:
    (code / "mine/link").symlink_to(leads_to)
    with pytest.raises(CommandError, match=r"mine/link links to /.*; a link .* may lead only to"):
        copied(code)


def test_a_link_behind_a_link_is_refused_too(code: Path) -> None:
    (code / "mine/data").symlink_to("../../../data")
    (code.parents[1] / "data/more").symlink_to("../../outside.txt")
    with pytest.raises(CommandError, match=r"mine/data/more links to .*outside.txt; a link"):
        copied(code)
