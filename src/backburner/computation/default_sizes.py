"""Bounds how much defaults may add to a request.

A body of 1 MB may contain a model 300,000 times, `{"items":[{},{},…]}`, and each gets its defaults
filled in. The bytes that this adds are bounded in proportion to the body, or by the `max_length`
of what repeats.
"""

from collections.abc import Iterator
from math import inf

from backburner.computation.model_tree import ModelTree, Node

MAX_PER_BYTE = 4
"""Bytes that defaults may add for each byte of a body."""
MAX_BESIDE_BYTES = 100_000
"""Bytes that defaults may add in all beyond that; gzipped, they still fit into an item."""


def faults(tree: ModelTree) -> Iterator[str]:
    """Yield a message if defaults may add too much: path, type, rule and remedy."""
    added = _Added(tree)
    if (most := added.by(tree.root)) <= MAX_BESIDE_BYTES:
        return
    models = tree.models(tree.root)
    worst = max(models[1:] or models, key=added.per_byte_of)
    yield (
        f"{worst.path} ({worst.model.__name__}): its defaults may add "
        f"{added.per_byte_of(worst):,.1f} bytes for a byte of a body and {most:,.0f} bytes in all; "
        f"{MAX_PER_BYTE} for a byte or {MAX_BESIDE_BYTES:,} in all are the most; give lists and "
        "dicts of it a max_length, or give it fewer and shorter defaults"
    )


class _Added:
    """Counts the bytes of JSON that defaults may add."""

    def __init__(self, tree: ModelTree) -> None:
        self.tree = tree
        self.most: dict[int, float] = {}
        """Results of `by`, by the id of the schema."""
        self.sizes = {
            id(node.schema): _size(tree, node) for node in tree.nodes() if node.kind == "default"
        }

    def by(self, node: Node) -> float:
        """The most bytes for one value at the node, beyond those in proportion to the body."""
        place = id(node.schema)
        if place not in self.most:
            self.most[place] = inf  # for a model that contains itself
            self.most[place] = self._by(node)
        return self.most[place]

    def _by(self, node: Node) -> float:
        repeats_or_adds = node.kind in ("dict", "list", "model-fields", "tuple")
        if repeats_or_adds and self.per_byte(node) <= MAX_PER_BYTE:
            return 0
        within = list(map(self.by, self.tree.inner(node)))
        match node.kind:
            case "model-fields":
                return sum(map(max, within, map(self.left_out, node.fields())))
            case "dict" | "list":
                return float(node.schema.get("max_length", inf)) * max(within)
            case "tuple":
                return sum(within) * (inf if "variadic_item_index" in node.schema else 1)
        return max(within, default=0)

    def per_byte(self, node: Node) -> float:
        return max(map(self.per_byte_of, self.tree.models(node)), default=0)

    def per_byte_of(self, model: Node) -> float:
        """Bytes added for each byte of the shortest JSON of the model."""
        fields = model.fields()
        required = [each for each in fields if not each.default]
        shortest = len("{}") + sum(len(f'"{each.name}":1,') for each in required)
        return sum(map(self.left_out, fields)) / shortest

    def left_out(self, model_field: Node) -> int:
        """Bytes added if the client leaves out the field."""
        if not (default := model_field.default):
            return 0
        return len(f'"{model_field.name}":,') + self.sizes[id(default)]


def _size(tree: ModelTree, node: Node) -> int:
    try:
        return len(tree.default(node.schema))
    except Exception:  # noqa: BLE001 (a validator or a factory makes it from the request)
        return 0
