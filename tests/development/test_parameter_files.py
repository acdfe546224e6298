"""Parameters from JSON and CSV."""

from typing import Any

import pytest

from backburner.development import parameter_files
from backburner.development.parameter_files import UnreadableFile
from computations.route_plan.parameters import Parameters

SCHEMA = Parameters.model_json_schema()
ONE_LIST: dict[str, Any] = {
    "properties": {"rows": {"type": "array", "items": {"$ref": "#/$defs/Row"}}},
    "$defs": {"Row": {"properties": {"code": {"type": "string"}, "n": {"type": "number"}}}},
}
TWO_LISTS = ONE_LIST | {
    "properties": dict.fromkeys(("these", "those"), ONE_LIST["properties"]["rows"])
}
ROWS = ONE_LIST["properties"]
NONSENSE: list[Any] = [
    7,
    {"properties": 7},
    {"properties": {"rows": 7}},
    {"properties": ROWS, "$defs": {}},
    {"properties": ROWS, "$defs": {"Row": {"$ref": "#/$defs/Row"}}},
    {"properties": {"rows": {"type": "array", "items": {"anyOf": 7}}}},
]


def read(name: str, text: str, schema: dict[str, Any] = ONE_LIST) -> dict[str, Any]:
    return parameter_files.read(name, text.encode(), lambda: schema)


def test_json_is_read_as_it_is() -> None:
    assert read("any.json", '{"n": 1.5}') == {"n": 1.5}
    assert read("<stdin>", '{"text": "ä"}') == {"text": "ä"}


def test_a_csv_file_is_the_list_that_it_is_named_after() -> None:
    stops = "x,y,id,demand\n3,4,007,\n-5,12.5,b,2\n"
    assert read("some/where/stops.csv", stops, SCHEMA) == {
        "stops": [{"x": 3, "y": 4, "id": "007"}, {"x": -5, "y": 12.5, "id": "b", "demand": 2}]
    }


def test_its_cells_may_be_quoted_and_hold_json() -> None:
    assert read("stops.csv", 'lat,lon,window\r\n1,2,"[0, 60]"\r\n', SCHEMA) == {
        "stops": [{"lat": 1, "lon": 2, "window": [0, 60]}]
    }


def test_a_csv_file_of_any_name_is_the_only_list() -> None:
    assert read("July.CSV", "\ufeffcode,n\n1,1\n") == {"rows": [{"code": "1", "n": 1}]}


@pytest.mark.parametrize(
    ("name", "text", "schema", "why"),
    [
        ("a.json", "{", {}, "a.json is not JSON"),
        ("a.json", "[1]", {}, "not a JSON object"),
        ("a.json", '{"n": NaN}', {}, "JSON has no NaN"),
        ("a.json", "[" * 100_000, {}, "nested too deeply"),
        ("a.csv", "n\n1\n", TWO_LISTS, "these, those"),
        ("a.csv", "n\n1\n", {}, "none of them"),
        *(
            ("rows.csv", "n\n1\n", schema, "schema of the parameters makes no sense")
            for schema in NONSENSE
        ),
        ("rows.csv", "code,n\n1\n", ONE_LIST, "line 2: it has another number of cells"),
        ("rows.csv", "code,n\n1,2,3\n", ONE_LIST, "line 2: it has another number of cells"),
        ("rows.csv", 'code\n"1"2\n', ONE_LIST, "line 2"),
    ],
)
def test_what_cannot_be_read_is_told_with_the_remedy(
    name: str, text: str, schema: dict[str, Any], why: str
) -> None:
    with pytest.raises(UnreadableFile, match=why.replace("(", r"\(")):
        read(name, text, schema)


def test_what_is_not_utf_8_is_told() -> None:
    with pytest.raises(UnreadableFile, match="not UTF-8"):
        parameter_files.read("rows.csv", b"code\n\xff\n", lambda: ONE_LIST)
