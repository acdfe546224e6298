"""Plans against published optima, against all plans there are, and against the rules themselves."""

import importlib.metadata
import json
import math
import random
import sys
from collections.abc import Iterator
from itertools import combinations, pairwise, permutations
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from backburner.canonical_json import canonical
from backburner.computation import Uncomputable
from backburner.http.parameters import dump
from computations import route_plan
from computations.route_plan import compute, solver
from computations.route_plan.parameters import MAX_COORDINATE, Parameters, expected_time, iterations
from computations.route_plan.result import Result
from tests.support import instances

LAYER = Path(__file__).parents[1] / "layer" / "requirements.txt"
FLEET = {"count": 2, "capacity": 10}


def parameters(stops: list[Any], **others: Any) -> Parameters:
    """As they come in: canonical JSON, strict. The depot is at 0, 0 and the effort quick."""
    given = {"depot": {"x": 0, "y": 0}, "stops": stops, "vehicles": FLEET, "effort": "quick"}
    return Parameters.model_validate_json(canonical(given | others), strict=True)


def published(name: str, effort: str) -> Parameters:
    given = instances.parameters(name) | {"effort": effort}
    return Parameters.model_validate_json(canonical(given), strict=True)


def plan(stops: list[Any], **others: Any) -> Result:
    return compute(parameters(stops, **others), ignore)


def ignore(_: float) -> None:
    pass


def along_x(*xs: float, **others: Any) -> list[dict[str, Any]]:
    return [{"x": x, "y": 0, **others} for x in xs]


def rounded(a: Any, b: Any) -> int:
    return math.floor(math.sqrt((a.x - b.x) ** 2 + (a.y - b.y) ** 2) + 0.5)


def keeps_to_the_rules(plan: Result, given: Parameters) -> bool:
    """Recomputed from the ids alone: visits, loads, distances; arrivals if there are windows."""
    stops = {stop.id: stop for stop in given.stops}
    visits = [visit for route in plan.routes for visit in route.stops]
    assert sorted(visits) == sorted(stops)
    assert plan.vehicles_used == len(plan.routes) <= given.vehicles.count
    assert plan.distance == sum(route.distance for route in plan.routes)
    for route in plan.routes:
        way = [given.depot, *(stops[visit] for visit in route.stops), given.depot]
        assert route.distance == sum(rounded(a, b) for a, b in pairwise(way))
        assert route.load == round(sum(stops[visit].demand for visit in route.stops), 3)
        assert route.load <= given.vehicles.capacity
        assert is_in_time(way, given.speed)
    return True


def is_in_time(way: list[Any], speed: float) -> bool:
    clock = 0
    for here, there in pairwise(way[:-1]):
        clock += getattr(here, "service", 0) + math.ceil(rounded(here, there) / speed)
        opens, closes = there.window or (0, math.inf)
        clock = max(clock, opens)
        if clock > closes:
            return False
    return True


# quality


@pytest.mark.parametrize("effort", ["quick", "standard"])
def test_e_n22_k4_is_planned_to_its_optimum(effort: str) -> None:
    given = published("E-n22-k4", effort)
    found = compute(given, ignore)
    assert found.distance == 375
    assert found.vehicles_used == 4
    assert keeps_to_the_rules(found, given)


@pytest.mark.evidence
@pytest.mark.parametrize("name", ["A-n32-k5", "B-n31-k5", "P-n16-k8"])
def test_published_instances_are_planned_within_1_percent(name: str) -> None:
    given = published(name, "standard")
    found = compute(given, ignore)
    assert instances.OPTIMA[name] <= found.distance <= 1.01 * instances.OPTIMA[name]
    assert keeps_to_the_rules(found, given)


def test_a_hundred_stops_are_planned_within_3_percent_even_quickly() -> None:
    given = published("X-n101-k25", "quick")
    found = compute(given, ignore)
    assert instances.OPTIMA["X-n101-k25"] <= found.distance <= 1.03 * instances.OPTIMA["X-n101-k25"]
    assert keeps_to_the_rules(found, given)


def test_every_instance_has_an_optimum_and_every_optimum_an_instance() -> None:
    files = instances.FILES.namelist()
    assert files == sorted(f"{name}.vrp" for name in instances.OPTIMA)


