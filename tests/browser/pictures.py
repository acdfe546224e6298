"""Makes the pictures of the README: make screenshots. No other run of the tests rewrites them."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from backburner.development.local.deployment import Deployment
from tests.browser.support import answered, ask, opened, write_json
from tests.support import instances

IMAGES = Path(__file__).parents[2] / "docs/images"
LARGEST = 200_000
"""Bytes."""


@pytest.fixture(scope="module")
def own_url(browser: Browser) -> Iterator[str]:
    """A deployment of this repository's computations alone, as in make run."""
    with Deployment() as deployment:
        yield deployment.url


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_pictures_of_the_readme(
    browser: Browser, own_url: str, theme: Literal["light", "dark"]
) -> None:
    viewport = ViewportSize(width=1280, height=860)
    with browser.new_context(base_url=own_url, color_scheme=theme, viewport=viewport) as context:
        page = context.new_page()
        opened(page, "route-plan")
        plan = instances.parameters("E-n22-k4") | {"speed": {"light": 1, "dark": 2}[theme]}
        write_json(page, plan)
        page.get_by_role("tab", name="Form").click()
        ask(page)
        page.get_by_role("button", name="Ask again").click()
        expect(page.locator("#state")).to_contain_text("A hit in")
        page.mouse.move(0, 0)
        take(page, f"console-{theme}.png")
        if theme == "light":
            page.get_by_label("Effort").select_option("quick")
            page.get_by_role("button", name="Ask 50 times at once").click()
            answered(page)
            page.mouse.move(0, 0)
            take(page, "fifty-at-once.png")


def take(page: Page, name: str) -> None:
    path = IMAGES / name
    page.evaluate("scrollTo(0, 0)")
    page.screenshot(path=path)
    assert path.stat().st_size < LARGEST
