"""What is done on the page again and again."""

import json
from typing import Any

from playwright.sync_api import Page, expect

STOPS = [
    {"id": "north", "x": 0, "y": 100, "demand": 2},
    {"id": "south", "x": 0, "y": -80, "demand": 2},
    {"id": "east", "x": 120, "y": 10},
    {"x": -90.5, "y": 7},
]
PLANAR = {
    "depot": {"x": 0, "y": 0},
    "stops": STOPS,
    "vehicles": {"count": 3, "capacity": 3},
    "effort": "quick",
}


def opened(page: Page, name: str) -> None:
    page.goto(f"/#/{name}")
    expect(page.get_by_role("heading", level=1)).to_have_text(name)


def answered(page: Page) -> None:
    expect(page.get_by_role("button", name="Ask again")).to_be_visible()


def ask(page: Page) -> None:
    page.get_by_role("button", name="Ask", exact=True).click()
    answered(page)


def write_json(page: Page, parameters: object) -> None:
    page.get_by_role("tab", name="JSON").click()
    page.get_by_label("The parameters as JSON").fill(json.dumps(parameters))


def read_json(page: Page) -> Any:
    page.get_by_role("tab", name="JSON").click()
    read = json.loads(page.get_by_label("The parameters as JSON").input_value())
    page.get_by_role("tab", name="Form").click()
    return read


def shown(page: Page) -> Any:
    """The result as JSON."""
    return json.loads(page.locator(".json pre").text_content() or "")


def state(page: Page) -> str:
    return page.locator("#state").inner_text()
