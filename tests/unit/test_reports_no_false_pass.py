"""Nothing passes that does not say so in the words of its format; stated totals are held against what was read."""

import json
import re
from io import BytesIO
from pathlib import Path

import pytest

from xray_ci.formats import FORMATS, named
from xray_ci.model import Case, Outcome, Place, Problem
from xray_ci.reports import boost, cppunit, gtest_json, junit
from xray_ci.reports.allure import to_case
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.format_notes_others import KNOWN
from xray_ci.reports.members import Members
from xray_ci.reports.notices import Fault
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
    "ctest-xml": r'(<Test Status=")passed(")',
    "boost-report-xml": r'(<TestCase[^>]*? result=")passed(")',
    "check-xml": r'(<test result=")success(")',
    "qtest-xml": r'(<Incident[^>]*? type=")(?:pass|xfail|bpass|bxfail)(")',
    **{key: known.passes for key, known in KNOWN.items() if known.passes},
}
"""Of each format that has a word for it: what says that a test passed, around the word. That of a newer format stands
with what is known of it."""
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
    "cunit-xml": "the record is a `CUNIT_RUN_TEST_SUCCESS`",
    "unittestpp-xml": "a test has no `failure`",
    "abap-xml": "a test method has no alert",
    "testcafe-json": "the list of a test's errors is there and empty",
    "sonar-xml": "a test case has no `failure`, `error` or `skipped`",
    "playwright-blob": "a zip; its words are tested with it",
    "packed": "the report in it says it",
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
    assert found[0] in (Outcome.ERROR, Outcome.FAILED, Outcome.SKIPPED) or [each.slug for each in problems] == [
        "unknown-outcome"
    ]


def _read(key: str, text: str) -> list[object]:
    (row,) = named(key)
    assert row.read is not None
    try:
        return list(row.read(BytesIO(text.encode())))
    except Fault:
        return []  # refused as a whole


STATED = {
    "parasoft-xml": '<ResultsSession><Exec><ExecutedTestsDetails><Total fail="1" err="1"><Project><TestSuite>'
    '<Test id="1" name="a" status="pass"/></TestSuite></Project></Total></ExecutedTestsDetails></Exec>'
    "</ResultsSession>",
    "cunit-xml": "<CUNIT_TEST_RUN_REPORT><CUNIT_RUN_SUITE><CUNIT_RUN_TEST_RECORD><CUNIT_RUN_TEST_SUCCESS><TEST_NAME>a"
    "</TEST_NAME></CUNIT_RUN_TEST_SUCCESS></CUNIT_RUN_TEST_RECORD></CUNIT_RUN_SUITE><CUNIT_RUN_SUMMARY_RECORD><TYPE>"
    "Test Cases</TYPE><FAILED> 2 </FAILED></CUNIT_RUN_SUMMARY_RECORD></CUNIT_TEST_RUN_REPORT>",
    "unittestpp-xml": '<unittest-results failedtests="2"><test suite="s" name="a"/></unittest-results>',
    "testcafe-json": '{"total": 3, "passed": 1, "fixtures": [{"name": "f", "tests": [{"name": "a", "errs": []}]}]}',
    "android-cts-xml": '<Result><Summary failed="2"/><Module><TestCase name="c"><Test result="pass" name="a"/>'
    "</TestCase></Module></Result>",
    "junit": '<testsuites failures="2"><testsuite failures="1" errors="1"><testcase name="a"/>'
    "</testsuite></testsuites>",
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
    "jest-json": '{"numFailedTests": 2, "testResults": [{"name": "f", "assertionResults": '
    '[{"title": "a", "status": "passed"}]}]}',
    "mocha-json": '{"stats": {"failures": 2}, "passes": [{"title": "a"}], "pending": [], "failures": []}',
    "playwright-json": '{"suites": [{"title": "f", "specs": [{"title": "a", "tests": [{"status": "expected"}]}]}], '
    '"stats": {"unexpected": 2}}',
    "rspec-json": '{"examples": [{"description": "a", "full_description": "a", "status": "passed"}], '
    '"summary": {"failure_count": 2}}',
    "robot": '<robot><suite name="s"><test name="a"><status status="PASS"/></test><status status="PASS"/></suite>'
    '<statistics><total><stat pass="1" fail="2">All Tests</stat></total></statistics></robot>',
    "robot-json": '{"generator": "Robot", "suite": {"name": "s", "tests": [{"name": "a", "status": "PASS"}]}, '
    '"statistics": {"total": {"pass": 1, "fail": 2}}}',
    "mochawesome": '{"stats": {"failures": 2}, "results": [{"tests": [{"title": "a", "pass": true}]}]}',
    "mocha-json-stream": '["start",{"total":1}]\n["pass",{"title":"a","fullTitle":"a"}]\n["end",{"failures":2}]\n',
    "newman-json": '{"collection": {"item": []}, "run": {"stats": {"assertions": {"failed": 2}}, "executions": '
    '[{"item": {"name": "i"}, "assertions": [{"assertion": "a"}]}]}}',
    "catch2-xml": '<Catch2TestRun name="t"><TestCase name="a"><OverallResult success="true"/></TestCase>'
    '<OverallResultsCases successes="1" failures="2"/></Catch2TestRun>',
    "doctest-xml": '<doctest><TestSuite><TestCase name="a"><OverallResultsAsserts test_case_success="true"/></TestCase>'
    '</TestSuite><OverallResultsTestCases successes="1" failures="2"/></doctest>',
    "pytest-json-report": '{"summary": {"failed": 1, "error": 1}, "tests": [{"nodeid": "t.py::a", "outcome": "passed", '
    '"call": {"outcome": "passed"}}]}',
    "rust-json": '{"type": "suite", "event": "started"}\n{"type": "test", "event": "ok", "name": "a"}\n'
    '{"type": "suite", "event": "failed", "failed": 2}\n',
    "boost-report-xml": '<TestResult><TestSuite name="s" test_cases_failed="2"><TestSuite name="i" '
    'test_cases_failed="2"><TestCase name="a" result="passed"/></TestSuite></TestSuite></TestResult>',
    "trx": '<TestRun><Results><UnitTestResult testName="a" outcome="Passed"/></Results><ResultSummary>'
    '<Counters failed="1" error="1"/></ResultSummary></TestRun>',
    **{key: known.stated for key, known in KNOWN.items() if known.stated},
}


