"""What comes of a request: results, 202, redirects, problems."""

from collections.abc import Collection

from backburner.computation import Computation
from backburner.http.openapi.vocabulary import (
    FOR_OPERATORS,
    HEADERS,
    KEPT,
    NOTHING,
    OF_A_202,
    OF_A_FAILURE,
    OF_A_PROBLEM,
    OF_A_RESULT,
    WHERE_IT_IS_PUBLIC,
    Json,
    Kinds,
    prefix,
    ref,
)
from backburner.http.response import JSON, PROBLEM
from backburner.problems import Problem


def kinds_of_problem() -> list[type[Problem]]:
    return Problem.__subclasses__()


def outcomes(computation: Computation, redirect: str, *, never: Kinds) -> Json:
    named = prefix(computation)
    elsewhere = FOR_OPERATORS if computation.policy.private else FOR_OPERATORS | WHERE_IT_IS_PUBLIC
    return {
        "200": ref("responses", f"{named}Result"),
        "202": ref("responses", f"{named}Accepted"),
        redirect: ref("responses", "Elsewhere"),
        **ends([kind for kind in kinds_of_problem() if kind not in {*never, *elsewhere}]),
    }


def ends(kinds: Kinds) -> Json:
    return {str(s): ref("responses", f"Problem{s}") for s in sorted({k.status for k in kinds})}


def answers(computation: Computation) -> Json:
    named = prefix(computation)
    result = {JSON: {"schema": ref("schemas", f"{named}Result")}}
    accepted = {JSON: {"schema": ref("schemas", "Accepted")}, "text/plain": {"schema": NOTHING}}
    link = {
        "operationId": f"get-{computation.name}-by-signature",
        "parameters": {"signature": "$response.body#/signature"},
    }
    return {
        f"{named}Result": response_of("The result.", result, OF_A_RESULT, ["Content-Encoding"]),
        f"{named}Accepted": response_of(
            "Accepted: not computed yet.", accepted, OF_A_202, ["Preference-Applied"]
        )
        | {"links": {"answer": link}},
    }


def problems_by_status() -> Json:
    statuses = sorted({kind.status for kind in kinds_of_problem()})
    return {f"Problem{status}": problem_response(status) for status in statuses}


def problem_response(status: int) -> Json:
    kinds = [kind for kind in kinds_of_problem() if kind.status == status]
    narrowed = {"status": {"const": status}, "type": {"enum": [kind.type() for kind in kinds]}}
    always = ("Cache-Control", *OF_A_PROBLEM.get(status, ()))
    return response_of(
        "; or: ".join(kind.title for kind in kinds),
        {PROBLEM: {"schema": ref("schemas", "Problem") | {"properties": narrowed}}},
        always,
        OF_A_FAILURE if status in KEPT else (),
    )


def response_of(
    description: str, content: Json, always: Collection[str] = (), at_times: Collection[str] = ()
) -> Json:
    headers = {name: header(name) | {"required": True} for name in always}
    headers |= {name: header(name) for name in at_times}
    return {"description": description, "content": content, "headers": headers}


def header(name: str) -> Json:
    description, schema = HEADERS[name]
    return {"description": description, "schema": schema}
