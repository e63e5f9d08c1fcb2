"""Xray JSON of both deployments, handed in as a report. Knows its members; knows nothing of sending it.

It is read into cases like any other report and rendered anew, so that both dialects go to both deployments. Only `tests` is
read: `info` and `testExecutionKey` say where results go, which is for settings to say; a notice names them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome, Problem, Severity
from xray_ci.reports.fault import BROKEN, Fault
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.xray_json_case import Left, to_case

if TYPE_CHECKING:
    from collections.abc import Iterator

__all__ = ["Outcome", "read"]

_SETTINGS: Final = {
    "summary": "summary", "description": "description", "project": "project", "version": "fix-version", "revision": "revision",
    "testPlanKey": "test-plan", "testEnvironments": "test-environments", "testExecutionKey": "test-execution",
    "startDate": None, "finishDate": None, "user": None}
_NAMES: Final = 20
_NAME_LIMIT: Final = 100
"""Names of members that a notice names, and characters of each."""


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test of the document as a case, in order, then notices.

    Raises Fault with the JSON path where a member is missing or of a wrong type, and where the document is broken; what was
    yielded before must then be dropped.
    """
    window = Window(source)
    left = Left()
    count = 0
    aside: list[str] = []
    if window.peek() != "{":
        raise Fault(BROKEN, "Xray JSON is one object with `tests`")
    for name in window.members():
        if name == "tests":
            if window.peek() != "[":
                raise Fault(BROKEN, "`tests` is no list")
            for _ in window.elements():
                yield to_case(window.value(), count, left)
                count += 1
        else:
            aside += _aside(name, window.value(), left)
    window.finish()
    yield from _notices(aside, left, count)


def _aside(name: str, value: object, left: Left) -> list[str]:
    if name == "testExecutionKey":
        return [name] if value is not None else []
    if name != "info":
        left.members[f"$.{name}"] += 1
        return []
    if not isinstance(value, dict):
        raise Fault(BROKEN, "`info` is no object")
    return [member for member, content in value.items() if content not in (None, "", [])]


def _short(name: str) -> str:
    """Return a name for a message: it is the report's, and may be as long as it likes."""
    return name if len(name) <= _NAME_LIMIT else f"{name[:_NAME_LIMIT]}…"


def _notices(aside: list[str], left: Left, count: int) -> Iterator[Problem]:
    if aside:
        by_setting = [f"`{_SETTINGS[name]}`" for name in aside if _SETTINGS.get(name)]
        advice = f"Set {', '.join(by_setting)} to have them." if by_setting else None
        yield _notice("settings-in-report", f"`info` and where it goes are not taken from a report: {', '.join(map(_short, aside[:_NAMES]))}", advice)
    if left.members:
        names = ", ".join(_short(name) + (f" ({times} times)" if times > 1 else "") for name, times in left.members.most_common(_NAMES))
        yield _notice("members-left-out", f"these are no members of Xray JSON and were left out: {names}", None)
    if left.empty_evidence:
        yield _notice("evidence-left-out", f"{left.empty_evidence} pieces of evidence without content were left out", None)
    if not count:
        yield _notice("no-cases", "it holds no test", "Check that the tests really ran.")


def _notice(slug: str, cause: str, advice: str | None) -> Problem:
    return Problem(severity=Severity.NOTICE, slug=slug, cause=cause, advice=advice)
