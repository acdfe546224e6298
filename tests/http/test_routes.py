"""What there is, and what there is not."""

import importlib
import io
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

import computations
from backburner import resources
from backburner.computation import registry
from backburner.http.event import PUBLIC, Site
from backburner.request import respond
from tests.conftest import COMPUTATIONS, MotoDeployment, http_event
from tests.support.environment import exactly


@pytest.mark.parametrize(
    "path",
    [
        "/v2",
        "/v1/no-such-thing",
        "/v1/route_plan",
        "/v1/doubling/abc",
        f"/v1/doubling/{'A' * 64}",
        f"/v1/doubling/{'a' * 63}",
        f"/v1/doubling/{'a' * 65}",
        f"/v1/doubling/{'a' * 63}g",
        "/v1/doubling/" + "\u0663" * 64,
        f"/v1/doubling/{'a' * 64}\n",
        f"/v1/doubling/{'a' * 64}",
        f"/v1/no-such-thing/{'a' * 64}",
        f"/v1/doubling/{'a' * 64}/more",
        "/v1/__init__",
        "/v1/../health",
        "/v1/doubling%2f",
        "/v1/%64oubling",
        "/v1/doubling%00",
        "/v1/doubling\0",
        "/v1/%2e%2e/health",
        "/v1/%252e%252e/health",
        "/v1/..%c0%af..%c0%afhealth",
        "/v1//doubling",
        "/v1\\doubling",
        "/v1/doubling;a=b",
        "/V1/doubling",
        "/v1/doubling\ud800",
    ],
)
def test_what_is_not_there_is_a_404_problem(path: str, deployment: MotoDeployment) -> None:
    reply = deployment.get(path)
    assert (reply.status, reply.headers["content-type"]) == (404, "application/problem+json")
    assert reply.json["type"] == "urn:problem-type:backburner:not-found"


def test_an_unknown_computation_is_told_which_there_are(deployment: MotoDeployment) -> None:
    assert "doubling" in deployment.get("/v1/no-such-thing").json["detail"]


def test_a_signature_of_another_computation_is_not_found(deployment: MotoDeployment) -> None:
    signature = deployment.get("/v1/doubling?number=1").signature
    assert deployment.get(f"/v1/crashing/{signature}").status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/", "GET, HEAD"),
        ("POST", "/health", "GET, HEAD"),
        ("POST", "/openapi.json", "GET, HEAD"),
        ("DELETE", "/v1", "GET, HEAD"),
        ("PUT", "/v1/doubling", "GET, HEAD, POST"),
        ("BREW", "/v1/doubling", "GET, HEAD, POST"),
        ("POST", f"/v1/doubling/{'a' * 64}", "DELETE, GET, HEAD"),
    ],
)
def test_a_method_that_is_not_allowed_is_told_which_are(
    method: str, path: str, allowed: str, deployment: MotoDeployment
) -> None:
    reply = deployment.ask(http_event(method, path))
    assert (reply.status, reply.headers["allow"]) == (405, allowed)


def test_a_trailing_slash_makes_no_difference(deployment: MotoDeployment) -> None:
    assert deployment.get("/health/").status == 200


# documents


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/v1"])
def test_a_document_is_made_once_and_kept_for_minutes(
    path: str, deployment: MotoDeployment
) -> None:
    reply, again = deployment.get(path), deployment.get(path)
    assert reply.headers["cache-control"] == "public, max-age=300"
    assert reply.headers["vary"] == "accept-encoding"
    assert reply.headers["etag"] == again.headers["etag"]
    assert made_of(path, deployment) is made_of(path, deployment)


def made_of(path: str, deployment: MotoDeployment) -> bytes:
    """The bytes before they go into an event: the same object each time."""
    return respond(http_event("GET", path), deployment.request_handler).body


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/v1"])
def test_a_document_that_the_client_has_is_not_sent_again(
    path: str, deployment: MotoDeployment
) -> None:
    whole = deployment.get(path)
    unchanged = deployment.get(path, if_none_match=whole.headers["etag"])
    assert (unchanged.status, unchanged.text) == (304, "")
    assert unchanged.headers == whole.headers


