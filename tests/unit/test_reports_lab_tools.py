"""Reports of tools for hardware, enterprise applications and single languages: what decides, and what identifies."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of
from report_reading import seen

from xray_ci.formats import named
from xray_ci.model import Outcome
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT

DATA = Path(__file__).parents[1] / "data" / "reports"


def reader(key):
    return named(key)[0].read


def only(key, document):
    return case_of(reader(key), document).outcome


CANOE = '<testmodule><testcase><title>a</title><teststep result="{step}">s</teststep>{verdict}</testcase></testmodule>'


@pytest.mark.parametrize(
    ("step", "verdict", "outcome"),
    [
        ("fail", '<verdict result="pass"/>', Outcome.PASSED),
        ("pass", '<verdict result="fail"/>', Outcome.FAILED),
        ("pass", '<verdict result="inconclusive"/>', Outcome.OTHER),
        ("pass", '<verdict result="none"/>', Outcome.OTHER),
        ("pass", "", Outcome.ERROR),
    ],
)
def test_the_verdict_of_canoe_decides_and_never_its_steps(step, verdict, outcome):
    """Without a verdict the test case was cut off."""
    assert outcome is only("canoe-xml", CANOE.format(step=step, verdict=verdict))


def test_a_module_of_canoe_that_failed_elsewhere_is_told():
    """A failed module without a failed test case is an alarm."""
    document = CANOE.format(step="pass", verdict='<verdict result="pass"/>').replace(
        "</testmodule>", '<verdict result="fail"/></testmodule>'
    )
    assert [problem.slug for problem in problems_of(reader("canoe-xml"), document)] == ["stated-failures"]


SQUISH = "<SquishReport><test type='testcase'><prolog><name>a</name></prolog>{held}{end}</test></SquishReport>"
RESULT = "<verification><scriptedVerificationResult type='{}'/></verification>"


@pytest.mark.parametrize(
    ("types", "outcome"),
    [
        (["PASS", "XFAIL"], Outcome.PASSED),
        (["PASS", "FAIL", "PASS"], Outcome.FAILED),
        (["XPASS"], Outcome.FAILED),
        (["FAIL", "FATAL"], Outcome.ERROR),
        (["PASS", "NEW"], Outcome.OTHER),
    ],
    ids=str,
)
def test_the_worst_verification_of_squish_counts(types, outcome):
    """In sections within it, too; and what never ended is an error."""
    held = "".join(RESULT.format(each) for each in types)
    section = f"<test type='section'><prolog><name>s</name></prolog>{held}<epilog/></test>"

    assert outcome is only("squish-xml", SQUISH.format(held=held, end="<epilog/>"))
    assert outcome is only("squish-xml", SQUISH.format(held=section, end="<epilog/>"))
    assert only("squish-xml", SQUISH.format(held="", end="")) is Outcome.ERROR


ALERT = (
    "<runResult><program name='P'><testClass name='C'><testMethods><testMethod name='m'>{}</testMethod></testMethods>"
    "</testClass></program></runResult>"
)


@pytest.mark.parametrize(
    ("alerts", "outcome"),
    [
        ("", Outcome.PASSED),
        ("<alert kind='failedAssertion' severity='critical'/>", Outcome.FAILED),
        ("<alert kind='exception' severity='fatal'/>", Outcome.ERROR),
        ("<alert kind='warning' severity='tolerable'/>", Outcome.OTHER),
        ("<alert kind='abortion' severity='tolerable'><title>Missing Prerequisites</title></alert>", Outcome.SKIPPED),
        ("<alert/>", Outcome.OTHER),
    ],
)
def test_alerts_of_abap_decide(alerts, outcome):
    """An alert without a severity is no pass."""
    case = case_of(reader("abap-xml"), ALERT.format(f"<alerts>{alerts}</alerts>"))
    assert (case.classname, case.name, case.outcome) == ("P=>C", "m", outcome)


def test_teststand_and_atml_name_the_same_tests():
    """TestStand writes both of one run."""
    keys = ("teststand-xml", "atml-xml")
    names = [{(case.classname, case.name) for case in seen(DATA / key / "pump.xml").cases} for key in keys]
    assert names[0] < names[1]


def test_a_sequence_that_is_only_done_is_no_pass():
    """`Done` says that nothing was tested."""
    report = (
        "<Reports><Report Type='UUT'><Prop Type='TEResult'><Prop Name='Status'><Value>Done</Value></Prop>"
        "<Prop Name='TS'><Prop Name='SequenceCall'><Prop Name='Sequence'><Value>Main</Value></Prop></Prop></Prop>"
        "</Prop></Report></Reports>"
    )
    assert only("teststand-xml", report) is Outcome.OTHER


def test_ordinals_of_soatest_are_no_part_of_a_name():
    """A test inserted before others makes no new Tests."""
    text = (DATA / "parasoft-xml" / "soatest.xml").read_text(encoding="utf-8")
    shifted = re.sub(r'name="Test (\d)', lambda found: f'name="Test {int(found[1]) + 1}', text).replace("#1#", "#4#")

    assert text != shifted
    for each in (text, shifted):
        assert [(case.classname, case.name, case.message) for case in cases_of(reader("parasoft-xml"), each)] == [
            ("shop/cart.tst > Cart", "adds", None),
            ("shop/cart.tst > Cart", "pays", "Expected 5 but was 6"),
        ]


def test_a_report_of_static_analysis_is_none_of_tests():
    """Parasoft's reports have one root for both."""
    assert slug_of(reader("parasoft-xml"), "<ResultsSession><CodingStandards/></ResultsSession>") == NOT_A_REPORT