def some_town(seed: int) -> Parameters:
    """Five stops with decimals, windows and services, at the border of what can be planned."""
    chance = random.Random(seed)
    stops = []
    for _ in range(5):
        opens = chance.randrange(60)
        stops.append(
            {
                "x": chance.randrange(-30, 30),
                "y": chance.randrange(-30, 30) + 0.5,
                "demand": chance.randrange(1, 600) / 100,
                "service": chance.randrange(20),
                "window": chance.choice([None, [opens, opens + chance.randrange(60)]]),
            }
        )
    speed = chance.choice([0.7, 1, 3.3])
    return parameters(stops, speed=speed, vehicles={"count": 3, "capacity": 6.1})


def shortest_of_all(given: Parameters) -> float:
    """By trying every plan there is; infinite if none keeps to the rules."""
    ways = {subset: shortest_way(subset, given) for subset in subsets(range(len(given.stops)))}
    best = {frozenset[int](): 0.0}
    for _ in range(given.vehicles.count):
        best = {
            visited: min(
                [best.get(visited, math.inf)]
                + [
                    ways[route] + best.get(visited - route, math.inf)
                    for route in ways
                    if route <= visited
                ]
            )
            for visited in [frozenset[int](), *ways]
        }
    return best[frozenset(range(len(given.stops)))]


def subsets(stops: range) -> Iterator[frozenset[int]]:
    for size in range(1, len(stops) + 1):
        yield from map(frozenset, combinations(stops, size))


def shortest_way(subset: frozenset[int], given: Parameters) -> float:
    stops = [given.stops[index] for index in subset]
    if round(sum(stop.demand for stop in stops), 3) > given.vehicles.capacity:
        return math.inf
    ways = ([given.depot, *order, given.depot] for order in permutations(stops))
    lengths = [
        sum(rounded(a, b) for a, b in pairwise(way)) for way in ways if is_in_time(way, given.speed)
    ]
    return min(lengths, default=math.inf)


@pytest.mark.parametrize("seed", range(40))
def test_a_small_plan_is_the_best_of_all_there_are(seed: int) -> None:
    given = some_town(seed)
    shortest = shortest_of_all(given)
    if shortest < math.inf:
        found = compute(given, ignore)
        assert keeps_to_the_rules(found, given)
        assert found.distance == shortest
    else:
        with pytest.raises(Uncomputable):
            compute(given, ignore)


# distances


def test_planar_distances_are_rounded_to_the_nearest() -> None:
    assert plan([{"x": 1, "y": 1}]).distance == 2
    assert plan([{"x": 1, "y": 1.2}]).distance == 4
    assert plan([{"x": 0.5, "y": 0}]).distance == 2


@pytest.mark.parametrize(
    ("depot", "stop", "metres"),
    [
        ((0, 0), (0, 1), 111_195),
        ((0, 0), (1, 0), 111_195),
        ((60, 0), (60, 1), 55_597),
        ((0, 179.5), (0, -179.5), 111_195),
        ((90, 0), (0, 77), 10_007_557),
        ((52.5, 13.4), (52.5, 13.4), 0),
    ],
)
def test_geographic_distances_are_metres_along_the_great_circle(
    depot: tuple[float, float], stop: tuple[float, float], metres: int
) -> None:
    points = [{"lat": lat, "lon": lon} for lat, lon in (depot, stop)]
    assert plan(points[1:], depot=points[0]).distance == 2 * metres


