"""From a URL to its preview: robots' rules, the status, and what kind of thing it is."""

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from threading import Lock
from typing import TypeVar
from urllib.parse import urljoin, urlsplit
from urllib.robotparser import RobotFileParser

from backburner.computation import TryAgain, Uncomputable
from backburner.fetching import Fetched, Fetcher
from computations.link_preview import documents, encoding, page
from computations.link_preview.page import Found
from computations.link_preview.result import Result

TIME_S = 10
"""For all that is fetched."""
HTML = ("text/html", "application/xhtml+xml")
ROBOT = "backburner"
OPT_OUTS = {"nosnippet", "none"}
MAX_TAGS = 100_000
"""Pages of news sites have some thousand. A tree takes up to 1 kB for each."""
Read = TypeVar("Read")
_reading = Lock()
"""One document at a time: threads would read two no sooner, and the memory is for one."""


async def of(url: str, fetcher: Fetcher, time_limit: float = TIME_S) -> Result:
    try:
        async with asyncio.timeout(time_limit):
            return await _previewed(url, fetcher)
    except TimeoutError as error:
        raise TryAgain(f"it took more than {time_limit} s") from error


async def _previewed(url: str, fetcher: Fetcher) -> Result:
    await _ask_robots_file(url, fetcher)
    fetched = await fetcher.fetch(url, accept="text/html,*/*;q=0.8")
    if urlsplit(fetched.url)[:2] != urlsplit(url)[:2]:
        await _ask_robots_file(fetched.url, fetcher)
    _check_status(fetched)
    _check_opt_out(fetched.headers.get("x-robots-tag", ""))
    found = await _found(fetched, _media_type(fetched), fetcher)
    return found.result(fetched.url, _media_type(fetched))


async def _found(fetched: Fetched, media_type: str, fetcher: Fetcher) -> Found:
    if media_type in HTML:
        _check_whole(fetched)
        read = await _in_turn(lambda: _page(fetched))
        _check_opt_out(read.robots)
        found = read.found()
        if read.oembed and ("title" not in found.values or "image" not in found.values):
            await _add_oembed(found, urljoin(fetched.url, read.oembed), fetcher)
        return found
    if media_type.startswith("image/"):
        return documents.image(fetched)
    if media_type == "application/pdf":
        _check_whole(fetched)
        return await _in_turn(lambda: documents.pdf(fetched))
    if media_type == "text/plain":
        return documents.text(fetched.url, encoding.decoded(fetched))
    raise Uncomputable(f"there is no preview of {media_type[:100]}")


async def _in_turn(read: Callable[[], Read]) -> Read:
    def alone() -> Read:
        with _reading:
            return read()

    return await asyncio.to_thread(alone)


def _page(fetched: Fetched) -> page.Page:
    html = encoding.decoded(fetched)
    if html.count("<") > MAX_TAGS:
        raise Uncomputable(f"it is too large: over {MAX_TAGS:,} tags")
    return page.Page(fetched.url, html)


async def _ask_robots_file(url: str, fetcher: Fetcher) -> None:
    """Without one, or if it cannot be read, all is allowed."""
    try:
        fetched = await fetcher.fetch(urljoin(url, "/robots.txt"))
    except (TryAgain, Uncomputable, ValueError):
        return  # whatever is wrong with the page's own URL is told by its own fetch
    if fetched.status == 200:
        rules = RobotFileParser()
        rules.parse(fetched.body.decode("utf-8", "replace").splitlines())
        if not rules.can_fetch(ROBOT, url):
            raise Uncomputable("its robots.txt does not allow it")


def _check_opt_out(rules: str) -> None:
    if OPT_OUTS.intersection(rule.strip().lower() for rule in rules.split(",")):
        raise Uncomputable("the page asks for no preview (robots)")


def _check_whole(fetched: Fetched) -> None:
    if not fetched.is_whole:
        raise Uncomputable(f"it is too large: over {len(fetched.body)} bytes")


def _check_status(fetched: Fetched) -> None:
    status = fetched.status
    if status in (408, 425, 429) or status >= 500:
        after = _seconds(fetched.headers.get("retry-after", ""))
        raise TryAgain(f"the origin answers {status}", after=after)
    if status != 200:
        raise Uncomputable(f"the origin answers {status}")


def _seconds(retry_after: str) -> float:
    if retry_after.isascii() and retry_after.isdigit() and len(retry_after) < 10:
        return float(retry_after)
    try:
        date = parsedate_to_datetime(retry_after)
    except ValueError:
        return 0
    when = date if date.tzinfo else date.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _media_type(fetched: Fetched) -> str:
    stated = fetched.headers.get("content-type", "").partition(";")[0].strip().lower()
    return stated or ("text/html" if fetched.body.lstrip()[:1] == b"<" else "text/plain")


async def _add_oembed(found: Found, url: str, fetcher: Fetcher) -> None:
    """An extra: the preview does without if it cannot be had."""
    try:
        fetched = await fetcher.fetch(url, accept="application/json")
        told = json.loads(fetched.body)
    except (TryAgain, Uncomputable, ValueError, RecursionError):
        return
    if fetched.status == 200 and isinstance(told, dict):
        found.add_oembed(told, url)
