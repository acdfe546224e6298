"""The lock of a project, by either tool, from an index of a few small wheels."""

import shutil
import sys
from pathlib import Path

import pytest

from backburner import __version__
from backburner.development import packages
from backburner.development.bundle import output
from backburner.development.errors import CommandError
from tests.support.wheels import make_wheel

BASE = str(Path(sys.base_prefix, "bin/python3"))
HAS_PIP = [each for each in (sys.executable, BASE) if output([each, "-m", "pip"])]
TOOLS: dict[str, object] = {"pip": HAS_PIP, "uv": packages.found_uv()}


@pytest.fixture(params=TOOLS)
def project(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    if not TOOLS[request.param]:
        pytest.skip(f"{request.param} is not installed")
    monkeypatch.setenv("UV", "uv" if request.param == "uv" else "")
    monkeypatch.setattr(sys, "executable", [*HAS_PIP, BASE][0])
    for name in ("PIP_NO_INDEX", "UV_NO_INDEX"):
        monkeypatch.setenv(name, "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    monkeypatch.chdir(tmp_path)
    extra = ["Provides-Extra: dev", "Requires-Dist: tool; extra == 'dev'"]
    make_wheel(tmp_path / "wheels", "backburner", __version__, *extra)
    for name in ("tool", "heavy", "light"):
        has(name, "1")
    listed("src", f"backburner=={__version__}", "light  # at the top")
    listed("layer", "heavy>=1")
    packages.lock()
    return tmp_path


def has(name: str, version: str, *metadata: str) -> None:
    make_wheel(Path("wheels"), name, version, *metadata)


def listed(part: str, *lines: str) -> None:
    Path(part).mkdir(exist_ok=True)
    Path(part, "requirements.txt").write_text("\n".join(lines))


def locked() -> list[str]:
    return [line for line in packages.LOCK.read_text().splitlines() if not line.startswith("#")]


@pytest.mark.evidence
@pytest.mark.usefixtures("project")
class TestALock:
    def test_has_all_that_is_listed_and_the_tools_and_not_backburner(self) -> None:
        assert locked() == ["heavy==1", "light==1", "tool==1"]

    def test_is_current_until_a_list_changes(self) -> None:
        assert packages.is_current()
        listed("layer", "heavy>=1", "tool")
        assert not packages.is_current()

    def test_keeps_what_fits_and_is_upgraded_when_it_is_asked_for(self) -> None:
        for name in ("heavy", "light"):
            has(name, "2")
        packages.lock()
        assert locked() == ["heavy==1", "light==1", "tool==1"]
        packages.lock(upgrade=True)
        assert locked() == ["heavy==2", "light==2", "tool==1"]

    def test_changes_only_what_a_change_of_the_lists_needs(self) -> None:
        for name in ("heavy", "light", "tool"):
            has(name, "2")
        listed("layer", "heavy==2")
        packages.lock()
        assert locked() == ["heavy==2", "light==1", "tool==1"]

    def test_gives_way_where_a_change_needs_another_version_of_what_nobody_lists(self) -> None:
        has("heavy", "2", "Requires-Dist: tool==2")
        has("tool", "2")
        listed("layer", "heavy==2")
        packages.lock()
        assert locked()[::2] == ["heavy==2", "tool==2"]

    def test_is_left_alone_if_there_is_no_choice_and_the_tool_says_why(self) -> None:
        before = packages.LOCK.read_text()
        listed("layer", "heavy==3")
        with pytest.raises(CommandError, match=r"(?s)heavy.*the libraries could not be had"):
            packages.lock()
        assert packages.LOCK.read_text() == before


@pytest.mark.usefixtures("project")
def test_the_versions_in_lambda_of_what_the_engine_brings_are_those_here() -> None:
    shutil.rmtree("wheels")
    pin = packages.PINS.read_text().partition("\npydantic==")[2].partition("\n")[0]
    extra = ["Provides-Extra: dev", "Requires-Dist: pydantic; extra == 'dev'"]
    make_wheel(Path("wheels"), "backburner", __version__, *extra)
    for version in (pin, "999"):
        has("pydantic", version)
    listed("src")
    listed("layer")
    packages.lock(upgrade=True)
    assert locked() == [f"pydantic=={pin}"]


def test_each_name_is_told_once_as_it_comes(capsys: pytest.CaptureFixture[str]) -> None:
    printed = ["Collecting boto3>=1.40\n", "  Using cached boto3\n", " + moto==5.2.5\n"]
    assert list(packages.told([*printed, "Collecting boto3 (from moto)\n"]))[:3] == printed
    assert capsys.readouterr().out == "  boto3\n  moto\n"


def test_a_name_is_spelled_in_one_way_whichever_tool_tells_it() -> None:
    assert packages.pins("Flask==3\npydantic_core==2 ; x\nbackburner==1") == [
        "flask==3",
        "pydantic-core==2",
    ]
