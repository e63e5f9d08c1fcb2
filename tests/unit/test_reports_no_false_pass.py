"""The law of every format: an unknown word, a missing word and a total that disagrees never end as a pass in silence."""

from __future__ import annotations

import re
from io import BytesIO
from pathlib import Path

import pytest

from xray_ci.model import Case, Outcome
from xray_ci.reports import boost, cppunit, gtest_json, junit
from xray_ci.reports.allure import to_case
from xray_ci.reports.fault import Fault
from xray_ci.reports.formats import FORMATS, named
from xray_ci.reports.members import Members

DATA = Path(__file__).parents[1] / "data"
SAMPLES = dict(
    re.findall(
        r"^\| ([a-z0-9-]+) \| `([^`]+)` \|", (DATA / "golden/README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
)
WORDS = {
    "xray-json": r'(?<="status": ")PASS(?:ED)?(?=")',
    "nunit3": r'(?<= result=")Passed',
    "nunit2": r'(?<= result=")Success|(?<= success=")True',
    "xunit": r'(?<= result=")Pass',
    "trx": r'(?<= outcome=")Passed',
    "testng": r'(?<=status=")PASS',
    "robot": r'(?<=status=")PASS',
    "robot-json": r'(?<="status":")PASS|(?<="status": ")PASS',
    "cucumber-json": r'(?<="status": ")passed',
    "cucumber-messages": r'(?<="status":")PASSED|(?<="status": ")PASSED',
    "behave-json": r'(?<="status": ")passed',
    "playwright-json": r'(?<="status": ")(?:expected|flaky|passed)',
    "ctrf": r'(?<="status": ")passed',
    "jest-json": r'(?<="status":")passed',
    "vitest-json": r'(?<="status":")passed|(?<="status": ")passed',
    "rspec-json": r'(?<="status":")passed|(?<="status": ")passed',
    "dart-json": r'(?<="result":")success',
    "pytest-json-report": r'(?<="outcome": ")passed',
    "pytest-reportlog": r'(?<="outcome": ")passed',
    "rust-json": r'(?<="event": ")ok|(?<="event":")ok',
    "gtest-json": r'(?<="result": ")COMPLETED|(?<="status": ")RUN',
    "criterion-json": r'(?<="status": ")PASSED',
    "ctest-xml": r'(?<=Status=")passed',
    "catch2-xml": r'(?<=success=")true',
    "doctest-xml": r'(?<=test_case_success=")true',
    "boost-report-xml": r'(?<=result=")passed',
    "cppunit-xml": r"SuccessfulTests",
    "check-xml": r'(?<=result=")success',
    "qtest-xml": r'(?<=type=")(?:pass|xfail|bpass|bxfail)',
}
SILENT = {
    "junit": "no element is a pass; its words are held below",
    "mocha-json": "the list is the word",
    "mocha-json-stream": "another event is no test",
    "mochawesome": "booleans",
    "newman-json": "an assertion without error is a pass",
    "go-json": "a test without a known end did not end",
    "go-text": "another line is output",
    "tap": "another line is output",
    "allure2-dir": "a folder",
    "xrayci": "written by xray-ci alone",
}
PATHS = {"gtest-json": "reports/native/gtest1.12-mixed.json", "boost-report-xml": "reports/native/boost1.74-report.xml"}


def _read(key: str, text: str) -> list[object]:
    (row,) = named(key)
    assert row.read is not None
    try:
        return list(row.read(BytesIO(text.encode())))
    except Fault:
        return []  # refused as a whole


def _passed(items: list[object]) -> int:
    return sum(isinstance(item, Case) and item.outcome is Outcome.PASSED for item in items)


def test_every_format_is_held():
    """A new format says which of its words mean passed, or why it has none."""
    assert sorted(row.key for row in FORMATS if row.reader) == sorted(WORDS.keys() | SILENT)


@pytest.mark.parametrize("word", ["zzz", ""])
@pytest.mark.parametrize("key", WORDS)
def test_a_word_that_a_format_does_not_have_is_no_pass(key: str, word: str):
    """Neither an unknown word nor none at all is read as passed."""
    path = DATA / PATHS[key] if key in PATHS else DATA / "golden" / SAMPLES[key]
    text = path.read_text(encoding="utf-8")
    assert _passed(_read(key, text)) > 0
    assert _passed(_read(key, re.sub(WORDS[key], word or ("_" if key == "cppunit-xml" else ""), text))) == 0


STATED = {
    "junit": '<testsuites failures="2"><testsuite failures="1" errors="1"><testcase name="a"/></testsuite></testsuites>',
    "nunit3": '<test-run failed="2"><test-case name="a" result="Passed"/></test-run>',
    "nunit2": '<test-results failures="1" errors="1"><test-case name="a" result="Success"/></test-results>',
    "xunit": '<assemblies><assembly failed="2"><test name="a" result="Pass"/></assembly></assemblies>',
    "testng": '<testng-results failed="2"><suite><test><class name="c"><test-method name="a" status="PASS"/></class>'
    "</test></suite></testng-results>",
    "cppunit-xml": "<TestRun><SuccessfulTests><Test><Name>a::b</Name></Test></SuccessfulTests>"
    "<Statistics><FailuresTotal>2</FailuresTotal></Statistics></TestRun>",
    "gtest-json": '{"failures": 2, "testsuites": [{"name": "s", "testsuite": [{"name": "a", "status": "RUN"}]}]}',
    "criterion-json": '{"failed": 2, "test_suites": [{"name": "s", "tests": [{"name": "a", "status": "PASSED"}]}]}',
    "ctrf": '{"results": {"summary": {"failed": 2}, "tests": [{"name": "a", "status": "passed"}]}}',
    "jest-json": '{"numFailedTests": 2, "testResults": [{"name": "f", "assertionResults": [{"title": "a", "status": "passed"}]}]}',
    "mocha-json": '{"stats": {"failures": 2}, "passes": [{"title": "a"}], "pending": [], "failures": []}',
    "playwright-json": '{"suites": [{"title": "f", "specs": [{"title": "a", "tests": [{"status": "expected"}]}]}], '
    '"stats": {"unexpected": 2}}',
    "rspec-json": '{"examples": [{"description": "a", "full_description": "a", "status": "passed"}], '
    '"summary": {"failure_count": 2}}',
    "trx": '<TestRun><Results><UnitTestResult testName="a" outcome="Passed"/></Results><ResultSummary>'
    '<Counters failed="1" error="1"/></ResultSummary></TestRun>',
}


@pytest.mark.parametrize("key", STATED)
def test_more_failures_in_the_totals_than_in_the_report_are_told(key: str):
    """The notice names both numbers."""
    told = [item.cause for item in _read(key, STATED[key]) if getattr(item, "slug", "") == "failures-missing"]
    assert told == ["its totals state 2 failures, but 0 were read"]


def test_the_list_around_an_element_outvotes_its_name():
    """Ceedling and AUnit call every element `Test`, in each list."""
    lists = "".join(
        f"<{name}><Test><Name>f::{name}</Name></Test></{name}>"
        for name in ("FailedTests", "SuccessfulTests", "IgnoredTests", "OtherTests")
    )
    found = cppunit.read(BytesIO(f"<TestRun>{lists}</TestRun>".encode()))
    assert [case.outcome for case in found if isinstance(case, Case)] == [
        Outcome.FAILED,
        Outcome.PASSED,
        Outcome.SKIPPED,
        Outcome.OTHER,
    ]


def test_cases_within_a_case_of_boost_are_results():
    """A failed check in an inner case is never lost."""
    log = b"""<TestLog><TestSuite name="s"><TestCase name="outer"><TestSuite name="i"><TestCase name="pays">
<Error file="f" line="1">no</Error></TestCase></TestSuite></TestCase></TestSuite></TestLog>"""
    found = [(case.classname, case.name, case.outcome) for case in boost.read(BytesIO(log)) if isinstance(case, Case)]
    assert found == [("s > outer > i", "pays", Outcome.FAILED), ("s", "outer", Outcome.PASSED)]


@pytest.mark.parametrize(
    ("said", "outcome"),
    [
        ('"status": "RUN", "result": "INTERRUPTED"', Outcome.OTHER),
        ('"status": "RUN", "result": "TIMED_OUT"', Outcome.ERROR),
        ('"time": "1s"', Outcome.OTHER),
        ('"status": "RUN"', Outcome.PASSED),
    ],
)
def test_googletest_says_completed(said: str, outcome: Outcome):
    """A test that was interrupted, or says nothing, did not pass."""
    text = f'{{"testsuites": [{{"name": "s", "testsuite": [{{"name": "a", {said}}}]}}]}}'
    (case,) = (item for item in gtest_json.read(BytesIO(text.encode())) if isinstance(item, Case))
    assert case.outcome is outcome


def test_behat_calls_what_is_not_written_yet_an_error():
    """Undefined and pending scenarios are neither passed nor failed."""
    text = b'<testsuite><testcase name="a" status="undefined"><error type="undefined"/></testcase></testsuite>'
    assert [case.outcome for case in junit.read(BytesIO(text)) if isinstance(case, Case)] == [Outcome.OTHER]


@pytest.mark.parametrize("name", ["f::flaky#2", "f::flaky"])
def test_nextest_counts_attempts_in_the_name(name: str):
    """The number at the end of a name is the attempt, and no other Test."""
    lines = [
        '{"type": "suite", "event": "started", "test_count": 1}',
        '{"type": "test", "event": "started", "name": "f::flaky"}',
        f'{{"type": "test", "event": "ok", "name": "{name}"}}',
        '{"type": "suite", "event": "ok"}',
    ]
    (case,) = (item for item in _read("rust-json", "\n".join(lines)) if isinstance(item, Case))
    assert (case.name, case.outcome, len(case.attempts)) == ("flaky", Outcome.PASSED, int("#" in name))


@pytest.mark.parametrize("place", ["cart.spec.ts:12:5", "cart.spec.ts:14:5", "cart.spec.ts:14"])
def test_lines_in_the_full_name_of_allure_change_no_identity(place: str):
    """Two lines added above a test make no other Test."""
    case = to_case(Members({"name": "adds", "fullName": place, "status": "passed"}, "$"), 1)
    assert (case.classname, case.name) == ("cart.spec.ts", "adds")


def test_testcafe_decorates_names():
    """Screenshots and `unstable` are no part of a name."""
    names = ("adds (unstable) (screenshots: /s/2026-01-05_10-00-00/test-2)", "adds (unstable)", "adds")
    cases = "".join(f'<testcase classname="c" name="{name}"/>' for name in names)
    text = f'<testsuite name="TestCafe Tests: Chrome">{cases}</testsuite>'
    found = [(item.name, len(item.attempts)) for item in _read("junit", text) if isinstance(item, Case)]
    assert found == [("adds", 1), ("adds", 1), ("adds", 0)]
