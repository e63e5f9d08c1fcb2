"""pytest-json-report and pytest-reportlog: phases, expected failures, reruns, and the end of the session."""

from __future__ import annotations

import io
import json

import pytest

from xray_ci.model import Case, MarkKind, Outcome, Problem
from xray_ci.reports import pytest_reports
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, Fault

NODE = "tests/test_cart.py::TestCart::test_add[a::b]"
START, END = {"$report_type": "SessionStart"}, {"$report_type": "SessionFinish", "exitstatus": 1}


def report(*tests: object, **more: object) -> list[Case | Problem]:
    return list(
        pytest_reports.read_json_report(
            io.BytesIO(json.dumps({"exitcode": 1, "summary": {"passed": 99}, **more, "tests": list(tests)}).encode())
        )
    )


def log(*documents: object) -> list[Case | Problem]:
    return list(pytest_reports.read_reportlog(io.BytesIO("\n".join(map(json.dumps, documents)).encode())))


def phase(when: str, outcome: str = "passed", node: str = NODE, **more: object) -> dict[str, object]:
    return {
        "$report_type": "TestReport",
        "nodeid": node,
        "when": when,
        "outcome": outcome,
        "duration": 0.5,
        "start": 1_795_293_539.25,
        "stop": 1_795_293_539.75,
        "longrepr": None,
        "sections": [],
        **more,
    }


def whole(setup: str, call: str | None, teardown: str, **more: object) -> list[dict[str, object]]:
    return [phase("setup", setup), *([phase("call", call, **more)] if call else []), phase("teardown", teardown)]


def cases(found: list[Case | Problem]) -> list[Case]:
    return [each for each in found if isinstance(each, Case)]


@pytest.mark.parametrize(
    ("word", "outcome"),
    [
        ("passed", Outcome.PASSED),
        ("failed", Outcome.FAILED),
        ("error", Outcome.ERROR),
        ("skipped", Outcome.SKIPPED),
        ("xfailed", Outcome.SKIPPED),
        ("xpassed", Outcome.PASSED),
    ],
)
def test_report_outcomes(word: str, outcome: Outcome):
    """An expected failure counts as skipped, an unexpected pass as passed; the summary is never trusted."""
    assert [outcome] == [case.outcome for case in cases(report({"nodeid": NODE, "outcome": word}))]


@pytest.mark.parametrize(
    ("setup", "call", "teardown", "outcome"),
    [
        ("passed", "passed", "passed", Outcome.PASSED),
        ("passed", "failed", "passed", Outcome.FAILED),
        ("failed", None, "passed", Outcome.ERROR),
        ("passed", "passed", "failed", Outcome.ERROR),
        ("passed", "failed", "failed", Outcome.ERROR),
        ("skipped", None, "passed", Outcome.SKIPPED),
    ],
)
def test_a_failure_outside_of_the_call_is_an_error(setup: str, call: str | None, teardown: str, outcome: Outcome):
    """Three phases are one case, and an error wins over a failure."""
    assert [outcome] == [case.outcome for case in cases(log(START, *whole(setup, call, teardown), END))]


@pytest.mark.parametrize(
    ("outcome", "expected", "message"),
    [("skipped", Outcome.SKIPPED, "bug SHOP-77"), ("passed", Outcome.PASSED, None), ("failed", Outcome.FAILED, None)],
)
def test_expected_failures_in_the_log(outcome: str, expected: Outcome, message: str | None):
    """`wasxfail` with a skip is an expected failure and tells its reason, with a pass an unexpected one.

    A strict one failed.
    """
    case = cases(log(START, *whole("passed", outcome, "passed", wasxfail="bug SHOP-77"), END))[0]

    assert (expected, message) == (case.outcome, case.message)


@pytest.mark.parametrize(
    "found", [report({"nodeid": NODE, "outcome": "passed"}), log(START, *whole("passed", "passed", "passed"), END)]
)
def test_the_identity_is_that_of_pytests_junit_xml(found: list[Case | Problem]):
    """Folders become dots, the ending goes, and brackets are never split."""
    case = cases(found)[0]

    assert (case.classname, case.name, case.suite) == (
        "tests.test_cart.TestCart",
        "test_add[a::b]",
        ("tests/test_cart.py", "TestCart"),
    )


def test_a_rerun_is_an_attempt_of_its_test():
    """pytest-rerunfailures leaves a phase `rerun` and begins anew: one case, not two, and not a passing one besides."""
    first = [phase("setup"), phase("call", "rerun", longrepr={"reprcrash": {"message": "AssertionError: first"}})]
    found = cases(log(START, *first, *whole("passed", "passed", "passed"), END))

    assert [case.outcome for case in found] == [Outcome.PASSED]
    assert [(one.outcome, one.message) for one in found[0].attempts] == [(Outcome.FAILED, "AssertionError: first")]
    assert found[0].seconds == 1.5


def test_tests_of_several_processes_are_kept_apart():
    """With pytest-xdist the phases of different tests are interleaved."""
    one, two = (["passed", "failed", "passed"], ["passed", "passed", "passed"])
    mixed = [
        phase(when, words[index], node=f"a.py::test_{name}")
        for index, when in enumerate(("setup", "call", "teardown"))
        for name, words in (("one", one), ("two", two))
    ]

    assert [(case.name, case.outcome) for case in cases(log(START, *mixed, END))] == [
        ("test_one", Outcome.FAILED),
        ("test_two", Outcome.PASSED),
    ]


