"""link-preview, on a network of the test's own: what a site answers is what the test says."""

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from time import process_time
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from backburner.computation import TryAgain, Uncomputable, registry
from backburner.fetching import Fetcher, Refused
from computations import link_preview
from computations.link_preview import Result, preview, robots
from tests.conftest import MotoDeployment
from tests.fetching.test_fetcher import PUBLIC, Network, redirect, reply

SITE = "http://example.com"
HTML = "Content-Type: text/html"
UTF_8 = "Content-Type: text/html; charset=utf-8"
NO_ROBOTS = reply(b"", status=404)


async def anywhere(host: str, port: int) -> list[str]:
    return [PUBLIC]


def previewed(*responses: bytes, robots_txt: bytes = NO_ROBOTS, path: str = "/t/page") -> Result:
    """The responses are those after the robots.txt of the page's site."""
    network = Network(robots_txt, *responses)
    fetcher = Fetcher(resolve=anywhere, backend=network, max_bytes=preview.MAX_BYTES)
    return asyncio.run(preview.of(SITE + path, fetcher))


def ld(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


def meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{content}">'


A = meta("og:image", "/a.png")
PAGES: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "title": ("<title>A &amp;\n  B</title>", {"title": "A & B"}),
    "no title": ("<p>text", {"title": None, "description": None}),
    "empty": ("", {"title": None, "image": None, "icon": "{site}/favicon.ico"}),
    "og before title": (
        "<title>B</title>" + meta("og:title", "A"),
        {"title": "A", "sources": {"title": "og:title", "icon": "/favicon.ico"}},
    ),
    "og before twitter": (meta("twitter:title", "B") + meta("og:title", "A"), {"title": "A"}),
    "empty og": ("<title>A</title>" + meta("og:title", " "), {"title": "A"}),
    "og twice": (meta("og:title", "A") + meta("og:title", "B"), {"title": "A"}),
    "og as name": ('<meta name="og:title" content="A">', {"title": "A"}),
    "upper case": ('<META PROPERTY="OG:Title" CONTENT="A">', {"title": "A"}),
    "in the body": ("<body><p>x</p>" + meta("og:title", "A"), {"title": "A"}),
    "unclosed": ("<html><head><title>A</title><meta name=description content=B<p", {"title": "A"}),
    "unquoted": ("<meta name=description content=short>", {"description": "short"}),
    "in a comment": ("<!--" + meta("og:title", "B") + "--!><title>A</title>", {"title": "A"}),
    "in a script": ("<script>'<title>B</title>'</script><title>A</title>", {"title": "A"}),
    "title of a drawing": ("<svg><title>B</title></svg><title>A</title>", {"title": "A"}),
    "drawing without content": ("<svg/><title>A</title>", {"title": "A"}),
    "title of a formula": ("<math><title>B</title></math><title>A</title>", {"title": "A"}),
    "what a script may use later": (
        '<template><meta property="og:title" content="B"></template><title>A</title>',
        {"title": "A"},
    ),
    "nul": ("<title>A\0B</title>", {"title": "A\ufffdB"}),
    "a number that is none": ("<title>&#²;&#" + "9" * 5_000, {"title": "&#²;\ufffd"}),
    "deep": ("<div>" * 5_000 + meta("og:title", "A"), {"title": "A"}),
    "meta title": ("<meta name=title content=B><title>A</title>", {"title": "A"}),
    "of an organization": (
        ld({"@graph": [{"@type": "Organization", "name": "B"}]}) + "<title>A</title>",
        {"title": "A", "site_name": None},
    ),
    "of a breadcrumb": (
        ld({"@type": "ListItem", "name": "B", "image": "/b"}) + "<p itemprop=name>C</p>",
        {"title": None, "image": None},
    ),
    "description": ("<meta name=description content=' A\n b '>", {"description": "A b"}),
    "site": (meta("og:site_name", "S"), {"site_name": "S"}),
    "lang": ("<html lang=pt-BR>", {"language": "pt-BR"}),
    "locale": (meta("og:locale", "en_GB"), {"language": "en-GB"}),
    "author": ("<meta name=author content=Ann>", {"author": "Ann"}),
    "author with a URL first": (
        meta("article:author", "https://social.example/ann") + meta("twitter:creator", "@ann"),
        {"author": "@ann"},
    ),
    "published": (meta("article:published_time", "2026-01-02"), {"published": "2026-01-02"}),
    "publishdate": ('<meta name="PublishDate" content="2023-11-17">', {"published": "2023-11-17"}),
    "modified": (meta("article:modified_time", "2026-01-02"), {"modified": "2026-01-02"}),
    "canonical": ("<link rel=canonical href=/c>", {"url": "{site}/c"}),
    "og url": (meta("og:url", "/c"), {"url": "{site}/c"}),
    "spaces in a URL": ("<link rel=canonical href=' /a  b\n'>", {"url": "{site}/a%20%20b"}),
    "slashes in a URL": ("<link rel=canonical href=/a//b>", {"url": "{site}/a//b"}),
    "letters in a URL": ("<link rel=canonical href=/é>", {"url": "{site}/%C3%A9"}),
    "a URL that would be cut": (
        "<link rel=canonical href=/" + "c" * 3_000 + ">",
        {"url": "{site}/t/page"},
    ),
    "references in a URL": (
        "<link rel=canonical href='/?a=1&copy=2&amp;b'>",
        {"url": "{site}/?a=1&copy=2&b"},
    ),
    "port of a URL": (
        "<link rel=icon href=//h:" + "9" * 900 + "/>",
        {"icon": "{site}/favicon.ico"},
    ),
    "image": (A, {"image.url": "{site}/a.png", "image.width": None, "sources.image": "og:image"}),
    "base": ("<base href=/x/>" + meta("og:image", "a.png"), {"image.url": "{site}/x/a.png"}),
    "first base": ("<base href=/x/><base href=/y/><link rel=icon href=i>", {"icon": "{site}/x/i"}),
    "bad base": ("<base href='http://['>" + A, {"image.url": "{site}/a.png"}),
    "image's text and size": (
        A
        + meta("og:image:width", "20")
        + meta("og:image:height", "10px")
        + meta("og:image:alt", "a\nb"),
        {"image.width": 20, "image.height": 10, "image.alt": "a b"},
    ),
    "a size of 5,000 digits": (A + meta("og:image:width", "9" * 5_000), {"image.width": None}),
    "the second image's size": (
        A + meta("og:image", "/b.png") + meta("og:image:width", "20"),
        {"image.url": "{site}/a.png", "image.width": None},
    ),
    "the first image that can be used": (
        meta("og:image", "data:,x")
        + meta("og:image:alt", "x")
        + meta("og:image", "/b.png")
        + meta("og:image:width", "20"),
        {"image.url": "{site}/b.png", "image.width": 20, "image.alt": None},
    ),
    "a secure image": (
        A + meta("og:image:secure_url", "https://e.org/b"),
        {"image.url": "https://e.org/b"},
    ),
    "twitter's image": (
        meta("og:image", "javascript:x")
        + meta("twitter:image:src", "/t")
        + meta("twitter:image:alt", "t"),
        {"image.url": "{site}/t", "image.alt": "t"},
    ),
    "icon": ("<link rel='shortcut icon' href=i.ico>", {"icon": "{site}/t/i.ico"}),
    "second icon": ("<link rel=icon href=data:,><link rel=icon href=/i>", {"icon": "{site}/i"}),
    "latin": (b"<title>caf\xe9</title>", {"title": "café"}),
    "windows": (b"<meta charset=iso-8859-1><title>\x80</title>", {"title": "€"}),
    "utf-8 meta": ("<meta charset=utf-8><title>é</title>".encode(), {"title": "é"}),
    "late meta": (
        b"<title>\xc3\xa9</title><!--" + b"x" * 2_000 + b"--><meta charset=utf-8>",
        {"title": "é"},
    ),
    "http-equiv": (
        b"<meta http-equiv=content-type content='text/html; charset=koi8-r'><title>\xc1</title>",
        {"title": "а"},  # noqa: RUF001 (Cyrillic)
    ),
    "in other spelling": (
        b"""<meta content='charset = "KOI8-R"' http-equiv=Content-Type><title>\xc1</title>""",
        {"title": "а"},  # noqa: RUF001 (Cyrillic)
    ),
    "xml": ('<?xml version="1.0" encoding="utf-8"?><title>é'.encode(), {"title": "é"}),
    "mark": (b"\xef\xbb\xbf<meta charset=koi8-r><title>\xc3\xa9</title>", {"title": "é"}),
    "utf-16": ("\ufeff<title>é</title>".encode("utf-16-le"), {"title": "é"}),
    "said to be utf-16": ("<meta charset=unicode><title>é</title>".encode(), {"title": "é"}),
    "japanese": ("<meta charset=shift_jis><title>①日</title>".encode("cp932"), {"title": "①日"}),
    "unknown charset": (b"<meta charset=x-none><title>\xe9</title>", {"title": "é"}),
    "no text encoding": (b"<meta charset=rot13><title>\xe9</title>", {"title": "é"}),
    "own characters": (b"<meta charset=x-user-defined><title>A</title>", {"title": "A"}),
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_previewed(name: str) -> None:
    html, wanted = PAGES[name]
    page = reply(html, HTML) if isinstance(html, bytes) else reply(html.encode(), UTF_8)
    found = previewed(page).model_dump()
    for field, value in wanted.items():
        shown: Any = found
        for part in field.split(".") if field not in found else [field]:
            shown = shown[part]
        assert shown == (value.format(site=SITE) if isinstance(value, str) else value), field


KOI8 = b"<title>\xc1</title>"


@pytest.mark.parametrize(
    ("headers", "title"),
    [
        (["Content-Type: text/html; charset=koi8-r"], "а"),  # noqa: RUF001 (Cyrillic)
        (['Content-Type: text/html;x="y";Charset="KOI8-R"'], "а"),  # noqa: RUF001 (Cyrillic)
        ([HTML, "Content-Type: text/html; charset=koi8-r"], "а"),  # noqa: RUF001 (Cyrillic)
        (["Content-Type: text/html; charset=utf-8, text/html; charset=koi8-r"], "а"),  # noqa: RUF001
        (["Content-Type: text/html; charset=x-user-defined"], "\uf7c1"),
        (["Content-Type: text/html; charset=rot13"], "Á"),
        (["Content-Type: text/plain", "Content-Type: application/xhtml+xml"], "Á"),
        (["Content-Type: ;;;"], "Á"),
        ([], "Á"),
    ],
)
def test_headers_say_the_type_and_the_encoding(headers: list[str], title: str) -> None:
    assert previewed(reply(KOI8, *headers)).title == title


def test_an_image_is_its_own_preview() -> None:
    found = previewed(reply(b"GIF89a", "Content-Type: image/gif"))
    assert (found.media_type, found.image and found.image.url) == ("image/gif", f"{SITE}/t/page")


def test_the_final_url_is_told() -> None:
    found = previewed(redirect("/t/café"), reply(KOI8, HTML), NO_ROBOTS)
    assert (found.final_url, found.url) == (f"{SITE}/t/caf%C3%A9", f"{SITE}/t/caf%C3%A9")


def test_of_a_long_page_the_beginning_is_read() -> None:
    end = meta("og:title", "B").encode()
    found = previewed(reply(b"<title>A</title>" + b" " * preview.MAX_BYTES + end, HTML))
    assert found.title == "A"


PRIVATE = reply(b"User-agent: *\nDisallow: /private\n")


@pytest.mark.parametrize(
    ("why", "responses"),
    [
        ("404", [reply(b"", HTML, status=404)]),
        ("403", [reply(b"", HTML, status=403)]),
        ("no preview of application/zip", [reply(b"x", "Content-Type: application/zip")]),
        ("no preview of application/pdf", [reply(b"x", "Content-Type: application/pdf")]),
        ("no preview of an unknown type", [reply(b"x", "Content-Type: \x1b[31m")]),
        ("redirects more than 5", [redirect("/again")] * 6),
        ("no preview", [reply(b"x", HTML, "X-Robots-Tag: noarchive", "X-Robots-Tag: nosnippet")]),
        ("no preview", [reply(b"x", HTML, "X-Robots-Tag: a: none, backburner: max-snippet: 0")]),
        ("no preview", [reply(b"<meta name=robots content='noarchive, None'>", HTML)]),
        (
            "no preview",
            [
                reply(
                    b"<meta name=robots content=all>" * 2 + b"<meta name=robots content=none>", HTML
                )
            ],
        ),
        ("no preview", [reply(b"<meta name=Backburner content=nosnippet>", HTML)]),
        ("robots.txt", [redirect("/private"), reply(b"x", HTML), PRIVATE]),
    ],
)
def test_what_will_never_be_previewed_is_refused(why: str, responses: list[bytes]) -> None:
    with pytest.raises(Uncomputable, match=why):
        previewed(*responses)


@pytest.mark.parametrize(
    "page",
    [
        reply(KOI8, HTML, "X-Robots-Tag: googlebot: noindex, nosnippet"),
        reply(KOI8, HTML, "X-Robots-Tag: max-snippet: 50, noindex"),
        reply(b"<meta name=googlebot content=none><title>\xc1", HTML),
    ],
)
def test_rules_for_other_robots_are_not_ours(page: bytes) -> None:
    assert previewed(page).title == "Á"


@pytest.mark.parametrize(
    ("robots_txt", "path", "allowed"),
    [
        ("User-agent: *\nDisallow: /p", "/page", False),
        ("User-agent: *\nDisallow: /p", "/Page", True),
        ("User-agent: *\nDisallow: /p\nAllow: /page", "/page", True),
        ("User-agent: *\nDisallow: /*.secret$", "/a.secret", False),
        ("User-agent: *\nDisallow: /*.secret$", "/a.secret.html", True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: Backburner\nDisallow: /x", "/page", True),
        ("User-agent: Backburner/1.0\nUser-agent: other\nDisallow: /", "/page", False),
        ("User-agent: back\nDisallow: /", "/page", True),
        ("User-agent: backburner-news\nDisallow: /", "/page", True),
        ("User agent: other\nDisallow: /", "/page", True),
        ("\ufeffuser-agent:*#all\rdisallow:/#none", "/page", False),
        ("User-agent: *\nDisallow: /caf%C3%A9", "/caf%c3%a9/x", False),
        ("User-agent: *\nDisallow: /café", "/caf%C3%A9", False),
        ("Disallow: /", "/page", True),
        ("<html>", "/page", True),
    ],
)
def test_robots_txt_is_read_as_its_standard_says(robots_txt: str, path: str, allowed: bool) -> None:
    """RFC 9309."""
    page = reply(KOI8, HTML)
    if allowed:
        assert previewed(page, robots_txt=reply(robots_txt.encode()), path=path)
    else:
        with pytest.raises(Uncomputable, match=r"robots\.txt"):
            previewed(page, robots_txt=reply(robots_txt.encode()), path=path)


IN_AN_HOUR = "in an hour"


@pytest.mark.parametrize(
    ("status", "retry_after", "after"),
    [
        (429, "90", 90),
        (503, IN_AN_HOUR, 3600),
        (500, "", 0),
        (503, "9" * 5_000, 0),
        (503, "Fri, 31 Dec 99999999999999 23:59:59 GMT", 0),
        (503, "Fri, 31 Dec 9999 23:59:59 +99999999999999", 0),
        (503, "²", 0),
    ],
)
def test_what_may_be_there_later_is_tried_again_then(
    status: int, retry_after: str, after: float
) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    told = retry_after.replace(IN_AN_HOUR, then)
    busy = reply(b"", f"Retry-After: {told}", status=status)
    for responses in ([NO_ROBOTS, busy], [busy, reply(KOI8, HTML)]):
        with pytest.raises(TryAgain) as failure:
            previewed(*responses[1:], robots_txt=responses[0])
        assert failure.value.after == pytest.approx(after, abs=60)


def test_a_redirect_into_the_network_is_refused() -> None:
    with pytest.raises(Refused):
        previewed(redirect("http://169.254.169.254/latest/meta-data/"))


def test_no_deployment_allows_anything_private() -> None:
    assert link_preview.ALLOWED.default == ""


def test_all_of_it_takes_no_longer_than_the_limit() -> None:
    async def never(host: str, port: int) -> list[str]:
        await asyncio.Event().wait()
        return []

    with pytest.raises(TryAgain, match=r"took more than 0.1 s"):
        asyncio.run(preview.of(SITE, Fetcher(resolve=never), time_limit=0.1))


LONG = 100_000
HOSTILE = [
    *(
        ("", piece)
        for piece in ("<p>x", "<!--x-->", "<!--x--!>", "<!", "<?x>", "</", "<a", "<a b=' ")
    ),
    *(
        ("", piece)
        for piece in ("&", "&#9", "<title>", "</title>", "<script>", "<svg><![CDATA[", "\0")
    ),
    *((OG, "x") for OG in ("<title>&#", "<meta name=", "<meta name=robots content=", "<link rel=")),
    ("<a ", "b%d=c "),
    ("<title>", "</titl"),
    ("<script><!--", "<script></script "),
    ("<p>" + "<b><i c><u>" * 200, "<p>x"),
    ("<table>" * 3_000, "<b><p>"),
    ("<svg>" * 9_000, "</p>"),
    ("<link rel='", "icon "),
    ("<meta name=robots content='", "a:,"),
    ("<meta charset=utf-8", " "),
    ("<meta http-equiv=content-type content='", "charset "),
    ("<?xml ", "encoding='"),
    ("", A),
    ("", f"<link rel=icon href='http://[{'x' * 1_900}'>"),
    (ld([])[:-9], "["),
]
"""Two phases: what opens, then what repeats."""


@pytest.mark.parametrize(("opener", "piece"), HOSTILE)
def test_a_hostile_page_takes_time_in_proportion_to_its_bytes(opener: str, piece: str) -> None:
    """What grows with the square of its bytes takes seconds."""
    pieces = (piece.replace("%d", str(n)) for n in range(LONG // len(piece)))
    page, began = reply((opener + "".join(pieces)).encode(), HTML), process_time()
    previewed(page)
    assert process_time() - began < 1


ROBOTS = [
    ("".join(f"User-agent: a{n}\n" for n in range(LONG // 16)), "Disallow: /x%d\n"),
    ("User-agent: backburner\n" * 2_000, "Disallow: /x%d\n"),
    ("User-agent: *\n", "Disallow: *a*a*a*a*a*a*a*b$\n"),
    ("User-agent: *\nDisallow: /", "*a"),
    ("User-agent: *\r", "\x0b"),
    ("", "User agent "),
]


@pytest.mark.parametrize(("opener", "piece"), ROBOTS)
def test_a_hostile_robots_txt_takes_time_in_proportion_to_its_bytes(
    opener: str, piece: str
) -> None:
    pieces = (piece.replace("%d", str(n)) for n in range(LONG // len(piece)))
    body, began = (opener + "".join(pieces)).encode(), process_time()
    robots.check_file(body, SITE + "/" + "a" * 2_000)
    assert process_time() - began < 2


@pytest.mark.parametrize(
    ("name", "opener", "piece"),
    [
        ("Content-Type", 'text/html; a="', ";"),
        ("Content-Type", "text/html; charset=", " "),
        ("Content-Type", "", "x/x,"),
        ("X-Robots-Tag", "", "a:,"),
        ("Retry-After", "Fri, ", " 31"),
        ("Location", "/", "é"),
        ("Content-Encoding", "gzip", ", none"),
    ],
)
def test_a_long_header_is_cut_before_it_is_read(name: str, opener: str, piece: str) -> None:
    """A response's head has at most 100 kB: h11's bound."""
    header = f"{name}: {opener}{piece * (90_000 // len(piece.encode()))}"
    responses = [reply(b"x", header, HTML, status=status) for status in (200, 302, 503)]
    began = process_time()
    for response in responses:
        with suppress(Uncomputable, TryAgain):
            previewed(response)
    assert process_time() - began < 1


WORDS = [
    *("text/html", "charset=", "gzip", "none", "99999999999999", "9" * 5_000, "²", "nosnippet"),
    *(":", ",", ";", '"', "=", "http://", "//", "[", "::1", "é", "/", "?", "#", "xn--", "@", "\\"),
    *("\t", "\x1b", "\x80", "-1", "%"),
]
TAGS = [
    *("<meta ", "property=", "name=", "content=", "og:image", "og:image:width", "robots", ">"),
    *("<title>", "<link rel=icon ", "href=", "<base href=", "http-equiv=content-type", "'"),
    *("&#", "<!--", "&#xd800;", "\0", "\ufeff", "<script>", "</", "<svg>", "<html lang="),
]
words = st.lists(st.sampled_from(WORDS) | st.text(max_size=9)).map("".join)
LABELS = ["x-user-defined", "replacement", "utf-16", "utf-7", "rot13", "zip", "punycode", "gb18030"]
header = st.one_of(
    st.sampled_from(LABELS).map("Content-Type: text/html; charset={}".format),
    words.map("Content-Type: text/html{}".format),
    words.map("Retry-After: Fri, 31 Dec 2026{} 23:59:59 GMT".format),
    words.map("Retry-After: {}".format),
    words.map("Location: {}".format),
    words.map("Location: http://{}".format),
    words.map("X-Robots-Tag: {}".format),
    words.map("Content-Encoding: {}".format),
)
body = st.binary(max_size=99) | st.lists(st.sampled_from(TAGS + WORDS) | st.text(max_size=9)).map(
    lambda parts: "".join(parts).encode("utf-8", "surrogatepass")
)
status = st.sampled_from([200, 200, 200, 301, 302, 429, 503, 204, 304, 404, 100, 101, 999])


def answer(status: int, headers: list[str], body: bytes) -> bytes:
    return reply(body, *headers, status=status)


@settings(
    max_examples=int(os.environ.get("FUZZ_EXAMPLES", "100")),
    derandomize="FUZZ_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(st.lists(st.builds(answer, status, st.lists(header, max_size=3), body), max_size=3))
@example([reply(b"<title>A", "Content-Type: text/html; charset=x-user-defined")])
@example([reply(b"", "Retry-After: Fri, 31 Dec 99999999999999 23:59:59 GMT", status=503)])
@example([b"HTTP/1.1 200 OK\r\nContent-Length: " + b"9" * 5_000 + b"\r\n\r\n"])
def test_nothing_that_a_site_says_is_more_than_a_refusal_or_another_attempt(
    responses: list[bytes],
) -> None:
    network = Network(NO_ROBOTS, *responses, *[reply(b"<title>A", HTML)] * 9)
    fetcher = Fetcher(resolve=anywhere, backend=network, max_bytes=preview.MAX_BYTES)
    try:
        found = asyncio.run(preview.of(SITE, fetcher))
    except (Uncomputable, TryAgain):
        return
    assert Result.model_validate_json(found.model_dump_json()) == found


def test_another_version_has_another_signature_and_the_old_answer_is_still_there(
    deployment: MotoDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a computation that is a folder."""
    computation = registry.load("link-preview")
    asked = {"url": "http://127.0.0.1/"}  # refused without a packet: an answer, too
    old = deployment.post("/v1/link-preview", asked).signature
    for message in deployment.messages("WaitingWorkerFunction"):
        deployment.worker.receive(message)
    newer = replace(computation, policy=replace(computation.policy, version=9))
    monkeypatch.setattr(registry, "load", lambda _: newer)
    new = deployment.post("/v1/link-preview", asked)
    assert (new.status, new.signature != old) == (202, True)
    assert deployment.get(f"/v1/link-preview/{old}").status == 422
