"""NUnit XML, version 2 and 3: what each element and attribute becomes."""

from datetime import UTC, datetime

import pytest
from format_reading import case_of, cases_of, problems_of, values

from xray_ci.model import Attachment, MarkKind, Outcome
from xray_ci.reports.nunit import read
from xray_ci.xray.mapping import native_identity


def three(attributes, inner="", around=""):
    return case_of(
        read,
        f"<test-run><test-suite name='S'>{around}<test-case name='n' fullname='N.C.n' "
        f"{attributes}>{inner}</test-case></test-suite></test-run>",
    )


def two(attributes, inner=""):
    return case_of(
        read,
        "<test-results date='2018-08-29' time='14:10:15'><test-suite name='S'><results><test-case name='N.C.n' "
        f"{attributes}>{inner}"
        "</test-case></results></test-suite></test-results>",
    )


@pytest.mark.parametrize(
    ("attributes", "outcome"),
    [
        ("result='Passed'", Outcome.PASSED),
        ("result='Failed'", Outcome.FAILED),
        ("result='Failed' label='Error'", Outcome.ERROR),
        ("result='Failed' label='Invalid'", Outcome.ERROR),
        ("result='Failed' label='Cancelled'", Outcome.ERROR),
        ("result='Failed' label='Test exceeded Timeout value 1ms.'", Outcome.FAILED),
        ("result='Skipped' label='Ignored'", Outcome.SKIPPED),
        ("result='Skipped' label='Invalid'", Outcome.SKIPPED),
        ("result='Inconclusive'", Outcome.OTHER),
        ("result='Warning'", Outcome.OTHER),
    ],
)
def test_labels_of_version_3_tell_errors_from_failures(attributes, outcome):
    """Error, Invalid and Cancelled are errors; a time-out's text is a label too and is not."""
    assert outcome is three(attributes).outcome


@pytest.mark.parametrize(
    ("attributes", "outcome"),
    [
        ("result='Success'", Outcome.PASSED),
        ("result='Failure'", Outcome.FAILED),
        ("result='Error'", Outcome.ERROR),
        ("result='Ignored'", Outcome.SKIPPED),
        ("result='NotRunnable'", Outcome.OTHER),
        ("result='Inconclusive'", Outcome.OTHER),
        ("executed='True' success='True'", Outcome.PASSED),
        ("executed='true' success='false'", Outcome.FAILED),
        ("executed='False' success='True'", Outcome.SKIPPED),
    ],
)
def test_version_2_had_no_result_before_2_5(attributes, outcome):
    """Then `executed` and `success` decide, in any case of letters."""
    assert outcome is two(attributes).outcome


@pytest.mark.parametrize(
    ("attributes", "identity"),
    [
        ("name='n(1)' fullname='N.C.n(1)' classname='N.C'", "N.C.n(1)"),
        ("name='n' fullname='N.C.n'", "N.C.n"),
        ("name='N.C.n(&quot;a.b&quot;)'", 'N.C.n("a.b")'),
        ("name='alone'", None),
        ("name='other' fullname='N.C.n'", "N.C.n"),
    ],
)
def test_identity_is_the_full_name(attributes, identity):
    """Class and name with a point between are it, or a definition says it."""
    case = case_of(
        read, f"<test-run><test-suite name='S'><test-case {attributes} result='Passed'/></test-suite></test-run>"
    )

    if identity is None:
        assert values(case.marks, MarkKind.DEFINITION) == ["alone"]
    else:
        assert identity == native_identity(case)


def test_properties_name_the_test_and_what_it_covers():
    """A key counts on the case only; requirements and categories of suites around it hold for it too."""
    case = three(
        "result='Passed'",
        "<properties><property name='TestKey' value='SHOP-1'/><property name='Category' value='fast'/>"
        "<property name='Description' value='why'/></properties>",
        around="<properties><property name='Requirement' value='SHOP-2, SHOP-3'/><property name='test' "
        "value='SHOP-9'/></properties>"
        "<categories><category name='all'/></categories>",
    )

    assert values(case.marks, MarkKind.TEST_KEY) == ["SHOP-1"]
    assert values(case.marks, MarkKind.REQUIREMENT) == ["SHOP-2", "SHOP-3"]
    assert values(case.marks, MarkKind.TAG) == ["all", "fast"]
    assert values(case.marks, MarkKind.DESCRIPTION) == ["why"]


