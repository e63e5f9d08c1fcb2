"""Newman's JSON: what executions, assertions and failures become."""

import json

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of

from xray_ci.model import Outcome
from xray_ci.reports.newman import read
from xray_ci.xray.mapping import native_identity

ITEM = {"id": "i1", "name": "GET ok", "request": {}}
COLLECTION = {"item": [{"id": "f1", "name": "Folder", "item": [ITEM]}], "info": {"name": "Shop"}}


def report(*assertions, times=1, **run):
    executions = [
        {"cursor": {"iteration": turn}, "item": ITEM, "assertions": list(assertions)} for turn in range(times)
    ]
    return json.dumps(
        {"collection": COLLECTION, "run": {"stats": {}, "executions": executions, "failures": [], "error": None, **run}}
    )


@pytest.mark.parametrize(
    ("extra", "outcome", "message"),
    [
        ({}, Outcome.PASSED, None),
        ({"skipped": False}, Outcome.PASSED, None),
        ({"skipped": True}, Outcome.SKIPPED, None),
        ({"error": {"name": "AssertionError", "message": "no", "stack": "at a"}}, Outcome.FAILED, "no"),
        ({"error": "no"}, Outcome.FAILED, "no"),
        ({"error": True}, Outcome.FAILED, None),
    ],
)
def test_an_assertion_with_an_error_failed(extra, outcome, message):
    """Otherwise it says whether it was skipped."""
    case = case_of(read, report({"assertion": "status 200", **extra}))

    assert (outcome, message) == (case.outcome, case.message)


def test_identity_is_collection_folders_request_and_assertion():
    """The folders stand in the collection only."""
    assert native_identity(case_of(read, report({"assertion": "status 200"}))) == "Shop > Folder > GET ok.status 200"


def test_each_iteration_is_a_result():
    """Of the same tests."""
    assert [case.name for case in cases_of(read, report({"assertion": "a"}, {"assertion": "b"}, times=2))] == [
        "a",
        "b",
        "a",
        "b",
    ]


def test_failures_outside_of_assertions_are_told():
    """Requests that were refused and scripts that broke; failed assertions are results already."""
    failures = [
        {"error": {"message": "refused"}, "at": "request", "source": ITEM},
        {"error": {"message": "no"}, "at": "assertion:1 in test-script"},
    ]
    (problem,) = problems_of(read, report({"assertion": "a"}, failures=failures))

    assert problem.slug == "outside-case"
    assert "GET ok: refused" in problem.cause


def test_an_error_of_the_whole_run_is_told():
    """Newman gave up."""
    assert [
        problem.slug for problem in problems_of(read, report({"assertion": "a"}, error={"message": "no memory"}))
    ] == ["broken-run"]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (report({"assertion": "a"})[:-9], "truncated-report"),
        (report({"error": None}), "unreadable-report"),
        ("[]", "unreadable-report"),
        (json.dumps({"collection": COLLECTION}), "unreadable-report"),
        ('{"collection": {"item": [' + '{"item": [' * 300 + "]}" * 300 + "]}}", "unsafe-report"),
    ],
)
def test_half_a_document_or_another_is_refused(text, slug):
    """An assertion needs its name, the document its run, and folders nest in bounds."""
    assert slug == slug_of(read, text)
