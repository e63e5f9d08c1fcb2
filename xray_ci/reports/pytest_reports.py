"""The reports of the plugins pytest-json-report (one document) and pytest-reportlog (one document a line).

Class name and name are those of pytest's own JUnit XML, so that both give the same Tests. A test has phases (setup,
call, teardown): a failure outside of the call is an error, and an error wins; an expected failure counts as skipped, an
unexpected pass as passed.

In the document one element of `tests` is a case; the summary is never trusted, and there are no points in time. In the
log a test is over with its teardown; tests of several processes (pytest-xdist) may be interleaved. What was run again
(pytest-rerunfailures) is an attempt of the test. A log without `SessionFinish` was cut off.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Attempt, Case, Outcome
from xray_ci.reports import author_marks, members, notices, texts
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.lines import Documents
from xray_ci.reports.members import Members, said
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, UNSAFE, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from xray_ci.model import Attachment, Mark, Problem


PROPERTY_LIMIT: Final = 1_000
"""Properties kept of one test."""
PHASE_LIMIT: Final = 1_000
"""Phases kept of one test, those of its subtests among them."""
ATTEMPT_LIMIT: Final = 100
_SKIPPED: Final = re.compile(
    r"\('(?P<file>.*?)', (?P<line>\d+), (?P<quote>['\"])(?:Skipped: )?(?P<reason>.*)(?P=quote)\)", re.DOTALL
)
_FAILED: Final = Outcome.FAILED


@dataclass(slots=True, kw_only=True)
class Phase:
    """What one phase of a test came to."""

    when: str
    outcome: str
    message: str | None = None
    trace: str | None = None
    kind: str | None = None
    output: tuple[str, ...] = ()
    expected: str | None = None
    """Reason of a mark `xfail` that took effect, "" for one without a reason."""


@dataclass(slots=True, kw_only=True)
class Running:
    """A test while its phases come in."""

    node: str
    phases: list[Phase] = field(default_factory=list)
    attempts: list[Attempt] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    seconds: float | None = None
    started: datetime | None = None
    finished: datetime | None = None
    line: int | None = None

    def add(self, phase: Phase) -> None:
        """Add a phase; the last place is for the latest of very many."""
        del self.phases[PHASE_LIMIT:]
        self.phases.append(phase)

    def spend(self, seconds: float | None) -> None:
        """Add the time of a phase."""
        if seconds is not None:
            self.seconds = texts.bounded((self.seconds or 0.0) + seconds)

    def note(self, name: object, value: object) -> None:
        """Keep what a property of the test says (`record_property`)."""
        name, text = said(name), said(value).strip()
        if text and len(self.marks) + len(self.attachments) < PROPERTY_LIMIT:
            self.marks += author_marks.of_property(name, text)
            self.attachments += author_marks.files_of(name, text, len(self.attachments) + 1)

    def again(self) -> None:
        """Put what came so far aside as an attempt that was followed by another."""
        outcome, _, message, trace = judge(
            [phase if phase.outcome != "rerun" else failed(phase) for phase in self.phases]
        )
        del self.attempts[ATTEMPT_LIMIT:]
        self.attempts.append(Attempt(outcome=outcome, message=message, trace=trace))
        self.phases.clear()
        self.seconds = self.started = self.finished = None

    def case(self, outcome: Outcome | None = None) -> Case:
        """Return the case; `outcome` is the report's own where it states one."""
        found, kind, message, trace = judge(self.phases)
        result = outcome or found
        suite, classname, name = identity(self.node)
        output = None
        if result is not Outcome.PASSED:
            output = texts.tail("\n".join(text.rstrip("\n") for phase in self.phases for text in phase.output)) or None
        else:
            kind = message = trace = None
        return Case(
            suite=suite,
            classname=classname,
            name=name,
            outcome=result,
            seconds=self.seconds,
            started=self.started,
            finished=self.finished,
            kind=kind,
            message=message,
            trace=trace,
            output=output,
            attachments=tuple(self.attachments),
            marks=tuple(dict.fromkeys(self.marks)),
            attempts=tuple(self.attempts),
            line=self.line,
        )