def test_the_solver_keeps_its_numbers_at_the_limits_of_the_parameters() -> None:
    far = MAX_COORDINATE
    given = parameters(
        [
            {"x": x, "y": far, "demand": 1e6, "window": [10_000_000, 10_000_000], "service": 10**7}
            for x in range(-far, far + 1, far // 3)
        ],
        depot={"x": -far, "y": -far},
        vehicles={"count": 500, "capacity": 1e9},
        speed=10_000,
    )
    assert keeps_to_the_rules(compute(given, ignore), given)


# loads


def test_loads_with_decimals_are_added_up_exactly() -> None:
    found = plan(along_x(1, 2, 3, demand=0.1), vehicles={"count": 1, "capacity": 0.3})
    assert [route.load for route in found.routes] == [0.3]


def test_a_vehicle_that_is_full_to_the_thousandth_takes_no_more() -> None:
    stops = along_x(1, demand=5) + along_x(2, demand=5) + along_x(3, demand=0.001)
    assert plan(stops).vehicles_used == 2


def test_stops_without_demand_are_visited_all_the_same() -> None:
    assert plan(along_x(1, 2, demand=0)).routes[0].load == 0


def test_no_more_vehicles_are_used_than_there_are() -> None:
    stops = [{"x": x, "y": y, "demand": 2.5} for x in (-9, 9) for y in (-9, 9)]
    assert plan(stops, vehicles={"count": 1, "capacity": 10}).vehicles_used == 1


# times


def test_windows_decide_the_order_and_early_vehicles_wait() -> None:
    stops = along_x(10, window=[500, 600]) + along_x(20, window=[0, 100]) + along_x(30)
    found = plan(stops, vehicles={"count": 1, "capacity": 10})
    assert found.routes[0].stops in (["2", "3", "1"], ["3", "2", "1"])


def test_the_service_takes_time() -> None:
    stops = along_x(10, service=50) + along_x(20, window=[0, 69])
    assert plan(stops, vehicles={"count": 1, "capacity": 10}).routes[0].stops == ["2", "1"]
    stops[1]["window"] = [0, 70]
    assert plan(stops, vehicles={"count": 1, "capacity": 10}).distance == 40


def test_the_visit_begins_before_the_window_closes_but_may_end_after_it() -> None:
    assert plan(along_x(10, window=[0, 10], service=1000)).distance == 20


def test_a_leg_takes_whole_seconds_rounded_up() -> None:
    assert plan(along_x(10, window=[0, 4]), speed=3).distance == 20
    with pytest.raises(Uncomputable, match="it takes 4 s"):
        plan(along_x(10, window=[0, 3]), speed=3)


def test_a_speed_that_is_no_binary_number_does_not_cost_a_second() -> None:
    assert plan(along_x(139, window=[0, 10]), speed=13.9).distance == 278


def test_the_usual_speed_is_1_in_the_plane_and_50_kilometres_per_hour_on_the_earth() -> None:
    assert parameters(along_x(1)).speed == 1
    assert parameters([{"lat": 1, "lon": 1}], depot={"lat": 0, "lon": 0}).speed == 13.9


# what cannot be computed


def test_too_much_demand_is_refused_with_the_sums() -> None:
    with pytest.raises(
        Uncomputable, match=r"demand 20\.5, 2 vehicles of 10 carry 20; it takes 3 vehicles"
    ):
        plan(along_x(1, 2, 3, demand=6.5) + along_x(4))


def test_a_stop_that_no_vehicle_can_carry_is_refused_by_its_id() -> None:
    with pytest.raises(Uncomputable, match=r"stop piano demands 10\.25, a vehicle carries 10;"):
        plan(along_x(1) + along_x(2, id="piano", demand=10.25))


@pytest.mark.parametrize(
    ("between", "closes", "distance"),
    [
        ([1.4], 2, 5),  # 1.4 and 2.8 are rounded to 1 and 3: two legs of 1 s are the sooner way
        ([1.4, 1.4], 2, 4),
        ([1.4, 2.8, 4.2], 4, 10),
    ],
)
def test_a_stop_that_is_reached_in_time_by_way_of_others_is_planned(
    between: list[float], closes: int, distance: int
) -> None:
    last = round(between[-1] + 1.4, 1)
    given = parameters(
        along_x(*between) + along_x(last, window=[0, closes]), vehicles={"count": 1, "capacity": 10}
    )
    found = compute(given, ignore)
    assert keeps_to_the_rules(found, given)
    assert found.distance == distance


@pytest.mark.parametrize("others", [{"service": 1}, {"window": [2, 9]}, {"window": [0, 0]}])
def test_whoever_passes_a_stop_serves_it_while_it_is_open(others: dict[str, Any]) -> None:
    with pytest.raises(Uncomputable, match="closes at"):
        plan(along_x(1.4, **others) + along_x(2.8, window=[0, 2]))


def test_points_that_are_too_close_together_in_their_unit_are_refused_with_the_remedy() -> None:
    degrees = [{"x": 4.8852, "y": 52.36}, {"x": 4.8918, "y": 52.3554}]
    with pytest.raises(Uncomputable, match=r"all distances are rounded to 0.*lat and lon"):
        plan(degrees, depot={"x": 4.9003, "y": 52.3791})
    assert plan(along_x(0, 0)).distance == 0


def test_a_stop_that_closes_before_anybody_can_be_there_is_refused_by_its_id() -> None:
    with pytest.raises(
        Uncomputable, match=r"stop bakery closes at 60 s, but from the depot it takes 100 s"
    ):
        plan(along_x(1) + along_x(100, id="bakery", window=[0, 60]))


def test_demands_that_fit_in_total_but_not_vehicle_by_vehicle_are_refused_after_the_search() -> (
    None
):
    with pytest.raises(
        Uncomputable,
        match=r"none of the 1500 plans .* by [1-9]\d* and is 0 s late .* demand 90\.0% of what",
    ):
        plan(along_x(1, 2, 3, demand=6))


def test_windows_that_no_plan_meets_are_refused_after_the_search() -> None:
    with pytest.raises(Uncomputable, match=r"vehicles by 0 and is [1-9]\d* s late in all"):
        plan([*along_x(-50, 50, window=[50, 60]), {"x": 0, "y": 50, "window": [50, 60]}])


# what does not validate


def errors(*stops: Any, **others: Any) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        parameters(**({"stops": stops} | others))
    forms = {"planar", "geographic"}
    return {
        "".join(f"/{step}" for step in error["loc"] if step not in forms): error["msg"]
        for error in caught.value.errors()
    }


@pytest.mark.parametrize(
    ("stop", "pointer", "reason"),
    [
        ({}, "/stops/1", "either x and y, or lat and lon"),
        ({"x": 1, "lat": 1}, "/stops/1", "either x and y, or lat and lon"),
        ({"x": 1, "y": 1, "lat": 1, "lon": 1}, "/stops/1", "either x and y, or lat and lon"),
        ("here", "/stops/1", "either x and y, or lat and lon"),
        ({"x": 1}, "/stops/1/y", "required"),
        ({"lon": 1}, "/stops/1/lat", "required"),
        ({"lat": 1, "lon": 1}, "/stops/1", "is geographic, the depot planar"),
        ({"x": 1, "y": "1"}, "/stops/1/y", "valid number"),
        ({"x": 1, "y": 1e8}, "/stops/1/y", "less than or equal to 10000000"),
        ({"lat": 90.1, "lon": 1}, "/stops/1/lat", "less than or equal to 90"),
        ({"lat": 0, "lon": -181}, "/stops/1/lon", "greater than or equal to -180"),
        ({"x": 1, "y": 1, "demand": -1}, "/stops/1/demand", "greater than or equal to 0"),
        ({"x": 1, "y": 1, "demand": 0.0001}, "/stops/1/demand", "three decimals at most"),
        ({"x": 1, "y": 1, "demand": 1e7}, "/stops/1/demand", "less than or equal to 1000000"),
        ({"x": 1, "y": 1, "window": [9, 8]}, "/stops/1/window", "closes at 8, before it opens"),
        ({"x": 1, "y": 1, "window": [9]}, "/stops/1/window/1", "required"),
        ({"x": 1, "y": 1, "window": [0, 1.5]}, "/stops/1/window/1", "integer"),
        ({"x": 1, "y": 1, "window": [0, 1.8e9]}, "/stops/1/window/1", "less than or equal to"),
        ({"x": 1, "y": 1, "service": -1}, "/stops/1/service", "greater than or equal to 0"),
        ({"x": 1, "y": 1, "id": ""}, "/stops/1/id", "at least 1 character"),
        ({"x": 1, "y": 1, "id": 7}, "/stops/1/id", "valid string"),
        ({"x": 1, "y": 1, "id": "1"}, "/stops/1/id", "/stops/0 has the id 1, too"),
        ({"x": 1, "y": 1, "colour": 1}, "/stops/1/colour", "not permitted"),
    ],
)
def test_a_stop_that_makes_no_sense_is_pointed_at(stop: Any, pointer: str, reason: str) -> None:
    [(found, message)] = errors(*along_x(1), stop).items()
    assert found == pointer
    assert reason in message


@pytest.mark.parametrize(
    ("others", "pointer"),
    [
        ({"depot": {"x": 0}}, "/depot/y"),
        ({"depot": [0, 0]}, "/depot"),
        ({"vehicles": {"count": 0, "capacity": 1}}, "/vehicles/count"),
        ({"vehicles": {"count": 501, "capacity": 1}}, "/vehicles/count"),
        ({"vehicles": {"count": 1, "capacity": 0}}, "/vehicles/capacity"),
        ({"vehicles": {"count": 1, "capacity": 0.0001}}, "/vehicles/capacity"),
        ({"effort": "heroic"}, "/effort"),
        ({"speed": 0}, "/speed"),
        ({"stops": []}, "/stops"),
        ({"stops": along_x(*range(1001))}, "/stops"),
    ],
)
def test_parameters_that_make_no_sense_are_pointed_at(others: dict[str, Any], pointer: str) -> None:
    assert list(errors(*along_x(1), **others)) == [pointer]


def test_a_default_id_that_is_taken_is_pointed_at() -> None:
    assert list(errors(*along_x(1, id="2"), *along_x(2))) == ["/stops/1/id"]


def test_every_stop_that_is_wrong_is_pointed_at() -> None:
    stops = [*along_x(1, id="a"), {"lat": 1, "lon": 1}, *along_x(2, 3, id="a")]
    assert list(errors(*stops)) == ["/stops/1", "/stops/2/id", "/stops/3/id"]


# signatures


def test_a_default_given_or_left_out_is_the_same_question() -> None:
    spelled_out = {"id": "1", "x": 3, "y": 0, "demand": 1, "window": None, "service": 0}
    assert dump(parameters(along_x(3))) == dump(parameters([spelled_out], speed=1))


def test_a_speed_of_null_is_no_speed() -> None:
    with pytest.raises(ValidationError, match="speed"):
        parameters(along_x(1), speed=None)


def test_the_stops_are_called_by_their_positions_unless_they_have_ids() -> None:
    ids = [stop.id for stop in parameters(along_x(1) + along_x(2, id="b") + along_x(3)).stops]
    assert ids == ["1", "b", "3"]


def test_the_same_parameters_give_the_same_plan_whatever_is_planned_in_between() -> None:
    given = published("A-n61-k9", "quick")
    first = compute(given, ignore)
    compute(published("P-n16-k8", "quick"), ignore)
    assert compute(given, ignore) == first


def test_the_schema_shows_a_point_as_one_of_two_closed_forms() -> None:
    schema = Parameters.model_json_schema()
    forms = [
        schema["$defs"][reference["$ref"].rpartition("/")[2]]
        for reference in schema["properties"]["stops"]["items"]["oneOf"]
    ]
    assert [form["required"] for form in forms] == [["x", "y"], ["lat", "lon"]]
    assert not any(form["additionalProperties"] for form in forms)
    assert all("description" in field for form in forms for field in form["properties"].values())


# the run


def test_progress_goes_from_0_to_1_in_small_steps() -> None:
    told: list[float] = []
    compute(published("P-n16-k8", "quick"), told.append)
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)
    assert max(b - a for a, b in pairwise(told)) < 0.01


