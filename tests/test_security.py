"""What docs/security.md says is shown where it says."""

import re
from pathlib import Path
from typing import Any

import pytest

from backburner.development.local.template import TEMPLATE, load

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs/security.md").read_text()
CODE = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
TEMPLATE_AS_LOADED = load(TEMPLATE)
ROLES = {
    name: resource["Properties"]
    for name, resource in TEMPLATE_AS_LOADED["Resources"].items()
    if resource["Type"] == "AWS::IAM::Role"
}


def permissions() -> set[tuple[str, str, str]]:
    """Role, actions and resource of each statement in the template."""
    return {
        (role, _listed(statement["Action"]), _name(statement["Resource"]))
        for role, properties in ROLES.items()
        for policy in properties["Policies"]
        for statement in map(_given, policy["PolicyDocument"]["Statement"])
    }


def _given(statement: dict[str, Any]) -> dict[str, Any]:
    """The statement, if its condition holds."""
    match statement:
        case {"Fn::If": [_, dict() as then, _]}:
            return then
    return statement


def _listed(actions: str | list[str]) -> str:
    return actions if isinstance(actions, str) else ", ".join(actions)


def _name(resource: dict[str, Any] | str) -> str:
    match resource:
        case str():
            return resource
        case {"Fn::GetAtt": [name, "Arn"]}:
            return str(name)
        case {"Fn::Sub": text}:
            return re.sub(r"\$\{(?:AWS::)?(\w+)(?:\.Arn)?\}", r"\1", text)
    raise ValueError(f"{resource} is no resource of the template")


def test_the_table_of_the_roles_is_what_the_template_allows() -> None:
    rows = re.findall(r"^\| `(\w+)` \| `([^`]+)` \| `([^`]+)` \|$", DOCUMENT, re.M)
    assert sorted(rows) == sorted(permissions())


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(test_\w+)`", DOCUMENT))))
def test_a_test_that_is_named_is_there(name: str) -> None:
    assert f"def {name}(" in CODE


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`([A-Z][A-Za-z]+)`", DOCUMENT))))
def test_a_resource_or_parameter_that_is_named_is_there(name: str) -> None:
    known = {*TEMPLATE_AS_LOADED["Resources"], *TEMPLATE_AS_LOADED["Parameters"]}
    assert name in known | {"Age", "ETag", "DELETE", "Host", "MessageGroupId", "Origin"}
