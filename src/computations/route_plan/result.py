"""The result of route-plan: one route for each vehicle used."""

from pydantic import Field

from backburner import computation
from computations.route_plan.parameters import Closed


class Route(Closed):
    """One vehicle's way from the depot, past its stops and back."""

    stops: list[str] = Field(description="The ids of its stops, in order.")
    distance: int = Field(description="From the depot back to the depot, in metres or as x and y.")
    load: float = Field(description="The sum of its stops' demands.")


class Result(computation.Result, json_schema_extra={"x-shown-as": "route"}):
    distance: int = Field(description="The sum of the routes' distances.")
    vehicles_used: int = Field(description="How many vehicles leave the depot.")
    routes: list[Route] = Field(description="One for each vehicle used.")
