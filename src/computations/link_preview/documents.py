"""What is not HTML: images, PDF documents and plain text."""

import io
from urllib.parse import unquote, urlsplit

import imagesize
from pypdf import PdfReader

from backburner.computation import Uncomputable
from backburner.fetching import Fetched
from computations.link_preview.page import Found

LONGEST = 300
"""Characters of a text's description."""


def image(fetched: Fetched) -> Found:
    found = _named(fetched.url)
    found.add("image", fetched.url, "url")
    try:
        width, height = imagesize.get(io.BytesIO(fetched.body))
    except Exception:  # noqa: BLE001 (of whatever is wrong with the bytes)
        return found
    if width > 0 and height > 0:
        found.size = int(width), int(height)
    return found


def pdf(fetched: Fetched) -> Found:
    found = Found(fetched.url)
    try:
        told = PdfReader(io.BytesIO(fetched.body)).metadata
        title, author = (told.title, told.author) if told else (None, None)
    except Exception as error:
        raise Uncomputable("it is no PDF that can be read") from error
    found.add("title", title, "pdf")
    found.add("author", author, "pdf")
    return found if "title" in found.values else _named(fetched.url)


def text(url: str, content: str) -> Found:
    found = Found(url)
    lines = [line.strip() for line in content.splitlines() if line.strip()]
    found.add("title", lines[0][:LONGEST] if lines else None, "text")
    found.add("description", " ".join(lines[1:])[:LONGEST], "text")
    return found


def _named(url: str) -> Found:
    found = Found(url)
    found.add("title", unquote(urlsplit(url).path.rpartition("/")[2]), "url")
    return found
