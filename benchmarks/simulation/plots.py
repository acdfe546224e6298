"""The plots of docs/scale.md, as SVG files that are the same each time."""

from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .limits import KEY_READ_UNITS
from .outcome import SimulationOutcome
from .report import BURST, OPEN, UNLIMITED, VIRAL, Row
from .service import simulate
from .traffic import Traffic

RATES = (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)
ALL_FRESH = Traffic(name="fresh", rate=0, seconds=3, exponent=4, signatures=1_000, fresh_for=1e12)
ALL_PENDING = replace(ALL_FRESH, is_cold=True, run_time=10)


def draw(rows: list[Row], folder: Path) -> None:
    mpl.rcParams |= {"svg.hashsalt": "backburner", "font.size": 9, "svg.fonttype": "none"}
    save(hot_key(), folder / "scale-hot-key.svg")
    save(over_time(rows), folder / "scale-burst.svg")


def save(figure: Figure, path: Path) -> None:
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})
    lines = path.read_text().splitlines()
    path.write_text("\n".join(line.rstrip() for line in lines) + "\n")


def hot_key() -> Figure:
    """The read units of one key that gets nine tenths of the questions."""
    figure = Figure(figsize=(6, 3.2))
    axes = figure.subplots()
    kinds = {
        "while it is computed": (ALL_PENDING, True),
        "answered, if instances had no cache": (ALL_FRESH, False),
        "answered": (ALL_FRESH, True),
    }
    for label, (traffic, has_cache) in kinds.items():
        units = [units_of_hottest(replace(traffic, rate=rate), has_cache) for rate in RATES]
        axes.plot(RATES, units, marker=".", label=label)
    axes.axhline(KEY_READ_UNITS, color="black", linestyle=":", label="the limit of a partition")
    axes.set(xscale="log", yscale="log", xlabel="questions/s", ylabel="read units/s of the key")
    axes.legend(loc="upper left", fontsize=7)
    return figure


def units_of_hottest(traffic: Traffic, has_cache: bool) -> float:
    outcome = simulate(traffic, OPEN, UNLIMITED, has_cache=has_cache)
    return outcome.seconds[1].hot_key_units


def over_time(rows: list[Row]) -> Figure:
    """A thousand questions a second: from zero, and when nine tenths are for one signature."""
    figure = Figure(figsize=(8, 4.6))
    top, bottom = figure.subplots(2, 2, sharex="col")
    for column, load in enumerate((BURST, VIRAL)):
        [row] = [r for r in rows if r.traffic.name == load.name and r.traffic.rate == 1_000]
        top[column].set_title(f"{load.name}, 1,000 questions/s")
        plot(top[column], row.raised, {"questions and polls": "requests", "polls": "polls"})
        shown = {"jobs that wait": "backlog", "the mapping's pollers": "pollers"}
        plot(bottom[column], row.raised, shown)
        bottom[column].set(xlabel="seconds")
    return figure


def plot(axes: Axes, outcome: SimulationOutcome, shown: dict[str, str]) -> None:
    for label, name in shown.items():
        axes.plot([getattr(second, name) for second in outcome.seconds[:90]], label=label)
    axes.set(ylim=(0, None))
    axes.legend()
