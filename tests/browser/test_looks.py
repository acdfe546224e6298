"""For everybody: screen readers, both themes, a phone, the keyboard alone, paper, no motion."""

from pathlib import Path
from typing import Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.support import answered, ask, opened

Theme = Literal["light", "dark"]
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
COMPUTATIONS = ["carding", "every-kind", "private-kind", "route-plan", "tabling", "word-count"]


def violations(page: Page) -> list[str]:
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [
        f"{each['id']}: {node['html']} {node['failureSummary']}"
        for each in found
        for node in each["nodes"]
    ]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_either_theme(browser: Browser, url: str, theme: Theme) -> None:
    with browser.new_context(
        base_url=url, color_scheme=theme, reduced_motion="reduce", bypass_csp=True
    ) as context:
        page = context.new_page()
        page.add_init_script(AXE)
        for name in COMPUTATIONS:
            opened(page, name)
            assert violations(page) == [], name
            if name != "private-kind":
                ask(page)
                assert violations(page) == [], f"{name}'s answer"
        opened(page, "route-plan")
        page.get_by_label("Count").fill("0")
        page.get_by_role("button", name="Ask", exact=True).click()
        expect(page.locator(".problem")).to_be_visible()
        assert violations(page) == [], "a problem"
        page.get_by_label("Count").fill("3")
        page.get_by_role("tab", name="JSON").click()
        page.get_by_role("button", name="Ask 50 times at once").click()
        answered(page)
        assert violations(page) == [], "fifty at once"


def test_a_phone_scrolls_only_downwards(page: Page) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    for name in COMPUTATIONS:
        opened(page, name)
        if name != "private-kind":
            ask(page)
        assert page.evaluate("document.documentElement.scrollWidth") == 360, name


def test_the_keyboard_is_enough(page: Page) -> None:
    opened(page, "word-count")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the question")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Ask", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    answered(page)
    page.get_by_role("tab", name="Form").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="JSON")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_label("The parameters as JSON")).to_be_focused()
    page.keyboard.type(" ")
    page.keyboard.press("Control+Enter")
    answered(page)


def test_what_is_printed_is_the_answer_without_buttons(page: Page) -> None:
    opened(page, "route-plan")
    ask(page)
    page.emulate_media(media="print")
    expect(page.locator(".map")).to_be_visible()
    for button in page.get_by_role("button", name="Ask").all():
        expect(button).to_be_hidden()


def test_whoever_wants_no_motion_sees_none(page: Page) -> None:
    opened(page, "route-plan")
    ask(page)
    assert page.evaluate("document.getAnimations().length") == 0
    moves = "getComputedStyle(document.querySelector('.route polyline')).transitionDuration"
    assert page.evaluate(moves) == "0s"
    page.emulate_media(reduced_motion="no-preference")
    assert page.evaluate(moves) != "0s"


def test_there_is_one_of_each_landmark_and_what_changes_is_told(page: Page) -> None:
    opened(page, "word-count")
    assert page.get_by_role("main").count() == page.get_by_role("banner").count() == 1
    assert page.get_by_role("navigation").count() == 2
    assert page.locator("#state").get_attribute("role") == "status"
    assert page.get_by_role("progressbar").count() == 0
