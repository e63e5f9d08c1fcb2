"""Nothing passes that does not say so in the words of its format; stated totals are held against what was read."""

import json
import re
from pathlib import Path

import pytest

from xray_ci.model import Case, Outcome, Place, Problem
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.formats import FORMATS
from xray_ci.reports.reading import read

DATA = Path(__file__).parents[1] / "data" / "reports"
GOLDEN = DATA.parent / "golden"
EXPECTED = json.loads((DATA / "expected.json").read_text(encoding="utf-8"))
WORDS = {
    "xray-json": r'("status"\s*:\s*")(?:PASSED|PASS)(")',
    "nunit3": r'(<test-case[^>]*? result=")Passed(")',
    "nunit2": r'(<test-case[^>]*? (?:result|success)=")(?:Success|True)(")',
    "xunit": r'(<test[^>]*? result=")Pass(")',
    "trx": r'(<UnitTestResult[^>]*? outcome=")Passed(")',
    "testng": r'(<test-method[^>]*? status=")PASS(")',
    "robot": r'(<status[^>]*? status=")PASS(")|(<status status=")PASS(")',
    "robot-json": r'("status"\s*:\s*")PASS(")',
    "cucumber-json": r'("status"\s*:\s*")passed(")',
    "cucumber-messages": r'("status"\s*:\s*")PASSED(")',
    "behave-json": r'("status"\s*:\s*")passed(")',
    "playwright-json": r'("status"\s*:\s*")(?:passed|expected|flaky)(")|("expectedStatus"\s*:\s*")\w+(")',
    "ctrf": r'("status"\s*:\s*")passed(")',
    "jest-json": r'("status"\s*:\s*")passed(")',
    "vitest-json": r'("status"\s*:\s*")passed(")',
    "go-json": r'("Action"\s*:\s*")pass(")',
    "dart-json": r'("result"\s*:\s*")success(")',
    "rspec-json": r'("status"\s*:\s*")passed(")',
    "pytest-json-report": r'("outcome"\s*:\s*")x?passed(")',
    "pytest-reportlog": r'("outcome"\s*:\s*")passed(")',
    "rust-json": r'("event"\s*:\s*")ok(")',
    "gtest-json": r'("result"\s*:\s*")COMPLETED(")',
    "criterion-json": r'("status"\s*:\s*")PASSED(")',
    "open-test-reporting": r'(status="|<core:result status=")SUCCESSFUL(")',
    "xcresult-json": r'("result"\s*:\s*")(?:Passed|Expected Failure)(")',
    "karate-json": r'("status"\s*:\s*")passed(")',
    "ginkgo-json": r'("State"\s*:\s*")passed(")',
    "serenity-json": r'("result"\s*:\s*")SUCCESS(")',
    "apex-json": r'("Outcome"\s*:\s*")Pass(")',
    "twister-json": r'("status"\s*:\s*")passed(")',
    "ctest-xml": r'(<Test Status=")passed(")',
    "boost-report-xml": r'(<TestCase[^>]*? result=")passed(")',
    "check-xml": r'(<test result=")success(")',
    "qtest-xml": r'(<Incident[^>]*? type=")(?:pass|xfail|bpass|bxfail)(")',
}
"""Of each format that has a word for it: what says that a test passed, around the word."""
STRUCTURE = {
    "junit": "a testcase without an outcome element passed, unless an attribute says something else",
    "mocha-json": "a test stands in the list `passes`",
    "mocha-json-stream": "the event is called pass",
    "mochawesome": "a test has `pass: true`",
    "newman-json": "an assertion has no error",
    "go-text": "the line begins with `--- PASS`",
    "tap": "the line begins with `ok`",
    "catch2-xml": "a section counts its failed assertions",
    "doctest-xml": "a test case has no failed assertion",
    "cppunit-xml": "a test stands in the list `SuccessfulTests`",
    "k6-summary": "a check counts its failures, a threshold is met or not",
    "xrayci": "our own file",
    "allure2-dir": "a folder; its words are tested with it",
}


def outcomes(path, key):
    """Return the outcomes and problems of a report whose format is named."""
    items = list(read(FoundReport(place=Place(path=path, shown=path.name), format=key)))
    return [item.outcome for item in items if isinstance(item, Case)], [
        item for item in items if isinstance(item, Problem)
    ]


def samples(key):
    """Yield the reports of a format that lie here."""
    yield from (
        DATA / name
        for name, row in EXPECTED.items()
        if row["format"] == key and row["expect"] == "ok" and (DATA / name).is_file()
    )
    yield from GOLDEN.glob(f"{key}/rich.*")


