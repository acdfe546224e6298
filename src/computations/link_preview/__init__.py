"""Previews a link: what a chat or a social network shows below a URL.

Its title, description, image, icon and the like are looked for in Open Graph, Twitter cards and
plain HTML. `sources` tells where each was found. An image is its own preview.

**Limits:** 10 s in all, 5 redirects, the first 1,000,000 bytes. No cookies, and no script runs.

**Refused (422):** what is not on the public web, not found or forbidden, of another type, or not
to be read by robots. **Tried again:** time-outs, lost connections, 429 and 5xx.
"""

from pydantic import BaseModel, Field

from backburner import computation
from backburner.computation import DAY, Policy, Progress, Setting

POLICY = Policy(version=2, fresh_for=DAY, stale_for=7 * DAY, expected_time=2, time_limit=30)
EXAMPLE = {"url": "http://example.com/"}
ALLOWED = Setting("link-preview-allows", default="")
"""With spaces between: "host:port" may be private, "host:port=address:port" is fetched from there.
For a site on the developer's machine."""


class Parameters(computation.Parameters):
    url: str = Field(
        pattern=r"^[Hh][Tt][Tt][Pp][Ss]?://\S+$",
        max_length=2_048,
        description="Of the page, with http:// or https://.",
    )


class Image(BaseModel):
    """The best image of a page."""

    model_config = computation.Result.model_config

    url: str = Field(description="Its absolute URL.")
    alt: str | None = Field(None, description="What it shows, in words.")
    width: int | None = Field(None, description="In pixels, as the page says.")
    height: int | None = Field(None, description="In pixels, as the page says.")


class Result(computation.Result, json_schema_extra={"x-shown-as": "card"}):
    url: str = Field(description="The canonical URL, or else the final one.")
    final_url: str = Field(description="The URL after redirects.")
    media_type: str = Field(description="What the server says that it is, such as text/html.")
    title: str | None = Field(None, description="Of the page.")
    description: str | None = Field(None, description="A few sentences.")
    site_name: str | None = Field(None, description="Of the whole site.")
    language: str | None = Field(None, description="A language tag, such as en or pt-BR.")
    author: str | None = Field(None, description="Who wrote it.")
    published: str | None = Field(None, description="When, as the page says; mostly ISO 8601.")
    modified: str | None = Field(None, description="When it was last changed, as the page says.")
    image: Image | None = Field(None, description="The best image.")
    icon: str | None = Field(None, description="The absolute URL of the site's icon.")
    sources: dict[str, str] = Field(description="Where each field was found, such as og:title.")


async def compute(parameters: Parameters, progress: Progress) -> Result:
    # The parsers and the client are in the worker's layer.
    from backburner.fetching import Fetcher
    from computations.link_preview import preview

    fetcher = Fetcher(allowed=ALLOWED.value.split(), max_bytes=preview.MAX_BYTES)
    return await preview.of(parameters.url, fetcher)
