"""The paths: documents, and questions by parameters and by signature."""

from collections.abc import Collection

from backburner.computation import Computation
from backburner.http.openapi.parameters import query_parameters
from backburner.http.openapi.responses import ends, outcomes, response_of
from backburner.http.openapi.vocabulary import (
    CONDITION,
    DESCRIBED,
    ENDS_OF_A_DOCUMENT,
    IN_A_QUERY,
    LIMIT,
    NOT_MODIFIED,
    OF_A_DOCUMENT,
    OF_FORGETTING,
    REQUEST_HEADERS,
    SIGNATURE,
    TEXT,
    UNTIL_THE_RESULT,
    WITHOUT_A_BODY,
    WITHOUT_A_SIGNATURE,
    WITHOUT_PARAMETERS,
    Json,
    object_of,
    prefix,
    ref,
)
from backburner.http.response import JSON


def documents() -> Json:
    health = {"status": {"const": "ok"}, "version": TEXT}
    listed = {"computations": {"type": "array", "items": object_of(DESCRIBED)}}
    page_headers = (*OF_A_DOCUMENT, "Content-Security-Policy")
    return {
        "/": _document("console", "A page to ask on.", "text/html", TEXT, page_headers),
        "/health": _health(object_of(health)),
        "/openapi.json": _document("openapi", "This document.", JSON, {"type": "object"}),
        "/v1": _document("computations", "What can be computed.", JSON, object_of(listed)),
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
        "200": response_of(summary, content, headers, ["Content-Encoding"]),
        "304": response_of("It holds.", {}, headers),
    }
    parameters = [ref("parameters", header) for header in ("Accept-Encoding", "If-None-Match")]
    about = {"summary": summary, "parameters": parameters}
    return _readable(name, about | {"responses": answers | ends(ENDS_OF_A_DOCUMENT)})


def _health(schema: Json) -> Json:
    summary = "Alive, in that version."
    answer = response_of(summary, {JSON: {"schema": schema}}, ["Cache-Control"])
    responses = {"200": answer} | ends(ENDS_OF_A_DOCUMENT)
    return _readable("health", {"summary": summary, "responses": responses})


def questions(computation: Computation) -> Json:
    name = computation.name
    headers = [ref("parameters", header) for header in REQUEST_HEADERS if header != CONDITION]
    signature = {"name": "signature", "in": "path", "required": True, "schema": SIGNATURE}
    by_signature = {
        "tags": [name],
        "summary": "The same, without its parameters.",
        "parameters": [ref("parameters", CONDITION)],
        **_security(computation),
        "responses": NOT_MODIFIED | outcomes(computation, "307", never=WITHOUT_PARAMETERS),
    }
    return {
        f"/v1/{name}": {"parameters": headers} | _by_parameters(computation),
        f"/v1/{name}/{{signature}}": {"parameters": [signature, *headers]}
        | _by_signature(name, by_signature)
        | {"delete": _forget(name)},
    }


def _by_signature(name: str, operation: Json) -> Json:
    readable = _readable(f"{name}-by-signature", operation)
    return readable | {"get": readable["get"] | UNTIL_THE_RESULT}


def _forget(name: str) -> Json:
    gone = "Forgotten: this signature has no entry any more."
    return {
        "operationId": f"delete-{name}-by-signature",
        "tags": [name],
        "summary": "Forget it; for operators.",
        "security": [{"operator": []}],
        "responses": {"204": response_of(gone, {}, ["Cache-Control"]), **ends(OF_FORGETTING)},
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
        "parameters": [*query_parameters(computation), ref("parameters", CONDITION)],
        "responses": NOT_MODIFIED
        | outcomes(computation, "307", never=WITHOUT_A_SIGNATURE | WITHOUT_A_BODY),
    }
    schema = ref("schemas", f"{prefix(computation)}Parameters")
    post = {
        "operationId": f"post-{computation.name}",
        "description": documentation,
        "requestBody": {
            "required": True,
            "description": LIMIT,
            "content": {JSON: {"schema": schema, "example": computation.example}},
        },
        "responses": outcomes(computation, "303", never=WITHOUT_A_SIGNATURE),
    }
    return _readable(computation.name, about | get) | {"post": about | post}


def _readable(name: str, operation: Json) -> Json:
    return {method: {"operationId": f"{method}-{name}"} | operation for method in ("get", "head")}
