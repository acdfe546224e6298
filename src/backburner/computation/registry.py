"""Finds and loads computations: the modules and folders of the authors' package.

A setting names the package. Its `route_plan` is `route-plan` in the API. A file that cannot be one
has a name here, too, so that its author hears of it.

A process looks at each folder once, as what is deployed never changes: a request touches no file.
Another folder on the package's path is looked at when it is first asked for.
"""

import importlib
import keyword
import os
import re
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from inspect import iscoroutinefunction
from pathlib import Path
from types import ModuleType
from typing import Any

from backburner import computation, settings
from backburner.computation import (
    STANDARD,
    WAITING,
    Computation,
    Parameters,
    Policy,
    Result,
    source_line,
    stable_json,
)
from backburner.computation.declared import Declared
from backburner.errors import BrokenComputation, NoSuchComputation

PARTS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "Parameters": (
        lambda part: isinstance(part, type) and issubclass(part, Parameters),
        "a class that inherits computation.Parameters",
    ),
    "Result": (
        lambda part: isinstance(part, type) and issubclass(part, Result),
        "a class that inherits computation.Result",
    ),
    "POLICY": (lambda part: isinstance(part, Policy), "a Policy(version=…, fresh_for=…)"),
    "EXAMPLE": (lambda part: isinstance(part, Mapping), "a dict of parameters"),
    "compute": (callable, "a function of the parameters and the progress"),
}
"""The parts of a computation beside its docstring: how each is known, and what it has to be."""

STEM = re.compile("[a-z][a-z0-9_]*")
"""The name of a file or folder, without .py, that is a path in the API and a module in Python."""
REMEDIES: tuple[tuple[type[BaseException], str], ...] = (
    (SyntaxError, "mend it there; it must be Python, in UTF-8"),
    (ImportError, "import heavy libraries inside compute(): the request function lacks them"),
    (SystemExit, "a file that is imported must not end the process; leave that out"),
    (BaseException, "mend it there"),
)
"""What to do about an exception at the import; the first type that fits."""


OURS = {"backburner": ("computation", "fetching"), computation.__name__: computation.__all__}
"""What is public, by module."""


def names() -> list[str]:
    """The names of all computations, sorted, also of broken ones; imports none of them."""
    return sorted(_files(path()))


def load(name: str) -> Computation:
    """Load a computation by name; raise NoSuchComputation, or BrokenComputation with a remedy."""
    folders = path()
    if name not in _files(folders):
        raise NoSuchComputation(f"there is no computation {name!r}; there are {', '.join(names())}")
    loaded = _loaded(name, folders)
    if isinstance(loaded, BrokenComputation):
        raise BrokenComputation(*loaded.args) from loaded.__cause__
    return loaded


@cache
def _loaded(name: str, path: tuple[str, ...]) -> Computation | BrokenComputation:
    """The computation, or what is wrong with it: neither changes while the process lives."""
    try:
        return _load(name, _files(path)[name])
    except BrokenComputation as broken:
        return broken


def _load(name: str, paths: list[str]) -> Computation:
    module = _imported(name, _file(name, paths))
    _check_parts(name, module)
    stable_json.check(name, module.Parameters, module.Result)
    return Computation(
        name=name,
        documentation=module.__doc__ or "",
        parameters=module.Parameters,
        result=module.Result,
        policy=replace(module.POLICY, lane=_lane(name, module)),
        example=module.EXAMPLE,
        compute=module.compute,
        declared=tuple(dict.fromkeys(e for e in vars(module).values() if isinstance(e, Declared))),
    )


def package() -> ModuleType:
    """The authors' package."""
    return importlib.import_module(settings.text("COMPUTATIONS_PACKAGE", "computations"))


def path() -> tuple[str, ...]:
    """The package's folders, each once: one may be in sys.path twice."""
    return tuple(dict.fromkeys(package().__path__))


@cache
def _files(path: tuple[str, ...]) -> dict[str, list[str]]:
    """The paths of the files and folders of each name."""
    found: dict[str, list[str]] = {}
    for folder in path:
        with suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if not entry.name.startswith((".", "_")) and _is_code(entry):
                    stem = entry.name.removesuffix(".py")
                    found.setdefault(stem.replace("_", "-"), []).append(entry.path)
    return found


