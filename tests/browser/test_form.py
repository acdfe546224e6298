"""The form: made from the schema, beside the JSON, with what is wrong at its field."""

import json
from typing import Any

import pytest
import urllib3
from playwright.sync_api import Locator, Page, expect

from tests.browser.support import PLANAR, ask, opened, read_json, shown, write_json

WRONG: dict[str, Any] = {
    "depot": {"lat": 100, "lon": 4.9},
    "stops": [
        {"id": "a", "lat": 52, "lon": 4, "demand": -1},
        {"id": "a", "lat": 52, "lon": 4, "window": [9, 3]},
    ],
    "vehicles": {"count": 0, "capacity": 10},
    "effort": "quick",
    "speed": 20_000,
}
CSV = {
    "with names": "id,x,y,window\nnorth,0,100,1 5\nsouth,0,-80.5,\n",
    "from a spreadsheet": "ID\tX\tY\tWindow\nnorth\t0\t100\t1 5\nsouth\t0\t-80.5\t\n",
    "with semicolons and quotes": 'y;x;"id";window\r\n100;0;"north";[1, 5]\r\n-80.5;0;south;\r\n',
}


def described(page: Page, control: Locator) -> str:
    """What the page says to whoever is at the control."""
    ids = (control.get_attribute("aria-describedby") or "").split()
    return " ".join(page.locator(f"#{each}").inner_text() for each in ids).strip()


def problems_of(url: str, parameters: object) -> list[dict[str, str]]:
    answer = urllib3.request("POST", f"{url}/v1/route-plan", json=parameters)
    errors: list[dict[str, str]] = answer.json()["errors"]
    return errors


def test_each_error_is_at_its_field(page: Page, url: str) -> None:
    errors = {each["pointer"]: each["reason"] for each in problems_of(url, WRONG)}
    opened(page, "route-plan")
    write_json(page, WRONG)
    page.get_by_role("tab", name="Form").click()
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".problem")).to_be_visible()
    controls = {
        "/depot/lat": page.get_by_label("Lat", exact=True),
        "/stops/0/demand": page.get_by_label("Demand of 1"),
        "/stops/1/window": page.get_by_label("Window of 2 (1 of 2)"),
        "/vehicles/count": page.get_by_label("Count"),
        "/speed": page.get_by_label("Speed"),
    }
    assert set(errors) == set(controls)
    for pointer, control in controls.items():
        assert control.get_attribute("aria-invalid") == "true", pointer
        assert errors[pointer] in described(page, control)
    expect(controls[next(iter(errors))]).to_be_focused()
    assert page.locator("#fields [aria-invalid]").count() == len(controls)


def test_a_mended_field_is_unmarked_with_the_next_question(page: Page) -> None:
    opened(page, "route-plan")
    page.get_by_label("Count").fill("0")
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.get_by_label("Count")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Count").fill("3")
    ask(page)
    assert page.locator("[aria-invalid]").count() == 0


def test_the_problem_leads_to_its_field_from_the_json_too(page: Page) -> None:
    opened(page, "route-plan")
    write_json(page, {**PLANAR, "vehicles": {"count": 0, "capacity": 1}})
    page.get_by_role("button", name="Ask", exact=True).click()
    page.get_by_role("button", name="/vehicles/count").click()
    expect(page.get_by_label("Count")).to_be_focused()


def test_the_json_follows_the_form_and_the_form_the_json(page: Page) -> None:
    opened(page, "route-plan")
    page.get_by_label("Lat", exact=True).fill("51.5")
    page.get_by_label("Effort").select_option("thorough")
    page.get_by_label("Window of 1 (1 of 2)").fill("10")
    page.get_by_label("Window of 1 (2 of 2)").fill("20")
    page.get_by_label("Demand of 2").fill("")
    read = read_json(page)
    assert (read["depot"]["lat"], read["effort"]) == (51.5, "thorough")
    assert read["stops"][0]["window"] == [10, 20]
    assert "demand" not in read["stops"][1]
    write_json(page, PLANAR)
    page.get_by_role("tab", name="Form").click()
    assert page.get_by_label("X of 3").input_value() == "120"
    assert read_json(page) == PLANAR


def test_what_is_not_json_is_said_and_not_asked(page: Page) -> None:
    opened(page, "word-count")
    page.get_by_role("tab", name="JSON").click()
    page.get_by_label("The parameters as JSON").fill('{"text": ')
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator("#unread")).to_contain_text("This is not read")
    assert page.locator("#timeline li").count() == 0


