"""All of a Test Run's comment: output, reasons, and what the author of the test says."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.model import Attempt, Case, Mark, MarkKind, Outcome
from xray_ci.xray.escaping import RESERVE, whole_comment

LIMIT = 32_000


def told(
    *remarks: str, outcome: Outcome = Outcome.FAILED, wiki: bool = False, limit: int = LIMIT, **given: object
) -> str | None:
    case = Case(name="x", outcome=outcome, **given)  # type: ignore[arg-type]
    marks = tuple(Mark(kind=MarkKind.COMMENT, value=remark) for remark in remarks)
    return whole_comment(
        case, marks, failure=outcome in {Outcome.FAILED, Outcome.ERROR}, steps=True, wiki=wiki, limit=limit
    )


def test_the_end_of_the_output_follows_the_failure():
    """What a failed test printed stands last, under a line of its own."""
    assert told(message="why", output="one\ntwo\n") == "why\n\noutput:\none\ntwo"
    assert told(output="\n  one") == "output:\n  one"
    assert (
        told(message="why", output="{noformat}[~bob]", wiki=True)
        == "{noformat}\nwhy\n\noutput:\n{ noformat}[ ~bob]\n{noformat}"
    )


def test_output_that_is_told_already_is_not_repeated():
    """A tool that prints its message shows it once; an output of blanks is none."""
    assert told(message="why\nbecause", output="  because\nwhy") == "why\nbecause"
    assert told(message="why", output=" \n") == "why"


def test_of_a_long_output_the_end_is_shown():
    """Two thousand characters, with a mark where something is missing."""
    text = told(message="why", output="a" * 4_000 + "end")

    assert text is not None
    assert text.startswith("why\n\noutput:\n… [cut by xray-ci]\naaa")
    assert text.endswith("aend")
    assert len(text) - len("why\n\noutput:\n") == 2_000


@pytest.mark.parametrize("wiki", [True, False])
def test_a_long_trace_leaves_room_for_the_output(wiki: bool):
    """The trace is cut, not the output after it, and the whole keeps within the limit."""
    text = told(trace="t" * 40_000, output="last words", wiki=wiki)

    assert text is not None
    assert len(text) == LIMIT - RESERVE
    assert text.removesuffix("\n{noformat}").endswith("ttt\n… [cut by xray-ci]\n\noutput:\nlast words")


@pytest.mark.parametrize("outcome", [Outcome.SKIPPED, Outcome.OTHER])
def test_a_result_that_did_not_run_has_its_reason_in_one_line(outcome: Outcome):
    """The first line of the message, else of the text; no trace, no output, and nothing where nobody said why."""
    assert (
        told(outcome=outcome, message="\n waits for SHOP-7 \nmore", trace="at x", output="printed")
        == "waits for SHOP-7"
    )
    assert told(outcome=outcome, trace="not yet\nat x") == "not yet"
    assert None is told(outcome=outcome, output="printed")


def test_a_pass_after_failures_says_so():
    """One line tells how often a flaky test was tried, and why it failed first."""
    tries = (
        Attempt(outcome=Outcome.SKIPPED, message="no"),
        Attempt(outcome=Outcome.FAILED),
        Attempt(outcome=Outcome.ERROR, trace="Traceback (most recent call last):\n  x\nOSError: gone"),
    )

    assert told(outcome=Outcome.PASSED, attempts=tries) == "passed at attempt 4 of 4; earlier: OSError: gone"
    assert told(outcome=Outcome.PASSED, attempts=tries[:2]) == "passed at attempt 3 of 3"
    assert (told(outcome=Outcome.PASSED, attempts=tries[:1]), told(outcome=Outcome.PASSED)) == (None, None)


def test_an_author_is_read_as_written():
    """On Server an author's comment stands before the block as wiki text; on Cloud both are plain text."""
    assert (
        told("paid with the *test* card", message="why", wiki=True)
        == "paid with the *test* card\n\n{noformat}\nwhy\n{noformat}"
    )
    assert told("one\n", "\n two ", outcome=Outcome.PASSED, wiki=True) == "one\n\ntwo"
    assert told("one", message="why") == "one\n\nwhy"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("ask [~admin]", "ask [ ~admin]"),
        ('{panel:x}{PANEL} {1} {"a": 1}', '{ panel:x}{ PANEL} {1} {"a": 1}'),
        (
            "!https://a.example/x.png! !//a.example! !shot.png! no!",
            "! https://a.example/x.png! ! //a.example! !shot.png! no!",
        ),
    ],
)
def test_an_author_notifies_nobody_and_opens_nothing(said: str, shown: str):
    """No mention, no macro that would swallow the block after it, no picture from elsewhere."""
    assert shown == told(said, outcome=Outcome.PASSED, wiki=True)


@pytest.mark.parametrize(
    "laid_out", ["Error: x\n    at y.js:1", "{noformat:borderWidth=0px}\nraw\n{noformat}", "{code}a[~b]{code}"]
)
def test_what_is_laid_out_already_stays_in_the_block(laid_out: str):
    """Tools that write Xray JSON put a trace into the comment: it is shown as it is, with other remarks in front."""
    text = told("fine", laid_out, outcome=Outcome.PASSED, wiki=True)

    assert text is not None
    assert text.startswith("fine\n\n{noformat}\n")
    assert text.endswith("\n{noformat}")
    assert text.count("{noformat") == 2
    assert "[~" not in text


NASTY = st.sampled_from(
    [
        "{noformat}",
        "{NoFormat:x}",
        "[~bob]",
        "[~",
        "{",
        "\x1b[31m",
        "\ud800",
        "\x00",
        "\n",
        "\r\n",
        "{no\x00format}",
        "[\x00~x]",
        "a" * 300,
    ]
)
TEXT = st.lists(st.one_of(NASTY, st.text(max_size=9)), max_size=6).map("".join)


@given(st.lists(TEXT, max_size=3), st.sampled_from(Outcome), TEXT, TEXT, TEXT, st.integers(300, 2_000), st.booleans())
def test_whatever_is_said_stays_harmless_and_short(
    remarks: list[str], outcome: Outcome, message: str, trace: str, output: str, limit: int, wiki: bool
):
    """Whoever says what.

    No mention, never too long, and on Server at most one block, at the end, which nothing ends or opens before.
    """
    text = told(*remarks, outcome=outcome, message=message, trace=trace, output=output, limit=limit, wiki=wiki)

    if text is None:
        return
    assert limit - RESERVE >= len(text)
    assert "[~" not in text
    if wiki:
        before, fence, inside = text.partition("{noformat}\n")
        assert "{noformat" not in before.lower()
        assert not fence or "{noformat" not in inside.removesuffix("\n{noformat}").lower()
        assert not fence or inside.endswith("\n{noformat}")
