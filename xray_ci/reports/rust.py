"""Rust's libtest JSON (`--format json`, cargo-nextest's `libtest-json`): one event a line. Knows its events.

Identity: the modules of the path (`cart::inner`) are the class name, its last part is the name. A suite without its end
is a process that was gone: followed by another suite its open tests are errors, at the end of the file the report is
cut off and refused.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xray_ci.model import Attempt, Case, Outcome, Problem
from xray_ci.reports import members, texts
from xray_ci.reports.lines import Documents
from xray_ci.reports.notices import NOT_A_REPORT, UNSAFE, Fault, Stated, broken_run, cut_off, no_cases, noise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

_ATTEMPTS: Final = 100
_OUTCOMES: Final = {
    "ok": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "ignored": Outcome.SKIPPED,
    "allowed_failure": Outcome.OTHER,
}
OPEN_LIMIT: Final = 10_000
_PANIC: Final = re.compile(
    r"panicked at (?:'(?P<old>[^\n]*)', |[^\n]*:\n(?P<new>.*?)(?=\nstack backtrace:|\nnote: |\Z))", re.DOTALL
)
_GONE: Final = "the test has no end: the process was gone"


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test when it ends, then problems.

    Durations are seconds where the report has them; there are no times. Raises Fault where a line is broken, and where
    the last suite has no end.
    """
    events = Documents(source)
    run = _Run()
    for event in events:
        for item in run.event(event, events.number):
            run.stated.see(item)
            yield item
    yield from run.finish(events)
    yield from run.stated.rest()
    yield from noise(events)


def _attempted(name: str) -> tuple[str, int]:
    """Return a name as nextest began it, and which attempt it appends when it ends (`name#2`)."""
    bare, mark, tries = name.rpartition("#")
    return (bare, int(tries)) if mark and bare and re.fullmatch(r"[1-9][0-9]{0,3}", tries) else (name, 1)


class _Run:
    """The suite that is open, and its tests that are."""

    def __init__(self) -> None:
        self._open: dict[str, None] = {}
        self._suite = self._known = False
        self._count = 0
        self.stated = Stated()
        self.line = 0

    def event(self, event: dict[str, Any], line: int) -> Iterator[Case | Problem]:
        """See one event."""
        self.line = line
        kind, word = event.get("type"), event.get("event")
        if kind == "suite":
            self._known = True
            if word == "started" or self._open:
                yield from self._lost(line)
            self._suite = word == "started"
            if word != "started":
                self.stated.add(event.get("failed"))
        elif kind == "test" and isinstance(word, str):
            self._known = True
            name = members.demanded(event, "name", f"line {line}")
            if word == "started":
                self._open[name] = None
                if len(self._open) > OPEN_LIMIT:
                    raise Fault(UNSAFE, f"more than {OPEN_LIMIT} tests at once", line=line)
            elif word != "timeout":  # which only says that it takes long
                bare, tries = _attempted(name) if name not in self._open else (name, 1)
                self._open.pop(bare, None)
                case = self._case(event, bare, _OUTCOMES.get(word) or texts.unknown(word))
                earlier = (Attempt(outcome=Outcome.FAILED),) * (min(tries, _ATTEMPTS) - 1)
                yield msgspec.structs.replace(case, attempts=earlier) if earlier else case
        elif kind == "bench" and isinstance(event.get("name"), str):
            yield self._case(event, members.demanded(event, "name", f"line {line}"), Outcome.PASSED)

    def finish(self, events: Documents) -> Iterator[Problem]:
        """See the end of the lines."""
        if not self._known:
            raise Fault(NOT_A_REPORT, "it has no event of Rust's libtest")
        cause = None
        if self._suite:
            waits = f" ({next(iter(self._open))[:200]} was running)" if self._open else ""
            cause = f"its last suite has no end{waits}"
        yield from cut_off(events, cause)
        if not self._count:
            yield no_cases()

    def _lost(self, line: int) -> Iterator[Case | Problem]:
        if self._suite or self._open:
            for name in self._open:
                yield self._case({}, name, Outcome.ERROR, _GONE)
            self._open.clear()
            yield broken_run("a suite has no end, or tests in it have none", line=line)

    def _case(self, event: dict[str, Any], name: str, outcome: Outcome, message: str | None = None) -> Case:
        self._count += 1
        modules, _, last = name.rpartition("::")
        trace = output = None
        if outcome is not Outcome.PASSED:
            said = (members.text(event, "stdout") or "").strip("\n")
            panic = _PANIC.search(said)
            if panic is not None:
                start = said.rfind("\n", 0, panic.start()) + 1
                trace, output = texts.cut(said[start:]), texts.tail(said[:start]) or None
                message = (panic["old"] or panic["new"] or "").strip() or None
            else:
                output = texts.tail(said) or None
                message = members.text(event, "message") or members.text(event, "reason") or message
        return Case(
            suite=tuple(modules.split("::")) if modules else (),
            classname=modules or None,
            name=last or name,
            outcome=outcome,
            seconds=members.seconds(event, "exec_time"),
            kind="panic" if trace else None,
            message=message,
            trace=trace,
            output=output,
            line=self.line,
        )
