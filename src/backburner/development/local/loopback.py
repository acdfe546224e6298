"""Lets in only this machine's user: no page of the web may use what listens here.

A page can send requests to 127.0.0.1 through its visitor's browser, also under a name of its own
that it lets resolve to 127.0.0.1 (DNS rebinding). Browsers tell by `Host`, `Origin` and
`Sec-Fetch-Site`, which pages cannot forge. Other programs send no `Origin`.
"""

import json
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from werkzeug import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

OF_THIS_MACHINE = re.compile(r"https?://(127\.0\.0\.1|localhost|\[::1\])(:\d+)?")
HOSTS = ("127.0.0.1", "localhost", "[::1]")


class OnlyThisMachine:
    """The WSGI application in front of an API: refuses what others have a browser send."""

    def __init__(self, api: "WSGIApplication") -> None:
        self._api = api

    def __call__(
        self, environ: "WSGIEnvironment", start_response: "StartResponse"
    ) -> Iterable[bytes]:
        refusal = wrong_host(environ, HOSTS) or wrong_page(environ)
        return (refusal or self._api)(environ, start_response)


def wrong_host(environ: "WSGIEnvironment", hosts: Sequence[str]) -> Response | None:
    """The refusal of a request that is for another host."""
    port = environ["SERVER_PORT"]
    own = [name if port == "80" else f"{name}:{port}" for name in hosts]
    if environ.get("HTTP_HOST", "").lower() in own:
        return None
    return problem(421, f"the Host is none of {', '.join(own)}; ask for one of these")


def wrong_page(environ: "WSGIEnvironment") -> Response | None:
    """The refusal of what a page of another machine asks. A link to here may be followed."""
    origin, site = environ.get("HTTP_ORIGIN"), environ.get("HTTP_SEC_FETCH_SITE")
    is_link = environ.get("HTTP_SEC_FETCH_DEST") == "document"
    if is_local(origin) if origin else site != "cross-site" or is_link:
        return None
    asks = f"the page's Origin {origin!r:.99} is" if origin else "Sec-Fetch-Site: cross-site is"
    return problem(403, f"{asks} not of this machine; serve the page from localhost")


def is_local(origin: str) -> bool:
    return bool(OF_THIS_MACHINE.fullmatch(origin))


def problem(status: int, detail: str) -> Response:
    body = json.dumps({"title": "Not for others", "status": status, "detail": detail})
    return Response(body, status, content_type="application/problem+json")
