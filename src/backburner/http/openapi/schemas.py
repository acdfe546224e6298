"""The schemas of parameters, results and problems."""

from pydantic.json_schema import models_json_schema

from backburner.computation import Computation
from backburner.http.openapi.responses import kinds_of_problem
from backburner.http.openapi.vocabulary import AN_ERROR, TEXT, Json, object_of, prefix


def models(computation: Computation) -> Json:
    """Schemas of Parameters, Result and their inner models, with the computation's prefix."""
    named = prefix(computation)
    _, made = models_json_schema(
        [(computation.parameters, "validation"), (computation.result, "serialization")],
        ref_template=f"#/components/schemas/{named}{{model}}",
    )
    # Generators name their classes by the titles, so these too are of one computation each.
    return {f"{named}{n}": schema | {"title": f"{named}{n}"} for n, schema in made["$defs"].items()}


def problem_schema() -> Json:
    known = {
        "type": {"enum": [kind.type() for kind in kinds_of_problem()]},
        "title": TEXT,
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "The value, the rule and the remedy."},
    }
    problem = object_of(known)
    problem["properties"] = known | {"errors": {"type": "array", "items": object_of(AN_ERROR)}}
    return problem
