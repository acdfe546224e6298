"""Parameters, by body and by query; and everything that is none."""

import json
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import replace
from enum import Enum, StrEnum
from typing import Annotated, Any, Literal

import pytest
from hypothesis import example, given
from pydantic import Field

from backburner import computation
from backburner.canonical_json import canonical
from backburner.computation import registry
from backburner.http import parameters
from backburner.http.event import MAX_DEPTH, Request
from backburner.http.parameters import MAX_ERRORS, MAX_REASON_LENGTH, takes_text
from backburner.problems import InvalidParameters, NotJson
from tests.conftest import MotoDeployment, http_event
from tests.http import hostile
from tests.test_canonical_json import json_values

POINTER = "pointer"


def post(
    deployment: MotoDeployment, body: str | bytes, content_type: str = "application/json"
) -> Any:
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
    body: str, deployment: MotoDeployment
) -> None:
    assert post(deployment, body).signature == deployment.get("/v1/doubling?number=21").signature


def test_a_query_says_what_a_body_says(deployment: MotoDeployment) -> None:
    body = {"number": 1e3, "label": "7", "weights": [1, 2]}
    by_body = deployment.post("/v1/doubling", body)
    for query in (
        "number=1000&label=7&weights=[1,2]",
        "weights=1&label=%37&weights=2&number=1e3",
    ):
        assert deployment.get(f"/v1/doubling?{query}").signature == by_body.signature


class ColourInAQuery(StrEnum):
    RED = "1"


@pytest.mark.parametrize(
    ("annotation", "takes"),
    [
        (str, True),
        (str | None, True),
        (Annotated[str, "how"] | None, True),
        (Literal["1", "2"], True),
        (ColourInAQuery, True),
        (int, False),
        (str | int, False),
        (Literal["1", 2], False),
        (list[str], False),
        (dict[str, str], False),
        (None, False),
    ],
)
def test_what_takes_text_in_a_query_takes_nothing_else(annotation: object, takes: bool) -> None:
    assert takes_text(annotation) is takes


def test_a_choice_in_a_query_is_text(deployment: MotoDeployment) -> None:
    assert deployment.get("/v1/crashing?how=raise").status == 202


@pytest.mark.parametrize(
    ("query", "given"),
    [
        ("numbers=1", {"numbers": [1]}),
        ("numbers=[1]", {"numbers": [1]}),
        ("numbers=[]", {"numbers": []}),
        ("numbers=1&numbers=2", {"numbers": [1, 2]}),
        ("texts=a", {"texts": ["a"]}),
        ('texts="a"', {"texts": ["a"]}),
        ("texts=1&texts=true", {"texts": ["1", "true"]}),
        ('texts=["a"]', {"texts": ["a"]}),
        ("texts=null", {"texts": None}),
        ("pair=1&pair=2", {"pair": (1, 2)}),
        ("nested=[[1]]", {"nested": [[1]]}),
        ("either=1", {"either": 1}),
        ("either=1&either=2", {"either": [1, 2]}),
        ("anything=1", {"anything": 1}),
    ],
)
def test_one_value_is_a_list_of_one_where_nothing_but_a_list_will_do(
    query: str, given: dict[str, Any]
) -> None:
    request = Request.from_event(http_event("GET", "/v1/lists", query=query))
    computation = replace(hostile.OPEN, parameters=ListsInAQuery)
    assert parameters.of(request, computation).model_dump(exclude_unset=True) == given


class ListsInAQuery(computation.Parameters):
    numbers: list[int] = Field([])
    texts: Annotated[Sequence[str] | None, "how"] = None
    pair: tuple[int, int] = (0, 0)
    nested: list[list[int]] = Field([])
    either: list[int] | int = 0
    anything: Any = None


@given(json_values)
@example([1e-5, -1e-5, 1e-7, 1e-4, 1e16, 1e21, 1e22, 123456789012345.6, -0.0, 10**30, 5e-324])
@example(["\x7f", "\0\x1f\b\n\u2028\u00e9\U0001f600", {"\x7f": 1}])
@example({"b": [{"d": 1.0, "c": {"é": 2.0}}], "a": [[1.0], [0.1, None, True, "1.0"]]})
def test_parameters_are_written_in_the_canonical_form(anything: object) -> None:
    asked = hostile.AnyParameters(anything=anything)
    assert parameters.dump(asked) == canonical(asked.model_dump(mode="json"))


