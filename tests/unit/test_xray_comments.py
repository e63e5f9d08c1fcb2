"""Comments and other text on its way out: clean, short, and harmless."""

from __future__ import annotations

import pytest

from xray_ci.model import Attempt, Case, Iteration, Outcome, Step
from xray_ci.xray.escaping import clean, comment, cut, one_line, verbatim, with_repeats


def said(*, wiki: bool = False, **given: object) -> str | None:
    case = Case(name="x", outcome=Outcome.FAILED, **given)  # type: ignore[arg-type]
    return comment(case, (), failure=True, steps=False, wiki=wiki, limit=32_000)


def test_message_kind_and_trace_are_told_once():
    """What the trace says already is not repeated before it."""
    assert said(kind="ValueError", message="bad", trace="at line 3") == "ValueError: bad\n\nat line 3"
    assert said(kind="ValueError", message="bad", trace="ValueError: bad\n at line 3") == "ValueError: bad\n at line 3"
    assert said() is None


@pytest.mark.parametrize(
    ("message", "trace", "shown"),
    [
        (
            "AssertionError: price\nassert 9 == 10",
            "    def test():\n>   assert x\nE       AssertionError: price\nE       assert 9 == 10\n",
            "    def test():\n>   assert x\nE       AssertionError: price\nE       assert 9 == 10",
        ),
        (
            "AssertionError: equal:\n\n9 !== 10\n",
            "AssertionError [ERR_ASSERTION]: equal:\n\n9 !== 10\n\n    at x.js:1",
            "AssertionError [ERR_ASSERTION]: equal:\n\n9 !== 10\n\n    at x.js:1",
        ),
        (
            "Error: no\n\n> 14 | go()\n    at x.ts:14",
            "Error: no\n    at x.ts:14",
            "Error: no\n\n> 14 | go()\n    at x.ts:14",
        ),
        ("Error: no\nExpected: 1", "Error: no\n    at x.ts:14", "Error: no\nExpected: 1\n\n    at x.ts:14"),
        ("1 is not 2", "x.c:3: 1 is not 2\n  in main", "x.c:3: 1 is not 2\n  in main"),
        ("9 lives", "there are\n   9 cats", "9 lives\n\nthere are\n   9 cats"),
    ],
    ids=["pytest", "mocha", "playwright", "ctrf", "place", "different"],
)
def test_lines_that_both_say_are_told_once(message: str, trace: str, shown: str):
    """Message and trace are compared by lines, without what a tool puts before them; what only one says stays."""
    assert shown == said(message=message, trace=trace)


def test_the_row_before_a_message_does_not_make_it_another():
    """Qt puts the name of the data row before the message and the place before the trace.

    The list of iterations has the row.
    """
    rows = tuple(
        Iteration(outcome=outcome, name=name) for outcome, name in ((Outcome.PASSED, "one"), (Outcome.FAILED, "two"))
    )

    assert (
        said(message="two: Differs\n  a: 1", trace="x.c:3: Differs\n  a: 1", iterations=rows)
        == "x.c:3: Differs\n  a: 1"
    )


def test_a_class_before_the_first_line_is_not_told_twice():
    """A trace that begins with class and message goes on where they end."""
    assert said(kind="E", message="a\nb", trace="E: a\n  at c") == "E: a\nb\n\n  at c"


def test_the_first_line_of_a_trace_keeps_its_indentation():
    """Only blank lines around a text go: source that is shown indented stays so."""
    assert said(trace="\n  \n    def f():\n>       1/0\n   \n") == "    def f():\n>       1/0"


def test_earlier_attempts_follow():
    """A flaky test shows what went wrong before."""
    attempts = (Attempt(outcome=Outcome.FAILED, message="first"), Attempt(outcome=Outcome.ERROR))

    assert said(message="third", attempts=attempts) == "third\n\nattempt 1: failed: first\n\nattempt 2: with errors"


def test_many_steps_are_cut():
    """A comment lists fifty steps and says how many more there are."""
    case = Case(name="x", outcome=Outcome.FAILED, steps=tuple(Step(action=f"s{n}") for n in range(53)))

    text = comment(case, (), failure=True, steps=True, wiki=False, limit=32_000)

    assert text is not None
    assert text.endswith("step 50: no result: s49\n… and 3 steps more")


def steps_said(*steps: Step, wiki: bool = False) -> str:
    case = Case(name="x", outcome=Outcome.FAILED, steps=steps)
    return comment(case, (), failure=True, steps=True, wiki=wiki, limit=32_000) or ""