def test_failures_of_one_cunit_test_are_one_result():
    """CUnit writes a record for each failed assertion."""
    (failed,) = (case for case in seen(DATA / "cunit-xml" / "CUnitAutomated-Results.xml").cases if case.name == "pays")
    assert failed.trace == "cart.c:21: total == 5\ncart.c:22: open == 0"


CSV = "timeStamp,elapsed,label,success\n1,5,a,true\n2,7,a,{}\n"


@pytest.mark.parametrize(
    ("word", "outcome"),
    [("true", Outcome.PASSED), ("false", Outcome.FAILED), ("", Outcome.OTHER), ("maybe", Outcome.OTHER)],
)
def test_a_label_of_jmeter_is_as_good_as_its_worst_sample(word, outcome):
    """All samples of a label are one result."""
    assert outcome is only("jmeter-jtl", CSV.format(word))


def test_a_cut_line_of_jmeter_loses_no_other():
    """Whole lines count, and the run broke off; a broken line between others is refused."""
    assert [problem.slug for problem in problems_of(reader("jmeter-jtl"), CSV.format("true") + "3,5")] == ["broken-run"]
    assert slug_of(reader("jmeter-jtl"), CSV.format("true") + "3,5\n4,5,a,true\n") == BROKEN


def test_a_cut_line_of_meson_loses_no_other():
    """Whole lines count, and the run broke off."""
    text = (DATA / "meson-json" / "testlog.json").read_text(encoding="utf-8").rstrip()[:-20]

    assert len(cases_of(reader("meson-json"), text)) == 6
    assert [problem.slug for problem in problems_of(reader("meson-json"), text)] == ["broken-run"]


def test_the_environment_in_a_report_of_meson_is_never_read():
    """It holds whatever the job holds, secrets among it."""
    told = {"env": {"TOKEN": "a quiet pass"}, "command": ["a quiet pass"]}
    line = {"name": "p:a", "result": "FAIL", "returncode": 1, **told}
    assert "quiet" not in repr(case_of(reader("meson-json"), json.dumps(line)))


def test_a_control_of_nist_is_no_key():
    """`AC-6` looks like the key of an issue; only tags that say so name a Test."""
    control = {"id": "c", "tags": {"nist": ["AC-6"], "AC-6": None, "jira": "SHOP-1"}, "results": [{"status": "passed"}]}
    case = case_of(reader("inspec-json"), json.dumps({"profiles": [{"name": "p", "controls": [control]}]}))
    assert [(mark.kind.value, mark.value) for mark in case.marks] == [("tag", "AC-6"), ("test key", "SHOP-1")]


def test_a_module_of_cts_that_is_not_done_broke_off():
    """Its tests may be missing."""
    report = (
        '<Result><Module name="m" abi="x" done="false"><TestCase name="c"><Test result="pass" name="a"/></TestCase>'
        "</Module></Result>"
    )
    assert [problem.slug for problem in problems_of(reader("android-cts-xml"), report)] == ["broken-run"]


def test_a_test_of_testcafe_without_a_list_of_errors_is_no_pass():
    """The empty list is what says that it passed."""
    assert only("testcafe-json", '{"fixtures": [{"name": "f", "tests": [{"name": "a"}]}]}') is Outcome.OTHER


def test_a_run_of_uft_that_is_only_done_is_no_pass():
    """A warning passed, as UFT means it."""
    document = (
        "<Results><ReportNode type='testrun'><Data><Name>a</Name><Result>{}</Result></Data></ReportNode></Results>"
    )
    assert [only("uft-xml", document.format(word)) for word in ("Passed", "Warning", "Done", "Failed")] == [
        Outcome.PASSED,
        Outcome.PASSED,
        Outcome.OTHER,
        Outcome.FAILED,
    ]