def test_usual_parameters_are_written_without_another_try(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parameters, "canonical", None)
    asked = hostile.AnyParameters(number=2.0, label="é", weights=[1], anything=[{"a": -0.25}, 1.0])
    assert json.loads(parameters.dump(asked))["number"] == 2


def test_a_large_number_is_one_however_it_is_written(deployment: MotoDeployment) -> None:
    reply = deployment.get("/v1/doubling?number=1e300")
    assert post(deployment, '{"number": 1' + "0" * 300 + "}").signature == reply.signature


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
    body: object, pointer: str, deployment: MotoDeployment
) -> None:
    reply = post(deployment, json.dumps(body))
    assert (reply.status, reply.headers["content-type"]) == (422, "application/problem+json")
    assert [e[POINTER] for e in reply.json["errors"]] == [pointer]
    assert reply.json["errors"][0]["reason"]


def test_every_error_is_told_up_to_a_number(deployment: MotoDeployment) -> None:
    reply = post(deployment, json.dumps({"number": 1, "weights": ["x"] * 1000}))
    assert len(reply.json["errors"]) == MAX_ERRORS
    assert reply.json["detail"].startswith("1000 of the parameters")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ('{"number": 1, "label": "a\\u0000b"}', "/label"),
        ('{"number": 1, "label": "\\ud800"}', "/label"),
        ('{"number": 1, "label": "\\udc00\\ud800"}', "/label"),
        ('{"number": 1, "weights": [1, "\\u0000"]}', "/weights/1"),
        ('{"number": 1, "\\ud800": 1}', ""),
        ('{"number": 1, "more": {"\\u0000": 1}}', "/more"),
    ],
)
def test_what_is_no_character_is_pointed_at(
    body: str, pointer: str, deployment: MotoDeployment
) -> None:
    reply = post(deployment, body)
    assert (reply.status, [e[POINTER] for e in reply.json["errors"]]) == (422, [pointer])


def test_characters_beyond_the_first_plane_are_characters(deployment: MotoDeployment) -> None:
    asked = post(deployment, '{"number": 1, "label": "\\ud83d\\ude00 \\\\u0000"}')
    assert asked.status == 202
    by_query = deployment.get("/v1/doubling?number=1&label=%F0%9F%98%80%20%5Cu0000")
    assert by_query.signature == asked.signature


@pytest.mark.parametrize(
    ("query", "pointers"),
    [
        ("", ["/number"]),
        ("number", ["/number"]),
        ("number=", ["/number"]),
        ("number=x", ["/number"]),
        ("number=1&number=2", ["/number"]),
        ("number=NaN", ["/number"]),
        ("number=" + "9" * 1000, ["/number"]),
        ("number=1&more=1", ["/more"]),
        ("Number=1", ["/number", "/Number"]),
        ("number=1&label=a&label=b", ["/label"]),
        ("number=1&label=%00", ["/label"]),
        ("number=1&weights=x", ["/weights/0"]),
        ("number=1&weights=null", ["/weights"]),
        ("number=1&weights=[1", ["/weights/0"]),
        ("number=1&weights=" + "[" * 5000, ["/weights/0"]),
        ("number=1&weights=1&weights=x", ["/weights/1"]),
        ("number=1;label=a", ["/number"]),
        ("number=%ff", []),
        ("number=1&label=%ed%a0%80", []),
    ],
)
def test_a_query_that_does_not_validate_is_422(
    query: str, pointers: list[str], deployment: MotoDeployment
) -> None:
    reply = deployment.get(f"/v1/doubling?{query}")
    assert reply.status == 422
    assert [e[POINTER] for e in reply.json["errors"]] == pointers


def test_a_query_of_too_many_parameters_is_422(deployment: MotoDeployment) -> None:
    assert deployment.get("/v1/doubling?" + "&".join(["number=1"] * 101)).status == 422


class On(Enum):
    ON = 1


class Nested(computation.Parameters):
    kind: Literal[1] = 1
    off: Literal[False] = False


class Chosen(computation.Parameters):
    one: Literal[1, "x"] = 1
    on: On = On.ON
    yes: Literal[True] = True
    nested: list[Nested | None] = Field([])
    any: Any = None


