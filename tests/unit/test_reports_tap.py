"""TAP 12 to 14: what points, directives, subtests, diagnoses and plans become."""

import time

import pytest
from format_reading import case_of, cases_of, problems_of, slug_of, values

from xray_ci.model import MarkKind, Outcome, Severity
from xray_ci.reports.tap import read
from xray_ci.xray.mapping import native_identity


def tap(text, plan=1):
    return f"1..{plan}\n{text}\n"


@pytest.mark.parametrize(
    ("line", "name", "outcome"),
    [
        ("ok 1 - adds", "adds", Outcome.PASSED),
        ("ok", "test 1", Outcome.PASSED),
        ("not ok", "test 1", Outcome.FAILED),
        ("ok 7", "test 7", Outcome.PASSED),
        ("ok - adds", "adds", Outcome.PASSED),
        ("not ok 2 adds", "adds", Outcome.FAILED),
        ("ok 1 -5 is negative", "-5 is negative", Outcome.PASSED),
        ("ok 1 - a # SKIP no net", "a", Outcome.SKIPPED),
        ("ok 1 - a # skip", "a", Outcome.SKIPPED),
        ("ok 5 # Skipped: no net", "test 5", Outcome.SKIPPED),
        ("not ok 1 - a # SKIP", "a", Outcome.SKIPPED),
        ("not ok 1 - a # TODO later", "a", Outcome.OTHER),
        ("ok 1 - a # todo", "a", Outcome.OTHER),
        (r"ok 1 - a \# TODO is text", "a # TODO is text", Outcome.PASSED),
        ("ok 1 - a#TODO is text", "a#TODO is text", Outcome.PASSED),
        ("ok 1 - a # not a directive", "a # not a directive", Outcome.PASSED),
        ("ok 1 - a # time=4.30ms", "a", Outcome.PASSED),
    ],
)
def test_a_point_has_a_name_and_an_outcome(line, name, outcome):
    """A directive begins with a blank and an unescaped sign.

    To do is neither passed nor failed, whatever the point says.
    """
    case = case_of(read, tap(line))

    assert (name, outcome) == (case.name, case.outcome)
    assert name == native_identity(case)


@pytest.mark.parametrize("line", ["okay", "nothing ok here", "not okay", "okey dokey", "OK 2", "1.. ok"])
def test_what_only_looks_like_a_point_is_none(line):
    """Tests print into the same stream."""
    assert len(cases_of(read, tap(f"ok 1\n{line}"))) == 1


def test_a_broken_file_is_named_without_its_machine():
    """Node names a file that it could not load by its whole path."""
    assert case_of(read, tap("not ok 1 - /home/me/app/crash.test.js")).name == "crash.test.js"


def test_reasons_and_durations_are_kept():
    """Of directives, of `time=` and of `duration_ms`."""
    skipped, timed, blocked = cases_of(
        read, tap("ok 1 - a # SKIP no net\nok 2 - b # time=250ms\nok 3 - c\n  ---\n  duration_ms: 500.0\n  ...", 3)
    )

    assert (skipped.message, timed.seconds, blocked.seconds) == ("no net", 0.25, 0.5)


@pytest.mark.parametrize(
    ("block", "kind", "message", "trace"),
    [
        ("message: 'it''s wrong'", None, "it's wrong", "message: 'it''s wrong'"),
        ('message: "a\\nb"\nseverity: fail', None, "a\nb", 'message: "a\\nb"\nseverity: fail'),
        (
            "error: |-\n  one\n    two\nname: TypeError\nstack: |-\n  at a\n  at b\nlocation: x.js:3",
            "TypeError",
            "one\n  two",
            "at a\nat b\nat x.js:3",
        ),
        ('error:\n    name: "Error"\n    message: "no"', "Error", "no", 'error:\n    name: "Error"\n    message: "no"'),
        ('{"message":"no","at":{"line":1}}', None, "no", '{"message":"no","at":{"line":1}}'),
    ],
)
def test_the_block_of_yaml_says_why(block, kind, message, trace):
    """In the dialects that producers write: scalars, texts, nested errors, JSON."""
    text = "\n".join(f"  {line}" for line in ["---", *block.splitlines(), "..."])
    case = case_of(read, tap(f"not ok 1 - a\n{text}"))

    assert (kind, message, trace) == (case.kind, case.message, case.trace)


def test_points_inside_a_block_are_text():
    """Even at the margin, where a producer did not indent a line break."""
    case = case_of(read, tap('not ok 1 - a\n  ---\n  message: "not ok 99"\n  actual: "x\nok 2 - fake\n1..7"\n  ...'))

    assert case.message == "not ok 99"


def test_comments_after_a_point_say_why_it_failed():
    """So do lines that stand deeper; a summary at the end does not."""
    perl, mocha = cases_of(
        read,
        tap(
            "not ok 1 - a\n#   Failed test 'a'\n#   at a.t line 4.\nnot ok 2 b\n  Error: no\n      at x.js\n# tests "
            "2\n# fail 2",
            2,
        ),
    )

    assert (perl.message, perl.trace) == ("Failed test 'a'", "Failed test 'a'\nat a.t line 4.")
    assert (mocha.message, mocha.trace) == ("Error: no", "Error: no\n    at x.js")


def test_what_pytest_asserted_is_the_message():
    """Its comments begin with the source of the test."""
    assert (
        case_of(read, tap("not ok 1 a\n# def test_a():\n# >   assert 1 == 2\n# E   assert 1 == 2")).message
        == "assert 1 == 2"
    )


