"""Previews a page that does its worst: whatever it says is shown as text."""

from pydantic import Field

from backburner import computation
from backburner.computation import Policy, Progress

POLICY = Policy(version=1, fresh_for=600, expected_time=0.1)
EXAMPLE = {"address": "https://example.org/a"}


class Parameters(computation.Parameters):
    address: str = Field(max_length=200, description="Where the page is.")


class Result(computation.Result, json_schema_extra={"x-shown-as": "card"}):
    url: str = Field(description="Where it is.")
    title: str = Field(description="What it is called.")
    description: str = Field(description="What it is about.")
    image: str = Field(description="Its picture.")
    evil: str = Field(description="An address that nobody should follow.")
    sources: dict[str, str] = Field(description="Where each was found.")


def compute(parameters: Parameters, _progress: Progress) -> Result:
    return Result(
        url=parameters.address,
        title="<img src=x onerror=alert(1)>",
        description="</p><script>alert(2)</script>",
        image="https://example.org/a.png",
        evil="javascript:alert(3)",
        sources={"title": "og:title"},
    )
