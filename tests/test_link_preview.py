"""link-preview, on a small web site that the test serves on this machine."""

import asyncio
import base64
import io
import json
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import process_time, sleep
from typing import Any

import pytest
from pypdf import PdfWriter

from backburner.computation import TryAgain, Uncomputable, declared, registry
from backburner.fetching import Fetcher, Refused
from computations import link_preview
from computations.link_preview import preview
from computations.link_preview.page import Page
from computations.link_preview.parameters import Parameters
from computations.link_preview.result import Result
from tests.conftest import MotoDeployment

GIF = base64.b64decode("R0lGODlhAgADAIAAAAAAAP///ywAAAAAAgADAAACAkQBADs=")


def paper() -> bytes:
    writer, file = PdfWriter(), io.BytesIO()
    writer.add_blank_page(10, 10)
    writer.add_metadata({"/Title": "A paper", "/Author": "Ann"})
    writer.write(file)
    return file.getvalue()


def ld(value: object) -> str:
    return f'<script type="application/ld+json">{json.dumps(value)}</script>'


def meta(name: str, content: str) -> str:
    return f'<meta property="{name}" content="{content}">'


OG_IMAGE = meta("og:image", "/a.png")
PAGES: dict[str, tuple[str | bytes, dict[str, Any]]] = {
    "title": ("<title>A &amp;\n  B</title>", {"title": "A & B"}),
    "author with a URL first": (
        meta("article:author", "https://social.example/ann") + meta("twitter:creator", "@ann"),
        {"author": "@ann", "sources.author": "twitter:creator"},
    ),
    "publishdate": (
        '<meta name="PublishDate" content="2023-11-17">',
        {"published": "2023-11-17", "sources.published": "publishdate"},
    ),
    "h1": ("<h1>A <b>heading</b></h1>", {"title": "A heading"}),
    "no title": ("<p>text", {"title": None, "description": None}),
    "empty": ("", {"title": None, "image": None}),
    "og before title": ("<title>B</title>" + meta("og:title", "A"), {"title": "A"}),
    "og before twitter": (meta("twitter:title", "B") + meta("og:title", "A"), {"title": "A"}),
    "twitter before ld": (ld({"headline": "B"}) + meta("twitter:title", "A"), {"title": "A"}),
    "ld before microdata": ("<p itemprop=headline>B</p>" + ld({"headline": "A"}), {"title": "A"}),
    "microdata": ("<p itemprop='headline'>A <i>b</i></p>", {"title": "A b"}),
    "empty og": ("<title>A</title>" + meta("og:title", " "), {"title": "A"}),
    "og twice": (meta("og:title", "A") + meta("og:title", "B"), {"title": "A"}),
    "og as name": ('<meta name="og:title" content="A">', {"title": "A"}),
    "upper case": ('<META PROPERTY="OG:Title" CONTENT="A">', {"title": "A"}),
    "in the body": ("<body><p>x</p>" + meta("og:title", "A"), {"title": "A"}),
    "unclosed": ("<html><head><title>A</title><meta name=description content=B<p", {"title": "A"}),
    "unquoted": ("<meta name=description content=short>", {"description": "short"}),
    "in a comment": ("<!--" + meta("og:title", "B") + "--><title>A</title>", {"title": "A"}),
    "in a script": ("<script>'<title>B</title>'</script><title>A</title>", {"title": "A"}),
    "svg title": ("<title>A</title><svg><title>B</title></svg>", {"title": "A"}),
    "nul": ("<title>A\0B</title>", {"title": "A\ufffdB"}),
    "deep": ("<div>" * 5_000 + meta("og:title", "A"), {"title": "A"}),
    "description": ("<meta name=description content=' A\n b '>", {"description": "A b"}),
    "site": (meta("og:site_name", "S"), {"site_name": "S"}),
    "lang": ("<html lang=pt-BR>", {"language": "pt-BR"}),
    "locale": (meta("og:locale", "en_GB"), {"language": "en-GB"}),
    "author": ("<meta name=author content=Ann>", {"author": "Ann"}),
    "published": (meta("article:published_time", "2026-01-02"), {"published": "2026-01-02"}),
    "time": (
        "<time itemprop=datePublished datetime=2026-01-02>2 Jan</time>",
        {"published": "2026-01-02"},
    ),
    "modified": (ld({"dateModified": "2026-01-02"}), {"modified": "2026-01-02"}),
    "canonical": ("<link rel=canonical href=/c>", {"url": "{site}/c"}),
    "og url": (meta("og:url", "/c"), {"url": "{site}/c"}),
    "relative image": (OG_IMAGE, {"image.url": "{site}/a.png"}),
    "image of a base": (
        "<base href=/x/>" + meta("og:image", "a.png"),
        {"image.url": "{site}/x/a.png"},
    ),
    "first base": ("<base href=/x/><base href=/y/><link rel=icon href=i>", {"icon": "{site}/x/i"}),
    "bad base": ("<base href='http://['>" + OG_IMAGE, {"image.url": "{site}/a.png"}),
    "image's text and size": (
        OG_IMAGE + meta("og:image:width", "20") + meta("og:image:height", "10px"),
        {"image.width": 20, "image.height": 10},
    ),
    "image's alt": (OG_IMAGE + meta("og:image:alt", "a cat"), {"image.alt": "a cat"}),
    "data image": (meta("og:image", "data:image/png,x"), {"image": None}),
    "script image": (meta("og:image", "javascript:x"), {"image": None}),
    "icon": ("<link rel='shortcut icon' href=i.ico>", {"icon": "{site}/i.ico"}),
    "default icon": ("<p>", {"icon": "{site}/favicon.ico"}),
    "image_src": ("<link rel=image_src href=i.png>", {"image.url": "{site}/i.png"}),
    "graph": (
        ld(
            {
                "@graph": [
                    {"@type": "Person", "name": "B"},
                    {"@type": "NewsArticle", "headline": "A"},
                ]
            }
        ),
        {"title": "A"},
    ),
    "nested author": (ld({"author": [{"@type": "Person", "name": "Ann"}]}), {"author": "Ann"}),
    "ld image": (ld({"image": [{"url": "/i.png"}]}), {"image.url": "{site}/i.png"}),
    "broken ld": ('<script type="application/ld+json">{,</script><title>A</title>', {"title": "A"}),
    "deep ld": (
        '<script type="application/ld+json">' + "[" * 100_000 + "</script><title>A</title>",
        {"title": "A"},
    ),
    "latin": (b"<title>caf\xe9</title>", {"title": "café"}),
    "windows": (b"<meta charset=iso-8859-1><title>\x80</title>", {"title": "€"}),
    "utf-8 meta": ("<meta charset=utf-8><title>é</title>".encode(), {"title": "é"}),
    "http-equiv": (
        b"<meta http-equiv=content-type content='text/html; charset=koi8-r'><title>\xc1</title>",
        {"title": "а"},  # noqa: RUF001 (Cyrillic)
    ),
    "mark": (b"\xef\xbb\xbf<meta charset=koi8-r><title>\xc3\xa9</title>", {"title": "é"}),
    "utf-16": ("\ufeff<title>é</title>".encode("utf-16-le"), {"title": "é"}),
    "said to be utf-16": ("<meta charset=utf-16><title>é</title>".encode(), {"title": "é"}),
    "japanese": (
        "<meta charset=shift_jis><title>日本</title>".encode("shift_jis"),
        {"title": "日本"},
    ),
    "unknown charset": (b"<meta charset=x-none><title>\xe9</title>", {"title": "é"}),
    "oembed": (
        "<link rel=alternate type=application/json+oembed href=/oembed>",
        {"title": "From oEmbed", "author": "Ann", "image.url": "{site}/t.png"},
    ),
}
HTML = {"content-type": "text/html"}
Reply = tuple[int, dict[str, str], bytes]
OTHERS: dict[str, Reply] = {
    "/oembed": (
        200,
        {},
        b'{"title": "From oEmbed", "author_name": "Ann", "thumbnail_url": "/t.png"}',
    ),
    "/image": (200, {"content-type": "image/gif"}, GIF),
    "/no-image": (200, {"content-type": "image/png"}, b"x"),
    "/paper.pdf": (200, {"content-type": "application/pdf"}, paper()),
    "/no-pdf": (200, {"content-type": "application/pdf"}, b"x"),
    "/text": (200, {"content-type": "text/plain; charset=utf-8"}, "é\n\nb\nc".encode()),
    "/koi8": (200, {"content-type": "text/html; charset=koi8-r"}, b"<title>\xc1</title>"),
    "/zip": (200, {"content-type": "application/zip"}, b"x"),
    "/tags": (200, HTML, b"<b>" * 100_001),
    "/large": (200, HTML, b" " * 2_000_001),
    "/slow": (200, HTML, b""),
    "/endless": (200, HTML, b""),
    "/forbidden": (403, HTML, b""),
    "/busy": (429, {"retry-after": "90"}, b""),
    "/broken": (500, HTML, b""),
    "/loop": (302, {"location": "/loop"}, b""),
    "/moved": (301, {"location": "/koi8"}, b""),
    "/inside": (302, {"location": "http://169.254.169.254/latest/meta-data/"}, b""),
    "/robots.txt": (200, {}, b"User-agent: *\nDisallow: /private\n"),
    "/private": (200, HTML, b"<title>x</title>"),
    "/moved-to-private": (302, {"location": "/private"}, b""),
    "/opted-out": (200, {**HTML, "x-robots-tag": "nosnippet"}, b"x"),
    "/opted-out-in-meta": (200, HTML, b"<meta name=robots content='noarchive, none'>"),
}
NAMES = {f"/page-{number}": name for number, name in enumerate(PAGES)}


