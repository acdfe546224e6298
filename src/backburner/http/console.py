"""The console: one page to ask on and to watch the answer come. `GET /`."""

import base64
import hashlib
import re
from functools import cache
from pathlib import Path

from backburner.http.response import Response

PAGE = Path(__file__).with_name("console.html")


@cache
def page() -> Response:
    html = PAGE.read_text("utf-8")
    headers = {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "public, max-age=300",
        "content-security-policy": _policy(html),
    }
    return Response(status=200, headers=headers, body=html.encode())


def _policy(html: str) -> str:
    """The page may run its own script, use its own style and talk to its own host; no more."""
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {_hash('script', html)}",
            f"style-src {_hash('style', html)}",
            "connect-src 'self'",
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
