"""The simulation's predictions beside what the local deployment does with the same questions."""

import os
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import urllib3

from backburner.development.local.deployment import Deployment

from .limits import Quotas
from .outcome import SimulationOutcome
from .report import OPEN, table
from .service import simulate
from .settings import StackParameters
from .traffic import Signatures, Traffic

COMPUTATIONS = Path(__file__).with_name("computations")
WORKERS, SEED, TICK_S = 2, 3, 0.02
WORKERS_ARE = {"own_time": 0.1, "cold_start": 0.0}
"""Assumed for this machine: seconds of a job beside its computation, most of them for the child
process. All sandboxes have been started before."""
LOADS = [
    Traffic(
        name=f"{run_time:g} s",
        rate=6,
        seconds=20,
        signatures=30,
        run_time=run_time,
        variation=0,
        is_cold=True,
    )
    for run_time in (0.05, 1.0)
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """What is compared, and by how much it may differ."""

    what: str
    predicted: float
    measured: float
    tolerance: float

    @property
    def is_met(self) -> bool:
        return abs(self.predicted - self.measured) <= self.tolerance


def compared() -> tuple[str, bool]:
    """A table of predictions and measurements; and whether all are within their tolerance."""
    rows, all_met = [], True
    for traffic in LOADS:
        plan = planned(traffic)
        predicted, measured = prediction(traffic, plan), measurement(traffic, plan)
        for figure in figures(predicted, measured):
            all_met &= figure.is_met
            cells = [f"{figure.predicted:.2f}", f"{figure.measured:.2f}", f"{figure.tolerance:.2f}"]
            rows.append([traffic.name, figure.what, *cells, "yes" if figure.is_met else "**no**"])
    heading = ["computation", "figure", "predicted", "measured", "may differ by", "does it hold"]
    return table(heading, rows), all_met


def figures(predicted: SimulationOutcome, measured: SimulationOutcome) -> list[Compared]:
    def figure(what: str, tolerance: float, of: Callable[[SimulationOutcome], float]) -> Compared:
        values = {"predicted": of(predicted), "measured": of(measured)}
        return Compared(what=what, tolerance=tolerance, **values)

    return [
        figure("computations per signature", 0, lambda o: o.computed.total() / len(o.computed)),
        figure("share served at once", 0.1, lambda o: o.served_at_once / o.asked),
        figure("polls per result", 0.3, lambda o: o.polls_per_result),
        figure("seconds to the result, p50", 1.0, lambda o: o.wait(0.5)),
        figure("seconds to the result, p90", 1.5, lambda o: o.wait(0.9)),
    ]


def planned(traffic: Traffic) -> list[tuple[float, Signatures]]:
    """The questions of each tick."""
    rng = np.random.default_rng(SEED)
    ticks = range(round(traffic.seconds / TICK_S))
    return [(tick * TICK_S, traffic.asked(TICK_S, rng)) for tick in ticks]


def prediction(traffic: Traffic, plan: list[tuple[float, Signatures]]) -> SimulationOutcome:
    by_tick = {round(at / TICK_S): signatures for at, signatures in plan}
    return simulate(
        traffic,
        StackParameters(request_rate=OPEN.request_rate, max_workers=WORKERS),
        Quotas(),
        seed=SEED,
        tick=TICK_S,
        asked=lambda now: by_tick[round(now / TICK_S)],
        workers_are=WORKERS_ARE,
    )


def measurement(traffic: Traffic, plan: list[tuple[float, Signatures]]) -> SimulationOutcome:
    with tempfile.TemporaryDirectory() as folder, deployed() as url:
        log = Path(folder) / "log.txt"
        client = WaitingClient(url=url, log=log, run_time=traffic.run_time)
        with ThreadPoolExecutor(WORKERS) as clients:
            list(clients.map(client.ask, [0.0] * WORKERS, range(-WORKERS, 0)))
        log.write_text("")
        questions = [(at, int(number)) for at, numbers in plan for number in numbers]
        with ThreadPoolExecutor(len(questions)) as clients:
            begins = time.monotonic() + 1
            asked = [clients.submit(client.ask, begins + at, number) for at, number in questions]
            answers = [question.result() for question in asked]
        return counted(answers, Counter(map(int, log.read_text().split())))


@contextmanager
def deployed() -> Iterator[str]:
    """The local deployment, with the sandboxes of its front started."""
    with (
        Path(os.devnull).open("w") as console,
        Deployment(
            workers=WORKERS, computations=[COMPUTATIONS], console=console.fileno()
        ) as deployment,
    ):
        with ThreadPoolExecutor(8) as clients:
            list(clients.map(urllib3.PoolManager().request, ["GET"] * 8, [deployment.url] * 8))
        yield deployment.url


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingClient:
    """Asks again after Retry-After, as often as it is told."""

    url: str
    log: Path
    run_time: float

    def ask(self, at: float, number: int) -> tuple[int, float]:
        """Ask at that time; how many polls and seconds it took."""
        time.sleep(max(0, at - time.monotonic()))
        asked, polls = time.monotonic(), 0
        body = {"log": str(self.log), "number": number, "seconds": self.run_time}
        with urllib3.PoolManager(retries=False) as http:
            while (
                response := http.request("POST", f"{self.url}/v1/sleeping", json=body)
            ).status == 202:
                time.sleep(int(response.headers["Retry-After"]))
                polls += 1
        if response.status != 200:
            raise RuntimeError(f"{response.status} for {number}: {response.data!r}")
        return polls, time.monotonic() - asked


def counted(answers: list[tuple[int, float]], computed: Counter[int]) -> SimulationOutcome:
    outcome = SimulationOutcome(asked=len(answers), computed=computed)
    for polls, seconds in answers:
        if polls:
            outcome.served_later += 1
            outcome.polls += polls
            outcome.waits[round(seconds, 3)] += 1
        else:
            outcome.served_at_once += 1
    return outcome
