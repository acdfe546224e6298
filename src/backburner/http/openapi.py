"""`GET /openapi.json`: this deployment's OpenAPI 3.1, made from its computations and problems."""

import json
from collections.abc import Collection
from functools import cache
from typing import Any

from pydantic.json_schema import models_json_schema

from backburner import __version__, problems
from backburner.computation import Computation, registry
from backburner.http.event import MAX_BODY_BYTES
from backburner.http.parameters import takes_text
from backburner.http.response import JSON, PROBLEM, Document
from backburner.problems import Problem
from backburner.protocol.entry import MAX_PARAMETERS_BYTES
from backburner.protocol.signature import FORM

Json = dict[str, Any]
Kinds = Collection[type[Problem]]

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
NOTHING: Json = {"type": "string", "maxLength": 0}
TIME: Json = {"type": "string", "format": "date-time"}
SIGNATURE: Json = {"type": "string", "pattern": f"^{FORM.pattern}$"}

INFO = {
    "title": "backburner",
    "version": __version__,
    "license": {"name": "MIT", "identifier": "MIT"},
    "description": (
        "Slow computations behind a fast API. Ask with the parameters: 200 is the result; 202 is "
        "“not yet”: ask again after Retry-After seconds, here or at Location. Equal parameters "
        "have one signature, however they are written, and are computed once."
    ),
}
IN_A_QUERY = (
    "In a query, write text as it is and anything else as JSON. Repeat a parameter to send a list; "
    "where only a list is allowed, one value is a list of one."
)
ELSEWHERE = (
    "The result is large: its bytes are at Location for some minutes, always gzipped. Follow it by "
    "GET (a HEAD, by HEAD), and without what authorises you here."
)
LIMIT = f"At most {MAX_BODY_BYTES:,} bytes, and {MAX_PARAMETERS_BYTES:,} when gzipped; 413 above."
STATUS: Json = {
    "state": {"enum": ["queued", "running"]},
    "signature": SIGNATURE,
    "requested_at": TIME,
    "attempts": COUNT,
    "progress": {"type": ["number", "null"], "minimum": 0, "maximum": 1},
    "retry_after": {"type": "number", "description": "Retry-After, with fractions of a second."},
    "expected_at": TIME,
    "gives_up_at": TIME | {"description": "By then there is an answer: a result or a problem."},
}
DESCRIBED: Json = {
    "name": TEXT,
    "href": {"type": "string", "format": "uri-reference"},
    "documentation": TEXT,
    "version": COUNT,
    "private": {"type": "boolean", "description": "Answers are only for the caller; send a token."},
    "parameters": {"type": "object", "description": "JSON Schema."},
    "result": {"type": "object", "description": "JSON Schema."},
    "example": {"type": "object", "description": "Valid parameters."},
}
AN_ERROR = {
    "pointer": {"type": "string", "description": "RFC 6901: the place in the parameters."},
    "reason": {"type": "string", "description": "Why the value there is not valid."},
}
HEADERS: dict[str, tuple[str, Json]] = {
    "Age": ("Seconds since it was computed.", COUNT),
    "Allow": ("The methods that are allowed.", TEXT),
    "Cache-Control": ("How long it may be kept, fresh and stale.", TEXT),
    "Cache-Status": (
        "RFC 9211: a hit, for how long it is still fresh (-n: stale for n seconds) and if it is "
        "being refreshed; or a miss, and if it joined a job.",
        TEXT,
    ),
    "Content-Encoding": ("Set for clients that accept gzip.", {"const": "gzip"}),
    "Content-Location": ("The URL of the answer by its signature.", TEXT),
    "Content-Security-Policy": ("The page's own script and style, and no others.", TEXT),
    "ETag": ("For If-None-Match; weak: the same with and without gzip.", TEXT),
    "Location": (
        "Of a 202, where it will be found by its signature; of a redirect, where its bytes are.",
        TEXT,
    ),
    "Preference-Applied": ("The body is left out.", {"const": "return=minimal"}),
    "Retry-After": ("Seconds after which to ask again: an estimate.", COUNT | {"minimum": 1}),
    "WWW-Authenticate": ("How to authenticate.", {"const": "Bearer"}),
    "Vary": ("The request headers that it depends on.", TEXT),
}
OF_A_RESULT = ("Age", "Cache-Control", "Cache-Status", "Content-Location", "ETag", "Vary")
OF_A_DOCUMENT = ("Cache-Control", "ETag", "Vary")
OF_A_202 = ("Cache-Control", "Cache-Status", "Location", "Retry-After")
OF_A_PROBLEM = {
    401: ("WWW-Authenticate",),
    405: ("Allow",),
    429: ("Retry-After",),
    503: ("Retry-After",),
}
OF_A_FAILURE = ("Cache-Status", "Content-Encoding", "Content-Location", "Retry-After", "Vary")
KEPT = (422, 500)
"""The statuses of failures that are stored as answers, and so have an answer's headers."""
SCALARS = ("boolean", "integer", "number", "string")
REQUEST_HEADERS = {
    "Accept-Encoding": ("gzip: an answer comes as it is stored.", "gzip"),
    "If-None-Match": ("The ETag that the client has: 304 if it still holds.", 'W/"0123abcd"'),
    "Prefer": ("return=minimal: a 202 comes without a body.", "return=minimal"),
}

