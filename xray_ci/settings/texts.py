"""One text of the user → itself, or what is wrong with it: keys, labels, patterns, switches. Knows no setting and no origin."""

from __future__ import annotations

import re
from typing import Any, Final

from xray_ci.settings.problems import WrongValueError, shown

ISSUE_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]{1,254}-[1-9][0-9]{0,17}")
PROJECT_KEY: Final = re.compile(r"[A-Z][A-Z0-9_]{1,254}")
CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
LONGEST_PATTERN: Final = 1000
LONGEST_LABEL: Final = 255
_ON: Final = frozenset({"true", "yes", "on", "1"})
_OFF: Final = frozenset({"false", "no", "off", "0"})


def one_line(text: str) -> str:
    """Return the text; raises WrongValueError when it has line breaks or control characters."""
    if CONTROL.search(text):
        raise WrongValueError("It has a line break or control character", "Write it on one line.")
    return text


def matching(text: str, pattern: re.Pattern[str], thing: str, example: str) -> str:
    """Return a text that is as `pattern` says; raises WrongValueError with the upper case spelling where that would be."""
    if pattern.fullmatch(text):
        return text
    upper = text.upper()
    advice = f"Did you mean `{upper}`?" if pattern.fullmatch(upper) else f"It looks like `{example}`."
    raise WrongValueError(f"{shown(text)} is not {thing}", advice)


def issue_key(text: str) -> str:
    """Return the key of an issue; raises WrongValueError."""
    return matching(text, ISSUE_KEY, "an issue key", "SHOP-12")


def label(text: str) -> str:
    """Return a label as Jira takes it; raises WrongValueError."""
    if len(text.split()) > 1 or len(text) > LONGEST_LABEL:
        raise WrongValueError(f"{shown(text)} is not a label: Jira's have no blanks and at most {LONGEST_LABEL} characters",
                              "Write each label by itself, one a line or one an item.")
    return one_line(text)


def flag(text: str) -> bool:
    """Return what a switch says; raises WrongValueError."""
    word = text.lower()
    if word not in _ON | _OFF:
        raise WrongValueError(f"{shown(text)} is neither true nor false")
    return word in _ON


def pattern(text: str, name: str | None = None) -> Any:
    """Return a pattern compiled by RE2, which runs in bounded time; raises WrongValueError with the reason of RE2.

    With a `name` nothing of the pattern is shown: it may hold what it is to hide.
    """
    if len(text) > LONGEST_PATTERN:
        raise WrongValueError(f"{name or 'It'} is longer than {LONGEST_PATTERN} characters")
    import re2  # noqa: PLC0415  # only a run with a pattern pays

    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options)
    except (re2.error, UnicodeError) as error:
        cause = error.args[0] if error.args else ""
        cause = cause.decode("utf-8", "replace") if isinstance(cause, bytes) else str(cause)
        reason = cause if name is None else cause.partition(":")[0]  # RE2 quotes the pattern after it (O).
        raise WrongValueError(f"{name or shown(text)} is not a pattern of RE2: {shown(reason)[1:-1]}",
                              "Lookaround and backreferences are not supported, because patterns run in bounded time.") from None


def hiding(text: str, number: int) -> str:
    """Return a pattern whose finds are replaced; raises WrongValueError, also for one that finds the empty text."""
    name = f"Pattern {number}"
    if pattern(text, name).search("") is not None:
        raise WrongValueError(f"{name} also finds the empty text, so `***` would stand between all characters",
                              "Write `+` for `*`, or drop the empty alternative.")
    return text
