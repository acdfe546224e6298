"""Plans the routes of a delivery fleet: which vehicle visits which stops, and in which order.

Every stop is visited once, no vehicle carries more than its capacity, each route starts and ends
at the depot, and the total distance is as short as the search can make it (the capacitated vehicle
routing problem, with time windows if stops have them).

**Points** are either planar, `{"x", "y"}` in any unit, or geographic, `{"lat", "lon"}` in degrees;
one plan never mixes them. Distances are whole numbers: between planar points Euclidean, rounded to
the nearest (TSPLIB's `EUC_2D`, so choose a unit that is small against the distances); between
geographic points metres along the great circle of a sphere with the Earth's mean radius,
6,371,008.8 m. There is no road network behind them.

**Loads** may have up to three decimals and are added up exactly.

**Times** are whole seconds from the moment when vehicles may leave the depot. A leg takes its
distance divided by `speed`, rounded up to a whole second. A vehicle that arrives before a window
opens waits; the visit has to begin before the window closes and lasts for `service`. Without
windows, times play no part.

**Effort** is how many plans are tried: with 100 stops `quick` takes about one second, `standard`
five, `thorough` thirty; with 1,000 stops about twice as long. Published benchmark instances (sets
A, B, E, P and X of CVRPLIB) come out at `standard` within 1 % of the optimum up to 100 stops and
within 2 % up to 200. The same parameters give the same plan. No plan is proved to be the best.

**What cannot be planned** is refused with the numbers that show why: too much demand for the
fleet, a stop that no vehicle can carry or reach in time. If the search ends without a plan that
keeps to every capacity and window, that is said too; it does not prove that there is none.

The solver is PyVRP (N. A. Wouda, L. Lan, W. Kool: PyVRP, a high-performance VRP solver package.
INFORMS Journal on Computing 36(4), 2024, doi:10.1287/ijoc.2023.0055).
"""

import time
import warnings
from collections.abc import Iterator
from math import cbrt, gcd, sqrt
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    Discriminator,
    Field,
    Tag,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    field_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from backburner import computation
from backburner.computation import DAY, Policy, Progress, Uncomputable

if TYPE_CHECKING:
    import numpy as np
    import pyvrp

    Vector = np.ndarray[Any, np.dtype[np.float64]]
    Matrix = np.ndarray[Any, np.dtype[np.int64]]
    """From each point (row) to each point (column); the depot is the first."""

Effort = Literal["quick", "standard", "thorough"]
ITERATIONS: dict[Effort, int] = {"quick": 1_500, "standard": 12_000, "thorough": 48_000}
"""Up to 100 stops; fewer for more, because each then takes longer."""
SEARCHES: dict[Effort, int] = {"quick": 1, "standard": 2, "thorough": 4}
"""They share the iterations and start apart, each with its own seed: one alone may get stuck."""
SAFETY = 480
"""Seconds after which a search ends early, whatever its iterations: far more than any needs."""

EARTH_RADIUS = 6_371_008.8
PLANAR_SPEED = 1.0
GEOGRAPHIC_SPEED = 13.9
"""Metres per second, 50 km/h."""

# What bounds these is that no sum in the solver may leave 64 bits.
FARTHEST = 10_000_000
LARGEST_DEMAND = 1_000_000
LARGEST_CAPACITY = 1_000_000_000
LAST_SECOND = 10_000_000
NEVER = 2**63 - 1


def in_thousandths(load: float) -> float:
    if round(load, 3) != load:
        raise PydanticCustomError("decimals", "a load has three decimals at most")
    return load


def opens_before_it_closes(window: tuple[int, int]) -> tuple[int, int]:
    opens, closes = window
    if closes < opens:
        raise PydanticCustomError(
            "window",
            "the window closes at {closes}, before it opens at {opens}",
            {"opens": opens, "closes": closes},
        )
    return window


def form_of(point: Any) -> str | None:
    """Planar or geographic; None for what is neither or both."""
    fields = point if isinstance(point, dict) else getattr(point, "__dict__", ())
    planar = "x" in fields or "y" in fields
    geographic = "lat" in fields or "lon" in fields
    if planar == geographic:
        return None
    return "planar" if planar else "geographic"


NOT_KNOWN_YET: Any = object()
"""The speed, until the depot has told which one is usual."""


EITHER_FORM = Discriminator(
    form_of,
    custom_error_type="point",
    custom_error_message="a point has either x and y, or lat and lon",
)

