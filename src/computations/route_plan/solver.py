"""Solves a route plan with PyVRP. Only `compute` imports this: numpy and PyVRP are heavy."""

import time
import warnings
from math import gcd
from typing import Any

import numpy as np
import pyvrp
from pyvrp import search as pyvrp_search

from backburner.computation import Progress, Uncomputable
from computations.route_plan.parameters import (
    LAST_SECOND,
    SEARCHES,
    Geographic,
    Parameters,
    Stop,
    iterations,
)
from computations.route_plan.result import Result, Route

Vector = np.ndarray[Any, np.dtype[np.float64]]
Matrix = np.ndarray[Any, np.dtype[np.int64]]
"""From each point (row) to each point (column); the depot comes first."""


SAFETY = 480
"""Seconds after which the search ends, even with iterations left; no search should need it."""
EARTH_RADIUS = 6_371_008.8
NEVER = 2**63 - 1


def solve(parameters: Parameters, progress: Progress) -> Result:
    _refuse_overload(parameters)
    distances = _distances(parameters)
    _refuse_a_coarse_unit(distances, parameters)
    durations = _durations(distances, parameters)
    _refuse_lateness(durations, parameters)
    problem = _problem(parameters, distances, durations)
    countdown = Countdown(iterations(parameters), SEARCHES[parameters.effort], progress)
    plans = [
        _search(problem, _penalties(parameters, distances, durations), countdown, seed)
        for seed in range(1, countdown.searches + 1)
    ]
    best = min(plans, key=lambda plan: (not plan.is_feasible(), plan.distance()))
    if not best.is_feasible():
        raise Uncomputable(_shortfall(best, countdown.done, parameters))
    return _result(best, parameters)


class Countdown:
    """PyVRP's stopping criterion, called before every iteration; it also reports progress."""

    def __init__(self, iterations: int, searches: int, progress: Progress) -> None:
        self.iterations, self.searches, self.progress = iterations, searches, progress
        self.done = self.end = 0
        self.deadline = time.monotonic() + SAFETY

    def __call__(self, best_cost: int) -> bool:  # noqa: ARG002 (PyVRP's signature)
        self.progress(self.done / self.iterations)
        if self.done == self.end or time.monotonic() > self.deadline:
            return True
        self.done += 1
        return False

    def begin(self, search: int) -> int:
        """Begin a search, counted from 1, and return its share of the iterations."""
        self.end = self.iterations * search // self.searches
        return self.end - self.done


def _refuse_overload(parameters: Parameters) -> None:
    fleet, stops = parameters.vehicles, parameters.stops
    capacity, needed = _thousandths(fleet.capacity), _needed(stops)
    largest = max(stops, key=lambda stop: stop.demand)
    if _thousandths(largest.demand) > capacity:
        raise Uncomputable(
            f"stop {largest.id} demands {_in_words(_thousandths(largest.demand))}, "
            f"a vehicle carries {_in_words(capacity)}; split the stop or take larger vehicles"
        )
    if needed > fleet.count * capacity:
        raise Uncomputable(
            f"the stops demand {_in_words(needed)}, {fleet.count} vehicles of "
            f"{_in_words(capacity)} carry {_in_words(fleet.count * capacity)}; "
            f"it takes {-(-needed // capacity)} vehicles at least"
        )


def _refuse_a_coarse_unit(distances: Matrix, parameters: Parameters) -> None:
    points = {point.coordinates() for point in [parameters.depot, *parameters.stops]}
    if len(points) > 1 and not distances.any():
        raise Uncomputable(
            "all distances are rounded to 0: the points are less than half a unit apart; take a "
            "smaller unit, such as metres, or name degrees lat and lon instead of x and y"
        )


def _refuse_lateness(durations: Matrix, parameters: Parameters) -> None:
    if not any(stop.window for stop in parameters.stops):
        return
    for stop, seconds in zip(parameters.stops, _soonest(durations, parameters.stops), strict=True):
        if stop.window and seconds > stop.window[1]:
            raise Uncomputable(
                f"stop {stop.id} closes at {stop.window[1]} s, but from the depot it takes "
                f"{seconds} s to get there; open it for longer or raise the speed"
            )


def _soonest(durations: Matrix, stops: list[Stop]) -> list[int]:
    """When a vehicle can be at each stop; by way of others it may be there sooner, as each leg is
    rounded (Dijkstra's algorithm; whoever passes a stop serves it)."""
    arrivals, is_ahead = durations[0].copy(), np.full(len(durations), fill_value=True)
    is_ahead[0] = False
    for _ in stops:
        here = int(np.argmin(np.where(is_ahead, arrivals, NEVER)))
        is_ahead[here] = False
        stop, arrival = stops[here - 1], int(arrivals[here])
        opens, closes = stop.window or (0, NEVER)
        if arrival <= closes:
            leaves = max(arrival, opens) + stop.service
            arrivals = np.minimum(arrivals, leaves + durations[here])
    return [int(arrival) for arrival in arrivals[1:]]


def _thousandths(load: float) -> int:
    return round(1000 * load)


def _needed(stops: list[Stop]) -> int:
    return sum(_thousandths(stop.demand) for stop in stops)


def _in_words(thousandths: int) -> str:
    return f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".")


def _distances(parameters: Parameters) -> Matrix:
    points = [parameters.depot, *parameters.stops]
    first, second = np.array([point.coordinates() for point in points]).T
    geographic = isinstance(parameters.depot, Geographic)
    exact = _great_circle(first, second) if geographic else _euclidean(first, second)
    return np.floor(exact + 0.5).astype(np.int64)


