"""The whole path in a real browser: a question, its job, its answer, and the way back to it."""

import ast
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3
from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.support import PLANAR, answered, ask, opened, read_json, shown, state, write_json
from tests.support.tokens import bearer

ROOT = Path(__file__).parents[2]
TOKEN = bearer("ann").removeprefix("Bearer ")


@pytest.mark.parametrize(
    "name",
    ["carding", "every-kind", "private-kind", "route-plan", "tabling", "word-count"],
)
def test_the_example_of_every_computation_is_answered(page: Page, url: str, name: str) -> None:
    opened(page, name)
    if name == "private-kind":
        page.get_by_label("Token").fill(TOKEN)
    ask(page)
    signature = page.url.rpartition("/")[2]
    headers = {"authorization": f"Bearer {TOKEN}"}
    answer = urllib3.request("GET", f"{url}/v1/{name}/{signature}", headers=headers)
    assert shown(page) == answer.json()
    assert page.locator("#timeline li").count() >= 2
    assert re.search(r"Answered in .* s, by \d+ requests", state(page))


@pytest.mark.parametrize("parameters", [None, PLANAR])
def test_the_routes_that_are_drawn_are_those_of_the_result(
    page: Page, parameters: dict[str, object] | None
) -> None:
    opened(page, "route-plan")
    if parameters:
        write_json(page, parameters)
    ask(page)
    routes = shown(page)["routes"]
    drawn = page.locator("g[data-route]")
    assert drawn.count() == len(routes)
    for nth, route in enumerate(routes):
        line = drawn.nth(nth).locator("polyline").get_attribute("points") or ""
        circles = drawn.nth(nth).locator("circle")
        at = {
            circle.get_attribute("data-stop"): (
                f"{circle.get_attribute('cx')},{circle.get_attribute('cy')}"
            )
            for circle in circles.all()
        }
        first, *between, last = line.split()
        assert between == [at[stop] for stop in route["stops"]]
        assert first == last
        assert f"load {route['load']}" in (drawn.nth(nth).get_attribute("aria-label") or "")
    assert page.locator(".legend li").count() == len(routes)


def test_focus_on_a_route_shows_it_in_the_legend(page: Page) -> None:
    opened(page, "route-plan")
    ask(page)
    page.locator("g[data-route]").last.focus()
    expect(page.locator(".legend li").last).to_have_class(re.compile(r"\bon\b"))
    expect(page.locator(".legend li").first).not_to_have_class(re.compile(r"\bon\b"))


def test_asked_again_it_is_a_hit(page: Page) -> None:
    opened(page, "word-count")
    page.get_by_label("Text").fill("asked again it is a hit")
    ask(page)
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator("#state")).to_contain_text(re.compile(r"A hit in [\d.]+ ms"))
    assert "the first answer took" in state(page)
    expect(page.locator("#timeline li").last).to_contain_text("backburner; hit; ttl=")


def test_fifty_at_once_are_one_computation(page: Page, printed: Path) -> None:
    opened(page, "route-plan")
    write_json(page, {**PLANAR, "effort": "standard"})
    page.get_by_role("button", name="Ask 50 times at once").click()
    answered(page)
    assert page.locator(".crowd li.done").count() == 50
    assert page.locator(".crowd li.miss").count() == 1
    joined, late = (page.locator(f".crowd li.{how}").count() for how in ("collapsed", "hit"))
    assert joined + late == 49
    assert joined > late
    assert "50 asked at once: 1 started the computation" in state(page)
    assert "All have the same answer" in state(page)
    signature = page.url.rpartition("/")[2]
    logged = [json.loads(line) for line in printed.read_text().splitlines() if line[:2] == '{"']
    sent = [each for each in logged if each.get("message") == "job sent"]
    assert [each["signature"] for each in sent].count(signature) == 1


def test_back_and_forward_go_from_answer_to_answer(page: Page) -> None:
    opened(page, "word-count")
    page.get_by_label("Text").fill("one")
    ask(page)
    page.get_by_label("Text").fill("one two")
    ask(page)
    page.go_back()
    expect(page.locator(".chart tbody tr td.amount")).to_have_text(["1"])
    assert page.get_by_label("Text").input_value() == "one"
    page.go_forward()
    expect(page.locator(".chart tbody tr td.amount")).to_have_text(["2"])
    page.go_back()
    page.go_back()
    expect(page.locator("#state")).to_have_text("Nothing is asked yet.")


