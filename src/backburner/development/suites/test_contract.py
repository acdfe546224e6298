"""The contract of the HTTP face, sentence by sentence, against any base URL.

BACKBURNER_URL=https://… make contract
"""

import gzip
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import pytest

from backburner.development.suites.api import Api, Reply
from backburner.development.suites.questions import Questions

NOBODYS = "0" * 64
"""A signature."""


def at_work(api: Api, question: Questions) -> Reply:
    """The second answer to a question whose computation was not quicker than the client."""
    for _ in range(20):
        asked = question()
        api.post(question.route, asked)
        if (reply := api.post(question.route, asked)).status == 202:
            return reply
    raise AssertionError("20 questions were each answered before they could be asked again")


# 202: not yet


def test_a_question_that_nobody_has_asked_is_answered_at_once_with_202(
    api: Api, question: Questions
) -> None:
    assert api.post(question.route, question()).status == 202


def test_202_says_after_how_many_whole_seconds_to_ask_again(api: Api, question: Questions) -> None:
    assert re.fullmatch(r"[1-9]\d*", api.post(question.route, question()).headers["retry-after"])


def test_202_names_where_the_answer_will_be(api: Api, question: Questions) -> None:
    location = api.post(question.route, question()).headers["location"]
    assert re.fullmatch(rf".*{question.route}/[0-9a-f]{{64}}", location)


def test_202_is_not_to_be_stored(api: Api, question: Questions) -> None:
    assert api.post(question.route, question()).headers["cache-control"] == "no-store"


def test_202_to_the_first_who_asks_is_a_miss(api: Api, question: Questions) -> None:
    assert api.post(question.route, question()).headers["cache-status"] == "backburner; fwd=miss"


def test_202_to_whoever_joins_says_collapsed(api: Api, question: Questions) -> None:
    joined = at_work(api, question)
    assert joined.headers["cache-status"] == "backburner; fwd=miss; collapsed"


def test_202_has_a_status_document(api: Api, question: Questions) -> None:
    reply = api.post(question.route, question())
    assert reply.media_type == "application/json"
    assert set(reply.json) == {
        "state",
        "signature",
        "requested_at",
        "attempts",
        "progress",
        "retry_after",
        "expected_at",
        "gives_up_at",
    }
    assert reply.json["state"] in ("queued", "running")
    assert reply.json["signature"] == reply.signature


def test_202_says_when_it_will_be_given_up(api: Api, question: Questions) -> None:
    status = api.post(question.route, question()).json
    times = [datetime.fromisoformat(status[n]) for n in ("requested_at", "expected_at")]
    assert times[0] <= times[1] <= datetime.fromisoformat(status["gives_up_at"])


def test_the_fractional_wait_is_within_the_whole_one(api: Api, question: Questions) -> None:
    reply = api.post(question.route, question())
    assert 0 < reply.json["retry_after"] <= int(reply.headers["retry-after"])


def test_202_is_empty_for_who_prefers_it_minimal(api: Api, question: Questions) -> None:
    reply = api.post(question.route, question(), prefer="return=minimal")
    assert (reply.status, reply.body) == (202, b"")
    assert reply.headers["preference-applied"] == "return=minimal"
    assert "retry-after" in reply.headers


def test_202_at_the_location_too(api: Api, question: Questions) -> None:
    location = at_work(api, question).headers["location"]
    reply = api.get(location)
    assert reply.status in (200, 202)  # the computation may be quick
    assert reply.headers.get("location", location) == location


def test_a_signature_that_was_just_handed_out_is_never_unknown(
    api: Api, question: Questions
) -> None:
    for _ in range(5):
        location = api.post(question.route, question()).headers["location"]
        assert api.get(location).status in (200, 202)


# 200: the result


def test_who_asks_again_as_told_has_the_result(hit: Reply) -> None:
    assert (hit.status, hit.media_type) == (200, "application/json")
    assert hit.json


