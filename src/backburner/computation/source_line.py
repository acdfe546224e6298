"""Where something is defined, for the messages to its author: the file and the line."""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ast


def written(file: str, line: int | None) -> str:
    return f"{file}, line {line}" if line else file


def of(file: str, *names: str) -> str:
    """Where the file defines a name, or a name within that; as far as it is found there."""
    import ast  # only a mistake of the author needs it

    body: list[ast.stmt] = ast.parse(Path(file).read_bytes()).body
    line = None
    for name in names:
        defined = [node for node in body if name in _names(node)]
        if not defined:
            break
        line = defined[-1].lineno
        body = getattr(defined[-1], "body", [])
    return written(file, line)


def of_class(defined: type, *names: str) -> str:
    """Where a class, or a name in it, is defined."""
    file = getattr(sys.modules[defined.__module__], "__file__", None)
    if file is None:
        return defined.__module__
    return of(file, *defined.__qualname__.split("."), *names)


def _names(node: "ast.stmt") -> Iterator[str]:
    """The names that a statement defines."""
    targets = getattr(node, "targets", None) or [getattr(node, "target", node)]
    for each in (*targets, *getattr(node, "names", ())):
        for kind in ("asname", "name", "id"):
            if name := getattr(each, kind, None):
                yield name
                break
