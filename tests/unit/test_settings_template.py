"""Templates: closed placeholders, filled once, one line."""

import pytest

from xray_ci.settings import texts
from xray_ci.settings.problems import WrongValueError


def test_placeholders_are_filled():
    """Braces are doubled to stand for themselves."""
    values = {"workflow": "nightly", "run_number": "7", "branch": "main"}

    assert texts.expand("{workflow} #{run_number} {{x}} on {branch}", values) == "nightly #7 {x} on main"


def test_what_is_not_known_is_left_out():
    """With the blank that would be left."""
    assert texts.expand("a {workflow} on {tag} b", {}) == "a on b"


def test_filling_alone_changes_nothing_else():
    """An identity keeps its blanks and its breaks."""
    assert texts.fill("a  {{x}} {name}{tag}", {"name": "\n é"}) == "a  {x} \n é"


def test_placeholders_may_be_those_of_a_rule():
    """Only what is listed there, with the nearest."""
    assert texts.check("{browser}-{name}", ("name", "browser")) == "{browser}-{name}"
    with pytest.raises(WrongValueError, match="browsr") as caught:
        texts.check("{browsr}", ("name", "browser"))

    assert caught.value.advice == "Did you mean {browser}? There are: {name}, {browser}."


def test_a_value_is_never_a_template():
    """A branch may be called like a placeholder."""
    assert texts.expand("{branch} x", {"branch": "{commit} }}", "commit": "secret"}) == "{commit} }} x"


@pytest.mark.parametrize("unsafe", ["a\nb", "a\r\nb", "a\x1b[31mb", "a\u202eb", "a\u2028b", "a\0b"])
def test_a_summary_is_one_printable_line(unsafe):
    """Whatever a branch or job is called."""
    assert texts.expand("{branch}", {"branch": unsafe}) in ("ab", "a b", "a[31mb")
    assert "\n" not in texts.expand(unsafe + "{branch}", {"branch": unsafe})


def test_a_description_keeps_its_own_lines():
    """And only those."""
    assert texts.expand_lines("a {branch}\nb", {"branch": "x\ny"}) == "a x y\nb"


@pytest.mark.parametrize(
    ("wrong", "near"),
    [("{brnch}", "{branch}"), ("{run-number}", "{run_number}"), ("{}", "{workflow}"), ("{0.__class__}", "{workflow}")],
)
def test_unknown_placeholders_are_refused(wrong, near):
    """With the nearest, or all there are."""
    with pytest.raises(WrongValueError) as caught:
        texts.check(wrong)

    assert near in caught.value.advice


@pytest.mark.parametrize("wrong", ["{", "}", "a {branch", "{branch}}"])
def test_a_single_brace_is_refused(wrong):
    """It is a placeholder half written."""
    with pytest.raises(WrongValueError, match="brace"):
        texts.check(wrong)
