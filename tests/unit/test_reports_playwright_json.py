"""Playwright JSON: projects, attempts, expected failures, and what an author can say."""

from __future__ import annotations

import io
import json

import pytest

from xray_ci.model import Case, MarkKind, Outcome, Problem
from xray_ci.reports import playwright_json
from xray_ci.reports.notices import BROKEN, UNSAFE, Fault


def read(document: object) -> list[Case | Problem]:
    return list(playwright_json.read(io.BytesIO(json.dumps(document).encode())))


def result(status: str = "passed", **more: object) -> dict[str, object]:
    return {
        "status": status,
        "duration": 1500,
        "startTime": "2026-11-21T20:58:30.853Z",
        "errors": [],
        "attachments": [],
        **more,
    }


def made_of(status: str, *results: object, project: str = "web", **more: object) -> dict[str, object]:
    return {
        "status": status,
        "projectName": project,
        "expectedStatus": "passed",
        "annotations": [],
        "results": list(results),
        **more,
    }


made_of.__test__ = False  # type: ignore[attr-defined]


def report(*tests: object, **spec: object) -> dict[str, object]:
    inner = {"title": "cart", "specs": [{"title": "adds", "tags": [], "tests": list(tests), **spec}]}
    return {
        "config": {},
        "suites": [{"title": "a.spec.ts", "file": "a.spec.ts", "specs": [], "suites": [inner]}],
        "errors": [],
    }


def only(*tests: object, **spec: object) -> Case:
    found = read(report(*tests, **spec))
    assert isinstance(found[0], Case)
    return found[0]


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        (made_of("expected", result()), Outcome.PASSED),
        (made_of("unexpected", result("failed")), Outcome.FAILED),
        (made_of("unexpected", result("timedOut")), Outcome.FAILED),
        (made_of("flaky", result("failed"), result()), Outcome.PASSED),
        (made_of("skipped"), Outcome.SKIPPED),
        (made_of("expected", result("failed"), expectedStatus="failed"), Outcome.PASSED),
        (made_of("?", result("interrupted")), Outcome.ERROR),
        (made_of("?"), Outcome.OTHER),
    ],
)
def test_the_status_of_the_test_decides(test: object, outcome: Outcome):
    """A flaky test passed, and so did one that failed as expected."""
    assert outcome is only(test).outcome


def test_one_case_a_project_with_one_identity():
    """The same spec in two browsers is two results of one Test; the project is the outermost suite."""
    found = read(report(made_of("expected", result()), made_of("expected", result(), project="phone")))

    assert [case.suite for case in found if isinstance(case, Case)] == [
        ("web", "a.spec.ts", "cart"),
        ("phone", "a.spec.ts", "cart"),
    ]
    assert {"a.spec.ts > cart"} == {case.classname for case in found if isinstance(case, Case)}


def test_earlier_results_are_attempts_and_their_files_are_kept():
    """The trace of a first retry is often the only one."""
    first = result(
        "failed",
        errors=[{"message": "first"}],
        attachments=[{"name": "trace", "contentType": "application/zip", "path": "r/trace.zip"}],
    )
    case = only(made_of("flaky", first, result()))

    assert [(attempt.outcome, attempt.message) for attempt in case.attempts] == [(Outcome.FAILED, "first")]
    assert [each.path for each in case.attachments] == ["r/trace.zip"]


def test_durations_are_milliseconds_of_the_last_attempt():
    """Start and finish are those of the attempt that counts."""
    case = only(made_of("flaky", result("failed"), result(duration=2000)))

    assert case.seconds == 2.0
    assert case.started is not None
    assert case.finished is not None
    assert (case.finished - case.started).total_seconds() == 2.0


def test_all_errors_of_the_last_attempt_are_the_message():
    """Soft assertions leave several; the error that ended the test brings the stack."""
    case = only(
        made_of(
            "unexpected",
            result(
                "failed",
                error={"message": "one", "stack": "s"},
                errors=[{"message": "one"}, {"message": "two"}],
                stdout=[{"text": "out\n"}, {"buffer": "AA=="}],
            ),
        )
    )

    assert (case.message, case.trace, case.output) == ("one\n\ntwo", "s", "out")


def test_an_unexpected_pass_says_why_it_failed():
    """A test marked as failing that passes is a failure without an error."""
    assert (
        only(made_of("unexpected", result(), expectedStatus="failed")).message == "it was expected to fail, but passed"
    )


def test_a_skipped_test_tells_its_reason():
    """The reason stands in the annotation."""
    assert only(made_of("skipped", annotations=[{"type": "skip", "description": "no card"}])).message == "no card"


