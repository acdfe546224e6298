"""Finds and loads computations: the modules and folders of the authors' package.

A setting names the package. Its `route_plan` is `route-plan` in the API.
"""

import importlib
import pkgutil
import traceback
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from backburner import settings
from backburner.computation import Computation, Parameters, Policy, Result, stable_json
from backburner.computation.declared import Declared
from backburner.errors import BrokenComputation, NoSuchComputation

FORMS: dict[str, Callable[[Any], bool]] = {
    "Parameters": lambda part: isinstance(part, type) and issubclass(part, Parameters),
    "Result": lambda part: isinstance(part, type) and issubclass(part, Result),
    "POLICY": lambda part: isinstance(part, Policy),
    "EXAMPLE": lambda part: isinstance(part, Mapping),
    "compute": callable,
}


def names() -> list[str]:
    """The names of all computations, sorted; imports none of them."""
    modules = (module.name for module in pkgutil.iter_modules(_package().__path__))
    return sorted(name.replace("_", "-") for name in modules if not name.startswith("_"))


def load(name: str) -> Computation:
    """Load a computation by name; raise NoSuchComputation, or BrokenComputation with a remedy."""
    if name not in names():
        raise NoSuchComputation(f"there is no computation {name!r}; there are {', '.join(names())}")
    module = _imported(name)
    missing = [part for part in ("__doc__", *FORMS) if not getattr(module, part, None)]
    if missing:
        raise BrokenComputation(f"computation {name!r} lacks {', '.join(missing)}; define it there")
    misshapen = [part for part, has_form in FORMS.items() if not has_form(getattr(module, part))]
    if misshapen:
        raise BrokenComputation(
            f"computation {name!r} has a wrong {', '.join(misshapen)}; "
            "docs/computations.md says what each must be"
        )
    stable_json.check(name, module.Parameters, module.Result)
    return Computation(
        name=name,
        documentation=module.__doc__ or "",
        parameters=module.Parameters,
        result=module.Result,
        policy=module.POLICY,
        example=module.EXAMPLE,
        compute=module.compute,
        declared=tuple(dict.fromkeys(e for e in vars(module).values() if isinstance(e, Declared))),
    )


def _package() -> ModuleType:
    return importlib.import_module(settings.text("COMPUTATIONS_PACKAGE", "computations"))


def _imported(name: str) -> ModuleType:
    """Import a computation's module; any error there breaks only this computation."""
    module_name = f"{_package().__name__}.{name.replace('-', '_')}"
    try:
        return importlib.import_module(module_name)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        raise BrokenComputation(
            f"computation {name!r} cannot be imported: {type(error).__name__} at "
            f"{_place(error) or module_name}: {error}; import heavy libraries inside compute()"
        ) from error


def _place(error: BaseException) -> str | None:
    """The file and line of the computation where its import failed."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{error.filename}, line {error.lineno}"
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if frame.filename != __file__ and frame.filename.startswith(tuple(_package().__path__)):
            return f"{frame.filename}, line {frame.lineno}"
    return None