def test_stops_are_added_and_removed(page: Page) -> None:
    opened(page, "route-plan")
    page.get_by_role("button", name="Add to stops").click()
    expect(page.get_by_label("Lat of 6")).to_be_focused()
    page.get_by_label("Id of 6").fill("bridge")
    page.get_by_role("button", name="Remove 1 of stops").click()
    names = [each["id"] for each in read_json(page)["stops"] if "id" in each]
    assert names == ["market", "zoo", "park", "harbour", "bridge"]


def test_another_form_keeps_what_both_have(page: Page) -> None:
    opened(page, "route-plan")
    page.get_by_label("Form of Depot").select_option("Planar")
    page.get_by_label("Form of all of Stops").select_option("Planar stop")
    read = read_json(page)
    assert read["depot"] == {"x": 0, "y": 0}
    assert read["stops"][1] == {
        "x": 0,
        "y": 0,
        "id": "market",
        "demand": 2.5,
        "window": [600, 1200],
    }


@pytest.mark.parametrize("text", CSV.values(), ids=CSV)
def test_stops_are_pasted_as_csv(page: Page, text: str) -> None:
    opened(page, "route-plan")
    page.get_by_text("Paste as CSV").click()
    page.get_by_label("Stops as CSV").fill(text)
    page.get_by_role("button", name="Use these").click()
    assert read_json(page)["stops"] == [
        {"id": "north", "x": 0, "y": 100, "window": [1, 5]},
        {"id": "south", "x": 0, "y": -80.5},
    ]


def test_csv_that_has_too_many_values_is_refused_with_the_names(page: Page) -> None:
    opened(page, "route-plan")
    page.get_by_text("Paste as CSV").click()
    page.get_by_label("Stops as CSV").fill("1,2,3,4,5,6,7,8")
    page.get_by_role("button", name="Use these").click()
    expect(page.locator(".paste [role=alert]")).to_contain_text("lat,lon,id,demand,window,service")


def test_a_thousand_stops_are_asked_and_fifty_of_them_are_fields(page: Page) -> None:
    stops = [{"x": nth % 40, "y": nth // 40} for nth in range(1000)]
    opened(page, "route-plan")
    write_json(page, {**PLANAR, "stops": stops})
    page.get_by_role("tab", name="Form").click()
    assert page.locator(".rows tbody tr").count() == 50
    expect(page.locator("#fields")).to_contain_text("And 950 more: they are in the JSON.")
    page.get_by_label("X of 1", exact=True).fill("7")
    read = read_json(page)["stops"]
    assert (len(read), read[0], read[999]) == (1000, {"x": 7, "y": 0}, {"x": 39, "y": 24})


def test_every_kind_of_field_gives_its_kind_of_value(page: Page) -> None:
    opened(page, "every-kind")
    page.get_by_label("Text", exact=False).first.fill("b")
    page.get_by_label("Share").fill("0.25")
    page.get_by_label("Flag").check()
    page.get_by_label("Choice").select_option("high")
    page.get_by_label("Colour").select_option("green")
    page.get_by_label("Day").fill("2026-01-31")
    page.get_by_label("Form of Either").select_option("Integer")
    page.get_by_label("Either", exact=True).fill("4")
    page.get_by_role("group", name="Named").get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Add a name").click()
    page.get_by_label("Name of 1").fill("one/two")
    page.get_by_label("Name of 1").press("Tab")
    page.get_by_role("group", name="Numbers").get_by_role("button", name="Add").click()
    page.get_by_role("button", name="Add to numbers").click()
    page.get_by_role("group", name="Numbers").get_by_label("1", exact=True).fill("5")
    assert read_json(page) == {
        "text": "b",
        "number": 1.5,
        "points": [{"x": 1, "y": 2}],
        "either": 4,
        "share": 0.25,
        "flag": True,
        "choice": "high",
        "colour": "green",
        "day": "2026-01-31",
        "named": {"one/two": False},
        "numbers": [5],
    }
    ask(page)
    assert shown(page) == {"count": 11}


def test_the_bounds_and_descriptions_are_beside_the_fields(page: Page) -> None:
    opened(page, "route-plan")
    count = page.get_by_label("Count")
    assert (count.get_attribute("min"), count.get_attribute("max")) == ("1", "500")
    assert described(page, count) == "How many there are; a plan may use fewer. 1 to 500."


def test_the_question_is_asked_as_it_is_in_the_form(page: Page) -> None:
    opened(page, "route-plan")
    with page.expect_request("**/v1/route-plan") as asked:
        ask(page)
    example = page.evaluate("fetch('/v1').then((r) => r.json())")["computations"]
    [expected] = [each["example"] for each in example if each["name"] == "route-plan"]
    assert json.loads(asked.value.post_data or "") == expected