def test_every_format_says_a_pass_by_a_word_or_by_its_structure():
    """A new format is placed here by whoever adds it."""
    assert {row.key for row in FORMATS if row.reader} == WORDS.keys() | STRUCTURE.keys()


@pytest.mark.parametrize("instead", ["WEIRD", ""], ids=["unknown", "missing"])
@pytest.mark.parametrize("key", WORDS)
def test_a_word_that_the_format_does_not_have_never_passes(tmp_path, key, instead):
    """With each passing word replaced by one that nobody knows, or taken away, no result of any sample passes."""
    tried = 0
    for sample in samples(key):
        content = sample.read_bytes().decode("utf-8", "surrogateescape")
        changed, last = content, None
        while changed != last:  # an element may say it in two attributes
            last = changed
            changed = re.sub(
                WORDS[key], lambda m: instead.join(part for part in m.groups() if part), last, flags=re.IGNORECASE
            )
        if changed == content:
            continue
        path = tmp_path / sample.name
        path.write_bytes(changed.encode("utf-8", "surrogateescape"))
        found, _ = outcomes(path, key)
        assert Outcome.PASSED not in found, sample.name
        tried += 1

    assert tried, "no sample holds a word for a pass"


@pytest.mark.parametrize("word", ["INCOMPLETE", "NOT_RUN", "queued", "running", "timedout", "ABORTED", "KO", "typo"])
@pytest.mark.parametrize("attribute", ["status", "result"])
def test_a_junit_attribute_that_is_no_pass_is_none(tmp_path, word, attribute):
    """Katalon's INCOMPLETE, BrowserStack's timedout and any typo are told and never passed."""
    path = tmp_path / "r.xml"
    path.write_text(f'<testsuite name="s"><testcase name="a" {attribute}="{word}"/></testsuite>')

    found, problems = outcomes(path, "junit")

    assert found[0] is not Outcome.PASSED
    assert found[0] in (Outcome.ERROR, Outcome.SKIPPED) or [each.slug for each in problems] == ["unknown-outcome"]


STATED = {
    "junit": '<testsuite name="s" failures="2" errors="1"><testcase name="a"/><testcase '
    'name="b"><failure/></testcase></testsuite>',
    "nunit3": "<test-run failed='3'><test-case name='a' fullname='s.a' result='Failed'/></test-run>",
    "testng": "<testng-results failed='3'><suite name='s'><test name='t'><class name='c'><test-method name='m' "
    "status='FAIL'/>"
    "</class></test></suite></testng-results>",
    "cppunit-xml": "<TestRun><FailedTests><Test id='1'><Name>a</Name></Test></FailedTests><Statistics><FailuresTotal>3"
    "</FailuresTotal></Statistics></TestRun>",
}


@pytest.mark.parametrize("key", STATED)
def test_more_failures_stated_than_read_are_told_with_both_numbers(tmp_path, key):
    """What a report counts itself need not be right to be an alarm."""
    path = tmp_path / "report"
    path.write_text(STATED[key])

    _, problems = outcomes(path, key)

    (told,) = [each for each in problems if each.slug == "stated-failures"]
    assert "3" in told.cause
    assert "1" in told.cause


@pytest.mark.parametrize("element", ["Test", "FailedTest"])
def test_the_list_around_a_cppunit_test_outvotes_its_name(tmp_path, element):
    """Ceedling and AUnit call every element `Test`, in the list of failed ones, too."""
    path = tmp_path / "report"
    path.write_text(
        f"<TestRun><FailedTests><{element} id='1'><Name>a</Name></{element}></FailedTests>"
        "<IgnoredTests><Test id='2'><Name>b</Name></Test></IgnoredTests>"
        "<SuccessfulTests><Test id='3'><Name>c</Name></Test></SuccessfulTests></TestRun>"
    )

    assert outcomes(path, "cppunit-xml")[0] == [Outcome.FAILED, Outcome.SKIPPED, Outcome.PASSED]


def test_a_failure_in_a_nested_boost_suite_is_not_lost(tmp_path):
    """A test case that registers a suite of its own hands on the cases in it."""
    path = tmp_path / "report"
    path.write_text(
        "<TestLog><TestSuite name='s'><TestCase name='outer'><TestSuite name='inner'><TestCase name='bad'>"
        "<Error file='a.cpp' line='3'>check failed</Error></TestCase></TestSuite></TestCase></TestSuite></TestLog>"
    )

    assert outcomes(path, "boost-report-xml")[0] == [Outcome.PASSED, Outcome.FAILED]