def test_a_title_after_a_block_belongs_to_the_next_test():
    """The tool tape writes the names of tests as comments."""
    first, second = cases_of(read, tap("not ok 1 a\n  ---\n  operator: equal\n  ...\n# the second\nnot ok 2 b", 2))

    assert "the second" not in (first.trace or "")
    assert second.message is None


def test_points_of_subtests_are_steps_and_no_cases():
    """They come before the point that sums them up; deeper ones carry the names on the way."""
    case = case_of(
        read,
        tap(
            "# Subtest: a\n    # Subtest: inner\n        ok 1 - x\n        not ok 2 - y\n          ---\n          "
            "error: 'no'\n"
            "          ...\n        1..2\n    not ok 1 - inner\n    ok 2 - z # SKIP\n    1..2\nnot ok 1 - a"
        ),
    )

    assert [(step.action, step.outcome, step.comment) for step in case.steps] == [
        ("inner > x", Outcome.PASSED, None),
        ("inner > y", Outcome.FAILED, "no"),
        ("z", Outcome.SKIPPED, None),
    ]


def test_points_of_subtests_may_follow_in_braces():
    """Vitest writes the parent first."""
    first, second = cases_of(
        read,
        tap(
            "not ok 1 - a.js # time=3ms {\n    1..1\n    not ok 1 - sum {\n        1..2\n        ok 1 - x\n"
            "        not ok 2 - y\n    }\n}\nok 2 - b",
            2,
        ),
    )

    assert (first.name, first.seconds, [step.action for step in first.steps]) == ("a.js", 0.003, ["sum > x", "sum > y"])
    assert second.steps == ()


def test_a_parent_that_failed_by_itself_is_a_step():
    """None of its children failed: a hook did."""
    case = case_of(read, tap("    # Subtest: inner\n        ok 1 - x\n    not ok 1 - inner\nnot ok 1 - a"))

    assert [step.action for step in case.steps] == ["inner > x", "inner"]


def test_a_brace_in_a_name_opens_nothing():
    """The next point at the margin is a case of its own."""
    assert [case.name for case in cases_of(read, tap("ok 1 - opens {\nok 2 - b", 2))] == ["opens", "b"]


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (tap("ok 1", 3), "3 tests were planned, but 1 ran"),
        (tap("ok 1\nok 2"), "1 tests were planned, but 2 ran"),
        (tap("ok 1\nBail out!  db gone", 5), "Bail out! db gone"),
    ],
)
def test_a_run_that_broke_off_keeps_its_results_and_is_no_success(text, cause):
    """A plan that is not met is a failure, though no point failed."""
    (problem,) = problems_of(read, text)

    assert Outcome.PASSED is cases_of(read, text)[0].outcome
    assert (problem.slug, problem.severity) == ("broken-run", Severity.RESULT)
    assert cause in problem.cause


def test_nothing_counts_after_bailing_out():
    """The tool has given up; what follows is noise."""
    assert len(cases_of(read, tap("ok 1\nBail out!\nok 2", 2))) == 1


def test_the_plan_may_come_last_and_more_than_once():
    """Several outputs in one file each have their own."""
    assert not problems_of(read, "TAP version 13\nok 1\n1..1\nTAP version 13\nok 1\nok 2\n1..2\n")


def test_without_a_plan_nobody_knows_whether_it_is_complete():
    """The results are read, and a notice says so."""
    assert [problem.slug for problem in problems_of(read, "ok 1\nok 2\n")] == ["perhaps-incomplete"]


def test_a_skipped_file_says_why():
    """It plans no test."""
    (problem,) = problems_of(read, "1..0 # SKIP windows only\n")

    assert problem.slug == "no-cases"
    assert "windows only" in problem.cause


def test_a_key_in_the_diagnosis_is_a_mark():
    """In the block of YAML or a comment, named like JUnit's property."""
    block, comment = cases_of(read, tap("ok 1 - a\n  ---\n  test_key: SHOP-1\n  ...\nok 2 - b\n# test_key: SHOP-2", 2))

    assert (values(block.marks, MarkKind.TEST_KEY), values(comment.marks, MarkKind.TEST_KEY)) == (
        ["SHOP-1"],
        ["SHOP-2"],
    )


@pytest.mark.parametrize(("text", "slug"), [("hello\n", "not-a-test-report"), ("", "not-a-test-report")])
def test_other_text_is_refused(text, slug):
    """It holds no line of TAP."""
    assert slug == slug_of(read, text)


def test_more_steps_than_any_test_has_are_counted():
    """What is kept of one test is bounded."""
    text = tap("\n".join(f"    ok {number}" for number in range(1, 1_502)) + "\nok 1 - a")

    assert len(case_of(read, text).steps) == 1_000
    assert "501" in problems_of(read, text)[0].cause


@pytest.mark.parametrize("filler", [" " * 60_000, "# " * 30_000, "\n" * 60_000, "a: " * 20_000])
def test_long_lines_cost_linear_time(filler):
    """In names, diagnoses and comments; a report is read in a moment, whatever it holds."""
    begun = time.process_time()
    list(cases_of(read, tap(f"not ok 1 - a{filler}.\n  ---\n  {filler}.\n  ...\n# {filler}.")))

    assert time.process_time() - begun < 30  # a guard against hanging, not a measurement