def test_a_link_shows_the_answer_its_age_and_what_it_was_asked_with(
    context: BrowserContext, page: Page
) -> None:
    opened(page, "route-plan")
    write_json(page, PLANAR)
    ask(page)
    link, result = page.url, shown(page)
    other = context.new_page()
    other.goto(link)
    answered(other)
    assert shown(other) == result
    assert "A hit in" in state(other)
    assert read_json(other) == PLANAR
    assert other.locator("g[data-route]").count() == len(result["routes"])


def test_a_link_from_elsewhere_shows_the_answer_without_its_parameters(
    context: BrowserContext, page: Page
) -> None:
    opened(page, "route-plan")
    write_json(page, PLANAR)
    ask(page)
    page.evaluate("localStorage.clear()")
    page.reload()
    answered(page)
    expect(page.locator("#outcome")).to_contain_text("does not know with which parameters")
    expect(page.locator("#outcome table.result tbody tr").first).to_be_visible()
    page.get_by_role("button", name="Ask again").click()
    expect(page.locator("#timeline li")).to_have_count(2)


def test_an_unknown_signature_is_a_problem(page: Page) -> None:
    page.goto(f"/#/word-count/{'0' * 64}")
    expect(page.get_by_role("alert").first).to_contain_text("404")


def test_what_a_token_asked_is_not_stored(page: Page) -> None:
    opened(page, "private-kind")
    page.get_by_label("Token").fill(TOKEN)
    ask(page)
    assert page.evaluate("JSON.stringify({...localStorage, ...sessionStorage})") == "{}"
    assert page.evaluate("history.state") is None


def test_what_cannot_be_computed_says_why(page: Page) -> None:
    opened(page, "route-plan")
    write_json(page, {**PLANAR, "vehicles": {"count": 1, "capacity": 3}})
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".problem")).to_contain_text("2 vehicles at least")


def test_stop_ends_the_asking_and_not_the_job(page: Page) -> None:
    opened(page, "route-plan")
    write_json(page, {**PLANAR, "speed": 4})
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#timeline li")).not_to_have_count(0)
    page.get_by_role("button", name="Stop").click()
    assert "Stopped asking" in state(page)
    ask(page)


def test_whatever_a_result_says_is_text(page: Page) -> None:
    opened(page, "carding")
    ask(page)
    card = page.locator("#outcome article")
    expect(card.get_by_role("heading")).to_have_text("<img src=x onerror=alert(1)>")
    expect(card).to_contain_text("<script>alert(2)</script>")
    expect(page.locator("#outcome .facts")).not_to_contain_text("og:title")
    assert page.locator("#outcome img, #outcome script").count() == 0
    links = [each.get_attribute("href") for each in page.locator("#outcome a").all()]
    assert set(links) == {"https://example.org/a", "https://example.org/a.png"}


def test_a_click_sorts_a_table(page: Page) -> None:
    opened(page, "tabling")
    ask(page)
    heading = page.get_by_role("button", name="Number", exact=True)
    numbers = page.locator("table.result tbody tr td:first-child")
    expect(numbers).to_have_text(["3", "20", "-1"])
    heading.click()
    expect(numbers).to_have_text(["-1", "3", "20"])
    heading.click()
    expect(numbers).to_have_text(["20", "3", "-1"])
    expect(page.get_by_role("columnheader", name="Number")).to_have_attribute(
        "aria-sort", "descending"
    )


def test_a_hint_that_nobody_knows_is_shown_as_json(page: Page) -> None:
    opened(page, "wondering")
    ask(page)
    expect(page.locator(".json")).to_have_attribute("open", "")
    assert page.locator("#outcome > *").count() == 2


def test_the_code_to_copy_runs(page: Page) -> None:
    opened(page, "word-count")
    page.get_by_label("Text").fill('the code, isn\'t it "true"?')
    ask(page)
    codes = {name: page.locator(f"#codes pre[aria-label={name}]") for name in ("curl", "Python")}
    curl = subprocess.check_output(["bash", "-c", codes["curl"].text_content() or ""], text=True)  # noqa: S603, S607
    assert json.loads(curl.splitlines()[-1]) == shown(page)
    python = subprocess.check_output(  # noqa: S603
        [sys.executable, "-c", codes["Python"].text_content() or ""],
        env={**os.environ, "PYTHONPATH": str(ROOT / "clients/python")},
        text=True,
    )
    assert ast.literal_eval(python) == shown(page)