class SiteHandler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, headers, body = self.reply()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with suppress(ConnectionError):  # who has read enough leaves
            self.wfile.write(body)
            while self.path in ("/slow", "/endless"):
                self.wfile.write(b"<p>" * (1 if self.path == "/slow" else 100_000))
                sleep(0.02 if self.path == "/slow" else 0)

    def reply(self) -> Reply:
        if self.path in NAMES:
            body = PAGES[NAMES[self.path]][0]
            return 200, HTML, body.encode() if isinstance(body, str) else body
        if self.path == "/busy-until":
            in_an_hour = format_datetime(datetime.now(UTC) + timedelta(hours=1))
            return 503, {"retry-after": in_an_hour}, b""
        return OTHERS.get(self.path, (404, HTML, b""))

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002
        """Nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), SiteHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def previewed(site: str, path: str) -> Result:
    """As a worker with the setting computes it."""

    async def computed() -> Result:
        with declared.given({link_preview.ALLOWED: site.removeprefix("http://")}):
            return await link_preview.compute(Parameters(url=site + path), lambda _: None)

    return asyncio.run(computed())


@pytest.mark.parametrize("path", NAMES, ids=NAMES.get)
def test_a_page_is_previewed(path: str, site: str) -> None:
    found = previewed(site, path).model_dump()
    for field, wanted in PAGES[NAMES[path]][1].items():
        value: Any = found
        for part in field.split("."):
            value = value[part]
        assert value == (wanted.format(site=site) if isinstance(wanted, str) else wanted), field


HOSTILE = ["<p>x", "<div>", "<a b=c>", "<table><td>", "<svg></p>", "<b itemprop=name>x", "<!--x-->"]


@pytest.mark.parametrize("piece", HOSTILE)
def test_a_hostile_page_takes_a_bounded_amount_of_memory_for_each_tag(piece: str) -> None:
    """A worker of the waiting lane reads one page at a time, in 512 MB."""
    html = piece * (preview.MAX_TAGS // 10)
    tracemalloc.start()
    Page("http://example.com/", html).found()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000 * html.count("<")


@pytest.mark.parametrize("piece", HOSTILE[1:])
def test_a_hostile_page_takes_time_in_proportion_to_its_bytes(piece: str) -> None:
    def processor_time(of: str) -> float:
        html, started = of * (200_000 // len(of)), process_time()
        Page("http://example.com/", html).found()
        return process_time() - started

    assert processor_time(piece) < 5 * processor_time(HOSTILE[0])


def test_sources_tell_where_it_was_found(site: str) -> None:
    path = next(path for path, name in NAMES.items() if name == "og before title")
    assert previewed(site, path).sources == {"title": "og:title", "icon": "default"}


def test_an_image_tells_its_size(site: str) -> None:
    found = previewed(site, "/image")
    assert (found.title, found.media_type) == ("image", "image/gif")
    assert found.image
    assert (found.image.url, found.image.width, found.image.height) == (f"{site}/image", 2, 3)
    assert previewed(site, "/no-image").image


def test_a_pdf_tells_its_title(site: str) -> None:
    found = previewed(site, "/paper.pdf")
    assert (found.title, found.author) == ("A paper", "Ann")


def test_a_text_tells_its_first_lines(site: str) -> None:
    found = previewed(site, "/text")
    assert (found.title, found.description) == ("é", "b c")


def test_the_header_says_the_encoding(site: str) -> None:
    assert previewed(site, "/koi8").title == "а"  # noqa: RUF001 (Cyrillic)


def test_the_final_url_is_told(site: str) -> None:
    assert previewed(site, "/moved").final_url == f"{site}/koi8"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/not-there", "404"),
        ("/forbidden", "403"),
        ("/zip", "no preview of application/zip"),
        ("/large", "too large"),
        ("/tags", "over 100,000 tags"),
        ("/no-pdf", "no PDF"),
        ("/loop", "redirects more than 5"),
        ("/private", "robots.txt"),
        ("/opted-out", "asks for no preview"),
        ("/opted-out-in-meta", "asks for no preview"),
    ],
)
def test_what_will_never_be_previewed_is_refused(path: str, why: str, site: str) -> None:
    with pytest.raises(Uncomputable, match=why):
        previewed(site, path)


@pytest.mark.parametrize(("path", "after"), [("/busy", 90), ("/busy-until", 3600), ("/broken", 0)])
def test_what_may_be_there_later_is_tried_again_then(path: str, after: float, site: str) -> None:
    with pytest.raises(TryAgain) as failure:
        previewed(site, path)
    assert failure.value.after == pytest.approx(after, abs=60)


def test_a_redirect_into_the_network_is_refused_as_the_site_itself_without_the_setting(
    site: str,
) -> None:
    with pytest.raises(Refused):
        previewed(site, "/inside")
    with pytest.raises(Refused):
        asyncio.run(preview.of(site, Fetcher()))


def test_no_deployment_allows_anything_private() -> None:
    assert link_preview.ALLOWED.default == ""


def test_all_of_it_takes_no_longer_than_the_limit(site: str) -> None:
    """The body at this path never ends."""
    fetcher = Fetcher(allowed=[site.removeprefix("http://")])
    with pytest.raises(TryAgain, match=r"took more than 0.3 s"):
        asyncio.run(preview.of(f"{site}/slow", fetcher, time_limit=0.3))


def test_an_endless_body_is_too_large(site: str) -> None:
    with pytest.raises(Uncomputable, match="too large"):
        previewed(site, "/endless")


def test_another_version_has_another_signature_and_the_old_answer_is_still_there(
    deployment: MotoDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also for a computation that is a folder."""
    computation = registry.load("link-preview")
    asked = {"url": "http://127.0.0.1/"}  # refused without a packet: an answer, too
    old = deployment.post("/v1/link-preview", asked).signature
    for message in deployment.messages("WaitingWorkerFunction"):
        deployment.worker.receive(message)
    newer = replace(computation, policy=replace(computation.policy, version=2))
    monkeypatch.setattr(registry, "load", lambda _: newer)
    new = deployment.post("/v1/link-preview", asked)
    assert (new.status, new.signature != old) == (202, True)
    assert deployment.get(f"/v1/link-preview/{old}").status == 422
