"""The parameters of route-plan: points, stops, vehicles, and how long to search."""

from collections.abc import Iterator
from math import cbrt, sqrt
from typing import Annotated, Any, Literal

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

Effort = Literal["quick", "standard", "thorough"]
ITERATIONS: dict[Effort, int] = {"quick": 1_500, "standard": 12_000, "thorough": 48_000}
"""For up to 100 stops; with more stops there are fewer, because each takes longer."""
SEARCHES: dict[Effort, int] = {"quick": 1, "standard": 2, "thorough": 4}
"""Searches share the iterations. Each has its own seed, as a single one may get stuck."""
PLANAR_SPEED = 1.0
GEOGRAPHIC_SPEED = 13.9
"""Metres per second: 50 km/h."""

# With these limits, every sum in the solver fits into 64 bits.
MAX_COORDINATE = 10_000_000
MAX_DEMAND = 1_000_000
MAX_CAPACITY = 1_000_000_000
LAST_SECOND = 10_000_000


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
    """Planar or geographic; None if the point is neither or both."""
    fields = point if isinstance(point, dict) else getattr(point, "__dict__", ())
    planar = "x" in fields or "y" in fields
    geographic = "lat" in fields or "lon" in fields
    if planar == geographic:
        return None
    return "planar" if planar else "geographic"


NOT_KNOWN_YET: Any = object()
"""Stands for the default speed until the form of the depot is known."""
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

    x: float = Field(
        ge=-MAX_COORDINATE,
        le=MAX_COORDINATE,
        description=(
            "In any unit, the same for all. Distances are rounded to whole units, so degrees are "
            "for lat and lon."
        ),
    )
    y: float = Field(ge=-MAX_COORDINATE, le=MAX_COORDINATE, description="In the unit of x.")

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
        le=MAX_DEMAND,
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
    capacity: Load = Field(gt=0, le=MAX_CAPACITY, description="What each of them can carry.")


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
        for position, stop in enumerate(stops, start=1):
            if not stop.id:
                # A copy of each would take as long as all other validation.
                object.__setattr__(stop, "id", str(position))
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


def _of_another_form(stops: list[Stop], depot: Point | None) -> Iterator[InitErrorDetails]:
    form = Geographic if isinstance(depot, Geographic) else Planar
    if depot is None or all(isinstance(stop, form) for stop in stops):
        return
    for index, stop in enumerate(stops):
        if not isinstance(stop, form):
            reason = PydanticCustomError(
                "form",
                "the stop is {stop}, the depot {depot}; all points have to be of one form",
                {"stop": form_of(stop), "depot": form_of(depot)},
            )
            yield InitErrorDetails(type=reason, loc=(index,), input=stop)


def _with_an_id_again(stops: list[Stop]) -> Iterator[InitErrorDetails]:
    if len({stop.id for stop in stops}) == len(stops):
        return
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


def iterations(parameters: Parameters) -> int:
    """How many plans to try."""
    return round(ITERATIONS[parameters.effort] * cbrt(min(1, 100 / len(parameters.stops))))


def expected_time(parameters: Parameters) -> float:
    """A fit to measurements: the time for a plan grows with the root of the number of stops."""
    return 0.5 + 45e-6 * iterations(parameters) * sqrt(len(parameters.stops))
