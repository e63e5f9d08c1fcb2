"""Robot Framework's output.xml, versions 3 to 7: what each element and attribute becomes."""

from datetime import datetime

import pytest
from format_reading import case_of, cases_of, values

from xray_ci.model import Attachment, Attempt, MarkKind, Outcome
from xray_ci.reports.robot import read
from xray_ci.xray.mapping import native_identity

PASS, FAIL = "<status status='PASS'/>", "<status status='FAIL'>own</status>"


def document(inside, generator="Robot 7.3.2 (Python 3.11.7 on linux)"):
    return (
        f"<robot generator='{generator}'><suite name='Top'>{inside}</suite><statistics><suite><stat name='Top'>"
        "x</stat></suite></statistics><errors/></robot>"
    )


def test(inner, name="t"):
    return case_of(read, document(f"<test name='{name}'>{inner}</test>"))


test.__test__ = False


def teardown(status, message="broke"):
    return f"<kw name='Fail' type='TEARDOWN'><status status='{status}'>{message}</status></kw>"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("PASS", Outcome.PASSED), ("FAIL", Outcome.FAILED), ("SKIP", Outcome.SKIPPED), ("ODD", Outcome.OTHER)],
)
def test_statuses_become_outcomes(status, outcome):
    """SKIP is known since version 4."""
    assert outcome is test(f"<status status='{status}'/>").outcome


def test_a_suite_teardown_that_fails_fails_the_tests_below_it():
    """As Robot itself: those that passed, at every depth, and no others."""
    report = document(
        f"<suite name='A'><suite name='B'><test name='deep'>{PASS}</test></suite><test name='ok'>{PASS}</test><test "
        f"name='bad'>{FAIL}</test>"
        f"<test name='skip'><status status='SKIP'/></test>{teardown('FAIL')}</suite><suite name='C'><test "
        f"name='free'>{PASS}</test></suite>"
    )
    deep, passed, bad, skipped, free = cases_of(read, report)

    assert (deep.outcome, deep.message) == (Outcome.FAILED, "Parent suite teardown failed:\nbroke")
    assert (passed.outcome, passed.message) == (Outcome.FAILED, "Parent suite teardown failed:\nbroke")
    assert (bad.outcome, bad.message) == (Outcome.FAILED, "own\n\nAlso parent suite teardown failed:\nbroke")
    assert (skipped.outcome, free.outcome) == (Outcome.SKIPPED, Outcome.PASSED)


def test_a_suite_teardown_of_version_3_is_found():
    """There the type is in small letters, and the message may be logged only."""
    report = document(
        f"<test name='t'>{PASS}</test><kw name='Fail' type='teardown'><msg level='FAIL'>logged</msg><status "
        "status='FAIL'></status></kw>",
        generator="Robot 3.2.2 (Python 3.11.7 on linux)",
    )

    assert (case_of(read, report).outcome, case_of(read, report).message) == (
        Outcome.FAILED,
        "Parent suite teardown failed:\nlogged",
    )


def test_a_suite_teardown_that_skips_skips_the_tests_below_it():
    """Whatever they were before."""
    assert Outcome.SKIPPED is case_of(read, document(f"<test name='t'>{FAIL}</test>{teardown('SKIP')}")).outcome


def test_rebot_has_judged_already():
    """What it writes is not judged twice."""
    report = document(
        f"<test name='t'><status status='FAIL'>Parent suite teardown failed:\nbroke</status></test>{teardown('FAIL')}",
        generator="Rebot 7.3.2",
    )

    assert case_of(read, report).message == "Parent suite teardown failed:\nbroke"


@pytest.mark.parametrize("status", ["PASS", "NOT RUN"])
def test_a_teardown_that_did_not_fail_changes_nothing(status):
    """In a dry run it does not even run."""
    assert Outcome.PASSED is case_of(read, document(f"<test name='t'>{PASS}</test>{teardown(status)}")).outcome


def test_a_tests_own_teardown_is_a_step():
    """Its failure is the test's own status."""
    found = test(f"{teardown('FAIL')}{PASS}")

    assert (found.outcome, [step.action for step in found.steps]) == (Outcome.PASSED, ["[Teardown] Fail"])


def test_identity_is_all_names_with_points():
    """As Xray derives it."""
    assert (
        native_identity(case_of(read, document(f"<suite name='In'><test name='a b'>{PASS}</test></suite>")))
        == "Top.In.a b"
    )


@pytest.mark.parametrize("tags", ["<tag>{}</tag>", "<tags><tag>{}</tag></tags>"])
def test_tags_name_the_test(tags):
    """In a list of their own before version 4; tags that are no key are labels."""
    found = test(
        "".join(tags.format(tag) for tag in ("SHOP-12", "TestName:SHOP-13", "smoke", "robot:skip", "shop-1")) + PASS
    )

    assert values(found.marks, MarkKind.TEST_KEY) == ["SHOP-12", "SHOP-13"]
    assert values(found.marks, MarkKind.TAG) == ["smoke", "robot:skip", "shop-1"]


