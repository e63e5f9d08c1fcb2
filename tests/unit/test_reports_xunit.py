"""xUnit.net XML, versions 1, 2 and 3: what each element and attribute becomes."""

from datetime import UTC, datetime

import pytest
from format_reading import case_of, problems_of, values

from xray_ci.model import Attachment, MarkKind, Outcome
from xray_ci.reports.xunit import read
from xray_ci.xray.mapping import native_identity


def case(attributes, inner="", assembly=""):
    return case_of(
        read,
        f"<assemblies><assembly name='a.dll' {assembly}><collection name='C'><test type='N.C' method='M' "
        f"{attributes}>{inner}</test>"
        "</collection></assembly></assemblies>",
    )


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("Pass", Outcome.PASSED),
        ("Fail", Outcome.FAILED),
        ("Skip", Outcome.SKIPPED),
        ("NotRun", Outcome.SKIPPED),
        ("New", Outcome.OTHER),
    ],
)
def test_results_become_outcomes(result, outcome):
    """NotRun is version 3's explicit test."""
    assert outcome is case(f"name='N.C.M' result='{result}'").outcome


@pytest.mark.parametrize(
    ("name", "parameters", "summary"),
    [
        ("N.C.M", (), []),
        ("M", (), []),
        ("N.C.M(a: 1, b: &quot;x, y&quot;)", (("a", "1"), ("b", '"x, y"')), []),
        ("adds (2)", (), ["adds (2)"]),
        ("adds(i: 2)", (("i", "2"),), ["adds"]),
    ],
)
def test_rows_of_a_theory_are_results_of_one_test(name, parameters, summary):
    """Identity is type and method; what the row was given is an iteration, a title of the author's is the summary."""
    read_case = case(f"name='{name}' result='Pass'")

    assert native_identity(read_case) == "N.C.M"
    assert parameters == (read_case.iterations[0].parameters if read_case.iterations else ())
    assert summary == values(read_case.marks, MarkKind.SUMMARY)


def test_a_test_without_a_method_is_its_name():
    """As Xray itself would find it."""
    found = case_of(read, "<assembly><class><test name='some name' type='T' result='Pass'/></class></assembly>")

    assert values(found.marks, MarkKind.DEFINITION) == ["some name"]


def test_traits_name_the_test_and_what_it_covers():
    """Requirements and labels are parted by blanks."""
    found = case(
        "name='N.C.M' result='Pass'",
        "<traits><trait name='test' value='SHOP-1'/><trait name='Requirement' value='SHOP-2 SHOP-3'/>"
        "<trait name='labels' value='ui core'/><trait name='Category' value='slow one'/><trait name='Owner' "
        "value='me'/></traits>",
    )

    assert values(found.marks, MarkKind.TEST_KEY) == ["SHOP-1"]
    assert values(found.marks, MarkKind.REQUIREMENT) == ["SHOP-2", "SHOP-3"]
    assert values(found.marks, MarkKind.TAG) == ["ui", "core", "slow one"]


def test_failures_and_reasons_are_messages():
    """Version 1 has a message inside the reason, version 2 its text."""
    failed = case(
        "name='N.C.M' result='Fail' time='0.25'",
        "<failure exception-type='E'><message>no</message><stack-trace>at x</stack-trace></failure><output>o</output>",
    )

    assert (failed.kind, failed.message, failed.trace, failed.output, failed.seconds) == ("E", "no", "at x", "o", 0.25)
    assert [
        case("name='N.C.M' result='Skip'", f"<reason>{reason}</reason>").message
        for reason in ("later", "<message>later</message>")
    ] == ["later", "later"]


def test_a_test_has_its_own_times_or_its_assemblys():
    """Version 3 writes them with an offset, others the date and time of the run without."""
    assert (
        datetime(2019, 2, 1, 14, 47, 17)  # noqa: DTZ001
        == case("name='N.C.M'", assembly="run-date='2019-02-01' run-time='14:47:17'").started
    )
    assert (
        datetime(2025, 6, 22, 14, 17, 12, tzinfo=UTC)
        == case("name='N.C.M' start-rtf='2025-06-22T14:17:12.0000000+00:00'").started
    )


def test_attachments_of_version_3_are_evidence():
    """Base64 where there is a media type, else a text."""
    found = case(
        "name='N.C.M' result='Pass'",
        "<attachments><attachment name='a.png' media-type='image/png'>iVBO\nRw==</attachment>"
        "<attachment name='note'>text</attachment></attachments>",
    )

    assert (
        Attachment(name="a.png", media_type="image/png", base64="iVBORw=="),
        Attachment(name="note.txt", media_type="text/plain", base64="dGV4dA=="),
    ) == found.attachments


def test_errors_of_an_assembly_are_told():
    """A clean-up that failed is no test, and not lost."""
    found = problems_of(
        read,
        "<assemblies><assembly><errors><error type='assembly-cleanup' "
        "name='a'><failure><message>broke</message></failure></error>"
        "</errors><collection><test name='a' type='T' method='m' result='Pass'/></collection></assembly></assemblies>",
    )

    assert [problem.slug for problem in found] == ["outside-case"]
    assert "broke" in found[0].cause
