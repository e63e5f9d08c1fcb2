"""The page of all tests: one file in which nothing of a report can be more than text."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from xray_ci.ci import html
from xray_ci.ci.html import PageRows, page
from xray_ci.ci.result import ChangedTest, ExecutionResult, ReportCounts, RunOutcome, RunResult, compared
from xray_ci.model import Case, Mark, MarkKind, Outcome, Place
from xray_ci.secret import Redactor

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RESULT = RunResult(
    command="import",
    outcome=RunOutcome.IMPORTED,
    exit_code=0,
    counts=ReportCounts(passed=1, failed=1),
    imported=2,
    executions=(ExecutionResult(key="SHOP-41", url="https://jira.example.com/browse/SHOP-41"),),
)
UNSAFE = ("</script><script>alert(1)</script>", "<!--", "]]>", "&lt;", "\u2028", "{{ 7 * 7 }}", "@ROWS@")


def made(*cases: Case, result: RunResult = RESULT, redact=str) -> str:
    rows = PageRows()
    rows.begin(Place(path="r.xml", shown="r.xml"))
    rows.add(*cases)
    rows.commit()
    return page(result, rows, redact=redact, now=NOW).decode()


def rows_of(text: str) -> list[list[object]]:
    (found,) = re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', text, re.DOTALL)
    return json.loads(found)


def test_the_page_has_the_verdict_and_every_test():
    """The headline leads to the Test Execution; each case is a row with its texts where it did not pass."""
    mark = Mark(kind=MarkKind.TEST_KEY, value="SHOP-3")
    text = made(
        Case(name="pays", outcome=Outcome.FAILED, classname="shop.Cart", message="boom", trace="at x", marks=(mark,)),
        Case(name="adds", outcome=Outcome.PASSED, seconds=0.5, message="quiet"),
    )

    assert "1 of 2 tests failed, imported" in text
    assert '<a href="https://jira.example.com/browse/SHOP-41" rel="noopener noreferrer">SHOP-41</a>' in text
    assert [row[:7] + row[9:11] for row in rows_of(text)] == [
        ["failed", "pays", "shop.Cart", "r.xml", None, None, "SHOP-3", "boom", "at x"],
        ["passed", "adds", "", "r.xml", None, 0.5, None, None, None],
    ]


def test_a_key_that_was_read_back_is_in_its_row():
    """A failed test that nothing names gets it at the end; one that passed costs no question."""
    rows = PageRows()
    rows.named = lambda case, *_: (None, case.name.encode())
    rows.keys = {b"pays": "SHOP-9", b"adds": "SHOP-8"}
    rows.begin(Place(path="r.xml", shown="r.xml"))
    rows.add(Case(name="pays", outcome=Outcome.FAILED), Case(name="sorts\t", outcome=Outcome.ERROR))
    rows.add(Case(name="adds", outcome=Outcome.PASSED))
    rows.commit()

    found = rows_of(page(RESULT, rows, redact=str, now=NOW).decode())

    assert [(row[1], row[6]) for row in found] == [("pays", "SHOP-9"), ("sorts\t", None), ("adds", None)]


def test_the_comparison_says_of_each_test_how_it_ended():
    """So that the buttons of outcomes hide it, too."""
    tests = [
        ChangedTest(name=name, runs=runs) for name, runs in (("a", "PF"), ("b", "FP"), ("c", "FPFPP"), ("d", "FF"))
    ]
    text = made(Case(name="a", outcome=Outcome.FAILED), result=replace(RESULT, comparison=compared("main", tests)))

    assert re.findall('<li data-outcome="(.*?)">(.*?):? <code>(.)', text.replace(", flaky", "")) == [
        ("failed", "newly failing", "a"),
        ("passed", "fixed", "b"),
        ("failed", "still failing", "d"),
        ("passed", "flaky", "c"),
    ]


@given(text=st.sampled_from(UNSAFE) | st.text(st.characters(codec="utf-8"), max_size=40))
def test_no_text_of_a_report_becomes_markup(text):
    """Whatever a name or a message holds, the page has its own two scripts and its data reads back as it was."""
    shown = made(Case(name=text or "x", outcome=Outcome.FAILED, message=text))

    assert shown.count("<script") == 2
    assert shown.count("</script>") == 2
    assert "<!--" not in shown
    assert rows_of(shown)[0][1] == (text or "x").encode("utf-8", "replace").decode()


def test_texts_of_the_run_are_escaped():
    """A branch or a problem that holds markup is text, and only addresses of the web are links."""
    address = ExecutionResult(key="SHOP-1", url="javascript:alert(1)//SHOP-1")
    text = made(Case(name="a", outcome=Outcome.PASSED), result=RESULT.redacted(str), redact=str)
    unsafe = made(
        Case(name="a", outcome=Outcome.PASSED),
        result=RunResult(command="import", outcome=RunOutcome.IMPORTED, exit_code=0, executions=(address,)),
    )

    assert "javascript:" not in unsafe
    assert "default-src 'none'" in text
    assert "://" not in re.sub(r"https://jira\.example\.com\S*", "", text)


def test_a_broken_report_leaves_no_row():
    """What came of a report that is dropped or begins again is forgotten; later reports stay."""
    rows = PageRows()
    rows.begin(Place(path="a.xml", shown="a.xml"))
    rows.add(Case(name="a", outcome=Outcome.PASSED))
    rows.restart()
    rows.add(Case(name="b", outcome=Outcome.PASSED))
    rows.drop()
    rows.begin(Place(path="c.xml", shown="c.xml"))
    rows.origin("shard/d.xml", ())
    rows.add(Case(name="d", outcome=Outcome.PASSED))
    rows.commit()

    assert [json.loads(line)[1:4] for line in rows.lines()] == [["d", "", "shard/d.xml"]]


@pytest.mark.parametrize("outcome", [Outcome.PASSED, Outcome.FAILED])
def test_a_page_has_a_bound_and_says_so(monkeypatch, outcome):
    """A browser would be slow with more: failed tests have room of their own."""
    monkeypatch.setattr(html, "GOOD_LIMIT", 2)
    monkeypatch.setattr(html, "BAD_LIMIT", 2)
    text = made(*[Case(name=f"t{number}", outcome=outcome) for number in range(3)])

    assert len(rows_of(text)) == 2
    assert "The page holds the first" in text


def test_no_secret_reaches_the_page():
    """Rows are redacted as they are written, in the forms that JSON gives a value."""
    redact = Redactor()
    redact.register('sh"ort')
    text = made(Case(name="a", outcome=Outcome.FAILED, message='the sh"ort one'), redact=redact)

    assert rows_of(text)[0][9] == "the *** one"
