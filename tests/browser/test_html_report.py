"""The page of all tests in a real browser: it renders, filters, obeys the keyboard; nothing of a report runs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from browsing import SIZES, UNSAFE, fits, serious

from xray_ci.ci.html import PageRows, page
from xray_ci.ci.result import ChangedTest, ExecutionResult, ReportCounts, RunOutcome, RunResult, Trouble, compared
from xray_ci.errors import Refused
from xray_ci.model import Case, Outcome, Place, Step

pytestmark = pytest.mark.browser


def written(folder, cases, **changes):
    """Write a page and return its address."""
    rows = PageRows()
    rows.begin(Place(path="r.xml", shown="results/r.xml"))
    rows.add(*cases)
    rows.commit()
    counts = {outcome.value: sum(case.outcome is outcome for case in cases) for outcome in Outcome}
    result = RunResult(
        command="import",
        outcome=RunOutcome.IMPORTED,
        exit_code=0,
        imported=len(cases),
        counts=ReportCounts(**counts),
        executions=(ExecutionResult(key="SHOP-41", url="https://jira.example.com/browse/SHOP-41"),),
        troubles=Trouble.of(Refused(UNSAFE[0], where=UNSAFE[1], answer=UNSAFE[2])),
        **changes,
    )
    path = folder / "report.html"
    path.write_bytes(page(result, rows, redact=str, now=datetime(2026, 3, 1, tzinfo=UTC)))
    return path.as_uri()


def some_cases():
    """Return cases of each outcome, with names and texts that want to run."""
    unsafe = [Case(name=text, outcome=Outcome.FAILED, message=text, trace=text, suite=(text,)) for text in UNSAFE]
    steps = (Step(action="opens", outcome=Outcome.PASSED), Step(action="pays", outcome=Outcome.FAILED, comment="no"))
    return [
        Case(name="adds", outcome=Outcome.PASSED, seconds=0.25, classname="shop.Cart"),
        Case(name="skips", outcome=Outcome.SKIPPED, message="not today"),
        Case(name="pays", outcome=Outcome.FAILED, message="expected 3", classname="shop.Pay", steps=steps),
        *unsafe,
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", SIZES)
def test_the_page_renders_and_nothing_of_a_report_runs(opened, tmp_path, size, scheme):
    """At both sizes and in both schemes: all rows, no error, no other request, no script, no sideways scrolling."""
    address = written(tmp_path, some_cases())
    tab, said, asked = opened(address, size, scheme)

    assert tab.locator("#list > li").count() == len(some_cases())
    assert tab.evaluate("window.ran") is None
    assert (said, asked) == ([], [address])
    assert fits(tab)
    for text in UNSAFE:
        assert tab.get_by_text(text, exact=True).count() >= 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_for_those_who_read_it_otherwise(opened, tmp_path, scheme):
    """The checks of axe find nothing serious or critical."""
    assert serious(opened, written(tmp_path, some_cases()), "phone", scheme) == []


def test_it_is_searched_filtered_and_grouped_by_keyboard(opened, tmp_path):
    """Outcomes are switches, the search looks into names and messages, and rows open with Enter."""
    tab, _, _ = opened(written(tmp_path, some_cases()), "desktop", "light")
    rows = tab.locator("#list > li:not(.head)")

    tab.locator("button[data-outcome=failed]").focus()
    tab.keyboard.press("Enter")
    assert rows.count() == 2
    assert tab.locator("button[data-outcome=failed]").get_attribute("aria-pressed") == "false"
    tab.keyboard.press("Enter")
    tab.locator("#query").fill("expected 3")
    assert rows.count() == 1
    assert tab.locator("#shown").inner_text() == f"1 of {len(some_cases())} tests"
    tab.locator("#list summary").focus()
    was = tab.locator("#list details").evaluate("node => node.open")
    tab.keyboard.press("Enter")
    assert tab.locator("#list details").evaluate("node => node.open") != was
    tab.locator("#query").fill("")
    tab.locator("#group").select_option("suite")
    assert "shop.Pay" in tab.locator("#list .head h3").all_inner_texts()
    tab.locator("#group").select_option("slow")
    assert "adds" in rows.first.inner_text()


def test_the_comparison_obeys_search_and_outcomes(opened, tmp_path):
    """What changed is found by the same words and buttons as the tests below, and how much of it is left is said."""
    changed = compared(
        "main",
        [
            ChangedTest(name="pays <b>", key="SHOP-7", runs="PF"),
            ChangedTest(name="adds", runs="FP"),
            ChangedTest(name="sorts", runs="FF"),
        ],
    )
    tab, said, _ = opened(written(tmp_path, some_cases(), comparison=changed), "desktop", "light")
    items, told = tab.locator("#changes li"), tab.locator("#compared-shown")

    def shown():
        return [name for name in ("pays", "adds", "sorts") if items.filter(has_text=name).is_visible()]

    assert (shown(), told.inner_text()) == (["pays", "adds", "sorts"], "")
    tab.locator("#query").fill("shop-7")
    assert (shown(), told.inner_text()) == (["pays"], "1 of 3 of these match search and outcomes")
    tab.locator("#query").fill("")
    tab.locator("button[data-outcome=failed]").click()
    assert shown() == ["adds"]
    assert said == []


def test_twenty_thousand_tests_are_ready_at_once(opened, tmp_path):
    """A page of 20,000 tests can be searched within two seconds of being opened."""
    cases = [
        Case(name=f"test number {number}", outcome=Outcome.FAILED if number % 50 == 0 else Outcome.PASSED, seconds=0.1)
        for number in range(20_000)
    ]
    address = written(tmp_path, cases)
    tab, said, _ = opened(address, "desktop", "light")

    tab.locator("#query").fill("number 19999")
    took = tab.evaluate("performance.now()")

    assert tab.locator("#list > li").count() == 1
    assert said == []
    assert took < 2_000
