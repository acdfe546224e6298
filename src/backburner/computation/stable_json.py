"""Checks that parameters have only types with one JSON form.

The signature is made from the parameters' JSON, and the worker computes from that JSON. So equal
values must have equal JSON in every process, different values different JSON, and reading and
writing JSON again must not change it. Pydantic's core ensures this for the types listed here. JSON
that a Python function writes (`field_serializer`, `SecretStr`, `Path`, `HttpUrl`) cannot be checked
and is refused. Validators are up to the author: they must leave their own output unchanged.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from functools import cache
from typing import Any

from pydantic import BaseModel, PydanticUndefinedAnnotation, PydanticUserError

from backburner.computation import default_sizes, source_line
from backburner.computation.model_tree import WRAPPERS, ModelTree, Node, Schema
from backburner.errors import BrokenComputation

PLAIN = {"any", "bool", "bytes", "enum", "float", "int", "literal", "none", "str"}
"""Types that are written as they were read."""
NORMALISED = {"date", "datetime", "time", "timedelta", "uuid"}
"""Types of text that are read in several forms and written in one."""
CONTAINERS = {"dict", "list", "model", "model-fields", "tagged-union", "tuple", "union"}
KNOWN = PLAIN | NORMALISED | CONTAINERS | WRAPPERS | {"definition-ref", "json-or-python"}
KINDS = dict.fromkeys(NORMALISED | {"enum", "str"}, "text") | {
    "dict": "object",
    "frozenset": "array",
    "list": "array",
    "model-fields": "object",
    "set": "array",
    "tuple": "array",
}
"""The kind of JSON of each type that may be written in another form than it was read in."""
SCALARS = (str, int, float, bool, type(None))
STRINGS_REWRITTEN = ("strip_whitespace", "to_lower", "to_upper")
UNSTABLE_SETTINGS = ("ser_", "str_strip_", "str_to_", "val_")
"""Prefixes of settings of a whole model. For the text of one field, use StringConstraints."""

UNORDERED = (
    "its members come in another order in each process; "
    "use a list, with a validator that sorts it and drops duplicates"
)
BY_A_FUNCTION = (
    "a Python function writes its JSON, which may be the same for two values; "
    "use a plain type such as str, and keep secrets out of parameters"
)
INEXACT = (
    "a JSON number is read as a float, which loses digits; "
    "use a str with a pattern, or an int in the smallest unit"
)
NOT_CLOSED = "it takes unknown fields; use a model that inherits computation.Parameters"
UNKNOWN = "it is not known to have one JSON form; `backburner docs reference` lists those that have"
REASONS = {
    "set": UNORDERED,
    "frozenset": UNORDERED,
    "decimal": INEXACT,
    "fraction": INEXACT,
    "lax-or-strict": BY_A_FUNCTION,
    "dataclass": NOT_CLOSED,
    "named-tuple": NOT_CLOSED,
    "typed-dict": NOT_CLOSED,
}


def check(name: str, parameters: type[BaseModel], result: type[BaseModel]) -> None:
    """Raise BrokenComputation if a model has faults: path, type, rule, remedy, file and line."""
    faults = [*_located(of_parameters, parameters), *_located(of_result, result)]
    if faults:
        raise BrokenComputation(f"computation {name!r}: {'. '.join(faults)}")


def _located(
    faults: Callable[[type[BaseModel]], Iterable[str]], model: type[BaseModel]
) -> Iterator[str]:
    """The faults of a model, each with the file and line of the model's own field."""
    try:
        for fault in faults(model):
            field = re.findall(r"\w+", fault.partition(" (")[0])[1:2]
            yield f"{fault} ({source_line.of_class(model, *field)})"
    except (PydanticUndefinedAnnotation, PydanticUserError) as error:
        remedy = "define or import the types of its fields"
        yield f"{error.message}; {remedy} ({source_line.of_class(model)})"


@cache
def of_parameters(model: type[BaseModel]) -> tuple[str, ...]:
    """The nodes without one JSON form; if there are none, those whose defaults add too much."""
    tree = ModelTree(model)
    faults: dict[str, str] = {}
    for node in tree.nodes():
        for fault in _faults(tree, node):
            faults.setdefault(node.path, f"{node}: {fault}")
    return tuple(faults.values()) or tuple(default_sizes.faults(tree))


@cache
def of_result(model: type[BaseModel]) -> tuple[str, ...]:
    """Refuse sets: with them, equal results would have different bytes and ETags.

    All other types are fine, as a result is written once and never read back.
    """
    return tuple(
        f"{node}: {UNORDERED}, or add a field_serializer that sorts it"
        for node in ModelTree(model).nodes()
        if node.kind in ("set", "frozenset") and "serialization" not in node.schema
    )


@cache
def may_mix_booleans(model: type[BaseModel]) -> bool:
    """True if pydantic may take true for a member 1, or 0 for a member false: they are equal."""
    choices = (node.schema for node in ModelTree(model).nodes() if node.kind in ("enum", "literal"))
    return any(member in (0, 1) for schema in choices for member in _members(schema))


def _faults(tree: ModelTree, node: Node) -> Iterator[str]:
    """Say why a node has more than one JSON form, and what to use instead."""
    if "serialization" in node.schema:
        yield BY_A_FUNCTION
    if node.kind not in KNOWN:
        yield REASONS.get(node.kind, UNKNOWN)
    elif node.kind in CHECKS:
        yield from CHECKS[node.kind](tree, node)