CONDITION = "If-None-Match"
"""Only for GET and HEAD."""
NOT_MODIFIED: Json = {"304": {"$ref": "#/components/responses/NotModified"}}

SECURITY_SCHEMES: Json = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Its issuer and subject identify the caller of private answers.",
    },
    "operator": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "x-amazon-apigateway-authtype": "awsSigv4",
        "description": "AWS Signature Version 4, for the service execute-api.",
    },
}

# Problems that cannot occur there. All others may be the answer to any question.
WITHOUT_A_BODY = {problems.MalformedJson, problems.NotJson}
WITHOUT_PARAMETERS = WITHOUT_A_BODY | {problems.InvalidParameters, problems.TooLarge}
WITHOUT_A_SIGNATURE = {problems.NotFound}
WHERE_IT_IS_PUBLIC = {problems.Unauthorized}
FOR_OPERATORS = {problems.Forbidden}
ENDS_OF_A_DOCUMENT = {problems.MethodNotAllowed, problems.InternalError}
OF_FORGETTING = {
    problems.Forbidden,
    problems.InternalError,
    problems.NotFound,
    problems.Unavailable,
}


@cache
def served(names: tuple[str, ...], base: str) -> Document:
    return Document.of(json.dumps(document(names, base)).encode(), JSON)