def test_nobody_keeps_whether_it_is_alive(deployment: MotoDeployment) -> None:
    assert deployment.get("/health").headers["cache-control"] == "no-store"


# where everybody needs a token


@pytest.fixture
def closed(deployment: MotoDeployment) -> MotoDeployment:
    deployment.request_handler = replace(deployment.request_handler, site=Site(needs_token=True))
    return deployment


def test_what_needs_a_token_is_kept_by_no_cache_that_others_share(closed: MotoDeployment) -> None:
    closed.get("/v1/doubling?number=1")
    closed.work()
    location = closed.get("/v1/doubling?number=1").headers["content-location"]
    etag = closed.get(location).headers["etag"]
    for reply in (
        closed.get(location),
        closed.get(location, if_none_match=etag),
        closed.post("/v1/doubling", {"number": 1}),
        closed.get("/v1"),
        closed.get("/v1", if_none_match=closed.get("/v1").headers["etag"]),
    ):
        assert reply.headers["cache-control"].startswith("private, max-age=")
        assert reply.headers["vary"] == "accept-encoding, authorization"


@pytest.mark.parametrize("path", ["/", "/openapi.json"])
def test_what_is_open_to_all_may_be_kept_for_all(path: str, closed: MotoDeployment) -> None:
    assert closed.get(path).headers["cache-control"] == "public, max-age=300"
    assert closed.get(path).headers["vary"] == "accept-encoding"


@pytest.mark.parametrize(
    ("environ", "site"),
    [
        ({}, PUBLIC),
        ({"JWT_ISSUER": "", "BASE_PATH": ""}, PUBLIC),
        ({"JWT_ISSUER": "https://issuer.example"}, Site(needs_token=True)),
        ({"BASE_PATH": "/orders"}, Site(base_path="/orders")),
        ({"BASE_PATH": "/orders/v1/"}, Site(base_path="/orders/v1")),
        ({"BASE_PATH": "/"}, PUBLIC),
    ],
)
def test_the_environment_says_how_it_is_reached(environ: dict[str, str], site: Site) -> None:
    with exactly(environ):
        assert resources.site() == site


# where something precedes the paths


def test_every_link_has_what_precedes_the_paths(deployment: MotoDeployment) -> None:
    deployment.request_handler = replace(deployment.request_handler, site=Site(base_path="/orders"))
    signature = "/orders/v1/doubling/[0-9a-f]{64}"
    assert re.fullmatch(signature, deployment.get("/v1/doubling?number=1").headers["location"])
    deployment.work()
    reply = deployment.get("/v1/doubling?number=1")
    assert re.fullmatch(signature, reply.headers["content-location"])
    for listed in deployment.get("/v1").json["computations"]:
        assert listed["href"] == f"/orders/v1/{listed['name']}"
    assert deployment.get("/openapi.json").json["servers"] == [{"url": "/orders"}]


def test_the_console_asks_where_it_is(deployment: MotoDeployment) -> None:
    plain = deployment.get("/").text
    deployment.request_handler = replace(deployment.request_handler, site=Site(base_path="/orders"))
    page = deployment.get("/").text
    assert re.findall(r'="(/[^"]*)"', page) == [
        f"/orders{path}" for path in re.findall(r'="(/[^"]*)"', plain)
    ]
    assert page.count("/orders/") == 6


def test_at_a_named_stage_every_route_and_link_has_its_name(deployment: MotoDeployment) -> None:
    event = http_event("GET", "/beta/v1/doubling", query="number=1")
    own = "abc123.execute-api.eu-central-1.amazonaws.com"
    event["requestContext"] |= {"stage": "beta", "domainName": own}
    reply = deployment.ask(event)
    assert (reply.status, reply.headers["location"][:18]) == (202, "/beta/v1/doubling/")


# other origins


def test_a_page_of_any_origin_may_ask(deployment: MotoDeployment) -> None:
    preflight = deployment.ask(http_event("OPTIONS", "/v1/doubling"))
    assert (preflight.status, preflight.text) == (204, "")
    assert preflight.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, POST"
    for header in ("authorization", "content-type", "x-amz-date"):
        assert header in preflight.headers["access-control-allow-headers"]
    reply = deployment.get("/v1/doubling?number=1")
    assert reply.headers["access-control-allow-origin"] == "*"
    for header in ("retry-after", "location", "etag", "cache-status", "www-authenticate"):
        assert header in reply.headers["access-control-expose-headers"]


