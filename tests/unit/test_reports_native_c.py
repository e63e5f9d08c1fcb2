"""XML of tools for C and C++: CTest, Catch2 and doctest, Boost.Test, Qt Test, CppUnit, Check."""

from datetime import UTC, datetime

import pytest
from format_reading import case_of, cases_of, values

from xray_ci.model import MarkKind, Outcome
from xray_ci.reports import boost, catch2, check, cppunit, ctest, qtest
from xray_ci.xray.mapping import native_identity


def measured(name, value):
    return f"<NamedMeasurement name='{name}'><Value>{value}</Value></NamedMeasurement>"


def ctested(status, results="", more=""):
    return case_of(
        ctest.read,
        "<Site><Testing><StartTestTime>1795293864</StartTestTime><TestList><Test>./sub/t</Test></TestList><Test "
        f"Status='{status}'><Name>t</Name>"
        f"<Path>./sub</Path><Results>{results}</Results>{more}</Test></Testing></Site>",
    )


@pytest.mark.parametrize(
    ("status", "outcome"), [("passed", Outcome.PASSED), ("failed", Outcome.FAILED), ("notrun", Outcome.SKIPPED)]
)
def test_ctest_statuses(status, outcome):
    """Disabled, skipped and missing programs are not run; the list of names holds no results."""
    assert outcome is ctested(status).outcome


def test_ctest_details():
    """Why it failed, what it printed, labels and keys among them; the time is the run's."""
    found = ctested(
        "failed",
        measured("Execution Time", "0.5")
        + measured("Completion Status", "Completed")
        + measured("Exit Code", "Failed")
        + measured("Exit Value", "3")
        + "<Measurement><Value>printed\n</Value></Measurement>",
        "<Labels><Label>SHOP-1</Label><Label>slow</Label></Labels>",
    )

    assert (native_identity(found), found.message, found.output, found.seconds) == (
        "sub.t",
        "Completed; Failed (3)",
        "printed",
        0.5,
    )
    assert (values(found.marks, MarkKind.TEST_KEY), values(found.marks, MarkKind.TAG)) == (["SHOP-1"], ["slow"])
    assert datetime(2026, 11, 21, 20, 44, 24, tzinfo=UTC) == found.started


def test_ctest_compressed_output_is_left_out():
    """It is no text."""
    assert (
        ctested("failed", "<Measurement><Value encoding='base64' compression='gzip'>eJw=</Value></Measurement>").output
        is None
    )


EXPRESSION = (
    "<Expression success='{}' type='CHECK' filename='c.cc' line='3'><Original> a == b </Original><Expanded> 1 "
    "== 2 </Expanded></Expression>"
)


@pytest.mark.parametrize(
    ("inner", "outcome"),
    [
        ("<OverallResult success='true'/>", Outcome.PASSED),
        ("<OverallResult success='false'/>", Outcome.FAILED),
        ("<OverallResult success='true' skips='1'/>", Outcome.SKIPPED),
        (EXPRESSION.format("false") + "<OverallResult success='true'/>", Outcome.PASSED),
        (EXPRESSION.format("true"), Outcome.ERROR),
    ],
)
def test_catch2_outcomes(inner, outcome):
    """The overall result decides (expected failures), its absence is a crash."""
    assert (
        outcome
        is case_of(
            catch2.read, f"<Catch2TestRun name='p'><TestCase name='t'>{inner}</TestCase></Catch2TestRun>"
        ).outcome
    )


def test_catch2_sections_are_steps():
    """Each with the failures of its own; tags name the Test; the program stands for a suite."""
    found = case_of(
        catch2.read,
        "<Catch name='p'><Group name='p'><TestCase name='t' tags='[SHOP-1][fast]'><Section name='a'>"
        f"<Section name='b'>{EXPRESSION.format('false')}<OverallResults failures='1'/></Section><OverallResults "
        "failures='1'/></Section>"
        "<Section name='c'><OverallResults failures='0'/></Section><OverallResult success='false' "
        "durationInSeconds='0.5'/></TestCase></Group></Catch>",
    )

    assert [(step.action, step.outcome) for step in found.steps] == [
        ("a", Outcome.PASSED),
        ("a > b", Outcome.FAILED),
        ("c", Outcome.PASSED),
    ]
    assert "c.cc:3: CHECK( a == b ) with expansion: 1 == 2" == found.message == found.steps[1].comment
    assert (native_identity(found), found.seconds, values(found.marks, MarkKind.TEST_KEY)) == ("p.t", 0.5, ["SHOP-1"])


@pytest.mark.parametrize(
    ("case", "outcome"),
    [
        ("<TestCase name='t' skipped='true'/>", Outcome.SKIPPED),
        ("<TestCase name='t'><OverallResultsAsserts test_case_success='true'/></TestCase>", Outcome.PASSED),
        (
            (
                "<TestCase name='t'><Exception crash='false'>b</Exception><OverallResultsAsserts "
                "test_case_success='false'/></TestCase>"
            ),
            Outcome.FAILED,
        ),
    ],
)
def test_doctest_outcomes(case, outcome):
    """The same reader; suites are named."""
    found = case_of(catch2.read, f"<doctest binary='./d'><TestSuite name='s'>{case}</TestSuite></doctest>")

    assert (outcome, "s.t") == (found.outcome, native_identity(found))


