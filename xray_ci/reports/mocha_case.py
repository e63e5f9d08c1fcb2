"""One test as Mocha's reporters write it. Knows the members of a test and its error, and the titles of hooks; no document.

Identity: the titles around a test, which are its full title without its own, are the class name (the name of its file for a test
that stands alone, as far as it is told); its own title is the name. Files do not matter otherwise, for old versions leave them out.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Attempt, Case, Outcome
from xray_ci.reports import members, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.remarks import Outside

_ATTEMPTS: Final = 100
_MILLISECOND: Final = 1e-3
_STACK: Final = "\n    at "
_HOOK: Final = re.compile(r'"(?:before|after) (?:all|each)" hook\b')


def is_hook(test: dict[str, Any]) -> bool:
    """Say whether what failed is a hook: no test, though Mocha lists it among the failures."""
    title = test.get("title")
    return isinstance(title, str) and bool(_HOOK.match(title))


def hook(test: dict[str, Any], outside: Outside) -> Iterator[Problem]:
    """Yield what a failing hook says."""
    error = test.get("err")
    said = members.text(error, "message") if isinstance(error, dict) else members.text(test, "err")
    yield from outside.say(members.text(test, "fullTitle") or members.text(test, "title") or "a hook", said)


def to_case(test: dict[str, Any], outcome: Outcome, path: str, number: int) -> Case:
    """Return the case of one test; `path` leads to it in the document, `number` is its place, from 1.

    Raises Fault where it has no title.
    """
    title = members.demanded(test, "title", path)
    full = members.text(test, "fullTitle", members.NAME_LIMIT) or title
    around = full[:-len(title)].strip() if title and full.endswith(title) and full != title else ""
    file = members.file_label(members.text(test, "file", members.NAME_LIMIT) or "")
    kind = message = trace = None
    if outcome is not Outcome.PASSED:
        kind, message, trace = failure(test)
    tries = members.number(test, "currentRetry") or 0
    return Case(suite=tuple(part for part in (file, around) if part), classname=around or file or None, name=title, outcome=outcome,
                seconds=members.seconds(test, "duration", _MILLISECOND), kind=kind, message=message, trace=trace,
                attempts=(Attempt(outcome=Outcome.FAILED),) * int(min(tries, _ATTEMPTS)), line=number)


def failure(test: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Return kind, message and trace of a test's error, in the spellings of the three reporters."""
    error = test.get("err")
    if not isinstance(error, dict):
        trace, message = members.text(test, "stack"), members.text(test, "err")
        return members.kind_of(trace), message, trace
    trace = members.text(error, "stack") or members.text(error, "estack")
    message = members.text(error, "message")
    if message is None and trace is not None:
        message = trace.split(_STACK)[0]
    kind = members.text(error, "name", members.NAME_LIMIT) or members.kind_of(trace) or members.kind_of(message)
    if trace is not None and (shown := members.text(error, "diff")) and shown.strip() not in trace:
        trace = texts.cut(f"{trace}\n\n{shown}")
    return kind, message, trace
