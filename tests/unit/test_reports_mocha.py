"""Mocha's three JSON reporters: what lists, lines and suites become."""

import json

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of, values

from xray_ci.model import Attachment, MarkKind, Outcome
from xray_ci.reports import mocha, mochawesome
from xray_ci.xray.mapping import native_identity

TEST = {
    "title": "adds",
    "fullTitle": "Cart inner adds",
    "file": "/app/cart.spec.js",
    "duration": 250,
    "currentRetry": 0,
    "err": {},
}
ERROR = {"name": "AssertionError", "message": "1 is not 2", "stack": "AssertionError: 1 is not 2\n    at x.js:1"}
HOOK = {
    **TEST,
    "title": '"before all" hook: connect for "adds"',
    "fullTitle": 'Cart "before all" hook: connect for "adds"',
    "err": {"message": "refused"},
}


def lists(passes=(), pending=(), failures=(), **more):
    rows = {"passes": list(passes), "pending": list(pending), "failures": list(failures)}
    return json.dumps(
        {"stats": {"tests": 99}, "tests": [test for tests in rows.values() for test in tests], **rows, **more}
    )


def stream(*rows):
    return "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows) + "\n"


def suites(*tests, **suite):
    return json.dumps(
        {
            "stats": {},
            "results": [
                {
                    "title": "",
                    "file": "/cart.spec.js",
                    "tests": [],
                    "suites": [{"title": "Cart", "tests": list(tests), "suites": [], **suite}],
                }
            ],
        }
    )


def test_the_lists_say_the_outcome_and_tests_are_not_counted_twice():
    """`tests` holds the same tests once more."""
    cases = cases_of(mocha.read, lists([TEST], [TEST], [{**TEST, "err": ERROR}]))

    assert [case.outcome for case in cases] == [Outcome.PASSED, Outcome.SKIPPED, Outcome.FAILED]


@pytest.mark.parametrize(
    "case",
    [
        case_of(mocha.read, lists([TEST])),
        case_of(mocha.read_stream, stream(["pass", TEST], ["end", {}])),
        case_of(mochawesome.read, suites({**TEST, "state": "passed", "pass": True})),
    ],
)
def test_identity_is_the_same_for_all_three(case):
    """The titles around a test and its own; changing the reporter keeps the Tests."""
    assert native_identity(case) == "Cart inner.adds"
    assert case.seconds == 0.25


def test_a_test_without_suite_is_named_by_its_file():
    """Titles at the root are not unique over files."""
    assert native_identity(case_of(mocha.read, lists([{**TEST, "fullTitle": "adds"}]))) == "cart.spec.js.adds"


def test_a_failure_has_kind_message_and_trace():
    """As the error says them."""
    case = case_of(mocha.read, lists(failures=[{**TEST, "err": ERROR}]))

    assert (ERROR["name"], ERROR["message"], ERROR["stack"]) == (case.kind, case.message, case.trace)


def test_failing_hooks_are_told_and_no_tests():
    """They stand among the failures, but nothing of theirs was tested."""
    text = lists([TEST], failures=[HOOK])

    assert len(cases_of(mocha.read, text)) == 1
    assert [problem.slug for problem in problems_of(mocha.read, text)] == ["outside-case"]
    assert "refused" in problems_of(mocha.read, text)[0].cause


def test_a_retried_test_has_attempts():
    """Mocha only says how many there were."""
    assert len(case_of(mocha.read, lists([{**TEST, "currentRetry": 2}])).attempts) == 2


def test_what_tests_print_before_the_document_is_ignored():
    """The reporter shares their output unless it is told a file."""
    assert case_of(mocha.read, "\x1b[32mgreen\x1b[0m\n" + lists([TEST])).name == "adds"


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (lists([TEST])[:-9], "truncated-report"),
        ("[]", "unreadable-report"),
        ('{"stats": {}, "tests": []}', "unreadable-report"),
        (lists([{"fullTitle": "a"}]), "unreadable-report"),
        (lists([3]), "unreadable-report"),
    ],
)
def test_half_a_document_or_another_is_refused(text, slug):
    """All three lists must be there, and each test's title."""
    assert slug == slug_of(mocha.read, text)