def test_a_warning_of_doctest_is_no_failure():
    """It is a message of a case that failed otherwise."""
    found = case_of(
        catch2.read,
        "<doctest><TestSuite name='s'><TestCase name='t'><Message type='WARNING'><Text>w</Text></Message><Message "
        "type='ERROR'><Text>e</Text></Message>"
        "<OverallResultsAsserts test_case_success='false'/></TestCase></TestSuite></doctest>",
    )

    assert found.message == "Message: e"


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        ("passed", Outcome.PASSED),
        ("passed with warnings", Outcome.PASSED),
        ("failed", Outcome.FAILED),
        ("aborted", Outcome.ERROR),
        ("timed-out", Outcome.ERROR),
        ("skipped", Outcome.SKIPPED),
    ],
)
def test_boost_report(result, outcome):
    """Suites are the path."""
    found = case_of(
        boost.read,
        "<TestResult><TestSuite name='M'><TestSuite name='a'><TestCase name='t' "
        f"result='{result}'/></TestSuite></TestSuite></TestResult>",
    )

    assert (outcome, "M > a.t") == (found.outcome, native_identity(found))


@pytest.mark.parametrize(
    ("inner", "outcome"),
    [
        ("<Error file='a' line='1'>no</Error><TestingTime>500</TestingTime>", Outcome.FAILED),
        ("<Exception>boom</Exception>", Outcome.ERROR),
        ("<Info>x</Info>", Outcome.PASSED),
    ],
)
def test_boost_log(inner, outcome):
    """Here elements decide."""
    assert (
        outcome
        is case_of(
            boost.read, f"<TestLog><TestSuite name='M'><TestCase name='t'>{inner}</TestCase></TestSuite></TestLog>"
        ).outcome
    )


def incident(kind, tag="", text=""):
    return (
        f"<Incident type='{kind}' file='q.cpp' line='3'><DataTag>{tag}</DataTag><Description>{text}</Description>"
        "</Incident>"
    )


@pytest.mark.parametrize(
    ("inner", "outcome"),
    [
        (incident("pass"), Outcome.PASSED),
        (incident("fail"), Outcome.FAILED),
        (incident("xfail") + incident("pass"), Outcome.PASSED),
        (incident("xpass"), Outcome.FAILED),
        ("<Message type='skip'><Description>no</Description></Message>", Outcome.SKIPPED),
        (incident("bfail"), Outcome.OTHER),
        ("<Message type='qwarn'><Description>w</Description></Message>", Outcome.OTHER),
        (incident("pass", "a") + incident("fail", "b"), Outcome.FAILED),
    ],
)
def test_qtest_joins_the_rows_of_a_function(inner, outcome):
    """Any row that fails, or passes unexpectedly, fails the function."""
    assert (
        outcome
        is case_of(qtest.read, f"<TestCase name='T'><TestFunction name='f'>{inner}</TestFunction></TestCase>").outcome
    )


def test_qtest_rows_are_iterations():
    """With the reason of the row that failed."""
    found = case_of(
        qtest.read,
        f"<TestCase name='T'><TestFunction name='f'>{incident('pass', 'a')}{incident('fail', 'b', 'no')}<Duration "
        "msecs='250'/></TestFunction></TestCase>",
    )

    assert [(row.name, row.outcome) for row in found.iterations] == [("a", Outcome.PASSED), ("b", Outcome.FAILED)]
    assert (native_identity(found), found.message, found.seconds) == ("T.f", "b: no", 0.25)


def test_cppunit_parts_fixture_and_name():
    """Errors are told from failures by their type."""
    bad, broken, passed = cases_of(
        cppunit.read,
        "<TestRun><FailedTests><FailedTest><Name>N::T::bad</Name><FailureType>"
        "Assertion</FailureType><Location><File>a.cc</File>"
        "<Line>8</Line></Location><Message>no</Message></FailedTest><FailedTest>"
        "<Name>T::err</Name><FailureType>Error</FailureType></FailedTest>"
        "</FailedTests><SuccessfulTests><Test><Name>ok</Name></Test></SuccessfulTests>"
        "<Statistics><Tests>9</Tests></Statistics></TestRun>",
    )

    assert (bad.outcome, native_identity(bad), bad.message, bad.trace) == (Outcome.FAILED, "N::T.bad", "no", "a.cc:8")
    assert (broken.outcome, passed.outcome, native_identity(passed)) == (Outcome.ERROR, Outcome.PASSED, "ok")


def test_check_reads_every_run_of_a_loop():
    """They are results of one Test; a duration below zero is none."""
    runs = "".join(
        f"<test result='{result}'><fn>a.c:3</fn><id>lp</id><duration>{duration}</"
        f"duration><description>core</description><message>m</message></test>"
        for result, duration in (("success", "0.5"), ("failure", "-1.000000"), ("error", "-1.000000"))
    )
    found = cases_of(
        check.read,
        "<testsuites xmlns='http://check.sourceforge.net/ns'><datetime>2026-11-21 "
        f"20:44:20</datetime><suite><title>Cart</title>{runs}</suite></testsuites>",
    )

    assert [(case.outcome, case.seconds, case.message) for case in found] == [
        (Outcome.PASSED, 0.5, None),
        (Outcome.FAILED, None, "m"),
        (Outcome.ERROR, None, "m"),
    ]
    assert {"Cart > core.lp"} == {native_identity(case) for case in found}


def test_a_section_that_was_skipped_is_a_skipped_step():
    """Catch2 3 skips a section with a reason; the case around it may pass."""
    text = (
        '<Catch2TestRun name="t"><TestCase name="a"><Section name="slow"><Skip>needs a GPU</Skip>'
        '<OverallResults failures="0" skipped="true"/></Section><OverallResult success="true"/></TestCase>'
        "</Catch2TestRun>"
    )
    (case,) = cases_of(catch2.read, text)

    assert [(step.outcome, step.comment) for step in case.steps] == [(Outcome.SKIPPED, "needs a GPU")]
