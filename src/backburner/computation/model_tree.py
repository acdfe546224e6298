"""The parts of a pydantic model: the nodes of its core schema, each with its path."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import SchemaSerializer

from backburner.canonical_json import canonical

Schema = Mapping[str, Any]
"""A node of pydantic's core schema."""

FUNCTIONS = {"function-after", "function-before", "function-wrap"}
"""The author's validators around a node; the node still decides how the value is written."""
WRAPPERS = {"custom-error", "default", "definitions", "model-field", "nullable"} | FUNCTIONS
"""Nodes that have the JSON of their inner node."""
WITHIN = dict.fromkeys(WRAPPERS, ("schema", "")) | {
    "dict": ("values_schema", "{}"),
    "frozenset": ("items_schema", "[]"),
    "json-or-python": ("json_schema", ""),
    "list": ("items_schema", "[]"),
    "set": ("items_schema", "[]"),
}
"""The key of a node's single inner node, and what that adds to the path."""


@dataclass(frozen=True, slots=True)
class Node:
    """A place in a model."""

    path: str
    annotation: Any
    """The annotation of the nearest field, or the model."""
    schema: Schema
    model: type[BaseModel]
    """The model that contains the node."""

    @property
    def kind(self) -> str:
        return str(self.schema["type"])

    @property
    def name(self) -> str:
        return self.path.rpartition(".")[2]

    @property
    def default(self) -> Schema | None:
        """The node that holds the default of a field; None if it has no default."""
        schema = self.schema["schema"]
        while schema["type"] in FUNCTIONS:
            schema = schema["schema"]
        return schema if schema["type"] == "default" else None

    def within(self, schema: Schema, step: str = "") -> "Node":
        return Node(self.path + step, self.annotation, schema, self.model)

    def fields(self) -> list["Node"]:
        annotations = {name: f.annotation for name, f in self.model.model_fields.items()}
        return [
            Node(f"{self.path}.{name}", annotations[name], schema, self.model)
            for name, schema in self.schema["fields"].items()
        ]

    def __str__(self) -> str:
        """The path, and the type as the author wrote it."""
        if isinstance(self.annotation, type) and not get_args(self.annotation):
            return f"{self.path} ({self.annotation.__name__})"
        without_modules = re.sub(r"\b[a-z_]\w*\.", "", str(self.annotation))
        return f"{self.path} ({without_modules})"


class ModelTree:
    """The nodes of a model."""

    def __init__(self, model: type[BaseModel]) -> None:
        schema = model.__pydantic_core_schema__
        self.root = Node(model.__name__, model, schema, model)
        self.definitions = {each["ref"]: each for each in schema.get("definitions", ())}

    def nodes(self, start: Node | None = None) -> Iterator[Node]:
        """Yield all nodes below `start`, each definition once: a model may contain itself."""
        seen, nodes = set[str](), [start or self.root]
        for node in nodes:  # the list grows meanwhile
            if node.kind == "definition-ref":
                if node.schema["schema_ref"] in seen:
                    continue
                seen.add(node.schema["schema_ref"])
            yield node
            nodes += self.inner(node)

    def models(self, start: Node) -> list[Node]:
        """The models below `start`, as the nodes that have their fields."""
        return [node for node in self.nodes(start) if node.kind == "model-fields"]

    def inner(self, node: Node) -> list[Node]:
        """The nodes directly within a node's JSON."""
        schema = node.schema
        if node.kind in WITHIN:
            key, step = WITHIN[node.kind]
            return [node.within(schema[key], step)]
        match node.kind:
            case "definition-ref":
                return [node.within(self.definitions[schema["schema_ref"]])]
            case "model":
                return [Node(node.path, node.annotation, schema["schema"], schema["cls"])]
            case "model-fields":
                return node.fields()
            case "tuple":
                return [node.within(s, f"[{n}]") for n, s in enumerate(schema["items_schema"])]
            case "tagged-union" | "union":
                return [node.within(choice) for choice in _choices(schema)]
        return []

    def default(self, schema: Schema) -> bytes:
        """The default of a node as canonical JSON; a factory is called.

        Raises ValueError or TypeError if it is not of its type, and what a factory raises.
        """
        inner: Any = schema["schema"]
        if self.definitions:
            definitions = list(self.definitions.values())
            inner = {"type": "definitions", "schema": inner, "definitions": definitions}
        made = schema["default_factory"]() if "default_factory" in schema else schema["default"]
        serializer = SchemaSerializer(inner)
        as_json = canonical(serializer.to_python(made, mode="json", warnings="error"))
        if _has_a_set(serializer.to_python(made)):
            raise TypeError("a set has no order")
        return as_json


def _has_a_set(value: Any) -> bool:
    match value:
        case set() | frozenset():
            return True
        case dict():
            return any(map(_has_a_set, value.values()))
        case list() | tuple():
            return any(map(_has_a_set, value))
    return False


def _choices(union: Schema) -> list[Schema]:
    """The union's choices, without the labels that pydantic may put beside them."""
    choices = union["choices"]
    listed = choices.values() if isinstance(choices, dict) else choices
    return [each[0] if isinstance(each, tuple) else each for each in listed]