# what is broken

DOUBLING = Path(COMPUTATIONS, "doubling.py").read_text()
BROKEN = {
    "no Python": "def",
    "exits": "import sys\nsys.exit()",
    "raises": "raise BaseException('mark-7d1f')",
    "lacks parts": '"""Half."""',
    "misshapen": DOUBLING + "POLICY = 1",
    "a policy of nonsense": DOUBLING + "POLICY = Policy(version=1, fresh_for=float('inf'))",
    "no example in JSON": DOUBLING + "EXAMPLE = {'number': {1, 2}}",
    "an infinite example": DOUBLING + "EXAMPLE = {'number': float('inf')}",
    "no schema": DOUBLING
    + "class Odd:\n    pass\n\n\nclass Result(computation.Result):\n"
    + "    model_config = {'arbitrary_types_allowed': True}\n    odd: Odd",
}
DESCRIBED_ONLY = {"no example in JSON", "an infinite example", "no schema"}
"""They compute, for all that is known."""


@pytest.fixture(params=BROKEN)
def broken(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    # A name of its own: what can be imported stays so.
    name = f"broken_{list(BROKEN).index(request.param)}"
    (tmp_path / f"{name}.py").write_text(BROKEN[request.param])
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    return str(request.param)


def test_a_broken_computation_takes_none_of_the_others_with_it(
    broken: str, deployment: MotoDeployment, logged: io.StringIO
) -> None:
    name = f"broken-{list(BROKEN).index(broken)}"
    listed = {each["name"] for each in deployment.get("/v1").json["computations"]}
    assert listed == set(registry.names()) - {name}
    paths = deployment.get("/openapi.json").json["paths"]
    assert "/v1/doubling" in paths
    assert f"/v1/{name}" not in paths
    assert deployment.get("/").status == 200
    assert deployment.get("/v1/doubling?number=1").status == 202
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    said = [line for line in lines if line.get("computation") == name]
    assert {line["level"] for line in said} == {"ERROR"}
    assert all(name in line["reason"] for line in said)


def test_a_broken_computation_says_so_by_name_on_its_own_routes(
    broken: str, deployment: MotoDeployment, logged: io.StringIO
) -> None:
    if broken in DESCRIBED_ONLY:
        return
    name = f"broken-{list(BROKEN).index(broken)}"
    for path in (f"/v1/{name}", f"/v1/{name}/{'a' * 64}"):
        reply = deployment.get(path)
        assert (reply.status, reply.json["type"]) == (
            500,
            "urn:problem-type:backburner:internal-error",
        )
        assert f"the computation {name} is broken" in reply.json["detail"]
        assert "mark-7d1f" not in reply.text
    assert f'"computation":"{name}"' in logged.getvalue()


def test_on_the_machine_of_its_author_its_own_routes_say_what_is_broken_and_where(
    deployment: MotoDeployment, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "told.py"
    file.write_text("\ndef")
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(tmp_path)])
    with exactly({"SHOW_ERRORS": "yes"}):
        reply = respond(http_event("GET", "/v1/told"), deployment.request_handler)
    assert reply.status == 500
    assert (
        f"SyntaxError at {file}, line 2: invalid syntax; mend it there"
        in json.loads(reply.body)["detail"]
    )


def test_an_expected_time_that_cannot_be_told_is_a_problem_that_names_the_computation(
    deployment: MotoDeployment, logged: io.StringIO, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    source = DOUBLING.replace("lambda given: given.takes", "lambda given: 1 / (given.number - 1)")
    (tmp_path / "hasty.py").write_text(source)
    monkeypatch.setattr(computations, "__path__", [*computations.__path__, str(tmp_path)])
    importlib.invalidate_caches()
    reply = deployment.get("/v1/hasty?number=1")
    assert (reply.status, "computation hasty" in reply.json["detail"]) == (500, True)
    assert "expected_time of hasty raises ZeroDivisionError" in logged.getvalue()
    assert deployment.messages() == []
    assert deployment.get("/v1/hasty?number=2").status == 202
