"""Dart's and Flutter's test protocol: what its events become."""

import json

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of

from xray_ci.model import Outcome
from xray_ci.reports.dart import read
from xray_ci.xray.mapping import native_identity

START = {"type": "start", "protocolVersion": "0.1.1", "time": 0}
SUITE = {"type": "suite", "suite": {"id": 0, "path": "test\\main_test.dart"}}
GROUP = {"type": "group", "group": {"id": 2, "name": "Cart", "suiteID": 0}}
INNER = {"type": "group", "group": {"id": 3, "name": "Cart inner", "suiteID": 0, "parentID": 2}}
BEGIN = {
    "type": "testStart",
    "time": 100,
    "test": {"id": 7, "name": "Cart inner adds", "suiteID": 0, "groupIDs": [2, 3]},
}
DONE = {"type": "done", "success": True}


def lines(*rows, head=(START, SUITE, GROUP, INNER)):
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in [*head, *rows]) + "\n"


def end(result="success", **rest):
    return {"type": "testDone", "testID": 7, "result": result, "skipped": False, "hidden": False, "time": 350, **rest}


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        (end(), Outcome.PASSED),
        (end("failure"), Outcome.FAILED),
        (end("error"), Outcome.ERROR),
        (end(skipped=True), Outcome.SKIPPED),
        (end("new"), Outcome.OTHER),
    ],
)
def test_a_test_is_what_its_end_says(event, outcome):
    """A skipped one says success as well."""
    case = case_of(read, lines(BEGIN, event, DONE))

    assert (outcome, 0.25) == (case.outcome, case.seconds)


def test_identity_is_file_group_and_name():
    """The names of tests and groups begin with those around them; the folder and its slashes do not count."""
    assert native_identity(case_of(read, lines(BEGIN, end(), DONE))) == "main_test.dart > Cart inner.adds"


def test_hidden_entries_are_no_tests():
    """Loading a file and setUpAll are hidden; where they fail it is told."""
    text = lines(BEGIN, {"type": "error", "testID": 7, "error": "cannot load"}, end("error", hidden=True), DONE)

    assert not cases_of(read, text)
    assert [problem.slug for problem in problems_of(read, text)] == ["outside-case", "no-cases"]


def test_errors_and_prints_say_why():
    """Several errors are one failure; what was printed is kept of a test that did not pass."""
    rows = [
        BEGIN,
        {"type": "print", "testID": 7, "message": "hello"},
        {"type": "error", "testID": 7, "error": "Exception: one\n", "stackTrace": "at a"},
        {"type": "error", "testID": 7, "error": "two", "stackTrace": "at b"},
    ]
    case = case_of(read, lines(*rows, end("error"), DONE))

    assert (case.kind, case.message, case.trace, case.output) == (
        "Exception",
        "Exception: one",
        "at a\n\ntwo\nat b",
        "hello",
    )
    assert case_of(read, lines(*rows, end(), DONE)).output is None


def test_an_error_after_the_end_is_told():
    """The test has its result already."""
    assert [
        problem.slug
        for problem in problems_of(read, lines(BEGIN, end(), {"type": "error", "testID": 7, "error": "late"}, DONE))
    ] == ["outside-case"]


def test_flutters_own_lines_are_no_noise():
    """It writes a list for each process; other lines are told."""
    assert not problems_of(read, lines('[{"event":"test.startedProcess","params":{}}]', "", BEGIN, end(), DONE))
    assert [problem.slug for problem in problems_of(read, lines("Downloading …", BEGIN, end(), DONE))] == [
        "ignored-lines"
    ]


def test_a_stopped_run_is_told():
    """Its success is null."""
    assert [problem.slug for problem in problems_of(read, lines(BEGIN, end(), {"type": "done", "success": None}))] == [
        "broken-run"
    ]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (lines(end(), DONE), "unreadable-report"),
        (lines({"type": "testStart", "test": {}}, DONE), "unreadable-report"),
        (lines(DONE, head=()), "not-a-test-report"),
    ],
)
def test_a_broken_stream_is_refused(text, slug):
    """One in which a test ends that never began, or begins without a name, or nothing begins."""
    assert slug == slug_of(read, text)
