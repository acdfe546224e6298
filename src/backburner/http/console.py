"""The console, `GET /`: a page on which to ask a question and watch its job."""

import base64
import hashlib
import re
from functools import cache
from html import escape
from pathlib import Path

from backburner.http.response import Document

PAGE = Path(__file__).with_name("console.html")


@cache
def page(large_results: str, base: str) -> Document:
    """The page. Its script may also fetch from `large_results`, the origin of large results.

    `base` is put before each path in its links.
    """
    html = PAGE.read_text("utf-8").replace('="/', f'="{escape(base)}/')
    return Document.of(
        html.encode(),
        "text/html; charset=utf-8",
        content_security_policy=_policy(html, large_results),
    )


def _policy(html: str, large_results: str) -> str:
    """The page may only run its own script, use its own style and talk to its own hosts."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash('script', html)}",
            f"style-src {_hash('style', html)}",
            f"connect-src 'self' {large_results}".rstrip(),
            "img-src data:",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
            "require-trusted-types-for 'script'",
        ]
    )


def _hash(tag: str, html: str) -> str:
    [text] = re.findall(rf"<{tag}[^>]*>(.*?)</{tag}>", html, re.DOTALL)
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