def test_a_failing_subtest_fails_its_test():
    """Subtests report by themselves and are no cases of their own."""
    sub = {**phase("call", "failed"), "$report_type": "SubTestReport"}

    assert [case.outcome for case in cases(log(START, phase("setup"), sub, phase("call"), phase("teardown"), END))] == [
        Outcome.FAILED
    ]


def test_a_test_without_teardown_is_an_error():
    """The process that ran it is gone, and the session ended all the same."""
    found = cases(log(START, phase("setup"), END))

    assert [(case.outcome, case.message) for case in found] == [
        (Outcome.ERROR, "the test never ended: its process is gone")
    ]


def test_depth_of_the_log():
    """Message, class, trace, own output, times, and properties come along."""
    crash = {
        "reprcrash": {"message": "KeyError: 'a'"},
        "reprtraceback": {
            "reprentries": [
                {
                    "data": {
                        "lines": ["> x", "E KeyError"],
                        "reprfileloc": {"path": "a.py", "lineno": 3, "message": "KeyError"},
                    }
                }
            ]
        },
    }
    run = whole(
        "passed",
        "failed",
        "passed",
        longrepr=crash,
        sections=[["Captured stdout setup", "s"], ["Captured stdout call", "c"]],
    )
    run[-1]["user_properties"] = [["test_key", "SHOP-1"], ["other", 1]]
    run[-1]["sections"] = [["Captured stdout setup", "s"], ["Captured stdout call", "c"]]
    case = cases(log(START, *run, END))[0]

    assert (case.kind, case.message, case.trace, case.output) == (
        "KeyError",
        "KeyError: 'a'",
        "> x\nE KeyError\na.py:3: KeyError",
        "c",
    )
    assert [(mark.kind, mark.value) for mark in case.marks] == [(MarkKind.TEST_KEY, "SHOP-1")]
    assert case.started is not None
    assert (case.seconds, case.started.microsecond) == (1.5, 250_000)


def test_depth_of_the_report():
    """The same from the members of the other plugin; the reason of a skip is unwrapped."""
    call = {
        "outcome": "failed",
        "duration": 0.5,
        "crash": {"message": "KeyError: 'a'"},
        "traceback": [{"message": "KeyError"}],
        "longrepr": "t",
        "stdout": "out\n",
        "stderr": "err\n",
    }
    failed, skipped = cases(
        report(
            {
                "nodeid": NODE,
                "outcome": "failed",
                "setup": {"outcome": "passed", "duration": 0.25},
                "call": call,
                "user_properties": [{"test_key": "SHOP-1"}],
            },
            {
                "nodeid": NODE,
                "outcome": "skipped",
                "setup": {"outcome": "skipped", "longrepr": "('/x/a.py', 3, 'Skipped: no card')"},
            },
        )
    )

    assert (failed.kind, failed.message, failed.trace, failed.output, failed.seconds) == (
        "KeyError",
        "KeyError: 'a'",
        "t",
        "out\nerr",
        0.75,
    )
    assert [mark.kind for mark in failed.marks] == [MarkKind.TEST_KEY]
    assert skipped.message == "no card"


def test_what_could_not_be_collected_is_told():
    """A module that cannot be imported has no tests, but a notice; both plugins."""
    collected = {"nodeid": "a.py", "outcome": "failed", "longrepr": "x\nSyntaxError: y"}
    for found in (report(collectors=[collected]), log(START, {**collected, "$report_type": "CollectReport"}, END)):
        assert [each.slug for each in found if isinstance(each, Problem)] == ["outside-case", "no-cases"]


def test_a_session_that_broke_off_is_told():
    """Exit code 2 means that tests are missing, though the report is whole."""
    assert [
        each.slug
        for each in log(START, *whole("passed", "passed", "passed"), {**END, "exitstatus": 2})
        if isinstance(each, Problem)
    ] == ["broken-run"]
    assert [
        each.slug for each in report({"nodeid": NODE, "outcome": "passed"}, exitcode=2) if isinstance(each, Problem)
    ] == ["broken-run"]


@pytest.mark.parametrize(
    ("documents", "slug"),
    [([{"a": 1}], NOT_A_REPORT), ([START, {**phase("call"), "longrepr": {"reprcrash": 1}}, END], BROKEN)],
)
def test_a_log_that_is_not_whole_is_refused(documents: list[object], slug: str):
    """A document of another shape, or none at all, is no session that was cut off."""
    with pytest.raises(Fault) as caught:
        log(*documents)

    assert slug == caught.value.slug


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ([], "one object"),
        ({"tests": 1}, "tests"),
        ({"tests": [1]}, "tests[0]"),
        ({"tests": [{"call": 1}]}, "tests[0].call"),
    ],
)
def test_a_report_of_another_shape_is_refused_with_its_path(document: object, where: str):
    """Where results may hide behind a wrong type the report is refused."""
    with pytest.raises(Fault) as caught:
        list(pytest_reports.read_json_report(io.BytesIO(json.dumps(document).encode())))

    assert caught.value.slug == BROKEN
    assert where in caught.value.cause
