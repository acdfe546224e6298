"""The console: what it is allowed to do, and that it needs no more. tests/browser/ uses it."""

import base64
import re
from dataclasses import replace
from pathlib import Path

import pytest

from backburner.http import console
from backburner.http.event import Site
from tests.conftest import REGION, MotoDeployment

ROOT = Path(__file__).parents[2]
HTML = (console.FOLDER / console.PAGE).read_text("utf-8")
STYLE = (console.FOLDER / "style.css").read_text("utf-8")
OWN = {name: (console.FOLDER / name).read_text("utf-8") for name in console.SCRIPTS}
SCRIPT = "\n".join(OWN.values())
LONGEST = 512
"""Lines of a file: each can be read in one go. backburner.js is the client for everybody."""
LARGEST = 45_000
"""Bytes of all of it, gzipped."""


@pytest.fixture
def policy(deployment: MotoDeployment) -> dict[str, str]:
    header = deployment.get("/").headers["content-security-policy"]
    return dict(directive.split(" ", 1) for directive in header.split("; "))


def test_it_is_served_as_html(deployment: MotoDeployment) -> None:
    reply = deployment.get("/")
    assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert reply.text == HTML


@pytest.mark.parametrize("name", console.FILES)
def test_a_file_is_served_as_what_it_is_and_kept_as_long_as_the_page(
    deployment: MotoDeployment, name: str
) -> None:
    reply = deployment.get(f"/console/{name}")
    assert (reply.status, reply.headers["content-type"]) == (
        200,
        f"{console.FILES[name]}; charset=utf-8",
    )
    assert reply.text == (console.FOLDER / name).read_text("utf-8")
    assert reply.headers["cache-control"] == deployment.get("/").headers["cache-control"]
    known = {"if-none-match": reply.headers["etag"]}
    assert deployment.get(f"/console/{name}", **known).status == 304


@pytest.mark.parametrize(
    "path",
    [
        "/console",
        "/console/",
        "/console/index.html",
        "/console/..%2Fconsole.py",
        "/console/../console.py",
        "/console/no.js",
        "/console/form.js/x",
    ],
)
def test_only_the_files_that_are_listed_are_served(deployment: MotoDeployment, path: str) -> None:
    assert deployment.get(path).status == 404


def test_every_file_in_the_folder_is_listed() -> None:
    assert {path.name for path in console.FOLDER.iterdir()} == {console.PAGE, *console.FILES}


def test_only_its_own_script_and_style_run(
    deployment: MotoDeployment, policy: dict[str, str]
) -> None:
    assert policy["script-src"] == policy["style-src"] == "'self'"
    assert policy["default-src"] == "'none'"
    assert policy["connect-src"] == f"'self' https://{deployment.bucket}.s3.{REGION}.amazonaws.com"
    assert policy["img-src"] == "'self' data:"
    assert policy["require-trusted-types-for"] == "'script'"
    assert "unsafe" not in str(policy)


def test_nothing_in_it_comes_from_another_host() -> None:
    everything = HTML + STYLE + SCRIPT
    assert set(re.findall(r"https?://[^'\"/ ]+", everything)) == {"http://www.w3.org"}
    assert set(re.findall(r"<(?:link|script|img)[^>]+(?:src|href)=\"(?!data:)([^\"]+)", HTML)) == {
        "/console/style.css",
        "/console/console.js",
    }
    assert not re.search(r"url\(|@import", STYLE)
    imported = re.findall(r"^import .* from \"(.*)\";$", SCRIPT, re.M)
    assert {name.removeprefix("./") for name in imported} <= set(console.SCRIPTS)


def test_it_keeps_to_its_policy() -> None:
    """No script or style in the page or an attribute, and no HTML made of text."""
    assert not re.search(r"<[^>]+\s(style|on\w+)=", HTML)
    assert not re.search(r"<style|<script[^>]*>[^<]", HTML)
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(", SCRIPT
    )
    assert not re.search(r"setAttribute\(\"style\"|style: ", SCRIPT)


def test_what_the_script_looks_for_is_there() -> None:
    wanted = set(re.findall(r"\$\(\"([a-z]+)\"\)", SCRIPT))
    there = re.findall(r"\bid=\"([a-z]+)\"", HTML)
    assert wanted <= set(there)
    assert len(there) == len(set(there))


def test_every_module_is_used() -> None:
    imported = set(re.findall(r"from \"\./(.*)\";$", SCRIPT, re.M))
    assert imported | {"console.js"} == set(console.SCRIPTS)


def test_it_waits_with_the_client_that_everybody_gets() -> None:
    linked = (console.FOLDER / "backburner.js").resolve()
    assert linked == ROOT / "clients/javascript/backburner.js"


def test_it_is_small(deployment: MotoDeployment) -> None:
    assert [name for name, text in OWN.items() if text.count("\n") > LONGEST] == []
    paths = ["/", *(f"/console/{name}" for name in console.FILES)]
    replies = [deployment.get(path, **{"accept-encoding": "gzip"}) for path in paths]
    assert sum(len(base64.b64decode(reply.event["body"])) for reply in replies) < LARGEST


def test_under_a_base_path_its_files_are_there_too(deployment: MotoDeployment) -> None:
    site = Site(base_path="/orders")
    deployment.request_handler = replace(deployment.request_handler, site=site)
    links = re.findall(r"(?:src|href)=\"(/[^\"]*)\"", deployment.get("/").text)
    assert {link for link in links if "console" in link} == {
        "/orders/console/style.css",
        "/orders/console/console.js",
    }