@pytest.mark.parametrize(
    ("own", "shown"),
    [
        ("no such card\n  at line 3", "no such card"),
        ("\n\n  \x1b[31mred\x1b[0m\n", "red"),
        ("y" * 500, "y" * 199 + "…"),
        ("Traceback (most recent call last):\n  File\nValueError: bad\n", "ValueError: bad"),
    ],
)
def test_a_failed_step_says_why(own: str, shown: str):
    """Below a step that failed stands the line of its own comment that says what happened, cut."""
    text = steps_said(
        Step(action="open", outcome=Outcome.PASSED, comment="fine"),
        Step(action="pay", outcome=Outcome.FAILED, comment=own),
    )

    assert f"step 1: passed: open\nstep 2: failed: pay\n    {shown}" == text


def test_a_step_without_text_is_its_comment_alone():
    """What stands in the line of the step already is not told again; neither is a comment of blanks."""
    assert steps_said(Step(outcome=Outcome.FAILED, comment="why")) == "step 1: failed: why"
    assert steps_said(Step(action="pay", outcome=Outcome.ERROR, comment=" \n\x00")) == "step 1: with errors: pay"


def test_what_steps_say_is_bounded():
    """Fifty steps with long reasons leave room in a comment for what else it holds."""
    step = Step(action="a" * 9_000, outcome=Outcome.FAILED, comment="c" * 9_000)

    assert len(steps_said(*[step] * 60)) < 25_000


def test_what_a_step_says_formats_nothing():
    """On Server the reason is inside of the block too, and its markup is broken."""
    text = steps_said(Step(action="pay", outcome=Outcome.FAILED, comment="{noformat}h1. [~admin]"), wiki=True)

    assert text == "{noformat}\nstep 1: failed: pay\n    { noformat}h1. [ ~admin]\n{noformat}"


def test_wiki_text_is_one_block_nothing_breaks_out_of():
    """On Server a failure is shown as it is: no markup, no end of the block, no mention."""
    text = said(wiki=True, message="h1. {noformat}[~admin] {NOFORMAT:x=1} {code}")

    assert text == "{noformat}\nh1. { noformat}[ ~admin] { NOFORMAT:x=1} {code}\n{noformat}"


def rows_said(*rows: Iteration) -> str | None:
    case = Case(name="x", outcome=Outcome.FAILED, iterations=rows)
    return comment(case, (), failure=True, steps=True, wiki=False, limit=32_000)


def test_a_single_data_row_is_told_by_what_it_ran_with():
    """One row has no number; its parameters come before its name, and a row that says nothing has no line."""

    def row(**given: object) -> Iteration:
        return Iteration(outcome=Outcome.FAILED, **given)  # type: ignore[arg-type]

    assert rows_said(row(name="row", parameters=(("a", "1"), ("b", "")))) == "ran with a=1, b="
    assert rows_said(row(name="row")) == "ran as row"
    assert (rows_said(row()), rows_said(row(name="x"))) == (None, None)
    assert (
        rows_said(row(name="row"), row(parameters=(("a", "1"),)))
        == "iteration 1: failed as row\niteration 2: failed with a=1"
    )


def test_a_block_is_not_wrapped_twice():
    """Text of tools that wrap it themselves stays one block."""
    assert verbatim("{noformat:borderWidth=0px}trace{noformat}", 100) == "{noformat}\ntrace\n{noformat}"


def test_long_comments_are_cut_inside_their_block():
    """The end of the block is there whatever the length, and room is left for one line more."""
    text = said(wiki=True, message="x" * 50_000)

    assert text is not None
    assert len(text) == 31_800
    assert text.endswith("[cut by xray-ci]\n{noformat}")


@pytest.mark.parametrize(
    ("raw", "cleaned"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("a\x00b\x08c", "abc"),
        ("a\r\nb\rc", "a\nb\nc"),
        ("\ud800é", "\ufffdé"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("\x9b1mx", "x"),
        ("\ufffe\uffff", ""),
        ("日本語 ✓", "日本語 ✓"),
        ("é\x7f", "é"),
    ],
)
def test_text_is_cleaned(raw: str, cleaned: str):
    """Colours, controls and broken surrogates do not leave."""
    assert cleaned == clean(raw)


def test_cut_says_that_it_cut():
    """A shortened text ends with a mark, and is never longer than asked."""
    assert cut("short", 5) == "short"
    assert len(cut("x" * 100, 40)) == 40
    assert cut("x" * 100, 40).endswith("[cut by xray-ci]")
    assert cut("x" * 100, 3) == "xxx"


def test_one_line_of_blanks_is_kept_short():
    """Line ends and runs of blanks around controls become one blank."""
    assert one_line("a\n\n b", 10) == "a b"
    assert one_line("abcdefgh\n", 5) == "abcd…"


def test_the_line_about_repeats():
    """Counts by outcome and which one is shown, after what is there already."""
    line = "3 results of this Test: 2 passed, 1 failed. Shown: the worst."

    assert line == with_repeats(None, {Outcome.PASSED: 2, Outcome.FAILED: 1}, "the worst")
    assert f"old\n{line}" == with_repeats("old", {Outcome.PASSED: 2, Outcome.FAILED: 1}, "the worst")
