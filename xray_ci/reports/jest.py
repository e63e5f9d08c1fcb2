"""Jest's and Vitest's JSON (`--json`, `--reporter=json`), which share their members.

Knows members and statuses of both.

Identity: the name of the test file (with its folder for an `index` file) and the titles of the `describe` blocks,
joined with " > ", are the class name; the title is the name. Files that could not be loaded, and hooks that fail
without a test of theirs failing, are notices. A test that was retried is one case with its earlier attempts.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any, Final

from msgspec import structs

from xray_ci.model import Attempt, Case, Mark, MarkKind, Outcome, Problem
from xray_ci.reports import author_marks, members, texts
from xray_ci.reports.json_stream import Window
from xray_ci.reports.lines import AfterLog
from xray_ci.reports.notices import BROKEN, Fault, Outside, Stated, broken_run, no_cases
from xray_ci.reports.spill import Waiting

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

_OUTCOMES: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "pending": Outcome.SKIPPED,
    "skipped": Outcome.SKIPPED,
    "todo": Outcome.SKIPPED,
    "disabled": Outcome.SKIPPED,
}
"""Statuses of both; a status that neither has is `OTHER`."""
_ATTEMPTS: Final = 100
_MILLISECOND: Final = 1e-3
_WAITING: Final = 1_000
"""Tests of one file that are held in memory until its name is known."""
_STACK: Final = "\n    at "


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test in the order of the report, then notices.

    Durations are milliseconds, times count milliseconds since the epoch (a test without its own takes its file's).
    Raises Fault where the document is broken or cut off, or a result lacks its title or status.
    """
    clean = AfterLog(source)
    window = Window(clean)
    outside = Outside()
    stated = Stated()
    count = files = 0
    broken: list[str] = []
    if window.peek() != "{":
        raise Fault(BROKEN, "Jest's JSON is one object with `testResults`")
    for name in window.members():
        if name == "testResults" and window.peek() == "[":
            for _ in window.elements():
                for item in _file(window, f"testResults[{files}]", outside):
                    count += isinstance(item, Case)
                    stated.see(item)
                    yield item
                files += 1
        else:
            value = members.scalar(window)
            if name == "numFailedTests":
                stated.add(value)
            elif name == "wasInterrupted" and value is True:
                broken.append("Jest was interrupted")
    window.finish()
    yield from clean.notices()
    yield from outside.rest()
    yield from map(broken_run, broken)
    yield from stated.rest()
    if not count:
        yield no_cases()


class _Held:
    """The cases of one file until its name is known: the first in memory, more on disk."""

    def __init__(self) -> None:
        self._first: list[Case] = []
        self._more: Waiting | None = None

    def add(self, case: Case) -> None:
        if len(self._first) < _WAITING:
            self._first.append(case)
            return
        if self._more is None:
            self._more = Waiting()
        self._more.add("", case)

    def all(self) -> Iterator[Case]:
        yield from self._first
        if self._more is not None:
            for _, case in self._more.all():
                yield case

    def close(self) -> None:
        if self._more is not None:
            self._more.close()


def _file(window: Window, path: str, outside: Outside) -> Iterator[Case | Problem]:
    """Yield the tests of one file, whose name stands behind them."""
    if window.peek() not in {"{", ""}:
        raise Fault(BROKEN, f"{path} is no object")
    home: dict[str, Any] = {}
    failed = False
    with closing(_Held()) as held:
        for name in window.members():
            if name == "assertionResults" and window.peek() == "[":
                for index, result in enumerate(window.values()):
                    here = f"{path}.assertionResults[{index}]"
                    case = _case(members.fields(result, here), here, window.line)
                    failed = failed or case.outcome is Outcome.FAILED
                    held.add(case)
            else:
                home[name] = members.scalar(window)
        label = members.file_label(members.text(home, "name", members.NAME_LIMIT) or "")
        began = members.moment(home, "startTime")
        for case in held.all():
            yield structs.replace(
                case,
                suite=(label, *case.suite) if label else case.suite,
                started=case.started or began,
                classname=members.joined(label, *case.suite),
            )
    if home.get("status") == "failed" and not failed:
        yield from outside.say(
            f"file {label or '?'}", members.text(home, "message") or "it failed, but none of its tests did (a hook?)"
        )


def _case(result: dict[str, Any], path: str, number: int) -> Case:
    """Return the case of one test, as yet without its file."""
    title, status = members.demanded(result, "title", path), members.demanded(result, "status", path)
    outcome = _OUTCOMES.get(status) or texts.unknown(status)
    started = members.moment(result, "startAt")
    duration = members.seconds(result, "duration", _MILLISECOND)
    said = members.long_texts(result, "failureMessages")
    kind = message = trace = None
    if outcome is not Outcome.PASSED and said:
        kind, message = members.kind_of(said[0]), texts.cut(said[0].split(_STACK)[0]) or None
        trace = texts.cut("\n\n".join(said)) or None
    return Case(
        suite=tuple(title for title in members.names(result, "ancestorTitles") if title),
        name=title,
        outcome=outcome,
        seconds=duration,
        started=started,
        finished=members.later(started, duration),
        kind=kind,
        message=message,
        trace=trace,
        marks=_marks(result),
        attempts=_attempts(result, outcome, said),
        line=number,
    )


def _attempts(result: dict[str, Any], outcome: Outcome, said: tuple[str, ...]) -> tuple[Attempt, ...]:
    """Return the tries before the last.

    Jest tells their reasons or only their number, Vitest the errors of a test that passed at last.
    """
    reasons = members.long_texts(result, "retryReasons")
    if not reasons and outcome is Outcome.PASSED:
        reasons = said
    if reasons:
        return tuple(
            Attempt(outcome=Outcome.FAILED, message=reason.split(_STACK)[0] or None, trace=reason or None)
            for reason in reasons[:_ATTEMPTS]
        )
    runs = members.number(result, "invocations") or 1
    return (Attempt(outcome=Outcome.FAILED),) * (int(min(runs, _ATTEMPTS)) - 1)


def _marks(result: dict[str, Any]) -> tuple[Mark, ...]:
    """Return Vitest's tags.

    Members of a task's `meta` that are named like JUnit's properties (`test_key`, `requirements` …).
    """
    found = [Mark(kind=MarkKind.TAG, value=tag) for tag in members.names(result, "tags") if tag.strip()]
    for name, value in members.inner(result, "meta").items():
        if isinstance(value, str) and value.strip():
            found += author_marks.of_property(name, value.strip())
    return tuple(found)