def _is_code(entry: os.DirEntry[str]) -> bool:
    return any(Path(entry).glob("*.py")) if entry.is_dir() else entry.name.endswith(".py")


def _file(name: str, paths: list[str]) -> str:
    """The file of a computation; BrokenComputation if Python would import another, or none."""
    if len(paths) > 1:
        both = " and ".join(sorted(paths))
        raise BrokenComputation(f"computation {name!r} is there twice: {both}; rename one")
    path = Path(paths[0])
    stem = path.name.removesuffix(".py")
    if not STEM.fullmatch(stem) or keyword.iskeyword(stem):
        raise BrokenComputation(
            f"computation {name!r} cannot have its name from {path}: a name has the letters a to "
            "z, digits and underscores, begins with a letter and is no keyword of Python; rename it"
        )
    file = path / "__init__.py" if path.is_dir() else path
    if not file.exists():
        raise BrokenComputation(
            f"computation {name!r} lacks {file}; add it, or start the folder's name with _ if it "
            "is no computation"
        )
    return str(file)


def _imported(name: str, file: str) -> ModuleType:
    """Import a computation's module; any error there breaks only this computation."""
    try:
        return importlib.import_module(f"{package().__name__}.{name.replace('-', '_')}")
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        remedy = _right_names(error) or next(r for kind, r in REMEDIES if isinstance(error, kind))
        said = error.msg if isinstance(error, SyntaxError) else error
        raise BrokenComputation(
            f"computation {name!r} cannot be imported: {type(error).__name__} at "
            f"{_place(error) or file}: {said}; {remedy}"
        ) from error


def _right_names(error: BaseException) -> str:
    """What backburner has in place of a name of its own that it has not; empty for other errors."""
    if isinstance(error, ModuleNotFoundError):
        module, _, lacks = str(error.name).rpartition(".")
    elif isinstance(error, ImportError):
        module, lacks = str(error.name), str(error).partition("'")[2].partition("'")[0]
    elif isinstance(error, AttributeError):
        module, lacks = getattr(error.obj, "__name__", ""), str(error.name)
    else:
        return ""
    from difflib import get_close_matches  # only a mistake of the author needs it

    names = OURS.get(module, ())
    alike = get_close_matches(lacks.lower(), [each.lower() for each in names], 1)
    near = [each for each in names if each.lower() in alike]
    return f"{module} has no {lacks!r}, but {', '.join(near or names)}" if names else ""


def _place(error: BaseException) -> str | None:
    """The file and line of the computation where its import failed."""
    if isinstance(error, SyntaxError) and error.filename:
        return source_line.written(error.filename, error.lineno)
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename != __file__ and frame.filename.startswith(tuple(package().__path__)):
            return source_line.written(frame.filename, frame.lineno)
    return None


def _check_parts(name: str, module: ModuleType) -> None:
    """Raise BrokenComputation if a part is missing or has another form."""
    missing = [part for part in ("__doc__", *PARTS) if getattr(module, part, None) in (None, "")]
    if missing:
        lacks = ", ".join(missing).replace("__doc__", "a docstring")
        raise BrokenComputation(
            f"computation {name!r} lacks {lacks} in {module.__file__}; define it there"
        )
    wrong = [
        f"{part} ({source_line.of(str(module.__file__), part)}): it must be {form}"
        for part, (has_form, form) in PARTS.items()
        if not has_form(getattr(module, part))
    ]
    if wrong:
        raise BrokenComputation(f"computation {name!r} has a wrong {'; and a wrong '.join(wrong)}")


def _lane(name: str, module: ModuleType) -> str:
    """The lane of its kind of `compute`, or its policy's; BrokenComputation if it cannot wait."""
    lane: str = module.POLICY.lane
    if iscoroutinefunction(module.compute):
        return lane or WAITING
    if lane == WAITING:
        raise BrokenComputation(
            f"computation {name!r} has lane={lane!r} and no async compute "
            f"({source_line.of(str(module.__file__), 'compute')}); write `async def compute`, or "
            "leave lane out"
        )
    return STANDARD