def test_whoever_is_told_the_progress_can_stop_the_run() -> None:
    def stop_halfway(fraction: float) -> None:
        if fraction >= 0.5:
            raise TimeoutError(f"stopped at {fraction}")

    with pytest.raises(TimeoutError, match=r"stopped at 0\.5"):
        compute(parameters(along_x(1, 2, 3)), stop_halfway)


def test_a_search_that_takes_far_too_long_ends_with_the_plan_it_has(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solver, "SAFETY", 0)
    told: list[float] = []
    given = published("X-n101-k25", "quick")
    assert keeps_to_the_rules(compute(given, told.append), given)
    assert told == [0]


def test_more_stops_are_given_fewer_iterations_but_more_time() -> None:
    few, many = (parameters(along_x(*range(1, 1 + size))) for size in (100, 1000))
    assert iterations(few) == 1500 > iterations(many)
    assert expected_time(few) < expected_time(many)


def test_the_longest_run_has_a_margin_to_its_limits() -> None:
    longest = parameters(along_x(*range(1, 1001)), effort="thorough")
    assert 4 * expected_time(longest) < solver.SAFETY
    assert route_plan.POLICY.time_limit - 60 > solver.SAFETY


def test_the_solver_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    plan(along_x(1, 2, 3))
    with pytest.raises(Uncomputable):
        plan(along_x(1, 2, 3, demand=6))
    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.version_info[:2] != (3, 13), reason="the layer is for Python 3.13")
def test_the_layer_has_the_versions_that_are_tested_here() -> None:
    lines = LAYER.read_text().splitlines()
    pins = dict(line.split("==") for line in lines if not line.startswith("#"))
    assert pins == {name: importlib.metadata.version(name) for name in pins}


def test_the_example_is_json() -> None:
    assert json.loads(json.dumps(route_plan.EXAMPLE)) == route_plan.EXAMPLE