def failed(phase: Phase) -> Phase:
    """Return a phase that was run again as the failure that it was."""
    return Phase(
        when=phase.when,
        outcome="failed",
        message=phase.message,
        trace=phase.trace,
        kind=phase.kind,
        output=phase.output,
    )


def judge(phases: list[Phase]) -> tuple[Outcome, str | None, str | None, str | None]:
    """Return outcome, class of the exception, message and trace of a test by its phases."""
    bad = [phase for phase in phases if phase.outcome in {"failed", "error", "rerun"}]
    if bad:
        outside = [phase for phase in bad if phase.when != "call" or phase.outcome == "error"]
        first = (outside or bad)[0]
        trace = "\n\n".join(text for phase in bad if (text := phase.trace))
        message = first.message or (first.trace or "").strip().rpartition("\n")[2] or None
        return (
            Outcome.ERROR if outside else _FAILED,
            first.kind or members.kind_of(message),
            message,
            texts.cut(trace) or None,
        )
    for phase in phases:
        if phase.outcome in {"skipped", "xfailed"}:
            reason = phase.expected if phase.expected is not None else _reason(phase)
            return Outcome.SKIPPED, None, reason or phase.message or None, None
    return (
        (
            Outcome.PASSED
            if phases and all(phase.outcome in {"passed", "xpassed"} for phase in phases)
            else Outcome.OTHER
        ),
        None,
        None,
        None,
    )


def _reason(phase: Phase) -> str | None:
    """Return why a test was skipped, which pytest writes as a tuple of file, line and reason."""
    found = _SKIPPED.fullmatch(phase.trace or "")
    return found["reason"] if found else None


def identity(node: str) -> tuple[tuple[str, ...], str | None, str]:
    """Return suites, class name and name of a test by its node id, as pytest's own JUnit XML has them."""
    node = texts.cut(node, members.NAME_LIMIT)
    path, bracket, parameters = node.partition("[")
    names = path.split("::")
    suite = tuple(names[:-1])
    dotted = [re.sub(r"\.py$", "", names[0].replace("/", ".")), *names[1:]]
    dotted[-1] += bracket + parameters
    return suite, ".".join(dotted[:-1]) or None, dotted[-1]


_OUTCOMES: Final = {
    "passed": Outcome.PASSED,
    "xpassed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "error": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "xfailed": Outcome.SKIPPED,
}
_STREAMS: Final = ("stdout", "stderr")
_BROKE_OFF: Final = {2: "it was interrupted", 3: "pytest failed itself", 4: "pytest was called wrongly"}


def read_json_report(source: Source) -> Iterator[Case | Problem]:
    """Yield each test, in the order of the report, then notices; what could not be collected is a notice.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or ends too early;
    what was yielded before must then be dropped.
    """
    window = Window(source)
    if window.peek() not in {"{", ""}:
        raise Fault(BROKEN, "a report of pytest-json-report is one object")
    count = 0
    outside, stated = notices.Outside(), notices.Stated()
    for name in window.members():
        if name in {"tests", "collectors"} and window.peek() == "[":
            for index, value in enumerate(window.values()):
                element = Members(value, name, None, index)
                if name == "tests":
                    count += 1
                    case = _case(element, window.line)
                    stated.see(case)
                    yield case
                elif element.text("outcome") in {"failed", "error"}:
                    yield from outside.say(
                        element.text("nodeid") or "the collection", _last_line(element.text("longrepr"))
                    )
        elif name == "tests" and window.peek():
            raise Fault(BROKEN, "tests is no list")
        else:
            value = window.value()
            if name == "summary" and isinstance(value, dict):
                stated.add(value.get("failed"), value.get("error"))
            if name == "exitcode" and isinstance(value, int) and value in _BROKE_OFF:
                yield notices.broken_run(_BROKE_OFF[value])
    window.finish()
    yield from outside.rest()
    yield from stated.rest()
    if not count:
        yield notices.no_cases()


