"""The console, `GET /`: a page on which to ask a question and watch its job, and its files."""

from functools import cache
from html import escape
from pathlib import Path

from backburner.http.response import Document

FOLDER = Path(__file__).with_name("console")
PAGE = "index.html"
SCRIPTS = (
    "backburner.js",
    "code.js",
    "console.js",
    "crowd.js",
    "csv.js",
    "dom.js",
    "form.js",
    "known.js",
    "results.js",
    "route.js",
    "schema.js",
    "table.js",
    "tabs.js",
    "timeline.js",
)
FILES = {"style.css": "text/css", **dict.fromkeys(SCRIPTS, "text/javascript")}
"""What the page loads, by its name under /console/, with its media type."""


@cache
def page(large_results: str, base: str) -> Document:
    """The page. Its scripts may also fetch from `large_results`, the origin of large results.

    `base` is put before each path in its links.
    """
    html = (FOLDER / PAGE).read_text("utf-8").replace('="/', f'="{escape(base)}/')
    return Document.of(
        html.encode(),
        "text/html; charset=utf-8",
        content_security_policy=_policy(large_results),
    )


def file(name: str) -> Document | None:
    """One of the files that the page loads; None if there is none of that name.

    The page and its files are kept equally long, so that a browser has all of one deployment.
    """
    return _read(name) if name in FILES else None


@cache
def _read(name: str) -> Document:
    return Document.of((FOLDER / name).read_bytes(), f"{FILES[name]}; charset=utf-8")


def _policy(large_results: str) -> str:
    """The page may only run its own scripts, use its own style and talk to its own hosts."""
    return "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            f"connect-src 'self' {large_results}".rstrip(),
            "img-src 'self' data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ]
    )
