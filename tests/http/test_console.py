"""The console page: what it is allowed to do, and that it needs no more."""

import base64
import hashlib
import re

import pytest

from backburner.http import console
from tests.conftest import REGION, MotoDeployment

HTML = console.PAGE.read_text("utf-8")


@pytest.fixture
def policy(deployment: MotoDeployment) -> dict[str, str]:
    header = deployment.get("/").headers["content-security-policy"]
    return dict(directive.split(" ", 1) for directive in header.split("; "))


def hash_of(tag: str) -> str:
    [text] = re.findall(rf"<{tag}\b[^>]*>(.*?)</{tag}>", HTML, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def test_it_is_served_as_html(deployment: MotoDeployment) -> None:
    reply = deployment.get("/")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.text == HTML


def test_only_its_own_script_and_style_run(
    deployment: MotoDeployment, policy: dict[str, str]
) -> None:
    assert policy["script-src"] == hash_of("script")
    assert policy["style-src"] == hash_of("style")
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == f"'self' https://{deployment.bucket}.s3.{REGION}.amazonaws.com"
    assert "unsafe" not in str(policy)


def test_nothing_in_it_comes_from_another_host() -> None:
    assert set(re.findall(r"https?://[^'\"/ ]+", HTML)) == {"http://www.w3.org"}
    assert not re.search(r"<(link|script|img)[^>]+(src|href)=\"(?!data:)", HTML)


def test_it_keeps_to_its_policy() -> None:
    """No style or handler in an attribute, and no HTML made of text."""
    assert not re.search(r"<[^>]+\s(style|on\w+)=", HTML)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(", HTML)


def test_what_the_script_looks_for_is_there() -> None:
    wanted = set(re.findall(r"\$\(\"([a-z]+)\"\)", HTML))
    there = re.findall(r"\bid=\"([a-z]+)\"", HTML)
    assert wanted <= set(there)
    assert len(there) == len(set(there))


def test_every_control_has_a_name() -> None:
    labels = set(re.findall(r"<label for=\"([a-z]+)\"", HTML))
    assert set(re.findall(r"<input id=\"([a-z]+)\"", HTML)) <= labels
    assert set(re.findall(r"<textarea id=\"([a-z]+)\"", HTML)) <= labels
    assert "aria-labelledby" in re.findall(r"<progress[^>]*>", HTML)[0]
