"""Published instances of the capacitated vehicle routing problem, as parameters of route-plan."""

import re
from pathlib import Path
from typing import Any
from zipfile import ZipFile

from vrplib.parse import parse_vrplib

HERE = Path(__file__).parent
FILES = ZipFile(HERE / "instances.zip")
OPTIMA: dict[str, int] = {
    name: int(optimum)
    for name, optimum in re.findall(
        r"^\| ([A-Z]-n\d+-k\d+) +\| +\d+ \| +(\d+) \|$", (HERE / "README.md").read_text(), re.M
    )
}
"""The table in README.md."""


def parameters(name: str) -> dict[str, Any]:
    """The instance as published. Node 1 is the depot, the others are the stops 1, 2, 3 …

    The optima of set X are over fleets of any size, the others over those of the name's k.
    """
    instance = parse_vrplib(FILES.read(f"{name}.vrp").decode(), compute_edge_weights=False)
    depot, *stops = (dict(zip("xy", at, strict=True)) for at in instance["node_coord"].tolist())
    demands = instance["demand"].tolist()[1:]
    fleet = len(stops) if name.startswith("X") else int(name.rpartition("-k")[2])
    return {
        "depot": depot,
        "stops": [at | {"demand": n} for at, n in zip(stops, demands, strict=True)],
        "vehicles": {"count": fleet, "capacity": instance["capacity"]},
    }