def _euclidean(x: Vector, y: Vector) -> Vector:
    distances: Vector = np.hypot(x[:, None] - x, y[:, None] - y)
    return distances


def _great_circle(lat: Vector, lon: Vector) -> Vector:
    """The haversine formula, which is exact even for points close together."""
    lat, lon = np.radians(lat), np.radians(lon)
    across = np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    chord = np.sin((lat[:, None] - lat) / 2) ** 2 + across
    distances: Vector = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    return distances


def _durations(distances: Matrix, parameters: Parameters) -> Matrix:
    if not any(stop.window for stop in parameters.stops):
        return np.zeros_like(distances)
    # 13.9 is not exact in binary: without the small term, a leg of 139 m could take 11 s.
    return np.ceil(distances / parameters.speed - 1e-9).astype(np.int64)


def _problem(parameters: Parameters, distances: Matrix, durations: Matrix) -> pyvrp.ProblemData:
    points = [parameters.depot, *parameters.stops]
    fleet = parameters.vehicles
    unit = _unit(parameters.stops)
    return pyvrp.ProblemData(
        [pyvrp.Location(*point.coordinates()) for point in points],
        [_client(location, stop, unit) for location, stop in enumerate(parameters.stops, start=1)],
        [pyvrp.Depot(0)],
        [pyvrp.VehicleType(fleet.count, capacity=[_thousandths(fleet.capacity) // unit])],
        [distances],
        [durations],
    )


def _unit(stops: list[Stop]) -> int:
    """The solver's unit of load, in thousandths; it keeps the numbers small and exact."""
    return gcd(*(_thousandths(stop.demand) for stop in stops)) or 1


def _client(location: int, stop: Stop, unit: int) -> pyvrp.Client:
    opens, closes = stop.window or (0, NEVER)
    return pyvrp.Client(
        location,
        delivery=[_thousandths(stop.demand) // unit],
        service_duration=stop.service,
        tw_early=opens,
        tw_late=closes,
    )


def _penalties(
    parameters: Parameters, distances: Matrix, durations: Matrix
) -> pyvrp.PenaltyManager:
    """Penalties in proportion to the problem: excess costs five times its usual distance.

    PyVRP's own penalties start equally high for all problems and take thousands of iterations to
    fall. Until then the search avoids plans that break a limit, and short searches get stuck.
    """

    stops = parameters.stops
    way = 5 * max(distances.mean(), 1)
    loads = _needed(stops) // _unit(stops)
    load = way * len(stops) / (loads or len(stops))
    lateness = way / durations.mean() if durations.any() else load
    worst = loads + len(stops) * (np.max(durations) + 2 * LAST_SECOND)
    limits = pyvrp.PenaltyParams(
        solutions_between_updates=50,
        min_penalty=min(load, lateness) / 100,
        max_penalty=1e17 / worst,  # what 64 bits allow
    )
    return pyvrp.PenaltyManager(([load], lateness, 1), limits)


def _search(
    problem: pyvrp.ProblemData, penalties: pyvrp.PenaltyManager, stop: Countdown, seed: int
) -> pyvrp.Solution:
    """Does what pyvrp.solve() does, but with the given penalties."""
    rng = pyvrp.RandomNumberGenerator(seed=seed)
    local_search = _local_search(problem, rng)
    random = pyvrp.Solution.make_random(problem, rng)
    first = local_search(random, penalties.max_cost_evaluator(), exhaustive=True)
    history = min(300, 100 + stop.begin(seed) // 100)  # short searches have to settle sooner
    settings = pyvrp.IteratedLocalSearchParams(history_length=history)
    search = pyvrp.IteratedLocalSearch(problem, penalties, local_search, first, settings)
    with warnings.catch_warnings():
        # PyVRP warns if a penalty reaches its maximum: then solve() refuses the plan.
        warnings.simplefilter("ignore", pyvrp.exceptions.PenaltyBoundWarning)
        return search.run(stop, collect_stats=False).best


def _local_search(
    problem: pyvrp.ProblemData, rng: pyvrp.RandomNumberGenerator
) -> pyvrp.search.LocalSearch:
    # Pass a new perturbation manager: the default one keeps its state from run to run.
    local_search = pyvrp_search.LocalSearch(
        problem, rng, pyvrp_search.compute_neighbours(problem), pyvrp_search.PerturbationManager()
    )
    for operator in pyvrp_search.OPERATORS:
        if operator.supports(problem):
            local_search.add_operator(operator(problem))
    return local_search


def _shortfall(best: pyvrp.Solution, tried: int, parameters: Parameters) -> str:
    fleet = parameters.vehicles
    fill = _needed(parameters.stops) / (fleet.count * _thousandths(fleet.capacity))
    excess = best.excess_load()[0] * _unit(parameters.stops)
    return (
        f"none of the {tried} plans tried keeps to every capacity and window; the one left in the "
        f"end overloads vehicles by {_in_words(excess)} and is {best.time_warp()} s late "
        f"in all. The stops demand {fill:.1%} of what the fleet carries; "
        "take more vehicles, open windows for longer, or try more effort"
    )


def _result(best: pyvrp.Solution, parameters: Parameters) -> Result:
    routes = [_route(route, parameters.stops) for route in best.routes()]
    return Result(distance=best.distance(), vehicles_used=len(routes), routes=routes)


def _route(route: pyvrp.Route, stops: list[Stop]) -> Route:
    visited = [stops[visit.idx] for visit in route if visit.is_client()]
    return Route(
        stops=[stop.id for stop in visited],
        distance=route.distance(),
        load=_needed(visited) / 1000,
    )