@pytest.mark.parametrize(
    ("given", "pointers"),
    [
        ({"one": True, "on": True, "yes": 1}, ["/on", "/one", "/yes"]),
        ({"nested": [None, {"kind": True, "off": 0.0}]}, ["/nested/1/kind", "/nested/1/off"]),
        ({"one": 1.0, "on": 1, "yes": True, "nested": [{"off": False}], "any": [True, 1]}, []),
    ],
)
def test_true_is_not_1_and_false_is_not_0(given: Any, pointers: list[str]) -> None:
    headers = {"content-type": "application/json"}
    event = http_event("POST", "/", headers=headers, body=json.dumps(given))
    asked = replace(registry.load("doubling"), parameters=Chosen)
    try:
        parameters.of(Request.from_event(event), asked)
    except InvalidParameters as problem:
        told = json.loads(problem.as_json())["errors"]
        assert sorted(error[POINTER] for error in told) == pointers
    else:
        assert not pointers


def test_a_reason_is_no_longer_than_it_needs_to_be() -> None:
    reply = hostile.ask(hostile.by_body('{"shapes":[{"shape":"' + "x" * 100_000 + '"}]}'))
    [error] = json.loads(reply["body"])["errors"]
    assert error["pointer"] == "/shapes/0"
    assert len(error["reason"]) == MAX_REASON_LENGTH


def test_text_that_is_none_is_told_up_to_a_number(deployment: MotoDeployment) -> None:
    reply = post(deployment, json.dumps({"number": 1, "more": ["\0"] * 1000}))
    assert [e[POINTER] for e in reply.json["errors"]] == [f"/more/{n}" for n in range(MAX_ERRORS)]
    assert reply.json["detail"].startswith("20 or more of the parameters")


# 400: no JSON


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ('{"number": 1', "line 1 column 13"),
        ("", "line 1 column 1"),
        ('{"number": 1, "number": 2}', "'number' appears twice"),
        ('{"number": NaN}', "NaN"),
        ('{"number": -Infinity}', "-Infinity"),
        ('{"number": 1e999}', "1e999"),
        ('{"number": ' + "9" * 1000 + "}", "9 is not a finite number"),
        ('{"number": 1, "weights": [' + "-" + "9" * 5000 + "]}", "9 is not a finite number"),
        ("[" * 10_000 + "]" * 10_000, "nested too deeply"),
        ('{"a":' * 10_000 + "1" + "}" * 10_000, "nested too deeply"),
        ("[" * 1_000_000, "nested too deeply"),
    ],
    ids=range(11),
)
def test_what_is_no_json_of_ours_is_400(body: str, place: str, deployment: MotoDeployment) -> None:
    reply = post(deployment, body)
    assert (reply.status, reply.headers["content-type"]) == (400, "application/problem+json")
    assert place in reply.json["detail"]


@pytest.mark.parametrize(("start", "end"), [("[", "]"), ('{"a":', "}")])
def test_json_is_nested_up_to_a_number_of_levels(start: str, end: str) -> None:
    def nested(levels: int) -> str:
        inside = start * (levels - 1) + "[]" + end * (levels - 1)
        return '{"anything":' + inside + "}"

    assert hostile.ask(hostile.by_body(nested(MAX_DEPTH - 1)))["statusCode"] == 202
    assert hostile.ask(hostile.by_body(nested(MAX_DEPTH)))["statusCode"] == 400


def test_a_body_that_is_not_utf_8_is_400(deployment: MotoDeployment) -> None:
    event = http_event("POST", "/v1/doubling", headers={"content-type": "application/json"})
    event |= {"body": "eyJudW1iZXIiOiAi/yJ9", "isBase64Encoded": True}
    reply = deployment.ask(event)
    assert reply.status == 400
    assert "position 12" in reply.json["detail"]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32"])
def test_a_body_in_another_encoding_is_400(encoding: str, deployment: MotoDeployment) -> None:
    event = http_event("POST", "/v1/doubling", headers={"content-type": "application/json"})
    event |= {"body": b64encode('{"number": 21}'.encode(encoding)).decode()}
    assert deployment.ask(event | {"isBase64Encoded": True}).status == 400


def test_a_base64_body_is_a_body_like_any_other(deployment: MotoDeployment) -> None:
    event = http_event("POST", "/v1/doubling", headers={"content-type": "application/vnd.x+json"})
    event |= {"body": "eyJudW1iZXIiOiAyMX0=", "isBase64Encoded": True}
    assert deployment.ask(event).status == 202
    assert deployment.ask(event | {"body": "!"}).status == 400


# 413, 415


@pytest.mark.parametrize(
    "family", ["body: a long name over errors", "body: an error at every depth"]
)
def test_what_would_need_long_pointers_to_many_values_is_413(family: str) -> None:
    reply = hostile.ask(hostile.FAMILIES[family](100_000))
    assert reply["statusCode"] == 413
    assert "nest less, or use shorter names" in reply["body"]