Load = Annotated[float, Field(ge=0), AfterValidator(in_thousandths)]
Second = Annotated[int, Field(ge=0, le=LAST_SECOND)]
Window = Annotated[tuple[Second, Second], AfterValidator(opens_before_it_closes)]


class Closed(BaseModel):
    model_config = computation.Parameters.model_config


class Planar(Closed):
    """A point in the plane."""

    x: float = Field(ge=-FARTHEST, le=FARTHEST, description="In any unit, the same for all.")
    y: float = Field(ge=-FARTHEST, le=FARTHEST, description="In the unit of x.")

    def coordinates(self) -> tuple[float, float]:
        return self.x, self.y


class Geographic(Closed):
    """A point on the Earth."""

    lat: float = Field(ge=-90, le=90, description="Latitude in degrees, north is positive.")
    lon: float = Field(ge=-180, le=180, description="Longitude in degrees, east is positive.")

    def coordinates(self) -> tuple[float, float]:
        return self.lat, self.lon


class Visit(Closed):
    id: str = Field(
        default_factory=str,  # filled in by Parameters, which knows the position
        min_length=1,
        max_length=100,
        description="Names the stop in the routes. Default: its position, starting at 1.",
    )
    demand: Load = Field(
        1,
        le=LARGEST_DEMAND,
        description="What the vehicle has to carry for it, in the unit of the capacity.",
    )
    window: Window | None = Field(
        None,
        description="[opens, closes]: when the visit may begin, in seconds. Default: at any time.",
    )
    service: Second = Field(0, description="How long the visit lasts, in seconds.")


class PlanarStop(Visit, Planar):
    """A stop in the plane."""


class GeographicStop(Visit, Geographic):
    """A stop on the Earth."""


Point = Annotated[
    Annotated[Planar, Tag("planar")] | Annotated[Geographic, Tag("geographic")], EITHER_FORM
]
Stop = Annotated[
    Annotated[PlanarStop, Tag("planar")] | Annotated[GeographicStop, Tag("geographic")], EITHER_FORM
]


class Vehicles(Closed):
    """The fleet; its vehicles are all alike."""

    count: int = Field(ge=1, le=500, description="How many there are; a plan may use fewer.")
    capacity: Load = Field(gt=0, le=LARGEST_CAPACITY, description="What each of them can carry.")


class Parameters(computation.Parameters):
    depot: Point = Field(description="Where each route starts and ends.")
    stops: list[Stop] = Field(
        min_length=1,
        max_length=1000,
        description="What is to be visited. The points are of the same form as the depot's.",
    )
    vehicles: Vehicles = Field(description="What there is to visit them with.")
    effort: Effort = Field("standard", description="How long to look for short routes.")
    speed: float = Field(
        default_factory=lambda: NOT_KNOWN_YET,
        validate_default=True,
        ge=0.01,
        le=10_000,
        description=(
            "Distance per second: in the unit of x and y, default 1; or in metres, default 13.9."
        ),
    )

    @field_validator("stops")
    @classmethod
    def _with_ids(cls, stops: list[Stop], so_far: ValidationInfo) -> list[Stop]:
        stops = [
            stop if stop.id else stop.model_copy(update={"id": str(position)})
            for position, stop in enumerate(stops, start=1)
        ]
        errors = [*_of_another_form(stops, so_far.data.get("depot")), *_with_an_id_again(stops)]
        if errors:
            raise ValidationError.from_exception_data("stops", errors)
        return stops

    @field_validator("speed", mode="wrap")
    @classmethod
    def _usual(
        cls, speed: Any, check: ValidatorFunctionWrapHandler, so_far: ValidationInfo
    ) -> float:
        geographic = isinstance(so_far.data.get("depot"), Geographic)
        usual = GEOGRAPHIC_SPEED if geographic else PLANAR_SPEED
        checked: float = check(usual if speed is NOT_KNOWN_YET else speed)
        return checked


class Route(Closed):
    """One vehicle's way from the depot, past its stops and back."""

    stops: list[str] = Field(description="The ids of its stops, in order.")
    distance: int = Field(description="From the depot back to the depot, in metres or as x and y.")
    load: float = Field(description="The sum of its stops' demands.")


