"""What the user wants nobody to see is in no text of a case."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.model import Attachment, Attempt, Case, Iteration, Mark, MarkKind, Outcome, Problem, Severity, Step
from xray_ci.xray.scrub import Scrubber, in_texts

SECRET = "hunter2"
PLACES = st.text(max_size=5).map(lambda around: f"{around}{SECRET}{around}")


def full(text: str) -> Case:
    """Return a case with a text in every place that holds one."""
    attached = Attachment(name=text, media_type=text, path="shots/a.png")
    step = Step(
        action=text, data=text, expected=text, comment=text, actual=text, defects=(text,), attachments=(attached,)
    )
    return Case(
        suite=(text,),
        name=text,
        classname=text,
        outcome=Outcome.FAILED,
        status=text,
        kind=text,
        message=text,
        trace=text,
        output=text,
        attachments=(attached,),
        marks=(Mark(kind=MarkKind.TAG, value=text, name=text),),
        steps=(step,),
        defined_steps=(step,),
        examples=(text,),
        attempts=(Attempt(outcome=Outcome.FAILED, message=text, trace=text),),
        properties=((text, text),),
        iterations=(
            Iteration(
                outcome=Outcome.FAILED, name=text, parameters=((text, text),), steps=(step,), log=text, duration=text
            ),
        ),
    )


@given(PLACES)
def test_no_text_of_a_case_keeps_what_matches(text: str):
    """Whatever stands around it, in whatever member."""
    assert SECRET.encode() not in msgspec.json.encode(
        in_texts(full(text.encode("utf-8", "replace").decode()), Scrubber([SECRET]).text)
    )


def test_a_colour_code_inside_hides_nothing():
    """What would be joined when control characters are taken out is found."""
    assert Scrubber([SECRET]).text("a hun\x1b[1mter\x002") == "a ***"
    assert Scrubber([SECRET]).text("\x9bhunter2") == "\x9b***", "the code would swallow the first letter"


def test_texts_without_a_match_stay_what_they_are():
    """Nothing is cleaned or copied for nothing; a path still leads to its file."""
    case = full("\x1b[1mplain\ud800")

    assert case == in_texts(case, Scrubber([SECRET]).text)
    assert in_texts(case, Scrubber(["shots"]).text).attachments[0].path == "shots/a.png"


def test_problems_may_quote_the_report():
    """Their causes are scrubbed as well."""
    problem = Problem(severity=Severity.NOTICE, slug="outside-case", cause=f"an error: {SECRET}")

    assert in_texts(problem, Scrubber([SECRET]).text).cause == "an error: ***"