def test_a_body_over_the_limit_is_413(deployment: MotoDeployment) -> None:
    at_the_limit = json.dumps({"number": 1, "label": "x" * 999_960})
    body = at_the_limit + " " * (1_000_000 - len(at_the_limit))
    assert post(deployment, body).status == 202
    assert post(deployment, body + " ").status == 413


def test_more_errors_than_anybody_reads_are_counted_and_not_listed(
    deployment: MotoDeployment,
) -> None:
    def told(errors: int) -> tuple[str, list[dict[str, str]]]:
        reply = post(deployment, json.dumps({"number": 1, "weights": ["x"] * errors}))
        assert reply.status == 422
        return reply.json["detail"].split()[0], reply.json["errors"]

    count, errors = told(5_000)
    assert (count, len(errors), errors[1]["pointer"]) == ("5000", 20, "/weights/1")
    count, errors = told(5_001)
    assert (count, [error["pointer"] for error in errors]) == ("5001", [""])
    assert "more than 5000 errors" in errors[0]["reason"]


def test_parameters_that_do_not_compress_enough_are_413(deployment: MotoDeployment) -> None:
    weights = [n * 7919 % 1_000_003 for n in range(50_000)]
    reply = post(deployment, json.dumps({"number": 1, "weights": weights}))
    assert reply.status == 413
    assert "compressed" in reply.json["detail"]


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_a_body_that_is_not_said_to_be_json_is_415(
    content_type: str, deployment: MotoDeployment
) -> None:
    reply = post(deployment, '{"number": 1}', content_type)
    assert reply.status == 415
    assert "send application/json" in reply.json["detail"]


@pytest.mark.parametrize("coding", ["gzip", "GZIP", "br, gzip", "unheard-of"])
def test_a_body_in_a_coding_is_415_with_its_name(coding: str) -> None:
    headers = {"content-type": "application/json", "content-encoding": coding}
    with pytest.raises(NotJson, match=f"content-encoding is '{coding.lower()}'; send the body"):
        Request.from_event(http_event("POST", "/", headers=headers, body="{}")).json()


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", "Application/JSON", "application/x+json"]
)
def test_json_by_any_name_is_taken(content_type: str, deployment: MotoDeployment) -> None:
    assert post(deployment, '{"number": 1}', content_type).status == 202


# nothing is left behind

MARKER = "marker-7d1f"
BAD_BODIES = [
    MARKER,
    f'{{"{MARKER}": 1, "{MARKER}": 2}}',
    f'{{"number": "{MARKER}"}}',
    f'{{"number": 1, "{MARKER}": 1}}',
    f'{{"number": 1, "weights": ["{MARKER}"]}}',
    f'{{"number": 1, "label": "{MARKER}\\u0000"}}',
    f'{{"number": 1, "label": "{MARKER}\\ud800"}}',
    json.dumps({"number": 1, "label": MARKER * 100_000}),
]
BAD_REQUESTS = [
    *[("POST", "/v1/doubling", "", {"content-type": "application/json"}, b) for b in BAD_BODIES],
    ("POST", "/v1/doubling", "", {"content-type": MARKER}, "{}"),
    ("GET", "/v1/doubling", f"number={MARKER}", {}, None),
    ("GET", "/v1/doubling", f"number=1&{MARKER}=1", {}, None),
    ("GET", "/v1/doubling", f"number=1&label={MARKER}%ff", {}, None),
    ("GET", f"/v1/{MARKER}", "", {}, None),
    ("GET", f"/v1/doubling/{MARKER}", "", {}, None),
    ("GET", f"/{MARKER}", "", {}, None),
    (MARKER, "/v1/doubling", "", {}, None),
]


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "body"), BAD_REQUESTS, ids=range(len(BAD_REQUESTS))
)
def test_bad_input_is_answered_and_leaves_nothing_behind(
    method: str,
    path: str,
    query: str,
    headers: dict[str, str],
    body: str | None,
    deployment: MotoDeployment,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    reply = deployment.ask(http_event(method, path, query=query, headers=headers, body=body))
    assert 400 <= reply.status < 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json["detail"]
    assert len(reply.text) < 2000
    assert deployment.dynamodb.scan(TableName=deployment.table)["Items"] == []
    assert deployment.messages() == []
    assert MARKER not in caplog.text + "".join(capfd.readouterr())
