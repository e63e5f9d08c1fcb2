"""Visual Studio's TRX: what each element and attribute becomes."""

from datetime import UTC, datetime

import pytest
from format_reading import case_of, cases_of, problems_of, values

from xray_ci.model import Attachment, MarkKind, Outcome
from xray_ci.reports.trx import read
from xray_ci.xray.mapping import native_identity

DEFINED = (
    "<TestDefinitions><UnitTest name='x' id='ID-1'><Description>why</Description><TestCategory><TestCategoryItem "
    "TestCategory='fast'/></TestCategory>"
    "<Properties><Property><Key>test_key</Key><Value>SHOP-1</Value></Property><Property><Key>Requirement</Key><Value>"
    "SHOP-2</Value></Property>"
    "<Property><Key>Other</Key><Value>x</Value></Property></Properties>"
    "<TestMethod className='N.C, Assembly, Version=1.0.0.0' name='M'/></UnitTest></TestDefinitions>"
)


def document(results, before="", after=""):
    return f"<TestRun xmlns='http://microsoft.com/schemas/VisualStudio/TeamTest/2010'>{before}<Results>{results}</Results>{after}</TestRun>"


def result(attributes, inner=""):
    return f"<UnitTestResult testId='id-1' testName='N.C.M' {attributes}>{inner}</UnitTestResult>"


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("Passed", Outcome.PASSED),
        ("Failed", Outcome.FAILED),
        ("Error", Outcome.ERROR),
        ("Timeout", Outcome.ERROR),
        ("Aborted", Outcome.ERROR),
        ("NotExecuted", Outcome.SKIPPED),
        ("NotRunnable", Outcome.SKIPPED),
        ("Pending", Outcome.SKIPPED),
        ("Inconclusive", Outcome.OTHER),
        ("Warning", Outcome.OTHER),
    ],
)
def test_outcomes(word, outcome):
    """The words of the format."""
    assert outcome is case_of(read, document(result(f"outcome='{word}'"))).outcome


def test_a_result_without_an_outcome_is_an_error():
    """Visual Studio leaves its first word, Error, out."""
    assert Outcome.ERROR is case_of(read, document(result(""))).outcome


def test_only_leaves_count():
    """A data-driven test's parent repeats what its rows say."""
    rows = "".join(
        f"<InnerResults><UnitTestResult testName='row {number}' outcome='Passed'/></InnerResults>" for number in (1, 2)
    )

    assert [
        case.name for case in cases_of(read, document(result("outcome='Failed'", rows) + result("outcome='Passed'")))
    ] == ["row 1", "row 2", "N.C.M"]


@pytest.mark.parametrize("places", [{"before": DEFINED}, {"after": DEFINED}], ids=["before", "after"])
def test_definitions_may_stand_before_or_after_the_results(places):
    """MSTest writes them first, VSTest last; ids do not depend on letters' case."""
    case = case_of(read, document(result("outcome='Passed'"), **places))

    assert (case.classname, case.name, native_identity(case)) == ("N.C", "M", "N.C.M")
    assert (values(case.marks, MarkKind.TEST_KEY), values(case.marks, MarkKind.REQUIREMENT)) == (["SHOP-1"], ["SHOP-2"])
    assert (values(case.marks, MarkKind.TAG), values(case.marks, MarkKind.DESCRIPTION)) == (["fast"], ["why"])


def test_a_result_without_a_definition_has_its_name_only():
    """As clean-up failures of xUnit.net."""
    case = case_of(
        read, document("<UnitTestResult testId='other' testName='[Cleanup]' outcome='Failed'/>", after=DEFINED)
    )

    assert (native_identity(case), case.classname) == ("[Cleanup]", None)


def test_messages_output_and_times_are_kept():
    """Durations are clock times."""
    case = case_of(
        read,
        document(
            result(
                "outcome='Failed' duration='00:01:00.5000000' startTime='2021-04-20T08:31:32.9669698+02:00' "
                "endTime='2021-04-20T08:32:33+02:00'",
                "<Output><StdOut>out</StdOut><StdErr>err</StdErr><ErrorInfo><Message>no</Message><StackTrace>at "
                "x</StackTrace></ErrorInfo></Output>",
            )
        ),
    )

    assert (case.message, case.trace, case.output, case.seconds) == ("no", "at x", "out\nerr", 60.5)
    assert datetime(2021, 4, 20, 6, 32, 33, tzinfo=UTC) == case.finished


def test_files_lie_in_the_folder_of_the_run():
    """A result names them from there; files of data collectors are named as they are."""
    case = case_of(
        read,
        document(
            result(
                "outcome='Passed' relativeResultsDirectory='e-1'",
                "<ResultFiles><ResultFile path='HOST\\a.png'/></ResultFiles>"
                "<CollectorDataEntries><Collector><UriAttachments><UriAttachment><A href='b.log'/></UriAttachment>"
                "</UriAttachments></Collector></CollectorDataEntries>",
            ),
            before="<TestSettings><Deployment runDeploymentRoot='me_HOST_1'/></TestSettings>",
        ),
    )

    assert (
        Attachment(name="a.png", path="me_HOST_1/In/e-1/HOST\\a.png"),
        Attachment(name="b.log", path="b.log"),
    ) == case.attachments


@pytest.mark.parametrize(
    ("text", "slugs"),
    [
        ("Test host crashed", ["outside-case"]),
        ("[xUnit.net 00:00] N.C.M [FAIL]", []),
        ("Exit code indicates failure: '2'. See …", []),
        ("Exit code indicates failure: '7'.", ["outside-case"]),
    ],
)
def test_errors_of_the_run_are_told(text, slugs):
    """Not those that only repeat that a test failed."""
    found = problems_of(
        read,
        document(
            result("outcome='Failed'"),
            after=f"<ResultSummary><RunInfos><RunInfo outcome='Error'><Text>{text}</Text></RunInfo>"
            "<RunInfo outcome='Warning'><Text>w</Text></RunInfo></RunInfos></ResultSummary>",
        ),
    )

    assert slugs == [problem.slug for problem in found]


def test_output_of_the_run_is_no_results():
    """The summary's output stands outside of results."""
    assert (
        cases_of(read, document("", after="<ResultSummary><Output><StdOut>x</StdOut></Output></ResultSummary>")) == []
    )


def test_the_reason_of_a_skipped_test_is_its_message():
    """Adapters print it where there is no ErrorInfo."""
    text = (
        '<TestRun><Results><UnitTestResult testName="a" outcome="NotExecuted"><Output><StdOut>waits for SHOP-7</StdOut>'
        "</Output></UnitTestResult></Results></TestRun>"
    )
    case = case_of(read, text)

    assert (case.outcome, case.message, case.output) == (Outcome.SKIPPED, "waits for SHOP-7", None)
