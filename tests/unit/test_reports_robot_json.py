"""Robot Framework's output.json: the rules of output.xml in another medium."""

import json

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of, values

from xray_ci.model import Attachment, MarkKind, Outcome
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, TRUNCATED, UNSAFE
from xray_ci.reports.robot_json import read
from xray_ci.xray.mapping import native_identity


def document(suite, generator="Robot 7.3.2"):
    return json.dumps(
        {"generator": generator, "generated": "now", "rpa": False, "suite": suite, "statistics": {}, "errors": []}
    )


def test(**members):
    return case_of(read, document({"tests": [{"name": "t", "status": "PASS", **members}], "name": "Top"}))


test.__test__ = False


def test_a_failure_within_a_step_is_its_comment():
    """What keywords within it logged is kept where it tells of trouble."""
    said = [{"type": "MESSAGE", "level": level, "message": level.lower()} for level in ("INFO", "WARN", "FAIL")]
    found = test(
        status="FAIL",
        body=[{"name": "Outer", "status": "FAIL", "body": [{"name": "Inner", "status": "FAIL", "body": said}]}],
    )

    assert (found.steps[0].comment, found.output) == ("fail", "WARN: warn\nFAIL: fail")


def test_names_and_teardowns_of_suites_may_come_after_their_tests():
    """As the tool writes them."""
    report = document(
        {
            "suites": [
                {
                    "tests": [{"name": "t", "status": "PASS"}],
                    "teardown": {"status": "FAIL", "message": "broke"},
                    "name": "In",
                }
            ],
            "name": "Top",
        }
    )
    found = case_of(read, report)

    assert (native_identity(found), found.suite, found.outcome, found.message) == (
        "Top.In.t",
        ("Top", "In"),
        Outcome.FAILED,
        "Parent suite teardown failed:\nbroke",
    )


def test_rebot_has_judged_already():
    """What it writes is not judged twice."""
    report = document(
        {"tests": [{"name": "t", "status": "PASS"}], "teardown": {"status": "FAIL", "message": "broke"}, "name": "Top"},
        generator="Rebot 7.3.2",
    )

    assert Outcome.PASSED is case_of(read, report).outcome


def test_steps_marks_times_and_files_are_those_of_the_xml():
    """Set-up and teardown are steps too; pages may be logged anywhere."""
    page = {"type": "MESSAGE", "level": "INFO", "html": True, "message": '<img src="a.png">'}
    found = test(
        status="FAIL",
        message="no",
        tags=["SHOP-1", "smoke"],
        doc="why",
        start_time="2026-11-21T20:39:05.5",
        elapsed_time=0.5,
        setup={"name": "Log", "status": "PASS"},
        teardown={"name": "Close", "status": "NOT RUN"},
        body=[
            {
                "name": "Outer",
                "args": ["1", "2"],
                "status": "FAIL",
                "message": "no",
                "body": [{"type": "MESSAGE", "level": "FAIL", "message": "no"}, {"name": "Deep", "body": [page]}],
            },
            {"type": "FOR", "assign": ["${x}"], "flavor": "IN", "values": ["@{L}"], "status": "PASS"},
            {"type": "IF/ELSE ROOT", "body": [{"type": "IF", "condition": "1"}], "status": "PASS"},
        ],
    )

    assert [step.action for step in found.steps] == [
        "[Setup] Log",
        "Outer",
        "FOR ${x} IN @{L}",
        "IF 1",
        "[Teardown] Close",
    ]
    assert (found.steps[1].data, found.steps[1].comment, found.output, found.seconds) == (
        "1    2",
        "no",
        "FAIL: no",
        0.5,
    )
    assert tuple(values(found.marks, kind) for kind in (MarkKind.TEST_KEY, MarkKind.TAG, MarkKind.DESCRIPTION)) == (
        ["SHOP-1"],
        ["smoke"],
        ["why"],
    )
    assert (Attachment(name="a.png", path="a.png"),) == found.attachments


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("[]", NOT_A_REPORT),
        ('{"generator": "Robot"}', NOT_A_REPORT),
        ('{"suite": {"tests": [{"name": "t", "status": "PASS"}]', TRUNCATED),
        ('{"suite": []}', BROKEN),
        ('{"suite": {"tests": [1]}}', BROKEN),
        ('{"suite": {"tests": {}}}', BROKEN),
        ('{"suite": {"tests": [{"name": "t"}]}}', BROKEN),
        ('{"suite": ' + '{"suites": [' * 300, UNSAFE),
        ('{"suite": {"name": "x"}} more', BROKEN),
    ],
)
def test_what_is_no_whole_report_is_refused(text, slug):
    """Cut off, of another shape, nested beyond reason."""
    assert slug == slug_of(read, text)


def test_a_report_without_tests_says_so():
    """And is no error."""
    assert cases_of(read, document({"name": "Top", "tests": []})) == []
    assert [problem.slug for problem in problems_of(read, document({"name": "Top", "tests": None}))] == ["no-cases"]