class Result(computation.Result):
    distance: int = Field(description="The sum of the routes' distances.")
    vehicles_used: int = Field(description="How many vehicles leave the depot.")
    routes: list[Route] = Field(description="One for each vehicle used.")


def iterations(parameters: Parameters) -> int:
    """How many plans are tried."""
    return round(ITERATIONS[parameters.effort] * cbrt(min(1, 100 / len(parameters.stops))))


def expected_time(parameters: Parameters) -> float:
    """Measured: what is spent on a plan grows like the root of its stops."""
    return 0.5 + 45e-6 * iterations(parameters) * sqrt(len(parameters.stops))


POLICY = Policy(
    version=1,
    fresh_for=7 * DAY,
    stale_for=30 * DAY,
    expected_time=expected_time,
    time_limit=600,
)

EXAMPLE = {
    "depot": {"lat": 52.3791, "lon": 4.9003},
    "stops": [
        {"id": "museum", "lat": 52.36, "lon": 4.8852, "demand": 4},
        {"id": "market", "lat": 52.3554, "lon": 4.8918, "demand": 2.5, "window": [600, 1200]},
        {"id": "zoo", "lat": 52.366, "lon": 4.9166, "demand": 5, "service": 300},
        {"id": "park", "lat": 52.358, "lon": 4.8686, "demand": 3},
        {"id": "harbour", "lat": 52.3935, "lon": 4.8908, "demand": 1},
    ],
    "vehicles": {"count": 2, "capacity": 10},
    "effort": "quick",
}


def compute(parameters: Parameters, progress: Progress) -> Result:
    _refuse_overload(parameters)
    distances = _distances(parameters)
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
    """PyVRP's stopping criterion: called before every iteration, it also tells the progress."""

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
        """The next search, counted from 1, ends after its share; so many iterations it has."""
        self.end = self.iterations * search // self.searches
        return self.end - self.done


def _of_another_form(stops: list[Stop], depot: Point | None) -> Iterator[InitErrorDetails]:
    for index, stop in enumerate(stops):
        if depot is not None and form_of(stop) != form_of(depot):
            reason = PydanticCustomError(
                "form",
                "the stop is {stop}, the depot {depot}; all points have to be of one form",
                {"stop": form_of(stop), "depot": form_of(depot)},
            )
            yield InitErrorDetails(type=reason, loc=(index,), input=stop)


def _with_an_id_again(stops: list[Stop]) -> Iterator[InitErrorDetails]:
    owners: dict[str, int] = {}
    for index, stop in enumerate(stops):
        owner = owners.setdefault(stop.id, index)
        if owner != index:
            reason = PydanticCustomError(
                "duplicate",
                "/stops/{owner} has the id {id}, too; no two stops may have the same",
                {"owner": owner, "id": stop.id},
            )
            yield InitErrorDetails(type=reason, loc=(index, "id"), input=stop.id)


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


def _refuse_lateness(durations: "Matrix", parameters: Parameters) -> None:
    for stop, seconds in zip(parameters.stops, durations[0, 1:], strict=True):
        if stop.window and seconds > stop.window[1]:
            raise Uncomputable(
                f"stop {stop.id} closes at {stop.window[1]} s, but from the depot it takes "
                f"{seconds} s to get there; open it for longer or raise the speed"
            )


def _thousandths(load: float) -> int:
    return round(1000 * load)


def _needed(stops: list[Stop]) -> int:
    return sum(_thousandths(stop.demand) for stop in stops)


def _in_words(thousandths: int) -> str:
    return f"{thousandths / 1000:.3f}".rstrip("0").rstrip(".")


def _distances(parameters: Parameters) -> "Matrix":
    import numpy as np

    points = [parameters.depot, *parameters.stops]
    first, second = np.array([point.coordinates() for point in points]).T
    geographic = isinstance(parameters.depot, Geographic)
    exact = _great_circle(first, second) if geographic else _euclidean(first, second)
    return np.floor(exact + 0.5).astype(np.int64)


def _euclidean(x: "Vector", y: "Vector") -> "Vector":
    import numpy as np

    distances: Vector = np.hypot(x[:, None] - x, y[:, None] - y)
    return distances


def _great_circle(lat: "Vector", lon: "Vector") -> "Vector":
    """By the haversine formula, which is exact for near points, too."""
    import numpy as np

    lat, lon = np.radians(lat), np.radians(lon)
    across = np.cos(lat[:, None]) * np.cos(lat) * np.sin((lon[:, None] - lon) / 2) ** 2
    chord = np.sin((lat[:, None] - lat) / 2) ** 2 + across
    distances: Vector = 2 * EARTH_RADIUS * np.arcsin(np.sqrt(np.clip(chord, 0, 1)))
    return distances