def test_a_stream_counts_what_has_a_line():
    """Pending tests have none, and are told; lines that tests print are ignored."""
    text = stream(
        ["start", {"total": 3}],
        ["pass", TEST],
        "printed",
        ["fail", {**TEST, "err": "1 is not 2", "stack": "Error: 1 is not 2"}],
        ["end", {"pending": 3}],
    )

    assert [(case.outcome, case.message) for case in cases_of(mocha.read_stream, text)] == [
        (Outcome.PASSED, None),
        (Outcome.FAILED, "1 is not 2"),
    ]
    assert [problem.slug for problem in problems_of(mocha.read_stream, text)] == ["ignored-lines", "perhaps-incomplete"]


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        (stream('["pass",{', ["end", {}]), "unreadable-report"),
        (stream(["pass", 1], ["end", {}]), "unreadable-report"),
        ("hello\n", "not-a-test-report"),
    ],
)
def test_a_broken_stream_is_refused(text, slug):
    """A line that is broken before the last one, or of another shape."""
    assert slug == slug_of(mocha.read_stream, text)


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ({"state": "passed", "pass": True}, Outcome.PASSED),
        ({"state": "failed", "fail": True}, Outcome.FAILED),
        ({"state": "pending", "pending": True}, Outcome.SKIPPED),
        ({"state": None, "skipped": True}, Outcome.SKIPPED),
        ({"state": None}, Outcome.OTHER),
    ],
)
def test_pending_and_skipped_are_both_skipped(state, outcome):
    """Skipped is what a failed hook left out."""
    assert outcome is case_of(mochawesome.read, suites({**TEST, **state})).outcome


def test_hooks_of_suites_are_told_when_they_failed():
    """They are kept beside the tests."""
    text = suites({**TEST, "pass": True}, beforeHooks=[{**HOOK, "fail": True}], afterHooks=[{**HOOK, "fail": False}])

    assert len(cases_of(mochawesome.read, text)) == 1
    assert [problem.slug for problem in problems_of(mochawesome.read, text)] == ["outside-case"]


def test_context_brings_files_and_marks():
    """As text, as a list, with titles; what is neither file nor property is ignored."""
    context = json.dumps(
        [
            "shots/a.png",
            {"title": "test_key", "value": "SHOP-1"},
            {"title": "shot", "value": "data:image/png;base64,QUJD"},
            {"title": "note", "value": "some words"},
            {"title": "x", "value": 3},
        ]
    )
    case = case_of(mochawesome.read, suites({**TEST, "pass": True, "context": context}))

    assert (
        Attachment(name="a.png", path="shots/a.png"),
        Attachment(name="shot.png", media_type="image/png", base64="QUJD"),
    ) == case.attachments
    assert values(case.marks, MarkKind.TEST_KEY) == ["SHOP-1"]


@pytest.mark.parametrize("context", ["{", '"', "null", "[[[[]]]]", json.dumps({"title": [], "value": {}}), 7])
def test_odd_context_is_ignored(context):
    """It is whatever an author put there."""
    assert case_of(mochawesome.read, suites({**TEST, "pass": True, "context": context})).attachments == ()


def test_a_suite_that_was_never_run_is_no_error():
    """The reporter writes `false` for it."""
    assert [problem.slug for problem in problems_of(mochawesome.read, '{"stats": {}, "results": [false]}')] == [
        "no-cases"
    ]


def test_suites_without_bottom_are_refused():
    """No test tool nests so deep."""
    assert slug_of(mochawesome.read, '{"results": [' + '{"suites": [' * 300 + "]}" * 300 + "]}") == "unsafe-report"
