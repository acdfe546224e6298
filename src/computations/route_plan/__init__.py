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
fleet, a stop that no vehicle can carry or reach in time, points so close together in their unit
that all distances are 0. If the search ends without a plan that keeps to every capacity and window,
that is said too; it does not prove that there is none.

The solver is PyVRP (N. A. Wouda, L. Lan, W. Kool: PyVRP, a high-performance VRP solver package.
INFORMS Journal on Computing 36(4), 2024, doi:10.1287/ijoc.2023.0055).
"""

from backburner.computation import DAY, Policy, Progress
from computations.route_plan.parameters import Parameters, expected_time
from computations.route_plan.result import Result

POLICY = Policy(
    version=2,
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
    # numpy and PyVRP are in the worker's layer; the request function lacks them.
    from computations.route_plan import solver

    return solver.solve(parameters, progress)
