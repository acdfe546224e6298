"""The environment is the template's, and read in one place."""

import re
from pathlib import Path

import pytest

from backburner import settings
from backburner.development.local.template import TEMPLATE, Stack, load
from backburner.errors import MissingSetting
from tests.support.environment import exactly

SOURCES = Path(settings.__file__).parent


def test_no_other_module_reads_the_environment() -> None:
    readers = [
        path.name
        for path in SOURCES.rglob("*.py")
        if "development" not in path.parts  # which runs on its author's machine
        and re.search(r"\bos\.(environ\b(?!\[.TMPDIR)|getenv)", path.read_text())
    ]
    assert readers == ["settings.py"]


def test_every_setting_is_declared_in_the_template() -> None:
    template = load(TEMPLATE)
    functions = [r["Properties"] for r in template["Resources"].values() if "Properties" in r]
    declared = set(template["Globals"]["Function"]["Environment"]["Variables"])
    for properties in functions:
        declared |= set(properties.get("Environment", {}).get("Variables", {}))
    code = "".join(path.read_text() for path in SOURCES.rglob("*.py"))
    read = set(re.findall(r"settings\.(?:required|text|number)\(\s*\"(\w+)\"", code))
    assert len(read) > 10
    assert read - declared == set()


def test_what_is_missing_is_named_with_where_it_comes_from() -> None:
    with exactly({}), pytest.raises(MissingSetting, match=r"no TABLE_NAME; template\.yaml sets it"):
        settings.required("TABLE_NAME")


def test_what_is_empty_is_as_what_is_not_there() -> None:
    with exactly({"MAX_BACKLOG": "", "RUNNING_LEASE": "2.5"}):
        assert settings.number("MAX_BACKLOG", 7) == 7
        assert settings.number("RUNNING_LEASE", 30) == 2.5
        assert settings.text("BASE_PATH", "none") == "none"


def test_errors_are_shown_only_on_the_machine_of_an_author(stack: Stack) -> None:
    """The template declares the setting, so that `sam local` takes it, and gives it no value."""
    declared = stack.template["Globals"]["Function"]["Environment"]["Variables"]
    assert declared["SHOW_ERRORS"] == {"Ref": "AWS::NoValue"}
    for function in stack.functions():
        with exactly(function.environment):
            assert not settings.shows_errors()
    with exactly({"SHOW_ERRORS": "yes"}):
        assert settings.shows_errors()
