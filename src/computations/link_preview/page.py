"""What a page says about itself, in the order of preference of PLACES."""

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

from computations.link_preview.markup import OEMBED_TYPE, Markup
from computations.link_preview.result import Image, Result

PLACES = {
    "title": ["og:title", "twitter:title", "ld:headline", "ld:name", "item:headline", "item:name"],
    "description": [
        "og:description",
        "twitter:description",
        "ld:description",
        "item:description",
        "description",
    ],
    "site_name": ["og:site_name", "ld:publisher", "application-name", "twitter:site"],
    "author": ["author", "article:author", "ld:author", "item:author", "twitter:creator"],
    "published": [
        "article:published_time",
        "ld:datePublished",
        "item:datePublished",
        "date",
        "publishdate",
        "pubdate",
        "parsely-pub-date",
    ],
    "modified": [
        "article:modified_time",
        "og:updated_time",
        "ld:dateModified",
        "item:dateModified",
    ],
    "image": [
        "og:image:secure_url",
        "og:image",
        "og:image:url",
        "twitter:image",
        "twitter:image:src",
        "ld:image",
        "item:image",
    ],
}
"""`ld:` is JSON-LD, `item:` microdata; the others are the names of meta elements."""
ITEMS = {p.removeprefix("item:") for each in PLACES.values() for p in each if p.startswith("item:")}
OEMBED = {
    "title": "title",
    "author": "author_name",
    "site_name": "provider_name",
    "image": "thumbnail_url",
}
URLS = {"image", "icon", "url"}
LONGEST = 2_000
"""Characters of a value."""
MAX_NODES = 1_000
"""Of a JSON-LD graph."""
ABOUT = ("Article", "Product", "Recipe", "Event", "Movie", "Book", "WebPage")
"""What a page may be about, by the end of a JSON-LD type; others come later."""


class Found:
    """Values with their sources; the first of each field counts."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.values: dict[str, str] = {}
        self.sources: dict[str, str] = {}
        self.alt: str | None = None
        self.size: tuple[int | None, int | None] = (None, None)

    def add(self, field: str, value: object, source: str) -> None:
        text = self._normal(field, value)
        if text and field not in self.values:
            self.values[field], self.sources[field] = text, source

    def add_oembed(self, told: dict[str, Any], url: str) -> None:
        self.base = url
        for field, name in OEMBED.items():
            self.add(field, told.get(name), f"oembed:{name}")

    def result(self, final_url: str, media_type: str) -> Result:
        others = {name: text for name, text in self.values.items() if name not in ("url", "image")}
        return Result(
            **others,
            url=self.values.get("url", final_url),
            final_url=final_url,
            media_type=media_type,
            image=self._image(),
            sources=self.sources,
        )

    def _image(self) -> Image | None:
        if "image" not in self.values:
            return None
        width, height = self.size
        return Image(url=self.values["image"], alt=self.alt, width=width, height=height)

    def _normal(self, field: str, value: object) -> str:
        if not isinstance(value, str):
            return ""
        text = " ".join(value.encode("utf-8", "replace").decode().split())[:LONGEST]
        if field == "author" and text.startswith(("http://", "https://")):
            return ""  # Open Graph's article:author is a profile's URL; others have names
        return _absolute(self.base, text) if text and field in URLS else text


class Page:
    def __init__(self, url: str, html: str) -> None:
        self._markup = Markup(html, ITEMS)
        self._base = _absolute(url, self._markup.base) or url
        self._metas = self._markup.metas
        microdata = {f"item:{name}": value for name, value in self._markup.items.items()}
        self._values = {**self._metas, **self._json_ld(), **microdata}

    @property
    def robots(self) -> str:
        return self._metas.get("robots", "")

    @property
    def oembed(self) -> str:
        return self._markup.links.get(OEMBED_TYPE, "")

    def found(self) -> Found:
        found = Found(self._base)
        for field, places in PLACES.items():
            for place in places:
                found.add(field, self._values.get(place), place)
        self._add_plain(found)
        self._add_about_image(found)
        return found

    def _add_plain(self, found: Found) -> None:
        links, headings = self._markup.links, self._markup.headings
        found.add("url", links.get("canonical"), "link:canonical")
        found.add("url", self._metas.get("og:url"), "og:url")
        found.add("icon", links.get("icon"), "link:icon")
        found.add("icon", links.get("apple-touch-icon"), "link:apple-touch-icon")
        found.add("icon", "/favicon.ico", "default")
        found.add("language", self._markup.language, "html:lang")
        found.add("language", self._metas.get("og:locale", "").replace("_", "-"), "og:locale")
        for name in ("title", "h1"):
            found.add("title", headings.get(name), name)
        found.add("image", links.get("image_src"), "link:image_src")

    def _add_about_image(self, found: Found) -> None:
        place = found.sources.get("image", "")
        prefix = "twitter:image" if place.startswith("twitter") else "og:image"
        if place.startswith(prefix):
            found.alt = " ".join(self._metas.get(f"{prefix}:alt", "").split()) or None
            found.size = self._pixels(f"{prefix}:width"), self._pixels(f"{prefix}:height")

    def _pixels(self, name: str) -> int | None:
        text = self._metas.get(name, "").strip().removesuffix("px")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else None

    def _json_ld(self) -> dict[str, str]:
        nodes: list[dict[str, Any]] = []
        for script in self._markup.json_ld:
            try:
                nodes += _nodes(json.loads(script))
            except (ValueError, RecursionError):
                continue  # as other readers do: the page may say the same elsewhere
        values = dict[str, str]()
        for node in sorted(nodes[:MAX_NODES], key=_rank):
            for name, value in node.items():
                if text := _text(value, name):
                    values.setdefault(f"ld:{name}", text)
        return values


def _absolute(base: str, url: str) -> str:
    """Empty if it is nothing that a browser would load from the web."""
    try:
        joined = urljoin(base, url.strip()) if url else ""
        return joined if urlsplit(joined).scheme in ("http", "https") else ""
    except ValueError:
        return ""


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    """Lists and graphs, however deep."""
    waiting = [value]
    for _ in range(MAX_NODES):
        if not waiting:
            return
        match waiting.pop(0):
            case list(inner):
                waiting += inner
            case dict(node):
                yield node
                waiting += [node.get("@graph"), node.get("mainEntity")]


def _rank(node: dict[str, Any]) -> int:
    kinds = node.get("@type")
    named = kinds if isinstance(kinds, list) else [kinds]
    is_about = any(isinstance(kind, str) and kind.endswith(ABOUT) for kind in named)
    return 0 if is_about else 1


def _text(value: object, name: str) -> str:
    """A text, or what names the first thing of a list."""
    for _ in range(5):
        match value:
            case str():
                return value
            case list([first, *_]):
                value = first
            case dict():
                value = (
                    value.get("url") or value.get("@id") if name == "image" else value.get("name")
                )
            case _:
                return ""
    return ""
