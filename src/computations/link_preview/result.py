"""The result of link-preview: what was found, and where."""

from pydantic import BaseModel, Field

from backburner import computation


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
    title: str | None = Field(None, description="Of the page, image or document.")
    description: str | None = Field(None, description="A few sentences.")
    site_name: str | None = Field(None, description="Of the whole site.")
    language: str | None = Field(None, description="A language tag, such as en or pt-BR.")
    author: str | None = Field(None, description="Who wrote it.")
    published: str | None = Field(None, description="When, as the page says; mostly ISO 8601.")
    modified: str | None = Field(None, description="When it was last changed, as the page says.")
    image: Image | None = Field(None, description="The best image.")
    icon: str | None = Field(None, description="The absolute URL of the site's icon.")
    sources: dict[str, str] = Field(description="Where each field was found, such as og:title.")
