"""Published instances of the capacitated vehicle routing problem, as parameters of route-plan."""

import re
from pathlib import Path
from typing import Any

import vrplib

HERE = Path(__file__).parent

OPTIMA: dict[str, int] = {
    name: int(optimum)
    for name, optimum in re.findall(
        r"^\| ([A-Z]-n\d+-k\d+) +\| +\d+ \| +(\d+) \|$", (HERE / "README.md").read_text(), re.M
    )
}
"""The table in README.md."""


def parameters(name: str) -> dict[str, Any]:
    """The file as published; node 1 is the depot, the others are the stops 1, 2, 3 …"""
    instance = vrplib.read_instance(HERE / f"{name}.vrp", compute_edge_weights=False)
    depot, *stops = instance["node_coord"].tolist()
    return {
        "depot": _point(depot),
        "stops": [
            _point(stop) | {"demand": demand}
            for stop, demand in zip(stops, instance["demand"].tolist()[1:], strict=True)
        ],
        "vehicles": {"count": _fleet(name, len(stops)), "capacity": instance["capacity"]},
    }


def _point(coordinates: list[float]) -> dict[str, float]:
    return dict(zip("xy", coordinates, strict=True))


def _fleet(name: str, stops: int) -> int:
    """The optima of set X are over fleets of any size, the others over those of the name's k."""
    return stops if name.startswith("X") else int(name.partition("-k")[2])
