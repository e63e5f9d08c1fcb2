"""GoogleTest's, Criterion's and Rust's own JSON: what their tests become."""

import json
from datetime import UTC, datetime

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of, values

from xray_ci.model import MarkKind, Outcome, Severity
from xray_ci.reports import criterion, gtest_json, rust
from xray_ci.xray.mapping import native_identity


def gtest(**test):
    return json.dumps(
        {
            "tests": 1,
            "testsuites": [
                {
                    "name": "Cart",
                    "testsuite": [
                        {
                            "name": "Adds",
                            "status": "RUN",
                            "result": "COMPLETED",
                            "timestamp": "2026-11-21T20:43:59Z",
                            "time": "0.25s",
                            "classname": "Cart",
                            **test,
                        }
                    ],
                }
            ],
        }
    )


def lines(*rows):
    return "\n".join(json.dumps(row) for row in rows) + "\n"


BEGIN = {"type": "suite", "event": "started", "test_count": 1}
END = {"type": "suite", "event": "ok"}


def event_of_test(event, name="cart::inner::adds", **rest):
    return {"type": "test", "event": event, "name": name, **rest}


event_of_test.__test__ = False


@pytest.mark.parametrize(
    ("test", "outcome"),
    [
        ({}, Outcome.PASSED),
        ({"status": "NOTRUN", "result": "SUPPRESSED"}, Outcome.SKIPPED),
        ({"result": "SKIPPED"}, Outcome.SKIPPED),
        ({"failures": [{"failure": "g.cc:4\nno", "type": ""}]}, Outcome.FAILED),
        ({"result": "SKIPPED", "failures": [{"failure": "g.cc:4\nno"}]}, Outcome.FAILED),
    ],
)
def test_googletest_failures_win_over_skips(test, outcome):
    """A disabled test was not run; one that skips itself was."""
    assert outcome is case_of(gtest_json.read, gtest(**test)).outcome


def test_googletest_times_are_texts():
    """With a unit."""
    case = case_of(gtest_json.read, gtest())

    assert ("Cart.Adds", 0.25, datetime(2026, 11, 21, 20, 43, 59, tzinfo=UTC)) == (
        native_identity(case),
        case.seconds,
        case.started,
    )


def test_googletest_tells_where_and_why():
    """The first line of a failure is its place; several are one failure."""
    case = case_of(gtest_json.read, gtest(failures=[{"failure": "g.cc:4\none"}, {"failure": "g.cc:5\ntwo"}]))

    assert (case.message, case.trace) == ("one", "g.cc:4\none\n\ng.cc:5\ntwo")


def test_googletest_recorded_properties_are_marks():
    """They stand among the members of the test."""
    case = case_of(gtest_json.read, gtest(test_key="SHOP-1", requirements="SHOP-2", qty="3"))

    assert (values(case.marks, MarkKind.TEST_KEY), values(case.marks, MarkKind.REQUIREMENT)) == (["SHOP-1"], ["SHOP-2"])
    assert len(case.marks) == 2


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        ("PASSED", Outcome.PASSED),
        ("FAILED", Outcome.FAILED),
        ("ERRORED", Outcome.ERROR),
        ("SKIPPED", Outcome.SKIPPED),
        ("NEW", Outcome.OTHER),
    ],
)
def test_criterion_statuses(status, outcome):
    """A crash is an error."""
    case = case_of(
        criterion.read,
        json.dumps(
            {"test_suites": [{"name": "cart", "tests": [{"name": "ok", "status": status, "messages": ["a", "b"]}]}]}
        ),
    )

    assert (outcome, "cart.ok") == (case.outcome, native_identity(case))
    assert (None if status == "PASSED" else "a") == case.message


@pytest.mark.parametrize(
    ("read", "text", "slug"),
    [
        (gtest_json.read, gtest()[:-9], "truncated-report"),
        (gtest_json.read, gtest(name=None), "unreadable-report"),
        (gtest_json.read, "[]", "unreadable-report"),
        (gtest_json.read, '{"testsuites": [1]}', "unreadable-report"),
        (criterion.read, '{"test_suites": [{"tests": [{"name": "a"}]}]}', "unreadable-report"),
        (criterion.read, '{"test_suites": [', "truncated-report"),
        (criterion.read, "3", "unreadable-report"),
    ],
)
def test_half_a_document_or_another_is_refused(read, text, slug):
    """A test needs its name, and its status where the format has one."""
    assert slug == slug_of(read, text)


@pytest.mark.parametrize(
    ("event", "outcome"),
    [
        ("ok", Outcome.PASSED),
        ("failed", Outcome.FAILED),
        ("ignored", Outcome.SKIPPED),
        ("allowed_failure", Outcome.OTHER),
    ],
)
def test_rust_events(event, outcome):
    """The modules are the class name; that a test takes long is no result."""
    case = case_of(
        rust.read,
        lines(BEGIN, event_of_test("started"), event_of_test("timeout"), event_of_test(event, exec_time=0.25), END),
    )

    assert (outcome, 0.25, "cart::inner.adds") == (case.outcome, case.seconds, native_identity(case))


@pytest.mark.parametrize(
    "said",
    [
        "out\n\nthread 'a' (7) panicked at src/lib.rs:1:84:\nleft is\nnot right\nstack backtrace:\n   0: x\n",
        "out\n\nthread 'a' panicked at src/lib.rs:1:84:\nleft is\nnot right\nnote: run with `RUST_BACKTRACE=1`",
    ],
)
def test_rust_panics_have_a_message(said):
    """It ends where the backtrace or the note begins; what the test printed before is its output."""
    case = case_of(rust.read, lines(BEGIN, event_of_test("failed", stdout=said), END))

    assert (case.kind, case.message, case.output) == ("panic", "left is\nnot right", "out")
    assert case.trace.startswith("thread 'a'")


def test_rust_panics_of_old_versions_have_a_message():
    """It stood in quotes before the place."""
    assert (
        case_of(
            rust.read, lines(BEGIN, event_of_test("failed", stdout="thread 'a' panicked at 'no', src/lib.rs:1:2"), END)
        ).message
        == "no"
    )


def test_rust_process_that_was_gone_fails_its_open_tests():
    """The next suite began though this one has no end."""
    text = lines(BEGIN, event_of_test("started"), BEGIN, event_of_test("started", "b"), event_of_test("ok", "b"), END)

    assert [(case.name, case.outcome) for case in cases_of(rust.read, text)] == [
        ("adds", Outcome.ERROR),
        ("b", Outcome.PASSED),
    ]
    assert [(problem.slug, problem.severity) for problem in problems_of(rust.read, text)] == [
        ("broken-run", Severity.RESULT)
    ]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (lines(BEGIN, {"type": "test", "event": "ok"}, END), "unreadable-report"),
        (lines({"type": "x"}), "not-a-test-report"),
    ],
)
def test_broken_rust_lines_are_refused(text, slug):
    """A test without a name is none, and other events are no report."""
    assert slug == slug_of(rust.read, text)