def test_the_result_is_at_the_same_url(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    assert api.post(question.route, asked).body == hit.body


def test_the_result_is_at_its_location_with_the_same_bytes(api: Api, hit: Reply) -> None:
    assert api.get(hit.headers["content-location"]).body == hit.body


def test_a_result_has_the_same_etag_each_time(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    assert api.post(question.route, asked).headers["etag"] == hit.headers["etag"]


def test_an_etag_has_the_form_of_one(hit: Reply) -> None:
    assert re.fullmatch(r'(W/)?"[\x21\x23-\x7e]+"', hit.headers["etag"])


def test_a_result_may_be_stored_and_says_for_how_long(hit: Reply) -> None:
    assert re.fullmatch(
        r"(public|private), max-age=\d+, stale-while-revalidate=\d+(, stale-if-error=\d+)?",
        hit.headers["cache-control"],
    )


def test_a_result_says_its_age(hit: Reply) -> None:
    assert re.fullmatch(r"\d+", hit.headers["age"])


def test_a_hit_says_for_how_long_it_is_fresh(hit: Reply) -> None:
    assert re.fullmatch(r"backburner; hit; ttl=\d+", hit.headers["cache-status"])


def test_ttl_and_age_make_the_time_for_which_it_is_fresh(hit: Reply) -> None:
    fresh_for = int(re.findall(r"max-age=(\d+)", hit.headers["cache-control"])[0])
    ttl = int(re.findall(r"ttl=(\d+)", hit.headers["cache-status"])[0])
    assert abs(fresh_for - ttl - int(hit.headers["age"])) <= 1


def test_a_result_says_where_it_is(hit: Reply, question: Questions) -> None:
    assert re.fullmatch(rf".*{question.route}/[0-9a-f]{{64}}", hit.headers["content-location"])


def test_a_result_varies_with_the_encodings_that_are_accepted(hit: Reply) -> None:
    assert "accept-encoding" in hit.headers["vary"].lower()


def test_a_result_is_gzipped_for_who_accepts_it(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    reply = api.post(question.route, asked, accept_encoding="gzip")
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(reply.body) == hit.body


@pytest.mark.parametrize("accepted", ["identity", "gzip;q=0", "br", "*, gzip;q=0"])
def test_a_result_is_plain_for_who_does_not_accept_gzip(
    accepted: str, api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    reply = api.post(question.route, asked, accept_encoding=accepted)
    assert "content-encoding" not in reply.headers
    assert reply.body == hit.body


def test_the_etag_is_the_same_with_and_without_gzip(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    assert (
        api.post(question.route, asked, accept_encoding="gzip").headers["etag"]
        == hit.headers["etag"]
    )


# 304


def test_304_for_who_has_the_result(api: Api, hit: Reply) -> None:
    reply = api.get(hit.headers["content-location"], if_none_match=hit.headers["etag"])
    assert (reply.status, reply.body) == (304, b"")


def test_304_has_the_headers_that_a_cache_renews(api: Api, hit: Reply) -> None:
    reply = api.get(hit.headers["content-location"], if_none_match=hit.headers["etag"])
    for name in ("etag", "cache-control", "content-location", "vary"):
        assert reply.headers[name] == hit.headers[name]


def test_304_for_any_of_several_etags(api: Api, hit: Reply) -> None:
    seen = f'"other", {hit.headers["etag"]}'
    assert api.get(hit.headers["content-location"], if_none_match=seen).status == 304


def test_304_by_weak_comparison(api: Api, hit: Reply) -> None:
    seen = hit.headers["etag"].removeprefix("W/")
    assert api.get(hit.headers["content-location"], if_none_match=seen).status == 304


def test_304_for_a_star(api: Api, hit: Reply) -> None:
    assert api.get(hit.headers["content-location"], if_none_match="*").status == 304


def test_200_to_a_post_whatever_the_client_has(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    assert api.post(question.route, asked, if_none_match=hit.headers["etag"]).body == hit.body


def test_200_for_who_has_another_result(api: Api, hit: Reply) -> None:
    assert api.get(hit.headers["content-location"], if_none_match='"other"').status == 200


def test_202_even_for_a_star_while_there_is_no_result(api: Api, question: Questions) -> None:
    assert api.post(question.route, question(), if_none_match="*").status == 202


# one signature


def shuffled(value: Any) -> Any:
    match value:
        case dict():
            return {key: shuffled(inner) for key, inner in reversed(value.items())}
        case list():
            return [shuffled(inner) for inner in value]
        case int() if not isinstance(value, bool):
            return float(value)
    return value


def test_the_order_of_keys_and_the_form_of_numbers_make_no_difference(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    assert api.post(question.route, shuffled(asked)).signature == hit.signature


def test_white_space_makes_no_difference(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    body = json.dumps(asked, indent=8).encode()
    assert (
        api.ask("POST", question.route, body, content_type="application/json").signature
        == hit.signature
    )


def test_get_and_post_of_the_same_parameters_are_one(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    query = urlencode({k: v if isinstance(v, str) else json.dumps(v) for k, v in asked.items()})
    assert api.get(f"{question.route}?{query}").signature == hit.signature


def test_another_parameter_makes_another_signature(
    api: Api, asked: dict[str, Any], hit: Reply, question: Questions
) -> None:
    assert api.post(question.route, question()).signature != hit.signature


def test_equal_requests_at_the_same_moment_are_one_job(api: Api, question: Questions) -> None:
    asked = question()
    with ThreadPoolExecutor(10) as clients:
        replies = list(clients.map(lambda _: api.post(question.route, asked), range(20)))
    misses = [r for r in replies if r.headers["cache-status"] == "backburner; fwd=miss"]
    assert len(misses) == 1
    assert len({r.signature for r in replies}) == 1


# problems


@pytest.fixture
def problems(api: Api, question: Questions) -> dict[str, Reply]:
    """One of each kind that a client can bring about."""
    return {
        "malformed": api.ask("POST", question.route, b"{", content_type="application/json"),
        "no computation": api.get("/v1/no-such-thing"),
        "no signature": api.get(f"{question.route}/{NOBODYS}"),
        "nothing there": api.get("/no-such-path"),
        "method": api.ask("PUT", question.route),
        "not json": api.ask("POST", question.route, b"{}", content_type="text/plain"),
        "gzipped": api.ask(
            "POST", question.route, b"{}", content_type="application/json", content_encoding="gzip"
        ),
        "invalid": api.post(question.route, {"no such parameter": 1}),
    }


def test_every_problem_is_a_problem_document(problems: dict[str, Reply]) -> None:
    for kind, reply in problems.items():
        assert reply.media_type == "application/problem+json", kind
        assert {"type", "title", "status", "detail"} <= set(reply.json), kind
        assert reply.json["status"] == reply.status, kind


def test_every_kind_of_problem_has_a_type_of_its_own(problems: dict[str, Reply]) -> None:
    types = {reply.json["type"] for reply in problems.values()}
    assert len(types) == len(problems) - 3  # three of them are: not found, two: not JSON


def test_no_browser_takes_a_response_for_another_type(
    api: Api, hit: Reply, question: Questions, problems: dict[str, Reply]
) -> None:
    again = api.get(hit.headers["content-location"], if_none_match=hit.headers["etag"])
    documents = [api.get(path) for path in ("/", "/v1", "/openapi.json", "/health", "/console/no")]
    for reply in (hit, again, *documents, *problems.values()):
        assert reply.headers["x-content-type-options"] == "nosniff"


def test_415_names_the_coding_of_a_body(problems: dict[str, Reply]) -> None:
    assert problems["gzipped"].status == 415
    assert "gzip" in problems["gzipped"].json["detail"]


def test_400_for_what_is_no_json(problems: dict[str, Reply]) -> None:
    assert problems["malformed"].status == 400


@pytest.mark.parametrize(
    "body", [b'{"a": 1, "a": 2}', b'{"a": NaN}', b'{"a": 1e999}', b"\xff", b"[" * 10_000]
)
def test_400_for_json_that_has_no_one_meaning(body: bytes, api: Api, question: Questions) -> None:
    assert api.ask("POST", question.route, body, content_type="application/json").status == 400


def test_404_names_the_computations_that_there_are(
    problems: dict[str, Reply], question: Questions
) -> None:
    assert problems["no computation"].status == 404
    assert question.route.removeprefix("/v1/") in problems["no computation"].json["detail"]


def test_404_for_a_signature_that_nobody_was_given(problems: dict[str, Reply]) -> None:
    assert problems["no signature"].status == 404


def test_404_for_any_other_path(problems: dict[str, Reply]) -> None:
    assert problems["nothing there"].status == 404


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "{route}", {"GET", "HEAD", "POST"}),
        ("POST", "/v1", {"GET", "HEAD"}),
        ("POST", "/health", {"GET", "HEAD"}),
        ("POST", f"{{route}}/{NOBODYS}", {"GET", "HEAD"}),
    ],
)
def test_405_says_which_methods_are_allowed(
    method: str, path: str, allowed: set[str], api: Api, question: Questions
) -> None:
    reply = api.ask(method, path.format(route=question.route))
    assert reply.status == 405
    assert allowed <= set(reply.headers["allow"].replace(" ", "").split(","))


def test_413_for_a_body_that_is_too_large(api: Api, question: Questions) -> None:
    reply = api.ask("POST", question.route, b" " * 1_000_001, content_type="application/json")
    assert (reply.status, reply.media_type) == (413, "application/problem+json")


def test_415_for_a_body_that_is_not_said_to_be_json(problems: dict[str, Reply]) -> None:
    assert problems["not json"].status == 415


def test_422_for_parameters_that_are_unknown(api: Api, question: Questions) -> None:
    reply = api.post(question.route, {**question(), "colour": "red"})
    assert [error["pointer"] for error in reply.json["errors"]] == ["/colour"]


@pytest.mark.parametrize("end", ["", "/"])
def test_403_for_whoever_would_forget_without_credentials(end: str, api: Api, hit: Reply) -> None:
    location = hit.headers["content-location"]
    assert api.ask("DELETE", location + end).status == 403
    assert api.get(location).body == hit.body


# documents, HEAD


def test_health_tells_the_version(api: Api) -> None:
    reply = api.get("/health")
    assert (reply.status, reply.json["status"]) == (200, "ok")
    assert re.fullmatch(r"\d+\.\d+\.\d+", reply.json["version"])


@pytest.mark.parametrize("path", ["/", "/openapi.json", "/v1"])
def test_a_document_is_kept_revalidated_and_gzipped(path: str, api: Api) -> None:
    whole, zipped = api.get(path), api.get(path, accept_encoding="gzip")
    assert "max-age" in whole.headers["cache-control"]
    assert "accept-encoding" in whole.headers["vary"].lower()
    assert gzip.decompress(zipped.body) == whole.body
    unchanged = api.get(path, if_none_match=whole.headers["etag"])
    assert (unchanged.status, unchanged.body) == (304, b"")


def test_nobody_keeps_health(api: Api) -> None:
    assert api.get("/health").headers["cache-control"] == "no-store"


def test_the_computations_are_listed_with_their_schema_and_an_example(
    api: Api, question: Questions
) -> None:
    computations = api.get("/v1").json["computations"]
    [listed] = [each for each in computations if each["href"].endswith(question.route)]
    assert listed["parameters"]["type"] == "object"
    assert listed["documentation"]
    assert api.post(listed["href"], listed["example"]).status in (200, 202)


@pytest.mark.parametrize("path", ["/health", "/v1"])
def test_head_is_get_without_the_body(path: str, api: Api) -> None:
    head, get = api.ask("HEAD", path), api.get(path)
    assert (head.status, head.body) == (get.status, b"")
    assert head.media_type == get.media_type


def test_head_of_a_result_has_its_headers(api: Api, hit: Reply) -> None:
    head = api.ask("HEAD", hit.headers["content-location"])
    assert (head.status, head.body) == (200, b"")
    assert head.headers["etag"] == hit.headers["etag"]


def test_a_trailing_slash_makes_no_difference(api: Api) -> None:
    assert api.get("/health/").status == 200


def test_a_browser_may_ask_from_another_origin(api: Api, hit: Reply, question: Questions) -> None:
    preflight = api.ask("OPTIONS", question.route, origin="http://localhost:5173")
    assert preflight.status == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "traceparent, tracestate" in preflight.headers["access-control-allow-headers"]
    assert "etag" in hit.headers["access-control-expose-headers"]