@pytest.mark.parametrize("key", STATED)
def test_more_failures_in_the_totals_than_in_the_report_are_told(key: str):
    """The notice names both numbers."""
    told = [item.cause for item in _read(key, STATED[key]) if getattr(item, "slug", "") == "stated-failures"]
    assert told == ["it states 2 failed tests, and 0 were read in it"]


NO_SUCCESS = {
    "dart-json": '{"type": "start"}\n{"type": "testStart", "test": {"id": 1, "name": "a"}}\n'
    '{"type": "testDone", "testID": 1, "result": "success"}\n{"type": "done", "success": false}\n',
    "cucumber-messages": '{"testRunStarted": {}}\n{"testRunFinished": {"success": false}}\n',
}


@pytest.mark.parametrize("key", NO_SUCCESS)
def test_a_run_without_success_in_which_nothing_failed_is_told(key: str):
    """Formats that state no number say at least whether all went well."""
    told = [item.cause for item in _read(key, NO_SUCCESS[key]) if getattr(item, "slug", "") == "stated-failures"]
    assert told == ["it states 1 failed tests, and 0 were read in it"]


def test_every_format_with_totals_is_held_to_them():
    """Those that are left state none, or their reader holds them otherwise; a newer format says it itself."""
    without = {
        "xray-json",
        "cucumber-json",
        "behave-json",
        "vitest-json",
        "go-json",
        "go-text",
        "tap",
        "pytest-reportlog",
        "ctest-xml",
        "check-xml",
        "qtest-xml",
        "allure2-dir",
        "open-test-reporting",
        "xcresult-json",
        "karate-json",
        "ginkgo-json",
        "serenity-json",
        "apex-json",
        "twister-json",
        "k6-summary",
        "xrayci",
        "abap-xml",
        "allure1-xml",
        "atml-xml",
        "canoe-xml",
        "inspec-json",
        "jmeter-jtl",
        "meson-json",
        "packed",
        "playwright-blob",
        "ranorex-xml",
        "sonar-xml",
        "squish-xml",
        "teststand-xml",
        "uft-xml",
    }
    without |= {key for key, known in KNOWN.items() if known.stated == ""}
    assert {row.key for row in FORMATS if row.reader} - without == STATED.keys() | NO_SUCCESS.keys()


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
    case = to_case(Members({"name": "adds", "fullName": place, "status": "passed"}, "$"))
    assert (case.classname, case.name) == ("cart.spec.ts", "adds")


def test_testcafe_decorates_names():
    """Screenshots and `unstable` are no part of a name."""
    names = ("adds (unstable) (screenshots: /s/2026-01-05_10-00-00/test-2)", "adds (unstable)", "adds")
    cases = "".join(f'<testcase classname="c" name="{name}"/>' for name in names)
    text = f'<testsuite name="TestCafe Tests: Chrome">{cases}</testsuite>'
    found = [(item.name, len(item.attempts)) for item in _read("junit", text) if isinstance(item, Case)]
    assert found == [("adds", 1), ("adds", 1), ("adds", 0)]


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

    assert sorted(each.value for each in outcomes(path, "boost-report-xml")[0]) == ["failed", "passed"]