def _durations(distances: "Matrix", parameters: Parameters) -> "Matrix":
    import numpy as np

    if not any(stop.window for stop in parameters.stops):
        return np.zeros_like(distances)
    # 13.9 is no binary number: a leg of 139 m must not take 11 s.
    return np.ceil(distances / parameters.speed - 1e-9).astype(np.int64)


def _problem(
    parameters: Parameters, distances: "Matrix", durations: "Matrix"
) -> "pyvrp.ProblemData":
    import pyvrp

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
    """The solver counts loads in this many thousandths: its numbers stay small, and exact."""
    return gcd(*(_thousandths(stop.demand) for stop in stops)) or 1


def _client(location: int, stop: Stop, unit: int) -> "pyvrp.Client":
    import pyvrp

    opens, closes = stop.window or (0, NEVER)
    return pyvrp.Client(
        location,
        delivery=[_thousandths(stop.demand) // unit],
        service_duration=stop.service,
        tw_early=opens,
        tw_late=closes,
    )


def _penalties(
    parameters: Parameters, distances: "Matrix", durations: "Matrix"
) -> "pyvrp.PenaltyManager":
    """To the scale of the problem: too much load or time costs five times its usual distance.

    PyVRP's own begin at one height for all problems and take thousands of iterations to come
    down; until then no plan that breaks a limit is worth a look, and short searches get stuck.
    """
    import numpy as np
    import pyvrp

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
    problem: "pyvrp.ProblemData", penalties: "pyvrp.PenaltyManager", stop: Countdown, seed: int
) -> "pyvrp.Solution":
    """What pyvrp.solve() does, with penalties of our own."""
    import pyvrp

    rng = pyvrp.RandomNumberGenerator(seed=seed)
    local_search = _local_search(problem, rng)
    random = pyvrp.Solution.make_random(problem, rng)
    first = local_search(random, penalties.max_cost_evaluator(), exhaustive=True)
    history = min(300, 100 + stop.begin(seed) // 100)  # short searches have to settle sooner
    settings = pyvrp.IteratedLocalSearchParams(history_length=history)
    search = pyvrp.IteratedLocalSearch(problem, penalties, local_search, first, settings)
    with warnings.catch_warnings():
        # A penalty at its maximum: the plan is infeasible, and that we say in our own words.
        warnings.simplefilter("ignore", pyvrp.exceptions.PenaltyBoundWarning)
        return search.run(stop, collect_stats=False).best


def _local_search(
    problem: "pyvrp.ProblemData", rng: "pyvrp.RandomNumberGenerator"
) -> "pyvrp.search.LocalSearch":
    from pyvrp import search

    # A perturbation manager is not left out: the default one keeps its state from run to run.
    local_search = search.LocalSearch(
        problem, rng, search.compute_neighbours(problem), search.PerturbationManager()
    )
    for operator in search.OPERATORS:
        if operator.supports(problem):
            local_search.add_operator(operator(problem))
    return local_search


def _shortfall(best: "pyvrp.Solution", tried: int, parameters: Parameters) -> str:
    fleet = parameters.vehicles
    fill = _needed(parameters.stops) / (fleet.count * _thousandths(fleet.capacity))
    excess = best.excess_load()[0] * _unit(parameters.stops)
    return (
        f"none of the {tried} plans tried keeps to every capacity and window; the one left in the "
        f"end overloads vehicles by {_in_words(excess)} and is {best.time_warp()} s late "
        f"in all. The stops demand {fill:.1%} of what the fleet carries; "
        "take more vehicles, open windows for longer, or try more effort"
    )


def _result(best: "pyvrp.Solution", parameters: Parameters) -> Result:
    routes = [_route(route, parameters.stops) for route in best.routes()]
    return Result(distance=best.distance(), vehicles_used=len(routes), routes=routes)


def _route(route: "pyvrp.Route", stops: list[Stop]) -> Route:
    visited = [stops[visit.idx] for visit in route if visit.is_client()]
    return Route(
        stops=[stop.id for stop in visited],
        distance=route.distance(),
        load=_needed(visited) / 1000,
    )
