"""Parameters, by body and by query; and everything that is none."""

import json
from typing import Any

import pytest

from backburner.http.parameters import MOST_ERRORS
from tests.conftest import Deployment, http_event

POINTER = "pointer"


def post(deployment: Deployment, body: str | bytes, content_type: str = "application/json") -> Any:
    text = body if isinstance(body, str) else body.decode("latin-1")
    event = http_event("POST", "/v1/doubling", headers={"content-type": content_type}, body=text)
    return deployment.ask(event)


# one signature


@pytest.mark.parametrize(
    "body",
    [
        '{"number": 21}',
        '{"number": 21.0}',
        '{"number": 2.1e1}',
        ' {\n"weights": [], "label": "", "number": 21 }\t',
    ],
)
def test_equal_parameters_have_one_signature_however_they_are_written(
    body: str, deployment: Deployment
) -> None:
    assert post(deployment, body).signature == deployment.get("/v1/doubling?number=21").signature


def test_a_query_says_what_a_body_says(deployment: Deployment) -> None:
    body = {"number": 1e3, "label": "7", "weights": [1, 2]}
    by_body = deployment.post("/v1/doubling", body)
    for query in (
        "number=1000&label=7&weights=[1,2]",
        "weights=1&label=%37&weights=2&number=1e3",
    ):
        assert deployment.get(f"/v1/doubling?{query}").signature == by_body.signature


def test_a_choice_in_a_query_is_text(deployment: Deployment) -> None:
    assert deployment.get("/v1/crashing?how=raise").status == 202


# 422: parameters that do not validate


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/number"),
        ({"number": "21"}, "/number"),
        ({"number": True}, "/number"),
        ({"number": None}, "/number"),
        ({"number": 1, "weights": [1, 2.5]}, "/weights/1"),
        ({"number": 1, "unheard/of~": 1}, "/unheard~1of~0"),
        ([], ""),
        (7, ""),
    ],
)
def test_what_does_not_validate_is_pointed_at(
    body: object, pointer: str, deployment: Deployment
) -> None:
    reply = post(deployment, json.dumps(body))
    assert (reply.status, reply.headers["content-type"]) == (422, "application/problem+json")
    assert [e[POINTER] for e in reply.json["errors"]] == [pointer]
    assert reply.json["errors"][0]["reason"]


def test_every_error_is_told_up_to_a_number(deployment: Deployment) -> None:
    reply = post(deployment, json.dumps({"number": 1, "weights": ["x"] * 1000}))
    assert len(reply.json["errors"]) == MOST_ERRORS
    assert reply.json["detail"].startswith("1000 of the parameters")


@pytest.mark.parametrize(
    "query", ["", "number=x", "number=1&number=2", "number=%ff", "number=1&more=1", "number=NaN"]
)
def test_a_query_that_does_not_validate_is_422(query: str, deployment: Deployment) -> None:
    assert deployment.get(f"/v1/doubling?{query}").status == 422


def test_a_query_of_too_many_parameters_is_422(deployment: Deployment) -> None:
    assert deployment.get("/v1/doubling?" + "&".join(["number=1"] * 101)).status == 422


# 400: no JSON


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"number": 1', "line 1 column 13"),
        ("", "line 1 column 1"),
        ('{"number": 1, "number": 2}', "'number' stands twice"),
        ('{"number": NaN}', "NaN"),
        ('{"number": -Infinity}', "-Infinity"),
        ('{"number": 1e999}', "1e999"),
        ('{"number": ' + "9" * 5000 + "}", "digits"),
        ("[" * 10_000 + "]" * 10_000, "nested too deeply"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "nested too deeply"),
    ],
    ids=range(9),
)
def test_what_is_no_json_of_ours_is_400(body: str, place: str, deployment: Deployment) -> None:
    reply = post(deployment, body)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    assert place in reply.json["detail"]


def test_a_body_that_is_not_utf_8_is_400(deployment: Deployment) -> None:
    event = http_event("POST", "/v1/doubling", headers={"content-type": "application/json"})
    event |= {"body": "eyJudW1iZXIiOiAi/yJ9", "isBase64Encoded": True}
    assert deployment.ask(event).status == 400


def test_a_base64_body_is_a_body_like_any_other(deployment: Deployment) -> None:
    event = http_event("POST", "/v1/doubling", headers={"content-type": "application/vnd.x+json"})
    event |= {"body": "eyJudW1iZXIiOiAyMX0=", "isBase64Encoded": True}
    assert deployment.ask(event).status == 202
    assert deployment.ask(event | {"body": "!"}).status == 400


# 413, 415


def test_a_body_over_the_limit_is_413(deployment: Deployment) -> None:
    at_the_limit = json.dumps({"number": 1, "label": "x" * 999_960})
    body = at_the_limit + " " * (1_000_000 - len(at_the_limit))
    assert post(deployment, body).status == 202
    assert post(deployment, body + " ").status == 413


def test_parameters_that_do_not_compress_enough_are_413(deployment: Deployment) -> None:
    weights = [n * 7919 % 1_000_003 for n in range(100_000)]
    reply = post(deployment, json.dumps({"number": 1, "weights": weights}))
    assert reply.status == 413
    assert "compressed" in reply.json["detail"]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_said_to_be_json_is_415(
    content_type: str, deployment: Deployment
) -> None:
    reply = post(deployment, '{"number": 1}', content_type)
    assert reply.status == 415
    assert "send application/json" in reply.json["detail"]


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"]
)
def test_json_by_any_name_is_taken(content_type: str, deployment: Deployment) -> None:
    assert post(deployment, '{"number": 1}', content_type).status == 202


# nothing is left behind


def test_bad_input_leaves_no_entry_and_no_message(deployment: Deployment) -> None:
    for body in ("{", "{}", '{"number": "secret"}'):
        post(deployment, body)
    assert deployment.dynamodb.scan(TableName=deployment.table)["Items"] == []
    assert deployment.messages() == []
