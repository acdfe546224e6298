"""Reads parameters from files: JSON, or CSV for a list."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from backburner.development.errors import CommandError

Json = Any


class UnreadableFile(CommandError):
    """The file does not have parameters."""


def read(name: str, content: bytes, schema: Callable[[], Mapping[str, Json]]) -> dict[str, Json]:
    """The parameters in a file of this name; `schema` gives that of the parameters, for CSV."""
    if Path(name).suffix.lower() == ".csv":
        return of_csv(name, text(name, content), schema())
    return of_json(name, content)


def text(name: str, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile(f"{name} is not UTF-8 ({error}); convert it") from error


def of_json(name: str, content: bytes) -> dict[str, Json]:
    try:
        read = _read(content)
    except ValueError as error:
        raise UnreadableFile(f"{name} is not JSON: {error}") from error
    if not isinstance(read, dict):
        raise UnreadableFile(f"{name} is not a JSON object, as parameters are; name each of them")
    return read


def of_csv(name: str, content: str, schema: Mapping[str, Json]) -> dict[str, Json]:
    """The rows as one of the parameters: the list that the file is named after, or the only list.

    The first row has the fields' names. An empty cell is a field that is left out.
    """
    try:
        lists = {each: items for each, items in _lists(schema) if "properties" in items}
    except (AttributeError, LookupError, TypeError, RecursionError) as error:
        why = f"the service's schema of the parameters makes no sense ({error!r})"
        raise UnreadableFile(f"{name} cannot be read: {why}; give JSON") from error
    stem = Path(name).stem
    chosen = stem if stem in lists else next(iter(lists), "")
    if not chosen or (len(lists) > 1 and stem not in lists):
        named = ", ".join(lists) or "none of them"
        raise UnreadableFile(
            f"{name} is to be one of the parameters that are lists of objects ({named}); "
            "name the file after it, such as stops.csv"
        )
    fields = lists[chosen]["properties"]
    rows = csv.DictReader(io.StringIO(content), strict=True)
    try:
        return {chosen: [_object(row, fields) for row in rows]}
    except csv.Error as error:
        raise _bad_line(name, rows.line_num + 1, error) from error
    except TypeError as error:
        raise _bad_line(name, rows.line_num, error) from error


def _bad_line(name: str, line: int, error: Exception) -> UnreadableFile:
    return UnreadableFile(f"{name}, line {line}: {error}; mend that line")


def _lists(schema: Mapping[str, Json]) -> Iterator[tuple[str, Json]]:
    """The parameters that are lists, with the schema of their items, alternatives made one."""
    models = schema.get("$defs", {})
    for name, each in schema.get("properties", {}).items():
        if each.get("type") == "array":
            yield name, _merged(each.get("items", {}), models)


def _merged(schema: Mapping[str, Json], models: Mapping[str, Json]) -> dict[str, Json]:
    if "$ref" in schema:
        return _merged(models[schema["$ref"].rpartition("/")[2]], models)
    choices = [
        _merged(each, models) for key in ("anyOf", "oneOf", "allOf") for each in schema.get(key, ())
    ]
    merged = dict(schema)
    for choice in choices:
        if "properties" in choice:
            merged["properties"] = choice["properties"] | merged.get("properties", {})
    return merged


def _object(row: Mapping[str | None, Any], fields: Mapping[str, Json]) -> dict[str, Json]:
    if None in row or None in row.values():
        raise TypeError("it has another number of cells than the first line")
    return {
        str(name): cell if fields.get(str(name), {}).get("type") == "string" else value(cell)
        for name, cell in row.items()
        if cell != ""
    }


def value(text: str) -> Json:
    """What the text is as JSON, or the text itself."""
    try:
        return _read(text)
    except ValueError:
        return text


def _read(text: str | bytes) -> Json:
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"JSON has no {constant}")
