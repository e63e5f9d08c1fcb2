"""One pytest test: from its phases (setup, call, teardown) to a case. Knows pytest, not which of its reports is read.

Class name and name are those of pytest's own JUnit XML, so that both give the same Tests. A failure outside of the call is an
error, and an error wins; an expected failure counts as skipped, an unexpected pass as passed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xray_ci.model import Attempt, Case, Outcome
from xray_ci.reports import junit_marks, members, texts, times
from xray_ci.reports.objects import said

if TYPE_CHECKING:
    from datetime import datetime

    from xray_ci.model import Attachment, Mark

PROPERTY_LIMIT: Final = 1_000
"""Properties kept of one test."""
PHASE_LIMIT: Final = 1_000
"""Phases kept of one test, those of its subtests among them."""
ATTEMPT_LIMIT: Final = 100
_SKIPPED: Final = re.compile(r"\('(?P<file>.*?)', (?P<line>\d+), (?P<quote>['\"])(?:Skipped: )?(?P<reason>.*)(?P=quote)\)", re.DOTALL)
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
            self.seconds = times.bounded((self.seconds or 0.0) + seconds)

    def note(self, name: object, value: object) -> None:
        """Keep what a property of the test says (`record_property`)."""
        name, text = said(name), said(value).strip()
        if text and len(self.marks) + len(self.attachments) < PROPERTY_LIMIT:
            self.marks += junit_marks.marks(name, text)
            self.attachments += junit_marks.files(name, text, len(self.attachments) + 1)

    def again(self) -> None:
        """Put what came so far aside as an attempt that was followed by another."""
        outcome, _, message, trace = judge([phase if phase.outcome != "rerun" else failed(phase) for phase in self.phases])
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
        return Case(suite=suite, classname=classname, name=name, outcome=result, seconds=self.seconds, started=self.started,
                    finished=self.finished, kind=kind, message=message, trace=trace, output=output, attachments=tuple(self.attachments),
                    marks=tuple(dict.fromkeys(self.marks)), attempts=tuple(self.attempts), line=self.line)


def failed(phase: Phase) -> Phase:
    """Return a phase that was run again as the failure that it was."""
    return Phase(when=phase.when, outcome="failed", message=phase.message, trace=phase.trace, kind=phase.kind, output=phase.output)


def judge(phases: list[Phase]) -> tuple[Outcome, str | None, str | None, str | None]:
    """Return outcome, class of the exception, message and trace of a test by its phases."""
    bad = [phase for phase in phases if phase.outcome in {"failed", "error", "rerun"}]
    if bad:
        outside = [phase for phase in bad if phase.when != "call" or phase.outcome == "error"]
        first = (outside or bad)[0]
        trace = "\n\n".join(text for phase in bad if (text := phase.trace))
        message = first.message or (first.trace or "").strip().rpartition("\n")[2] or None
        return (Outcome.ERROR if outside else _FAILED, first.kind or members.kind_of(message), message, texts.cut(trace) or None)
    for phase in phases:
        if phase.outcome in {"skipped", "xfailed"}:
            reason = phase.expected if phase.expected is not None else _reason(phase)
            return Outcome.SKIPPED, None, reason or phase.message or None, None
    return (Outcome.PASSED if any(phase.outcome in {"passed", "xpassed"} for phase in phases) else Outcome.OTHER), None, None, None


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
