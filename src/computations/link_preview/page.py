"""What a page says about itself: of each field, the first of its places that says something."""

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import product
from urllib.parse import urljoin

from turbohtml import Token, TokenType, tokenize
from w3lib.url import safe_url_string

from computations.link_preview import Image, Result
from computations.link_preview.robots import ROBOT

PLACES = {
    "title": ["og:title", "twitter:title", "<title>"],
    "description": ["og:description", "twitter:description", "description"],
    "site_name": ["og:site_name", "application-name", "twitter:site"],
    "author": ["author", "article:author", "twitter:creator"],
    "published": ["article:published_time", "date", "publishdate", "pubdate", "parsely-pub-date"],
    "modified": ["article:modified_time", "og:updated_time"],
    "language": ["<html lang>", "og:locale"],
    "url": ["<link rel=canonical>", "og:url"],
    "icon": ["<link rel=icon>", "<link rel=apple-touch-icon>", "/favicon.ico"],
}
"""Names of meta elements, if not in brackets."""
WANTED = {"<base>", "robots"}.union(*PLACES.values())
IMAGE = re.compile(r"(og|twitter):image(|:secure_url|:url|:src|:alt|:width|:height)")
WEB_URL = re.compile(r"https?://[^/?#]")
Found = Iterator[tuple[str | Image, str]]
"""What is found, and where."""
LONGEST = 2_000
"""Characters of a text, which is cut there, and of a URL, which is left out."""
MOST = 20
"""Of a kind, such as icons, that are looked at."""


class Page:
    """Read as tokens: a tree may have far more elements than the page has tags."""

    def __init__(self, url: str, html: str) -> None:
        self._url, self._within = url, ""
        self._said: defaultdict[str, list[str]] = defaultdict(list)
        self._images: dict[str, list[defaultdict[str, str]]] = {"og": [], "twitter": []}
        self._read(html)
        self._base = absolute(url, "".join(self._said["<base>"][:1])) or url
        self._said["/favicon.ico"] = ["/favicon.ico"]
        self.robots = [rules[:LONGEST] for rules in self._said["robots"]]

    def result(self, media_type: str) -> Result:
        every = {"image": self._usable_images()} | {field: self._found(field) for field in PLACES}
        found = {field: first for field, each in every.items() if (first := next(each, None))}
        values = {field: value for field, (value, _) in found.items()}
        sources = {field: place for field, (_, place) in found.items()}
        told = {"final_url": self._url, "media_type": media_type, "sources": sources}
        return Result.model_validate({"url": self._url} | values | told)

    def _read(self, html: str) -> None:
        place = ""  # of the text that comes next
        for token in tokenize(html):
            if token.type is TokenType.START_TAG:
                place = self._start(token)
            elif token.type is TokenType.END_TAG:
                place, self._within = "", self._within if token.tag != self._within else ""
            elif token.type is TokenType.TEXT:
                self._note(place, token.data)

    def _start(self, token: Token) -> str:
        """Returns the place of its text, if that is of interest."""
        if self._within:
            return ""
        match token.tag:
            case "meta":
                self._meta(token)
            case "link":
                for relation in (token.attr("rel") or "").lower().split():
                    self._note(f"<link rel={relation}>", token.attr("href"))
            case "base":
                self._note("<base>", token.attr("href"))
            case "html":
                self._note("<html lang>", token.attr("lang"))
            case "svg" | "math" | "template" if not token.self_closing:
                self._within = token.tag
        return "<title>" if token.tag == "title" else ""

    def _meta(self, token: Token) -> None:
        name = (token.attr("property") or token.attr("name") or "").strip().lower()
        content = token.attr("content") or ""
        self._note("robots" if name == ROBOT else name, content)
        if (found := IMAGE.fullmatch(name)) and len(images := self._images[found[1]]) < MOST:
            if not images or found[2] in images[-1]:  # the next one begins
                images.append(defaultdict(str))
            images[-1][found[2]] = content

    def _note(self, place: str, text: str | None) -> None:
        if place in WANTED and text and not text.isspace() and len(self._said[place]) < MOST:
            self._said[place].append(text)

    def _found(self, field: str) -> Found:
        for place in PLACES[field]:
            for said in self._said[place]:
                value = absolute(self._base, said) if field in ("url", "icon") else shown(said)
                # Open Graph's article:author is the URL of a profile; others have names.
                if value and not (field == "author" and WEB_URL.match(value)):
                    yield value.replace("_", "-") if field == "language" else value, place

    def _usable_images(self) -> Found:
        for prefix, images in self._images.items():
            for image, part in product(images, (":secure_url", "", ":url", ":src")):
                if url := absolute(self._base, image[part]):
                    size = {side: _pixels(image[f":{side}"]) for side in ("width", "height")}
                    alt = shown(image[":alt"]) or None
                    yield Image(url=url, alt=alt, **size), f"{prefix}:image{part}"


def absolute(base: str, url: str) -> str:
    """As a browser would ask for it; empty if none would, or if it is too long."""
    try:
        found = safe_url_string(urljoin(base, url.strip())) if 0 < len(url) <= LONGEST else ""
    except ValueError:
        return ""
    return found if WEB_URL.match(found) else ""


def shown(text: str) -> str:
    return " ".join(text.split())[:LONGEST]


def _pixels(text: str) -> int | None:
    return int(text.removesuffix("px")) if re.fullmatch("[0-9]{1,6}(px)?", text) else None
