"""What a request may have in its query and headers."""

from backburner.computation import Computation
from backburner.http.openapi.schemas import models
from backburner.http.openapi.vocabulary import REQUEST_HEADERS, SCALARS, TEXT, Json, prefix
from backburner.http.parameters import takes_text
from backburner.http.response import JSON


def query_parameters(computation: Computation) -> list[Json]:
    """The query as parameters.py reads it: text and scalars as they are, all else as JSON."""
    schemas = models(computation)[f"{prefix(computation)}Parameters"].get("properties", {})
    return [_query_parameter(computation, name, schema) for name, schema in schemas.items()]


def _query_parameter(computation: Computation, name: str, schema: Json) -> Json:
    field = computation.parameters.model_fields[name]
    value = {"schema": schema}
    if name in computation.example:
        value["example"] = computation.example[name]
    as_it_is = takes_text(field.annotation) or schema.get("type") in SCALARS
    return {
        "name": name,
        "in": "query",
        "required": field.is_required(),
        "description": field.description or "",
        **(value if as_it_is else {"content": {JSON: value}}),
    }


def request_header(name: str) -> Json:
    description, example = REQUEST_HEADERS[name]
    about = {"description": description, "example": example}
    return {"name": name, "in": "header", "schema": TEXT, **about}