@cache
def document(names: tuple[str, ...], base: str = "") -> Json:
    """The document of these computations; cached, so do not change it.

    `base` is put before each path.
    """
    described = [registry.load(name) for name in names]
    schemas: Json = {"Problem": _problem(), "Status": _object(STATUS)}
    responses = _problems_by_status() | {
        "NotModified": _response("It holds.", {}, OF_A_RESULT),
        "Elsewhere": _response(ELSEWHERE, {}, (*OF_A_RESULT, "Location")),
    }
    paths = _documents()
    for computation in described:
        models = _models(computation)
        schemas |= models
        responses |= _answers(computation)
        paths |= _questions(computation)
    return {
        "openapi": "3.1.0",
        "info": INFO,
        "servers": [{"url": base or "/"}],
        "tags": [{"name": c.name, "description": c.documentation} for c in described],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "responses": responses,
            "parameters": {name: _request_header(name) for name in REQUEST_HEADERS},
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def kinds_of_problem(root: type[Problem] = Problem) -> list[type[Problem]]:
    """All classes of problems."""
    return [kind for sub in root.__subclasses__() for kind in (sub, *kinds_of_problem(sub))]


# paths: documents, and questions by parameters and by signature


def _documents() -> Json:
    health = {"status": {"const": "ok"}, "version": TEXT}
    listed = {"computations": {"type": "array", "items": _object(DESCRIBED)}}
    page_headers = (*OF_A_DOCUMENT, "Content-Security-Policy")
    return {
        "/": _document("console", "A page to ask on.", "text/html", TEXT, page_headers),
        "/health": _health(_object(health)),
        "/openapi.json": _document("openapi", "This document.", JSON, {"type": "object"}),
        "/v1": _document("computations", "What can be computed.", JSON, _object(listed)),
    }


def _document(
    name: str,
    summary: str,
    media_type: str,
    schema: Json,
    headers: Collection[str] = OF_A_DOCUMENT,
) -> Json:
    content = {media_type: {"schema": schema}}
    answers = {
        "200": _response(summary, content, headers, ["Content-Encoding"]),
        "304": _response("It holds.", {}, headers),
    }
    parameters = [_ref("parameters", header) for header in ("Accept-Encoding", "If-None-Match")]
    about = {"summary": summary, "parameters": parameters}
    return _readable(name, about | {"responses": answers | _ends(ENDS_OF_A_DOCUMENT)})


def _health(schema: Json) -> Json:
    summary = "Alive, in that version."
    answer = _response(summary, {JSON: {"schema": schema}}, ["Cache-Control"])
    responses = {"200": answer} | _ends(ENDS_OF_A_DOCUMENT)
    return _readable("health", {"summary": summary, "responses": responses})


def _questions(computation: Computation) -> Json:
    name = computation.name
    headers = [_ref("parameters", header) for header in REQUEST_HEADERS if header != CONDITION]
    signature = {"name": "signature", "in": "path", "required": True, "schema": SIGNATURE}
    by_signature = {
        "tags": [name],
        "summary": "The same, without its parameters.",
        "parameters": [_ref("parameters", CONDITION)],
        **_security(computation),
        "responses": NOT_MODIFIED | _outcomes(computation, "307", never=WITHOUT_PARAMETERS),
    }
    return {
        f"/v1/{name}": {"parameters": headers} | _by_parameters(computation),
        f"/v1/{name}/{{signature}}": {"parameters": [signature, *headers]}
        | _readable(f"{name}-by-signature", by_signature)
        | {"delete": _forget(name)},
    }


def _forget(name: str) -> Json:
    gone = "Forgotten: this signature has no entry any more."
    return {
        "operationId": f"delete-{name}-by-signature",
        "tags": [name],
        "summary": "Forget it; for operators.",
        "security": [{"operator": []}],
        "responses": {"204": _response(gone, {}, ["Cache-Control"]), **_ends(OF_FORGETTING)},
    }


def _security(computation: Computation) -> Json:
    return {"security": [{"token": []}]} if computation.policy.private else {}


def _by_parameters(computation: Computation) -> Json:
    documentation = computation.documentation.strip()
    about = {
        "tags": [computation.name],
        "summary": documentation.partition("\n")[0],
        **_security(computation),
    }
    get = {
        "description": f"{documentation}\n\n{IN_A_QUERY}",
        "parameters": [*_query(computation), _ref("parameters", CONDITION)],
        "responses": NOT_MODIFIED
        | _outcomes(computation, "307", never=WITHOUT_A_SIGNATURE | WITHOUT_A_BODY),
    }
    schema = _ref("schemas", f"{_prefix(computation)}Parameters")
    post = {
        "operationId": f"post-{computation.name}",
        "description": documentation,
        "requestBody": {
            "required": True,
            "description": LIMIT,
            "content": {JSON: {"schema": schema, "example": computation.example}},
        },
        "responses": _outcomes(computation, "303", never=WITHOUT_A_SIGNATURE),
    }
    return _readable(computation.name, about | get) | {"post": about | post}


def _readable(name: str, operation: Json) -> Json:
    return {method: {"operationId": f"{method}-{name}"} | operation for method in ("get", "head")}


# parameters


def _query(computation: Computation) -> list[Json]:
    """The query as parameters.py reads it: text and scalars as they are, all else as JSON."""
    schemas = _models(computation)[f"{_prefix(computation)}Parameters"].get("properties", {})
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


def _request_header(name: str) -> Json:
    description, example = REQUEST_HEADERS[name]
    about = {"description": description, "example": example}
    return {"name": name, "in": "header", "schema": TEXT, **about}


# responses


def _outcomes(computation: Computation, redirect: str, *, never: Kinds) -> Json:
    prefix = _prefix(computation)
    elsewhere = FOR_OPERATORS if computation.policy.private else FOR_OPERATORS | WHERE_IT_IS_PUBLIC
    return {
        "200": _ref("responses", f"{prefix}Result"),
        "202": _ref("responses", f"{prefix}NotYet"),
        redirect: _ref("responses", "Elsewhere"),
        **_ends([kind for kind in kinds_of_problem() if kind not in {*never, *elsewhere}]),
    }


def _ends(kinds: Kinds) -> Json:
    return {str(s): _ref("responses", f"Problem{s}") for s in sorted({k.status for k in kinds})}


def _answers(computation: Computation) -> Json:
    prefix = _prefix(computation)
    result = {JSON: {"schema": _ref("schemas", f"{prefix}Result")}}
    status = {JSON: {"schema": _ref("schemas", "Status")}, "text/plain": {"schema": NOTHING}}
    link = {
        "operationId": f"get-{computation.name}-by-signature",
        "parameters": {"signature": "$response.body#/signature"},
    }
    return {
        f"{prefix}Result": _response("The result.", result, OF_A_RESULT, ["Content-Encoding"]),
        f"{prefix}NotYet": _response("Not yet.", status, OF_A_202, ["Preference-Applied"])
        | {"links": {"answer": link}},
    }


def _problems_by_status() -> Json:
    statuses = sorted({kind.status for kind in kinds_of_problem()})
    return {f"Problem{status}": _problem_response(status) for status in statuses}


def _problem_response(status: int) -> Json:
    kinds = [kind for kind in kinds_of_problem() if kind.status == status]
    narrowed = {"status": {"const": status}, "type": {"enum": [kind.type() for kind in kinds]}}
    always = ("Cache-Control", *OF_A_PROBLEM.get(status, ()))
    return _response(
        "; or: ".join(kind.title for kind in kinds),
        {PROBLEM: {"schema": _ref("schemas", "Problem") | {"properties": narrowed}}},
        always,
        OF_A_FAILURE if status in KEPT else (),
    )


def _response(
    description: str, content: Json, always: Collection[str] = (), at_times: Collection[str] = ()
) -> Json:
    headers = {name: _header(name) | {"required": True} for name in always}
    headers |= {name: _header(name) for name in at_times}
    return {"description": description, "content": content, "headers": headers}


def _header(name: str) -> Json:
    description, schema = HEADERS[name]
    return {"description": description, "schema": schema}


# schemas


def _models(computation: Computation) -> Json:
    """Schemas of Parameters, Result and their inner models, with the computation's prefix."""
    prefix = _prefix(computation)
    _, made = models_json_schema(
        [(computation.parameters, "validation"), (computation.result, "serialization")],
        ref_template=f"#/components/schemas/{prefix}{{model}}",
    )
    return {f"{prefix}{name}": schema for name, schema in made["$defs"].items()}


def _problem() -> Json:
    known = {
        "type": {"enum": [kind.type() for kind in kinds_of_problem()]},
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The value, the rule and the remedy."},
    }
    problem = _object(known)
    problem["properties"] = known | {"errors": {"type": "array", "items": _object(AN_ERROR)}}
    return problem


def _object(properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _prefix(computation: Computation) -> str:
    """`route-plan` becomes `RoutePlan`."""
    return computation.name.title().replace("-", "")


def _ref(kind: str, name: str) -> Json:
    return {"$ref": f"#/components/{kind}/{name}"}