def test_the_key_of_a_method_is_that_of_its_rows():
    """NUnit writes what stands on a parameterised method or a fixture on the suite alone; what is nearer wins."""

    def key(value):
        return f"<properties><property name='TestKey' value='{value}'/></properties>"

    def rows(names):
        return "".join(f"<test-case name='{name}' result='Passed'/>" for name in names)

    cases = cases_of(
        read,
        f"<test-run><test-suite type='TestFixture' name='Cart'>{key('SHOP-1')}"
        f"<test-suite type='ParameterizedMethod' name='Total'>{key('SHOP-7')}{rows(['Total(1)', 'Total(2)'])}"
        f"<test-case name='Total(3)' result='Passed'>{key('SHOP-8')}</test-case></test-suite>"
        f"{rows(['Adds'])}</test-suite>{rows(['Free'])}</test-run>",
    )

    keys = {case.name: [mark.value for mark in case.marks if mark.kind is MarkKind.TEST_KEY] for case in cases}
    assert keys == {
        "Total(1)": ["SHOP-7"],
        "Total(2)": ["SHOP-7"],
        "Total(3)": ["SHOP-8"],
        "Adds": ["SHOP-1"],
        "Free": [],
    }


def test_a_suites_requirement_ends_with_the_suite():
    """What one fixture covers says nothing of the next."""
    first, second = cases_of(
        read,
        "<test-run><test-suite><properties><property name='Requirement' value='SHOP-2'/></properties>"
        "<test-case name='a'/></test-suite><test-suite><test-case name='b'/></test-suite></test-run>",
    )

    assert (values(first.marks, MarkKind.REQUIREMENT), values(second.marks, MarkKind.REQUIREMENT)) == (["SHOP-2"], [])


def test_message_trace_output_times_and_files_are_kept():
    """The output only of a case that did not pass."""
    inner = (
        "<failure><message><![CDATA[no]]></message><stack-trace>at x</stack-trace></failure><output>printed</output>"
        "<attachments><attachment><filePath>C:\\shots\\a.png</filePath></attachment></attachments>"
    )
    times = "start-time='2021-06-28 20:23:41Z' end-time='2021-06-28T20:23:42Z' duration='0.5'"
    failed, passed = three(f"result='Failed' {times}", inner), three("result='Passed'", inner)

    assert (failed.message, failed.trace, failed.output, failed.seconds) == ("no", "at x", "printed", 0.5)
    assert (datetime(2021, 6, 28, 20, 23, 41, tzinfo=UTC), datetime(2021, 6, 28, 20, 23, 42, tzinfo=UTC)) == (
        failed.started,
        failed.finished,
    )
    assert (Attachment(name="a.png", path="C:\\shots\\a.png"),) == failed.attachments
    assert passed.output is None


def test_the_time_of_a_version_2_run_stands_for_its_cases():
    """They have none of their own."""
    assert datetime(2018, 8, 29, 14, 10, 15) == two("result='Success'").started  # noqa: DTZ001 - the report gives no offset


def test_several_failures_are_one_result_with_all_texts():
    """Message of the first, traces of all."""
    case = two(
        "result='Failure'",
        "<failure><message>one</message><stack-trace>at 1</stack-trace></failure>"
        "<failure><message>two</message><stack-trace>at 2</stack-trace></failure>",
    )

    assert (case.message, case.trace) == ("one", "at 1\n\ntwo\nat 2")


@pytest.mark.parametrize(
    ("site", "slugs"), [("Child", []), ("Parent", []), ("TearDown", ["outside-case"]), ("SetUp", ["outside-case"])]
)
def test_a_suites_own_failure_is_told(site, slugs):
    """Failures that only repeat those of children or parents are not."""
    found = problems_of(
        read,
        f"<test-run><test-suite name='S' site='{site}'><failure><message>broke</message></failure>"
        "<test-case name='a' result='Passed'/></test-suite></test-run>",
    )

    assert slugs == [problem.slug for problem in found]