def test_steps_are_the_top_level():
    """Keywords inside of keywords are not.

    Control structures are one step each, and NOT RUN is never a test's status.
    """
    found = test(
        "<kw name='Log' type='SETUP'><arg>hi</arg><status status='PASS'/></kw>"
        "<kw name='Outer'><arguments><arg>1</arg><arg>2</arg></arguments><kw name='Inner'><status "
        "status='FAIL'>in</status></kw><status status='FAIL'>no</status></kw>"
        "<for flavor='IN'><var>${x}</var><value>@{L}</value><iter><kw name='Log'/></iter><status status='PASS'/></for>"
        "<if><branch type='IF' condition='1'><kw name='x'/></branch><status status='PASS'/></if>"
        "<while condition='$n'><status status='PASS'/></while><try><branch type='TRY'/><status status='PASS'/></try>"
        "<group name='G'><status status='NOT RUN'/></group><var name='${v}'><var>7</var><status "
        "status='PASS'/></var><return><value>1</value><status status='PASS'/></return>"
        f"{FAIL}"
    )

    assert [step.action for step in found.steps] == [
        "[Setup] Log",
        "Outer",
        "FOR ${x} IN @{L}",
        "IF 1",
        "WHILE $n",
        "TRY",
        "GROUP G",
        "VAR ${v} 7",
        "RETURN",
    ]
    assert (found.steps[1].data, found.steps[1].outcome, found.steps[1].comment) == ("1    2", Outcome.FAILED, "no")
    assert Outcome.SKIPPED is found.steps[6].outcome


def test_a_failure_of_old_versions_is_in_the_log():
    """The status of a keyword had no text before version 7."""
    found = test(
        f"<kw name='Fail'><msg level='INFO'>hm</msg><msg level='FAIL'>no</msg><status status='FAIL'/></kw>{FAIL}"
    )

    assert (found.steps[0].comment, found.output) == ("no", "INFO: hm\nFAIL: no")


def test_a_failure_within_a_step_is_its_comment():
    """Before version 7 no other place says why; tried again, a keyword fails with the same words."""
    failing = "<kw name='Fail'><msg level='INFO'>hm</msg><msg level='FAIL'>no</msg><status status='FAIL'/></kw>"
    found = test(
        f"<kw name='Outer'><kw name='Inner'>{failing}{failing}<msg level='WARN'>odd</msg></kw><status "
        f"status='FAIL'/></kw>{FAIL}"
    )

    assert (found.steps[0].comment, found.output) == ("no", "FAIL: no\nFAIL: no\nWARN: odd")


def test_messages_with_markup_become_text():
    """`*HTML*` says so."""
    assert (
        test("<status status='FAIL'>*HTML* Teardown failed:&lt;br&gt;x &amp;lt; &lt;i&gt;y&lt;/i&gt;</status>").message
        == "Teardown failed:\nx < y"
    )


def test_a_merged_rerun_keeps_its_earlier_try():
    """`rebot --merge` writes both results into the message."""
    text = (
        (
            '*HTML* <span class="merge">Test has been re-executed and results merged.</span><hr><span '
            'class="new-status">New status:</span> '
            '<span class="pass">PASS</span><br><hr><span class="old-status">Old status:</span> <span '
            'class="fail">FAIL</span><br>'
            '<span class="old-message">Old message:</span> x &gt; y<br>'
        )
        .replace("&", "&amp;")
        .replace("<", "&lt;")
    )
    found = test(f"<status status='PASS'>{text}</status>")

    assert (None, (Attempt(outcome=Outcome.FAILED, message="x > y"),)) == (found.message, found.attempts)


def test_screenshots_are_evidence_wherever_they_were_logged():
    """Files by path, pictures in the page as base64; links elsewhere are no files."""
    page = (
        '<a href="shots/a%20b.png"><img src="shots/a%20b.png"></a><img src="data:image/png;base64,iVBORw0KGgo="><a '
        'href="https://x.example/y">y</a>'
        '<a href="#top">t</a>'
    ).replace("<", "&lt;")
    found = test(
        f"<kw name='Outer'><kw name='Deep'><msg level='INFO' html='true'>{page}</msg><status "
        f"status='PASS'/></kw><status status='PASS'/></kw>{PASS}"
    )

    assert (
        Attachment(name="a b.png", path="shots/a b.png"),
        Attachment(name="evidence-2.png", media_type="image/png", base64="iVBORw0KGgo="),
    ) == found.attachments


@pytest.mark.parametrize(
    "attributes",
    [
        "start='2026-11-21T20:39:04.500000' elapsed='0.25'",
        "starttime='20261121 20:39:04.500' endtime='20261121 20:39:04.750'",
    ],
)
def test_times_of_all_versions_are_read(attributes):
    """Version 7 gives a duration, others an end."""
    found = test(f"<status status='PASS' {attributes}/>")

    assert (datetime(2026, 11, 21, 20, 39, 4, 500_000), 0.25) == (found.started, found.seconds)  # noqa: DTZ001 - the report gives no offset


def test_the_documentation_is_the_description():
    """Also where it comes after the keywords."""
    assert values(
        test(f"<kw name='k'><doc>of k</doc><status status='PASS'/></kw><doc>what it is</doc>{PASS}").marks,
        MarkKind.DESCRIPTION,
    ) == ["what it is"]
