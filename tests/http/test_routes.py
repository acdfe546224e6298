"""What there is, and what there is not."""

import pytest

from tests.conftest import Deployment, http_event


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
def test_what_is_not_there_is_a_404_problem(path: str, deployment: Deployment) -> None:
    reply = deployment.get(path)
    assert (reply.status, reply.headers["content-type"]) == (404, "application/problem+json")
    assert reply.json["type"] == "urn:problem-type:backburner:not-found"


def test_an_unknown_computation_is_told_which_there_are(deployment: Deployment) -> None:
    assert "doubling" in deployment.get("/v1/no-such-thing").json["detail"]


def test_a_signature_of_another_computation_is_not_found(deployment: Deployment) -> None:
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
    method: str, path: str, allowed: str, deployment: Deployment
) -> None:
    reply = deployment.ask(http_event(method, path))
    assert (reply.status, reply.headers["allow"]) == (405, allowed)


def test_a_trailing_slash_makes_no_difference(deployment: Deployment) -> None:
    assert deployment.get("/health/").status == 200


def test_a_page_of_any_origin_may_ask(deployment: Deployment) -> None:
    preflight = deployment.ask(http_event("OPTIONS", "/v1/doubling"))
    assert (preflight.status, preflight.text) == (204, "")
    assert preflight.headers["access-control-allow-methods"] == "DELETE, GET, HEAD, POST"
    for header in ("authorization", "content-type", "x-amz-date"):
        assert header in preflight.headers["access-control-allow-headers"]
    reply = deployment.get("/v1/doubling?number=1")
    assert reply.headers["access-control-allow-origin"] == "*"
    for header in ("retry-after", "location", "etag", "cache-status", "www-authenticate"):
        assert header in reply.headers["access-control-expose-headers"]
