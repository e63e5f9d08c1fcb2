"""The log of the plugin pytest-reportlog, one JSON document a line. Knows its documents; what a pytest test is stands in `pytest_case`.

One case a test, made of its phases when its teardown is over; tests of several processes (pytest-xdist) may be interleaved. What
was run again (pytest-rerunfailures) is an attempt of the test. A log without `SessionFinish` was cut off.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.reports import remarks
from xray_ci.reports.fault import HOSTILE, NOT_A_REPORT, TRUNCATED, Fault
from xray_ci.reports.lines import Documents
from xray_ci.reports.objects import Members
from xray_ci.reports.pytest_case import Phase, Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Case, Problem
    from xray_ci.reports.json_stream import Source

OPEN_LIMIT: Final = 10_000
"""Tests that run at the same time."""
_BROKE_OFF: Final = {2: "it was interrupted", 3: "pytest failed itself", 4: "pytest was called wrongly"}


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test when it is over, then notices; what could not be collected is a notice.

    Raises Fault with the line where a document is broken or of another shape, and where the log ends before the session did;
    what was yielded before must then be dropped.
    """
    documents = Documents(source)
    log = _Log()
    for document in documents:
        try:
            yield from log.take(Members(document, "$"), documents.number)
        except Fault as fault:
            fault.line = fault.line or documents.number
            raise
    yield from log.last_words(documents.number)
    yield from remarks.noise(documents)


class _Log:
    """What the documents so far said."""

    def __init__(self) -> None:
        self._open: dict[str, Running] = {}
        self._outside = remarks.Outside()
        self._known = self._cases = 0
        self._ended = False

    def take(self, document: Members, line: int) -> Iterator[Case | Problem]:
        """Yield what came of one document."""
        kind = document.text("$report_type") or ""
        self._known += bool(kind)
        if kind == "TestReport" or kind.lower() == "subtestreport":
            yield from self._phase(document, line, whole=kind == "TestReport")
        elif kind == "CollectReport":
            if document.raw("outcome") == "failed":
                yield from self._outside.say(document.text("nodeid") or "the collection", _said(document)[0], line=line)
        elif kind == "SessionStart":
            self._ended = False
        elif kind == "SessionFinish":
            self._ended = True
            yield from self._unfinished()
            status = document.raw("exitstatus")
            if isinstance(status, int) and status in _BROKE_OFF:
                yield remarks.broken_run(_BROKE_OFF[status], line=line)

    def last_words(self, line: int) -> Iterator[Problem]:
        """Yield what can only be said at the end."""
        if not self._known:
            raise Fault(NOT_A_REPORT, "none of its lines is a document of pytest-reportlog")
        if not self._ended:
            raise Fault(TRUNCATED, "it ends without `SessionFinish`", line=line)
        yield from self._outside.rest()
        if not self._cases:
            yield remarks.no_cases()

    def _phase(self, document: Members, line: int, *, whole: bool) -> Iterator[Case]:
        node = document.text("nodeid") or ""
        test = self._open.get(node)
        if test is None:
            if len(self._open) >= OPEN_LIMIT:
                raise Fault(HOSTILE, f"more than {OPEN_LIMIT} tests run at the same time")
            test = self._open[node] = Running(node=node, line=line)
        when = document.text("when") or "call"
        message, trace, kind = _said(document)
        outcome = document.text("outcome") or ""
        test.add(Phase(when=when, outcome=outcome, message=message, trace=trace, kind=kind, output=_output(document),
                                 expected=document.text("wasxfail") or "" if "wasxfail" in document else None))
        if not whole:
            return
        test.spend(document.seconds("duration"))
        test.started = test.started or document.time("start")
        test.finished = document.time("stop") or test.finished
        if outcome == "rerun":
            test.again()
        elif when == "teardown":
            _note(test, document)
            del self._open[node]
            self._cases += 1
            yield test.case()

    def _unfinished(self) -> Iterator[Case]:
        """Yield the tests whose teardown never came: the process that ran them is gone."""
        for test in self._open.values():
            test.add(Phase(when="teardown", outcome="error", message="the test never ended: its process is gone"))
            self._cases += 1
            yield test.case()
        self._open.clear()


def _note(test: Running, document: Members) -> None:
    properties = document.raw("user_properties")
    for entry in properties if isinstance(properties, list) else ():
        if isinstance(entry, list) and len(entry) == 2:  # noqa: PLR2004 - name and value
            test.note(*entry)


def _said(document: Members) -> tuple[str | None, str | None, str | None]:
    """Return message, trace and exception class of a phase that did not pass."""
    found: Any = document.raw("longrepr")
    if isinstance(found, str):
        return (None, found, None) if found else (None, None, None)
    if isinstance(found, list):  # file, line and reason of a skip
        reason = found[-1] if found and isinstance(found[-1], str) else ""
        return reason.removeprefix("Skipped: ") or None, None, None
    if not isinstance(found, dict):
        return None, None, None
    longrepr = Members(found, "longrepr", document)
    crash = longrepr.inner("reprcrash")
    message = crash.text("message") if crash is not None else None
    lines: list[str] = []
    kind = None
    traceback = longrepr.inner("reprtraceback")
    for entry in traceback.each("reprentries") if traceback is not None else ():
        data = entry.inner("data")
        if data is None:
            continue
        lines += data.texts("lines")
        place = data.inner("reprfileloc")
        if place is not None:
            kind = place.text("message")
            lines.append(f"{place.text('path') or ''}:{place.text('lineno') or ''}: {kind or ''}".rstrip(": "))
    return message, "\n".join(lines) or longrepr.text("longrepr"), kind if kind and kind.isidentifier() else None


def _output(document: Members) -> tuple[str, ...]:
    """Return what a phase printed; each later phase repeats the sections of those before it."""
    when = document.text("when") or ""
    found = document.raw("sections")
    pairs = [entry for entry in found if isinstance(entry, list) and len(entry) == 2] if isinstance(found, list) else []  # noqa: PLR2004
    return tuple(text for title, text in pairs if isinstance(title, str) and isinstance(text, str) and title.endswith(when))
