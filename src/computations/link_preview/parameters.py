"""The parameter of link-preview."""

from pydantic import Field

from backburner import computation


class Parameters(computation.Parameters):
    url: str = Field(
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://\S+$",
        max_length=2_048,
        description="Of the page, with http:// or https://.",
    )
