"""From a URL to its preview: robots' rules, the status, and what kind of thing it is."""

import asyncio
import re
from datetime import UTC, datetime
from urllib.parse import urljoin

from backburner.computation import TryAgain, Uncomputable
from backburner.fetching import Fetched, Fetcher
from computations.link_preview import Result, encoding, robots
from computations.link_preview.page import Page

TIME_S = 10
"""For all that is fetched."""
MAX_BYTES = 1_000_000
"""Of a page that are read; the rest is left out."""
MEDIA_TYPE = re.compile(r"(?:^|,)\s*([\w.+-]+/[\w.+-]+)", re.ASCII)


async def of(url: str, fetcher: Fetcher, time_limit: float = TIME_S) -> Result:
    try:
        async with asyncio.timeout(time_limit):
            return await _previewed(url, fetcher)
    except TimeoutError as error:
        raise TryAgain(f"it took more than {time_limit} s") from error


async def _previewed(url: str, fetcher: Fetcher) -> Result:
    await _ask_robots_txt(url, fetcher)
    fetched = await fetcher.fetch(url, accept="text/html,*/*;q=0.8")
    if fetched.url not in (url, url + "/"):
        await _ask_robots_txt(fetched.url, fetcher)
    _check_for_later(fetched)
    if fetched.status != 200:
        raise Uncomputable(f"the origin answers {fetched.status}")
    robots.check_opt_outs(fetched.fields.get("x-robots-tag", []))
    media_type = _media_type(fetched)
    if media_type.startswith("image/"):
        told = {"final_url": fetched.url, "media_type": media_type, "sources": {"image": "url"}}
        return Result.model_validate(told | {"url": fetched.url, "image": {"url": fetched.url}})
    if media_type not in ("text/html", "application/xhtml+xml"):
        raise Uncomputable(f"there is no preview of {media_type[:100] or 'an unknown type'}")
    page = await asyncio.to_thread(lambda: Page(fetched.url, encoding.decoded(fetched)))
    robots.check_opt_outs(page.robots)
    return page.result(media_type)


async def _ask_robots_txt(url: str, fetcher: Fetcher) -> None:
    try:
        fetched = await fetcher.fetch(urljoin(url, "/robots.txt"))
    except (Uncomputable, ValueError):
        return  # whatever is wrong with the page's own URL is told by its own fetch
    _check_for_later(fetched)
    if fetched.status == 200:
        await asyncio.to_thread(robots.check_file, fetched.body, url)


def _check_for_later(fetched: Fetched) -> None:
    if fetched.status in (408, 425, 429) or fetched.status >= 500:
        after = _seconds(fetched.headers.get("retry-after", ""))
        raise TryAgain(f"the origin answers {fetched.status}", after=after)


def _seconds(retry_after: str) -> float:
    if re.fullmatch("[0-9]{1,9}", retry_after):
        return float(retry_after)
    try:
        when = datetime.strptime(retry_after, "%a, %d %b %Y %H:%M:%S GMT").replace(tzinfo=UTC)
    except ValueError:
        return 0
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _media_type(fetched: Fetched) -> str:
    """The last that is stated, as browsers have it; or what the body begins like."""
    stated = MEDIA_TYPE.findall(fetched.headers.get("content-type", "").lower())
    return str(stated[-1]) if stated else "text/html" if fetched.body.lstrip()[:1] == b"<" else ""
