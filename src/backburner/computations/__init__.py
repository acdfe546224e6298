"""The computations: add a file here and nothing else changes.

`route_plan.py` on disk is `route-plan` in the API. A file has a docstring, `Parameters`, `Result`,
`POLICY`, `EXAMPLE` and `compute(parameters, progress)`; it imports nothing of backburner but
`backburner.computation`, and no heavy library outside `compute`: the request Lambda lacks those.
"""

import importlib
import pkgutil

from backburner import stable_json
from backburner.computation import Computation
from backburner.errors import BrokenComputation, NoSuchComputation

PARTS = ("Parameters", "Result", "POLICY", "EXAMPLE", "compute")


def names() -> list[str]:
    """The computations' names, sorted, without importing any."""
    modules = (module.name for module in pkgutil.iter_modules(__path__))
    return sorted(name.replace("_", "-") for name in modules if not name.startswith("_"))


def load(name: str) -> Computation:
    """The computation of that name; NoSuchComputation, or BrokenComputation with the remedy."""
    if name not in names():
        raise NoSuchComputation(f"there is no computation {name!r}; there are {', '.join(names())}")
    module_name = f"{__name__}.{name.replace('-', '_')}"
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise BrokenComputation(
            f"computation {name!r} cannot be imported: {error!r}; "
            "import heavy libraries inside compute()"
        ) from error
    missing = [part for part in ("__doc__", *PARTS) if not getattr(module, part, None)]
    if missing:
        raise BrokenComputation(f"computation {name!r} lacks {', '.join(missing)}; define it there")
    stable_json.check(name, module.Parameters, module.Result)
    return Computation(
        name=name,
        documentation=module.__doc__ or "",
        parameters=module.Parameters,
        result=module.Result,
        policy=module.POLICY,
        example=module.EXAMPLE,
        compute=module.compute,
    )