def _of_field(_tree: ModelTree, node: Node) -> Iterator[str]:
    if "validation_alias" in node.schema or "serialization_alias" in node.schema:
        yield "it is read by another name than it is written by; give the field that name instead"
    if node.schema.get("serialization_exclude") or "serialization_exclude_if" in node.schema:
        yield "it is left out of the JSON, so the worker would not get it; do not exclude it"


def _of_model(_tree: ModelTree, node: Node) -> Iterator[str]:
    config = node.schema.get("config", {})
    if not node.schema["root_model"] and config.get("extra_fields_behavior") != "forbid":
        yield NOT_CLOSED
    for setting in config:
        if setting.startswith(UNSTABLE_SETTINGS):
            yield f"{setting} in model_config may change JSON that is read again; leave it out"


def _of_fields(_tree: ModelTree, node: Node) -> Iterator[str]:
    if node.schema.get("computed_fields"):
        yield "a computed_field is written but never read; make it a plain property"


def _of_members(_tree: ModelTree, node: Node) -> Iterator[str]:
    if not all(isinstance(m, SCALARS) and not isinstance(m, Enum) for m in _members(node.schema)):
        yield "a member is not text, a number, boolean or null; use those, or an Enum of them"


def _of_keys(tree: ModelTree, node: Node) -> Iterator[str]:
    if not _is_text(tree, node.within(node.schema["keys_schema"])):
        yield (
            "two names in a JSON object may be equal as keys of this type; "
            "use dict[str, …], with a pattern for the keys"
        )


def _of_choices(tree: ModelTree, node: Node) -> Iterator[str]:
    rewritten = [kind for choice in tree.inner(node) for kind in _rewrites(tree, choice)]
    if len(rewritten) > len(set(rewritten)):
        yield (
            "what is written for one choice may be read as another; "
            "use a discriminator between models, and one type at most that is a form of text"
        )
    if _mixes_booleans(tree.inner(node)):
        yield "true may be read as 1, or 1 as true; leave out the boolean or the numbers"


def _mixes_booleans(choices: list[Node]) -> bool:
    """True if one of the choices has a member that is equal to a value of another."""
    members = [m for c in choices if c.kind in ("enum", "literal") for m in _members(c.schema)]
    held = {isinstance(member, bool) for member in members if member in (0, 1)}
    others = {
        choice.kind == "bool" for choice in choices if choice.kind in ("bool", "float", "int")
    }
    return bool(held) and len(held | others) > 1


def _of_default(tree: ModelTree, node: Node) -> Iterator[str]:
    if node.schema.get("default_factory_takes_data"):
        return  # it needs the other fields' values; a test tries it on each example
    try:
        once, again = tree.default(node.schema), tree.default(node.schema)
    except Exception as error:  # noqa: BLE001 (an author's factory may raise anything)
        if not node.schema.get("validate_default"):
            yield f"its default is not of its type ({error!r}); give one that is"
        return
    if once == b"null" and not _may_be_null(tree, node):
        yield "its default is null, which is not of its type; give another, or add | None"
    if once != again:
        yield "its default_factory gives another value each time; let the client send it"


def _may_be_null(tree: ModelTree, node: Node) -> bool:
    if node.kind in ("enum", "literal"):
        return None in _members(node.schema)
    if node.kind in ("any", "none", "nullable", "function-before", "function-wrap"):
        return True
    is_choice = node.kind in WRAPPERS | {"definition-ref", "json-or-python", "union"}
    return is_choice and any(_may_be_null(tree, each) for each in tree.inner(node))


CHECKS = {
    "default": _of_default,
    "dict": _of_keys,
    "enum": _of_members,
    "literal": _of_members,
    "model": _of_model,
    "model-field": _of_field,
    "model-fields": _of_fields,
    "union": _of_choices,
}


def _is_text(tree: ModelTree, keys: Node) -> bool:
    """True if each text is a different key."""
    if _rewrites(tree, keys):
        return False
    if keys.kind in ("enum", "literal"):
        return all(isinstance(member, str) for member in _members(keys.schema))
    if keys.kind in ("any", "str"):
        return True
    inner = tree.inner(keys)
    return bool(inner) and all(_is_text(tree, each) for each in inner)


def _rewrites(tree: ModelTree, node: Node) -> set[str]:
    """The kinds of JSON at a node that may be written in another form than they were read in."""
    if node.kind in KINDS:
        return {KINDS[node.kind]} if any(map(_is_rewritten, tree.nodes(node))) else set()
    return set[str]().union(*(_rewrites(tree, each) for each in tree.inner(node)))


def _is_rewritten(node: Node) -> bool:
    """True if the node itself, without its inner nodes, is written in another form."""
    match node.kind:
        case "enum":
            return _has_other_spellings(node.schema["cls"])
        case "model-fields":
            return any(each.default for each in node.fields())
        case "str":
            return any(map(node.schema.get, STRINGS_REWRITTEN))
    return node.kind in NORMALISED


def _has_other_spellings(enum: type[Enum]) -> bool:
    return enum._missing_.__func__ is not Enum._missing_.__func__  # type: ignore[attr-defined]


def _members(schema: Schema) -> list[Any]:
    if schema["type"] == "literal":
        return list(schema["expected"])
    return [member.value for member in schema["members"]]
