"""One browser, Debian's Chromium, and one local deployment for all that the console is asked.

After each test: the page has asked nobody else, and the browser has nothing to complain about.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from backburner.development.local.deployment import Deployment

HERE = Path(__file__).parent
FOLDERS = [
    HERE / "computations",
    HERE.parent / "http/computations",
    HERE.parent / "support/computations",
]
NAMES = ("chromium", "chromium-browser", "google-chrome")
REFUSED = "Failed to load resource: the server responded with a status of"
"""What Chromium says of every answer of 400 and above, whoever expects it."""


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        lacking = "there is no browser here: apt-get install chromium"
        if os.environ.get("CI"):
            pytest.fail(lacking)
        pytest.skip(lacking)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path)
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the functions print."""
    return tmp_path_factory.mktemp("browser") / "printed.txt"


@pytest.fixture(scope="package")
def url(printed: Path, browser: Browser) -> Iterator[str]:
    with (
        printed.open("w") as output,
        Deployment(computations=FOLDERS, console=output.fileno()) as deployment,
    ):
        yield deployment.url


@pytest.fixture
def context(browser: Browser, url: str) -> Iterator[BrowserContext]:
    """A browser that has never been here."""
    with browser.new_context(
        base_url=url, viewport={"width": 1280, "height": 900}, reduced_motion="reduce"
    ) as context:
        context.set_default_timeout(15_000)
        asked: list[str] = []
        said: list[ConsoleMessage] = []
        context.on("request", lambda request: asked.append(request.url))
        context.on("console", lambda message: said.append(message))
        context.on("weberror", lambda error: pytest.fail(f"in the page: {error.error}"))
        yield context
        assert [each for each in asked if not each.startswith((url, "data:"))] == []
        assert [each.text for each in said if not each.text.startswith(REFUSED)] == []


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
