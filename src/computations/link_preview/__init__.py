"""Previews a link: what a chat or a social network shows below a URL.

The page is fetched, and its title, description, site, language, author, times, best image, icon and
canonical URL are looked for: in Open Graph, Twitter cards, JSON-LD, oEmbed, microdata and plain
HTML. `sources` tells where each was found. An image tells its size, a PDF its title, a text its
first lines.

**Limits:** 10 s in all, 5 redirects, 2,000,000 bytes. No cookies are sent, no script runs.

**Refused (422):** what is not on the public web, not found or forbidden, too large, of another
type, or not to be read by robots. **Tried again:** time-outs, lost connections, 429 and 5xx.
"""

from backburner.computation import DAY, Policy, Progress, Setting
from computations.link_preview.parameters import Parameters
from computations.link_preview.result import Result

POLICY = Policy(
    version=1,
    fresh_for=DAY,
    stale_for=7 * DAY,
    expected_time=2,
    time_limit=30,
    lane="waiting",
)
EXAMPLE = {"url": "http://example.com/"}
ALLOWED = Setting("link-preview-allows", default="")
"""With spaces between: "host:port" may be private, "host:port=address:port" is fetched from there.
For a site on the developer's machine."""


async def compute(parameters: Parameters, progress: Progress) -> Result:
    # The parsers and the client are in the worker's layer.
    from backburner.fetching import Fetcher
    from computations.link_preview import preview

    return await preview.of(parameters.url, Fetcher(allowed=ALLOWED.value.split()))
