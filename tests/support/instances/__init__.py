"""Published instances of the capacitated vehicle routing problem, as parameters of route-plan."""

import re
from pathlib import Path
from typing import Any

from backburner.development import parameter_files

HERE = Path(__file__).parent

OPTIMA: dict[str, int] = {
    name: int(optimum)
    for name, optimum in re.findall(
        r"^\| ([A-Z]-n\d+-k\d+) +\| +\d+ \| +(\d+) \|$", (HERE / "README.md").read_text(), re.M
    )
}
"""The table in README.md."""


def parameters(name: str) -> dict[str, Any]:
    """The file as published."""
    file = HERE / f"{name}.vrp"
    return parameter_files.of_vrp(file.name, file.read_text())
