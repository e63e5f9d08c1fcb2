"""The emulator's pages in a real browser: failures first, filters, keyboard, phone; nothing of a report runs."""

from __future__ import annotations

import base64

import pytest
from browsing import SIZES, UNSAFE, fits, serious

pytestmark = pytest.mark.browser
PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
PAGE = "/wiki/spaces/QA/pages/131073"
TRIGGER = {"Jira-Snapshots-API-Key": "emulator-global-key"}


def a_test(name, status="PASSED", **members):
    """Return an entry of Xray JSON for a new Test."""
    info = {"projectKey": "SHOP", "summary": name, "type": "Generic", "definition": f"shop.{name}"}
    return {"testInfo": info, "status": status, **members}


@pytest.fixture
def world(emulator):
    """Import what wants to run, steps and evidence; take two snapshots. Return paths of all kinds of pages."""
    when = {"start": "2026-03-01T10:00:00Z", "finish": "2026-03-01T10:01:05Z"}
    files = [
        {"data": PICTURE, "filename": "cart.png", "contentType": "image/png"},
        {"data": base64.b64encode(b"x").decode(), "filename": "../<b>.html", "contentType": "text/html"},
    ]
    steps = [
        {"status": "PASSED", "actualResult": "one item"},
        {"status": "FAILED", "actualResult": UNSAFE[1], "comment": UNSAFE[0], "evidence": files[:1]},
    ]
    iterations = [{"name": UNSAFE[3], "status": "FAILED", "parameters": [{"name": "code", "value": UNSAFE[0]}]}]
    tests = [
        *(a_test(f"adds {number}") for number in range(30)),
        a_test("searches", "TO DO"),
        *(a_test(text, "FAILED", comment=text) for text in UNSAFE),
        a_test("pays", "FAILED", comment="expected 3", evidence=files, **when),
        {"testKey": "SHOP-1", "status": "FAILED", "comment": UNSAFE[1], "steps": steps, "defects": ["SHOP-9"]},
        {**a_test("discounts", "FAILED"), "iterations": iterations},
    ]
    info = {
        "project": "SHOP",
        "summary": UNSAFE[0],
        "description": UNSAFE[1],
        "testPlanKey": "SHOP-2",
        "startDate": when["start"],
        "finishDate": when["finish"],
    }
    emulator.call("POST", "/take-snapshot/131073", **TRIGGER)
    key = emulator.cloud("", {"info": info, "tests": tests}).json()["key"]
    emulator.clock(advance=3)
    emulator.call("POST", "/take-snapshot/131073")
    iterated = next(test for test, run in emulator.runs(key).items() if run["iterations"])
    paths = {
        "start": "/",
        "execution": f"/browse/{key}",
        "run": f"/browse/{key}/runs/SHOP-1",
        "iterations": f"/browse/{key}/runs/{iterated}",
        "plan": "/browse/SHOP-2",
        "test": "/browse/SHOP-1",
        "story": "/browse/SHOP-5",
        "confluence": PAGE,
        "history": f"{PAGE}?version=6",
        "requests": "/requests",
        "behaviour": "/switches",
        "nothing": "/browse/SHOP-999",
    }
    return {name: emulator.url + path for name, path in paths.items()}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_pages_render_and_nothing_of_a_report_runs(opened, world, emulator, size, scheme):
    """At both sizes and in both schemes: no error, nothing asked of others, no script, no sideways scrolling."""
    found = {}
    for name, address in world.items():
        tab, said, asked = opened(address, size, scheme)
        found[name] = (
            [text for text in said if "404" not in text],
            [url for url in asked if not url.startswith((f"{emulator.url}/", "data:,"))],
            tab.evaluate("window.ran") is None,
            fits(tab),
        )
    assert found == dict.fromkeys(world, ([], [], True, True))


@pytest.mark.parametrize(("size", "scheme"), [("phone", "dark"), ("desktop", "light")])
def test_nothing_serious_for_those_who_read_them_otherwise(opened, world, size, scheme):
    """The checks of axe find nothing serious or critical on any page."""
    found = {name: serious(opened, address, size, scheme) for name, address in world.items()}

    assert [name for name in found if found[name]] == [], found


