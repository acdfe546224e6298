"""Validates a result's JSON as it is written, so by what /openapi.json says of it.

A model reads another form than it writes if it has aliases, computed or excluded fields, or
serializers. Here pydantic's core schema is changed to read what it writes.
"""

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import SchemaValidator

ANY = {"type": "any"}
AUTHORS = ("function-after", "function-before", "function-wrap")
"""Validators of the author: they know the value, but not always its written form."""
INNER = {"choices", "definitions", "items_schema", "json_schema", "keys_schema", "schema", "steps"}
INNER |= {"extras_schema", "lax_schema", "strict_schema", "values_schema"}
"""The keys of what is within a node: a node or a list of nodes."""
FIELDS = {"dataclass-args": "dataclass-field", "model-fields": "model-field"} | {
    "typed-dict": "typed-dict-field"
}


def validate(model: type[BaseModel], json: bytes) -> None:
    """Raise pydantic's ValidationError if the model does not write such JSON."""
    _validator(model).validate_json(json, strict=True, by_alias=True, by_name=False)


@cache
def _validator(model: type[BaseModel]) -> SchemaValidator:
    schema = _written(model.__pydantic_core_schema__)
    return SchemaValidator(schema, _use_prebuilt=False)


def _written(node: Any) -> Any:
    """The node, or those in a list or tuple, as it is written."""
    if isinstance(node, list | tuple):
        return type(node)(map(_written, node))
    if not isinstance(node, dict):
        return node
    made = _by_function(node) or _by_type(node)
    return made | {"ref": node["ref"]} if "ref" in node else made


def _by_function(node: dict[str, Any]) -> dict[str, Any] | None:
    """What the author's serializer says that it writes; None if there is none."""
    by = node.get("serialization", {})
    if by.get("type") not in ("any", "function-plain", "function-wrap"):
        return None
    schema: dict[str, Any] = _written(by.get("return_schema", ANY))
    is_nullable = by.get("when_used", "").endswith("unless-none")
    return {"type": "nullable", "schema": schema} if is_nullable else schema


def _by_type(node: dict[str, Any]) -> Any:
    made = node | {key: _written(inner) for key, inner in node.items() if key in INNER}
    match node["type"]:
        case "json":
            return made.get("schema", ANY)
        case kind if kind in AUTHORS and made["schema"] != node["schema"]:
            return made["schema"]
        case "tagged-union":
            made["choices"] = {tag: _written(each) for tag, each in node["choices"].items()}
        case kind if kind in FIELDS:
            made["fields"] = _fields(node, FIELDS[kind])
    return made


def _fields(node: dict[str, Any], kind: str) -> Any:
    """The fields of a model, dataclass or typed dictionary that are written, by those names."""
    fields = node["fields"]
    named = fields.items() if isinstance(fields, dict) else [(f["name"], f) for f in fields]
    made = {name: _field(each) for name, each in named if not each.get("serialization_exclude")}
    for each in node.get("computed_fields", ()):
        name = each["property_name"]
        schema = {"type": kind, "name": name, "schema": _written(each["return_schema"])}
        made[name] = schema | ({"validation_alias": each["alias"]} if "alias" in each else {})
    return made if isinstance(fields, dict) else list(made.values())


def _field(field: dict[str, Any]) -> dict[str, Any]:
    made = {key: value for key, value in _written(field).items() if key != "validation_alias"}
    if "serialization_alias" in field:
        made["validation_alias"] = field["serialization_alias"]
    if "serialization_exclude_if" in field:
        made["schema"] = {"type": "default", "schema": made["schema"], "default": None}
    return made