def _case(element: Members, number: int) -> Case:
    test = Running(node=element.text("nodeid") or "", line=number)
    for name in ("setup", "call", "teardown"):
        phase = element.inner(name)
        if phase is not None:
            test.spend(phase.seconds("duration"))
            test.add(_phase(name, phase))
    for holder in ("user_properties", "metadata"):
        properties = element.raw(holder)
        for entry in properties if isinstance(properties, list) else [properties]:
            if isinstance(entry, dict):
                for name, value in entry.items():
                    test.note(name, value)
            elif isinstance(entry, list) and len(entry) == 2:  # noqa: PLR2004 - name and value
                test.note(*entry)
    word = element.text("outcome") or ""
    if word == "rerun":
        test.phases = [phase for phase in test.phases if phase.outcome != "rerun"]
    return test.case(_OUTCOMES.get(word))


def _phase(name: str, phase: Members) -> Phase:
    crash = phase.inner("crash")
    trace = list(phase.each("traceback"))[-1:] if isinstance(phase.raw("traceback"), list) else []
    kind = trace[0].text("message") if trace else None
    output = [text for stream in _STREAMS if (text := phase.text(stream))]
    return Phase(
        when=name,
        outcome=phase.text("outcome") or "",
        message=crash.text("message") if crash is not None else None,
        trace=phase.text("longrepr"),
        kind=kind if kind and kind.isidentifier() else None,
        output=tuple(output),
    )


def _last_line(text: str | None) -> str | None:
    return text.strip().rpartition("\n")[2] if text else None


OPEN_LIMIT: Final = 10_000
"""Tests that run at the same time."""


def read_reportlog(source: Source) -> Iterator[Case | Problem]:
    """Yield each test when it is over, then notices; what could not be collected is a notice.

    A log that ends before the session did keeps the tests that are over, and is told. Raises Fault with the line where
    a document is broken or of another shape; what was yielded before must then be dropped.
    """
    documents = Documents(source)
    log = _Log()
    for document in documents:
        try:
            yield from log.take(Members(document, "$"), documents.number)
        except Fault as fault:
            fault.line = fault.line or documents.number
            raise
    yield from log.last_words(documents)
    yield from notices.noise(documents)


class _Log:
    """What the documents so far said."""

    def __init__(self) -> None:
        self._open: dict[str, Running] = {}
        self._outside = notices.Outside()
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
                yield notices.broken_run(_BROKE_OFF[status], line=line)

    def last_words(self, documents: Documents) -> Iterator[Problem]:
        """Yield what can only be said at the end."""
        if not self._known:
            raise Fault(NOT_A_REPORT, "none of its lines is a document of pytest-reportlog")
        yield from notices.cut_off(documents, None if self._ended else "it ends without `SessionFinish`")
        yield from self._outside.rest()
        if not self._cases:
            yield notices.no_cases()

    def _phase(self, document: Members, line: int, *, whole: bool) -> Iterator[Case]:
        node = document.text("nodeid") or ""
        test = self._open.get(node)
        if test is None:
            if len(self._open) >= OPEN_LIMIT:
                raise Fault(UNSAFE, f"more than {OPEN_LIMIT} tests run at the same time")
            test = self._open[node] = Running(node=node, line=line)
        when = document.text("when") or "call"
        message, trace, kind = _said(document)
        outcome = document.text("outcome") or ""
        test.add(
            Phase(
                when=when,
                outcome=outcome,
                message=message,
                trace=trace,
                kind=kind,
                output=_output(document),
                expected=document.text("wasxfail") or "" if "wasxfail" in document else None,
            )
        )
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
    return tuple(
        text for title, text in pairs if isinstance(title, str) and isinstance(text, str) and title.endswith(when)
    )