def test_steps_carry_the_names_around_them():
    """Nested steps are flat, in order; a step with an error failed."""
    steps = [
        {"title": "open", "steps": [{"title": "log in", "error": {"message": "no"}}], "error": {"message": "no"}},
        {"title": "close"},
    ]
    case = only(made_of("unexpected", result("failed", steps=steps)))

    assert [(step.action, step.outcome) for step in case.steps] == [
        ("open", Outcome.FAILED),
        ("open > log in", Outcome.FAILED),
        ("close", Outcome.PASSED),
    ]


@pytest.mark.parametrize(
    ("test", "spec", "kind", "value"),
    [
        ({"annotations": [{"type": "test_key", "description": "SHOP-1"}]}, {}, MarkKind.TEST_KEY, "SHOP-1"),
        ({"annotations": [{"type": "requirements", "description": "SHOP-7"}]}, {}, MarkKind.REQUIREMENT, "SHOP-7"),
        (
            {"annotations": [{"type": "issue", "description": "https://j.example/browse/SHOP-9"}]},
            {},
            MarkKind.DEFECT,
            "SHOP-9",
        ),
        ({"annotations": [{"type": "test_description", "description": "d"}]}, {}, MarkKind.DESCRIPTION, "d"),
        ({}, {"tags": ["SHOP-1"]}, MarkKind.TEST_KEY, "SHOP-1"),
        ({}, {"tags": ["smoke"]}, MarkKind.TAG, "smoke"),
        ({}, {"title": "adds @SHOP-1"}, MarkKind.TEST_KEY, "SHOP-1"),
    ],
)
def test_annotations_and_tags_name_tests(test: dict[str, object], spec: dict[str, object], kind: MarkKind, value: str):
    """Keys, requirements, defects and labels come from annotations, tags and tags in the title."""
    mark = only(made_of("expected", result(), **test), **spec).marks[0]

    assert (kind, value) == (mark.kind, mark.value)


def test_annotations_of_the_run_count_once():
    """Newer versions repeat the annotations of the test on each result."""
    note = {"type": "test_key", "description": "SHOP-1"}

    found = only(made_of("expected", result(annotations=[note]), annotations=[note])).marks

    assert [(mark.kind, mark.value) for mark in found] == [(MarkKind.TEST_KEY, "SHOP-1"), (MarkKind.ENVIRONMENT, "web")]


def test_attached_bodies_are_base64():
    """A body stands in the report, a path is as written."""
    files = [
        {"name": "note", "contentType": "text/plain", "body": "aGk="},
        {"name": "shot", "contentType": "image/png", "path": "C:\\r\\shot-1.png"},
    ]
    case = only(made_of("expected", result(attachments=files)))

    assert [(each.name, each.base64, each.path) for each in case.attachments] == [
        ("note.txt", "aGk=", None),
        ("shot-1.png", None, "C:\\r\\shot-1.png"),
    ]


def test_errors_of_the_run_are_never_lost():
    """A file that could not be loaded has no tests, but a notice."""
    found = read({"suites": [], "errors": [{"message": "SyntaxError: x"}]})

    assert [each.slug for each in found if isinstance(each, Problem)] == ["outside-case", "no-cases"]


def test_a_title_behind_the_specs_names_them_all_the_same():
    """Tools that sort members put the title last."""
    found = read(
        {
            "suites": [
                {
                    "specs": [{"tests": [made_of("expected", result())], "title": "adds"}],
                    "suites": [
                        {"specs": [{"tests": [made_of("expected", result())], "title": "removes"}], "title": "cart"}
                    ],
                    "title": "a.spec.ts",
                }
            ]
        }
    )

    assert [(case.classname, case.name) for case in found if isinstance(case, Case)] == [
        ("a.spec.ts", "adds"),
        ("a.spec.ts > cart", "removes"),
    ]


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ([], "one object"),
        ({"suites": 1}, "suites"),
        ({"suites": [1]}, "suites[0]"),
        ({"suites": [{"title": "a", "specs": [1]}]}, "suites[0].specs[0]"),
        ({"suites": [{"title": "a", "suites": {}}]}, "suites[0].suites"),
    ],
)
def test_a_wrong_structure_is_refused_with_its_path(document: object, where: str):
    """Where results may hide behind a wrong type the report is refused."""
    with pytest.raises(Fault) as caught:
        read(document)

    assert caught.value.slug == BROKEN
    assert where in caught.value.cause


@pytest.mark.parametrize("title", [{"title": "x"}, {}])
def test_endless_nesting_is_refused(title: dict[str, str]):
    """Suites in suites do not exhaust the stack."""
    document: dict[str, object] = {"specs": []}
    for _ in range(400):
        document = {**title, "suites": [document]}

    with pytest.raises(Fault) as caught:
        read({"suites": [document]})

    assert caught.value.slug == UNSAFE