@pytest.mark.parametrize("size", SIZES)
def test_status_bars_and_durations_are_seen_at_every_size(opened, world, size):
    """What the phone once hid: results on the start page, status and time of each Test."""
    tab, _, _ = opened(world["start"], size, "light")
    width = tab.viewport_size["width"]
    bar = tab.locator(".bar").first.bounding_box()
    assert (bar["width"] > width / 2, bar["x"] >= 0, bar["x"] + bar["width"] <= width) == (True, True, True)

    tab.goto(world["execution"])
    row = tab.locator("#main .list > li", has_text="expected 3")
    for part in (row.locator(".sign"), row.locator(".seconds")):
        box = part.bounding_box()
        assert (box["width"] > 0, box["x"] + box["width"] <= width) == (True, True)
    assert row.locator(".sign").inner_text() == "FAILED"
    assert row.locator(".seconds").inner_text() == "1 min 5 s"


def test_failures_come_first_and_are_open(opened, world):
    """Then what is not done, then what passed; texts that want to run are texts."""
    tab, _, _ = opened(world["execution"], "desktop", "light")
    signs = tab.locator("#main .list > li .sign").all_inner_texts()

    assert signs == ["FAILED"] * 9 + ["TO DO"] + ["PASSED"] * 30
    assert tab.locator("#main details[open]").count() == 9
    assert tab.locator(".verdict").inner_text() == "9 of 40 Tests failed"
    for text in UNSAFE:
        assert tab.get_by_text(text, exact=True).count() >= 1


@pytest.mark.parametrize("size", SIZES)
def test_a_list_is_filtered_searched_and_ordered_by_keyboard(opened, world, size):
    """Links choose a status and an order, the search keeps both, rows open with Enter."""
    tab, _, _ = opened(world["execution"], size, "light")
    rows = tab.locator("#main .list > li")

    tab.get_by_role("link", name="FAILED 9").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**group=FAILED*")
    assert rows.count() == 9
    tab.get_by_role("link", name="slowest first").focus()
    tab.keyboard.press("Enter")
    tab.wait_for_url("**order=slowest*")
    assert "pays" in rows.first.inner_text()
    tab.get_by_role("searchbox").fill("EXPECTED 3")
    tab.keyboard.press("Enter")
    tab.wait_for_url("**query=EXPECTED*")
    assert (rows.count(), tab.get_by_role("status").inner_text()) == (1, "1 of 40 Tests")
    assert tab.locator(".choices [aria-current]").all_inner_texts() == ["FAILED 9", "slowest first"]
    rows.first.locator("summary").focus()
    tab.keyboard.press("Enter")
    assert rows.first.locator("details").evaluate("node => node.open") is False


def test_a_test_run_has_its_steps_and_evidence(opened, world):
    """Each step with what was expected and what was there; a picture is shown, its page leads on to the next run."""
    tab, _, _ = opened(world["run"], "phone", "dark")
    step = tab.locator(".steps > li").nth(1)

    assert step.locator(".sign").inner_text() == "FAILED"
    assert "Expected: The order is confirmed" in step.inner_text()
    assert step.locator("pre").all_inner_texts() == [UNSAFE[1], UNSAFE[0]]
    assert step.locator("img").evaluate("node => node.complete && node.naturalWidth") == 1
    tab.get_by_role("link", name="next").click()
    assert "discounts" in tab.locator("h1").inner_text()


def test_the_confluence_page_shows_its_versions(opened, world):
    """The page as it is, and as it was."""
    tab, _, _ = opened(world["confluence"], "phone", "light")
    assert "Version 7 of 7" in tab.locator("main").inner_text()
    tab.get_by_role("link", name="Version 6").click()

    assert "This is how the page was" in tab.locator("main").inner_text()
    assert tab.locator("section").first.locator(".list > li").count() == 1


def test_the_log_of_requests_shows_what_was_refused(opened, world):
    """A trigger without a key is among the refused; an import shows its body, and no credential."""
    tab, _, _ = opened(world["requests"], "phone", "dark")
    tab.get_by_role("link", name="refused 1").click()
    assert "401" in tab.locator("#main .list > li").inner_text()

    tab.get_by_role("link", name="import 1").click()
    tab.locator("summary").click()
    shown = tab.locator("#main .list").inner_text()
    assert ('"project": "SHOP"' in shown, "Bearer ***" in shown) == (True, True)
