"""Jest's and Vitest's JSON: what files and results become."""

import json
from datetime import UTC, datetime

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of, values

from xray_ci.model import MarkKind, Outcome
from xray_ci.reports.jest import read
from xray_ci.xray.mapping import native_identity


def report(*results, name="/home/me/app/sum.test.js", **file):
    return json.dumps(
        {
            "numTotalTests": len(results),
            "testResults": [
                {
                    "assertionResults": list(results),
                    "name": name,
                    "status": "passed",
                    "startTime": 1795293616000,
                    **file,
                }
            ],
        }
    )


def result(status="passed", **rest):
    return {"ancestorTitles": ["sum", "inner"], "title": "adds", "status": status, "failureMessages": [], **rest}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("passed", Outcome.PASSED),
        ("failed", Outcome.FAILED),
        ("pending", Outcome.SKIPPED),
        ("skipped", Outcome.SKIPPED),
        ("todo", Outcome.SKIPPED),
        ("disabled", Outcome.SKIPPED),
        ("focused", Outcome.OTHER),
    ],
)
def test_todo_and_pending_are_skipped(status, outcome):
    """Jest says pending where Vitest says skipped; neither ran it."""
    assert outcome is case_of(read, report(result(status))).outcome


@pytest.mark.parametrize(
    ("file", "identity"),
    [
        ("/home/me/app/sum.test.js", "sum.test.js > sum > inner.adds"),
        ("C:\\app\\sum.test.js", "sum.test.js > sum > inner.adds"),
        ("/app/src/Cart/index.test.tsx", "Cart/index.test.tsx > sum > inner.adds"),
    ],
)
def test_identity_does_not_depend_on_the_machine(file, identity):
    """Of the path only the file's name counts, with its folder where all files are named alike."""
    assert identity == native_identity(case_of(read, report(result(), name=file)))


def test_durations_and_times_are_milliseconds():
    """A test without its own start takes that of its file."""
    own, files = cases_of(read, report(result(startAt=1795293616500, duration=250), result(duration=None)))

    assert (datetime(2026, 11, 21, 20, 40, 16, 500000, UTC), 0.25) == (own.started, own.seconds)
    assert datetime(2026, 11, 21, 20, 40, 16, 750000, UTC) == own.finished
    assert (datetime(2026, 11, 21, 20, 40, 16, tzinfo=UTC), None) == (files.started, files.seconds)


def test_a_failure_has_kind_message_and_trace():
    """The message ends where the stack begins; several errors are one failure."""
    case = case_of(
        read,
        report(
            result("failed", failureMessages=["TypeError: a is\nno b\n    at x.js:1", "Error: second\n    at x.js:2"])
        ),
    )

    assert (case.kind, case.message) == ("TypeError", "TypeError: a is\nno b")
    assert case.trace.endswith("Error: second\n    at x.js:2")


@pytest.mark.parametrize(
    "extra",
    [
        {"retryReasons": ["Error: one\n    at a", "Error: two"]},
        {"failureMessages": ["Error: one\n    at a", "Error: two"]},
        {"invocations": 3},
    ],
)
def test_a_retried_test_is_one_case_with_its_attempts(extra):
    """Jest tells the reasons or only how often it ran, Vitest the errors of a test that passed at last."""
    case = case_of(read, report(result(**extra)))

    assert Outcome.PASSED is case.outcome
    assert case.message is None
    assert [attempt.outcome for attempt in case.attempts] == [Outcome.FAILED, Outcome.FAILED]
    assert case.attempts[0].message in {"Error: one", None}


def test_a_file_that_could_not_be_loaded_is_told():
    """It has no results, so nothing else would say that its tests are missing."""
    notices = problems_of(read, report(status="failed", message="Cannot find module './x'"))

    assert [problem.slug for problem in notices] == ["outside-case", "no-cases"]
    assert "sum.test.js: Cannot find module" in notices[0].cause


def test_a_file_that_failed_with_no_failed_test_is_told():
    """A hook broke, and left its tests skipped."""
    assert [problem.slug for problem in problems_of(read, report(result("skipped"), status="failed"))] == [
        "outside-case"
    ]
    assert not problems_of(read, report(result("failed"), status="failed"))


def test_an_interrupted_run_is_told():
    """Its results hold, but others are missing."""
    text = json.dumps({"testResults": [{"assertionResults": [result()], "name": "a.js"}], "wasInterrupted": True})

    assert [problem.slug for problem in problems_of(read, text)] == ["broken-run"]


def test_tags_and_meta_of_vitest_are_marks():
    """Members of `meta` count where they are named like JUnit's properties."""
    case = case_of(
        read,
        report(
            result(tags=["slow"], meta={"test_key": "SHOP-1", "requirements": "SHOP-2,SHOP-3", "other": "x", "tags": 3})
        ),
    )

    assert values(case.marks, MarkKind.TEST_KEY) == ["SHOP-1"]
    assert values(case.marks, MarkKind.REQUIREMENT) == ["SHOP-2", "SHOP-3"]
    assert values(case.marks, MarkKind.TAG) == ["slow"]


def test_a_file_of_many_tests_keeps_their_order():
    """Those beyond what is held in memory wait on disk for the file's name."""
    cases = cases_of(read, report(*(result(title=f"t{number}") for number in range(2_500))))

    assert [f"t{number}" for number in range(2_500)] == [case.name for case in cases]
    assert {"sum.test.js > sum > inner"} == {case.classname for case in cases}


def test_what_was_printed_before_the_document_is_ignored():
    """Without an output file the report shares its stream with the tests."""
    text = "\x1b[32mhello\x1b[0m\n[log] {1}\n" + report(result())

    assert len(cases_of(read, text)) == 1
    assert [problem.slug for problem in problems_of(read, text)] == ["ignored-lines"]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (report(result())[:-20], "truncated-report"),
        ("[]", "unreadable-report"),
        (report({"title": "a"}), "unreadable-report"),
        (report({"title": 1, "status": "passed"}), "unreadable-report"),
        (report(result()) + "x", "unreadable-report"),
        ('{"testResults": [3]}', "unreadable-report"),
    ],
)
def test_half_a_document_or_another_is_refused(text, slug):
    """A result needs a title and a status, and the document its end."""
    assert slug == slug_of(read, text)
