"""TestNG results: what each element and attribute becomes."""

from datetime import UTC, datetime

import pytest
from format_reading import case_of, cases_of, problems_of, values

from xray_ci.model import MarkKind, Outcome
from xray_ci.reports.testng import read
from xray_ci.xray.mapping import native_identity


def document(*methods):
    return (
        "<testng-results><reporter-output><line>x</line></reporter-output><suite name='S'><groups><group "
        "name='g'><method name='m'/></group></groups>"
        f"<test name='T'><class name='p.C'>{''.join(methods)}</class></test></suite></testng-results>"
    )


def case(attributes, inner=""):
    return case_of(read, document(f"<test-method name='m' {attributes}>{inner}</test-method>"))


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("PASS", Outcome.PASSED),
        ("FAIL", Outcome.FAILED),
        ("SKIP", Outcome.SKIPPED),
        ("SUCCESS_PERCENTAGE_FAILURE", Outcome.OTHER),
    ],
)
def test_statuses_become_outcomes(status, outcome):
    """A failure that a success percentage allows is neither."""
    assert outcome is case(f"status='{status}'").outcome


def test_configuration_methods_never_count():
    """One that failed is told, for it explains what was skipped."""
    report = document(
        "<test-method name='up' is-config='true' status='FAIL'><exception "
        "class='E'><message>broke</message></exception></test-method>",
        "<test-method name='down' is-config='true' status='PASS'/>",
        "<test-method name='m' status='SKIP'/>",
    )

    assert [each.name for each in cases_of(read, report)] == ["m"]
    assert [problem.slug for problem in problems_of(read, report)] == ["outside-case"]
    assert "p.C.up" in problems_of(read, report)[0].cause


def test_a_retried_invocation_is_an_attempt_of_the_next():
    """TestNG 7 says so; what nothing follows is a result."""

    def row(value):
        return f"<params><param index='0'><value>{value}</value></param></params>"

    report = document(
        f"<test-method name='m' status='SKIP' retried='true'>{row(1)}<exception "
        "class='E'><message>late</message></exception></test-method>",
        f"<test-method name='m' status='PASS'>{row(2)}</test-method>",
        f"<test-method name='m' status='PASS'>{row(1)}</test-method>",
        f"<test-method name='m' status='SKIP' retried='true'>{row(1)}</test-method>",
    )

    assert [
        (each.outcome, [(attempt.outcome, attempt.message) for attempt in each.attempts])
        for each in cases_of(read, report)
    ] == [(Outcome.PASSED, []), (Outcome.PASSED, [(Outcome.FAILED, "late")]), (Outcome.SKIPPED, [])]


def test_every_invocation_counts():
    """Before version 7 attempts before a retry cannot be told from an invocation count, so none is merged."""
    report = document(
        "<test-method name='m' status='SKIP'/>",
        "<test-method name='m' status='PASS'/>",
        "<test-method name='m' status='PASS'/>",
    )

    assert [each.outcome for each in cases_of(read, report)] == [Outcome.SKIPPED, Outcome.PASSED, Outcome.PASSED]


def test_rows_of_a_data_provider_are_results_of_one_test():
    """Identity is class and method; parameters are numbered, for the report has no names of them."""
    found = case(
        "status='PASS'",
        "<params><param index='0'><value> <![CDATA[1]]> </value></param><param index='1'><value "
        "is-null='true'/></param></params>",
    )

    assert native_identity(found) == "p.C.m"
    assert found.iterations[0].parameters == (("1", "1"), ("2", "null"))
    assert found.iterations[0].name == "m(1, null)"


def test_custom_attributes_name_the_test_and_what_it_covers():
    """As Xray's own listener writes them."""
    found = case(
        "status='PASS' description='of the method'",
        "<attributes>"
        + "".join(
            f"<attribute name='{name}'><![CDATA[{value}]]></attribute>"
            for name, value in {
                "test": "SHOP-1",
                "requirement": "SHOP-2 SHOP-3",
                "labels": "ui core",
                "summary": "Adds",
                "description": "of the author",
                "else": "x",
            }.items()
        )
        + "</attributes>",
    )

    assert values(found.marks, MarkKind.TEST_KEY) == ["SHOP-1"]
    assert values(found.marks, MarkKind.REQUIREMENT) == ["SHOP-2", "SHOP-3"]
    assert values(found.marks, MarkKind.TAG) == ["ui", "core"]
    assert (values(found.marks, MarkKind.SUMMARY), values(found.marks, MarkKind.DESCRIPTION)) == (
        ["Adds"],
        ["of the author"],
    )


def test_the_exception_output_and_times_are_kept():
    """Durations are milliseconds."""
    found = case(
        "status='FAIL' duration-ms='65' started-at='2026-11-21T20:47:20Z'",
        "<exception class='E'><message>no</message><full-stacktrace>E: no\n\tat x</full-stacktrace></exception>"
        "<reporter-output><line>one</line><line>two</line></reporter-output>",
    )

    assert (found.kind, found.message, found.trace, found.output, found.seconds) == (
        "E",
        "no",
        "E: no\n\tat x",
        "one\ntwo",
        0.065,
    )
    assert datetime(2026, 11, 21, 20, 47, 20, tzinfo=UTC) == found.started
    assert found.suite == ("S", "T")


def test_an_expected_exception_is_no_failure():
    """A test that passed has no message, though the report names an exception."""
    found = case("status='PASS'", "<exception class='E'><message>expected</message></exception>")

    assert (found.outcome, found.kind, found.message) == (Outcome.PASSED, None, None)
