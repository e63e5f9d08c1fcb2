"""CTRF: statuses, suites in both spellings, and where keys stand."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime

import pytest

from xray_ci.model import Case, MarkKind, Outcome, Problem
from xray_ci.reports import ctrf
from xray_ci.reports.notices import BROKEN, Fault


def read(document: object) -> list[Case | Problem]:
    return list(ctrf.read(io.BytesIO(json.dumps(document).encode())))


def only(**test: object) -> Case:
    found = read(
        {
            "reportFormat": "CTRF",
            "results": {"summary": {"tests": 9, "passed": 9}, "tests": [{"name": "adds", "status": "passed", **test}]},
        }
    )
    assert isinstance(found[0], Case)
    return found[0]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("passed", Outcome.PASSED),
        ("failed", Outcome.FAILED),
        ("skipped", Outcome.SKIPPED),
        ("pending", Outcome.SKIPPED),
        ("other", Outcome.OTHER),
        ("new word", Outcome.OTHER),
        (None, Outcome.OTHER),
    ],
)
def test_the_list_decides_and_never_the_summary(status: str | None, outcome: Outcome):
    """Pending counts as skipped; what no version of the format knows is neither passed nor failed."""
    assert outcome is only(status=status).outcome


@pytest.mark.parametrize("suite", ["a.spec.ts > cart", ["a.spec.ts", "cart"]])
def test_suites_are_a_list_or_one_text(suite: object):
    """Both spellings give the same class name."""
    case = only(suite=suite)

    assert (case.suite, case.classname) == (("a.spec.ts", "cart"), "a.spec.ts > cart")


def test_without_a_suite_the_name_is_the_identity():
    """File paths are those of the machine that ran the tests: they are no part of an identity."""
    assert only(filePath="/builds/x/a.spec.ts").classname is None


@pytest.mark.parametrize(
    ("more", "kind", "value"),
    [
        ({"tags": ["@SHOP-1"]}, MarkKind.TEST_KEY, "SHOP-1"),
        ({"extra": {"test_key": "SHOP-1"}}, MarkKind.TEST_KEY, "SHOP-1"),
        ({"extra": {"annotations": [{"type": "test_key", "description": "SHOP-1"}]}}, MarkKind.TEST_KEY, "SHOP-1"),
        ({"labels": {"requirements": "SHOP-7,SHOP-8"}}, MarkKind.REQUIREMENT, "SHOP-7"),
        ({"tags": ["slow"]}, MarkKind.TAG, "slow"),
        (
            {"extra": {"annotations": [{"type": "issue", "description": "https://j.example/browse/SHOP-9"}]}},
            MarkKind.DEFECT,
            "SHOP-9",
        ),
    ],
)
def test_keys_stand_in_tags_extra_annotations_and_labels(more: dict[str, object], kind: MarkKind, value: str):
    """Each of the places that tools use is read."""
    mark = only(**more).marks[0]

    assert (kind, value) == (mark.kind, mark.value)


@pytest.mark.parametrize("start", [1710037800000, 1710037800, "2024-03-10T02:30:00Z"])
def test_times_are_milliseconds_or_what_a_tool_makes_of_them(start: object):
    """A duration is milliseconds; a point in time may be in seconds, or text."""
    case = only(duration=15.5, start=start)

    assert pytest.approx(0.0155) == case.seconds
    assert datetime(2024, 3, 10, 2, 30, tzinfo=UTC) == case.started


def test_depth_of_a_failed_test():
    """Message, trace, output, steps, files and earlier attempts of a test are kept."""
    case = only(
        status="failed",
        message="TypeError: m",
        trace="t",
        stdout=["a\n"],
        stderr=["b"],
        steps=[{"name": "one", "status": "failed"}],
        attachments=[{"name": "s", "contentType": "image/png", "path": "a/b.png"}],
        screenshot="iVBORw0KGgo=",
        retryAttempts=[{"status": "failed", "message": "first", "attachments": [{"name": "t", "path": "a/t.zip"}]}],
    )

    assert (case.kind, case.message, case.trace, case.output) == ("TypeError", "TypeError: m", "t", "a\nb")
    assert [(step.action, step.outcome) for step in case.steps] == [("one", Outcome.FAILED)]
    assert [each.name for each in case.attachments] == ["b.png", "t.zip", "screenshot.png"]
    assert [(attempt.outcome, attempt.message) for attempt in case.attempts] == [(Outcome.FAILED, "first")]


def test_retries_that_are_only_counted_are_attempts():
    """Nobody knows what they said."""
    assert [(attempt.outcome, attempt.message) for attempt in only(flaky=True, retries=2).attempts] == [
        (Outcome.FAILED, None)
    ] * 2
    assert len(only(retries=2, retryAttempts=[{"status": "failed"}]).attempts) == 1


def test_what_a_test_was_given_is_kept():
    """Values of any type, under their names."""
    (row,) = only(parameters={"code": "NONE", "percent": 0}).iterations

    assert row.parameters == (("code", "NONE"), ("percent", "0"))


def test_members_may_come_in_any_order():
    """Tests before the summary, and members of later versions, change nothing."""
    found = read(
        {"results": {"tests": [{"name": "a", "status": "passed"}], "new": [1]}, "insights": {}, "reportFormat": "CTRF"}
    )

    assert len(found) == 1


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ([], "one object"),
        ({"results": {}}, "results.tests"),
        ({"results": {"tests": {}}}, "results.tests"),
        ({"results": {"tests": [1]}}, "results.tests[0]"),
        ({"results": {"tests": [{"steps": 1}]}}, "results.tests[0].steps"),
    ],
)
def test_a_wrong_structure_is_refused_with_its_path(document: object, where: str):
    """Where results may hide behind a wrong type the report is refused."""
    with pytest.raises(Fault) as caught:
        read(document)

    assert caught.value.slug == BROKEN
    assert where in caught.value.cause
