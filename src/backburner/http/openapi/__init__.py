"""`GET /openapi.json`: this deployment's OpenAPI 3.1, made from its computations and problems."""

import json
from functools import cache

from backburner.computation import registry
from backburner.http.openapi.parameters import request_header
from backburner.http.openapi.paths import documents, questions
from backburner.http.openapi.responses import answers, problems_by_status, response_of
from backburner.http.openapi.schemas import models, problem_schema
from backburner.http.openapi.vocabulary import (
    ACCEPTED,
    ELSEWHERE,
    INFO,
    OF_A_RESULT,
    REQUEST_HEADERS,
    SECURITY_SCHEMES,
    Json,
    object_of,
)
from backburner.http.response import JSON, Document


@cache
def served(names: tuple[str, ...], base: str) -> Document:
    return Document.of(json.dumps(document(names, base)).encode(), JSON)


@cache
def document(names: tuple[str, ...], base: str = "") -> Json:
    """The document of these computations; cached, so do not change it.

    `base` is put before each path.
    """
    described = [registry.load(name) for name in names]
    schemas: Json = {"Problem": problem_schema(), "Accepted": object_of(ACCEPTED)}
    responses = problems_by_status() | {
        "NotModified": response_of("It holds.", {}, OF_A_RESULT),
        "Elsewhere": response_of(ELSEWHERE, {}, (*OF_A_RESULT, "Location")),
    }
    paths = documents()
    for computation in described:
        schemas |= models(computation)
        responses |= answers(computation)
        paths |= questions(computation)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": base or "/"}],
        "security": [],
        "tags": [{"name": c.name, "description": c.documentation} for c in described],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "parameters": {name: request_header(name) for name in REQUEST_HEADERS},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }
