"""Runs of Go tests while their events stream by, of several packages at once. Knows tests, packages and outputs of Go; no lines.

Identity: the package is the class name, the test's full name (`TestTable/a_b`) is the name; the parents of subtests are cases
too. A test whose end nobody saw when its package ended has failed: that is how a panic, `os.Exit` and a hang look.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import TEXT_LIMIT, Case, Mark, Outcome, Problem
from xray_ci.reports import junit_marks, texts
from xray_ci.reports.fault import HOSTILE, TRUNCATED, Fault
from xray_ci.reports.remarks import Outside, no_cases

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

OPEN_LIMIT: Final = 200_000
"""Tests that can be open at once: parallel subtests wait for their parent."""
NAMED_LIMIT: Final = 67_108_864
"""Characters of the names of all open tests together."""
MARK_LIMIT: Final = 1_000
KEPT_LIMIT: Final = 16_777_216
"""Characters kept of the outputs of all open tests together."""
_FRAME: Final = re.compile(r"\s*(?:=== (?:RUN|PAUSE|CONT|NAME|ATTR|ARTIFACTS)\s|--- (?:PASS|FAIL|SKIP|BENCH): )")
_PLACED: Final = re.compile(r"^[ \t]*(?:[^\s:]+:\d+: )([^\n]*(?:\n {8}[^\n]*)*)", re.MULTILINE)
_PANIC: Final = re.compile(r"^(?:panic: |fatal error: )([^\n]*)", re.MULTILINE)
_PACKAGE_LINE: Final = re.compile(
    r"(?:PASS|FAIL|ok|FAIL\t.*|ok  \t.*|exit status \d+|coverage: .*|testing: warning: no tests to run)\s*$")
_GONE: Final = "the test has no end: the process was gone, or its last line was not complete"
OUTCOMES: Final = {"pass": Outcome.PASSED, "bench": Outcome.PASSED, "fail": Outcome.FAILED, "skip": Outcome.SKIPPED}


class _Text:
    """The beginning and the end of what was printed."""

    __slots__ = ("head", "tail")

    def __init__(self) -> None:
        self.head = self.tail = ""

    def add(self, line: str) -> int:
        """Take a line; return by how much more is kept now."""
        before = len(self.head) + len(self.tail)
        room = TEXT_LIMIT // 2 - len(self.head)
        if room > 0:
            self.head += line[:room]
        if len(line) > room:
            self.tail = texts.last(self.tail + line[max(room, 0):])
        return len(self.head) + len(self.tail) - before

    def whole(self) -> str:
        """Return it, marked where the middle is missing."""
        return self.head + (texts.CUT_BEFORE if len(self.tail) > texts.OUTPUT_LIMIT else "") + self.tail


class _Run:
    """A test that began."""

    __slots__ = ("began", "marks", "said")

    def __init__(self, began: datetime | None) -> None:
        self.began = began
        self.said: _Text | None = None
        self.marks: list[Mark] = []


class _Package:
    """A package that has not ended."""

    __slots__ = ("bad", "open", "said")

    def __init__(self) -> None:
        self.open: dict[str, _Run] = {}
        self.bad = 0
        self.said = _Text()


class Runs:
    """All that is open, and the notices at the end."""

    def __init__(self) -> None:
        self._packages: dict[str, _Package] = {}
        self._open = self._named = self._kept = self.cases = 0
        self.outside = Outside()

    def _package(self, name: str) -> _Package:
        found = self._packages.get(name)
        if found is None:
            if len(self._packages) >= OPEN_LIMIT:
                raise Fault(HOSTILE, f"more than {OPEN_LIMIT} packages at once")
            found = self._packages[name] = _Package()
        return found

    def touch(self, package: str) -> None:
        """See a package begin."""
        self._package(package)

    def run(self, package: str, test: str, began: datetime | None = None) -> Iterator[Case]:
        """See a test begin; yields its earlier run if that has no end."""
        home = self._package(package)
        if test in home.open:
            yield from self._lost(package, home, test)
        self._open += 1
        self._named += len(test)
        if self._open > OPEN_LIMIT or self._named > NAMED_LIMIT:
            raise Fault(HOSTILE, f"more than {OPEN_LIMIT} tests at once, or names without bounds")
        home.open[test] = _Run(began)

    def output(self, package: str, test: str | None, line: str) -> None:
        """See a line that a test or, without one, its package printed."""
        home = self._package(package)
        run = home.open.get(test) if test is not None else None
        if run is None:
            home.said.add(line)
        elif not _FRAME.match(line) and self._kept < KEPT_LIMIT:
            run.said = run.said or _Text()
            self._kept += run.said.add(line)

    def attribute(self, package: str, test: str, name: str, value: str) -> None:
        """See what a test says about itself with `t.Attr`: the names are those of JUnit properties."""
        run = self._package(package).open.get(test)
        if run is not None and len(run.marks) < MARK_LIMIT and value.strip():
            run.marks += junit_marks.marks(name, value.strip())

    def end(self, package: str, test: str, action: str, seconds: float | None, ended: datetime | None = None) -> Iterator[Case]:
        """See a test end, whether or not it was seen to begin."""
        home = self._package(package)
        run = home.open.pop(test, None)
        if run is not None:
            self._forget(test)
        case = self._case(package, home, test, run or _Run(None), OUTCOMES[action])
        yield case if seconds is None and ended is None else msgspec.structs.replace(case, seconds=seconds, finished=ended)

    def package_end(self, package: str, action: str, build: str | None = None) -> Iterator[Case | Problem]:
        """See a package end: what is open in it was lost, and a failure without a failed test is told."""
        home = self._packages.pop(package, None) or _Package()
        for test in list(home.open):
            yield from self._lost(package, home, test)
        if action == "fail" and not home.bad:
            said = "\n".join(line for line in home.said.whole().splitlines() if not _PACKAGE_LINE.match(line))
            yield from self.outside.say(f"package {package}", build or said or "it failed")

    def last_words(self) -> Iterator[Problem]:
        """Yield what can only be said at the end; raises Fault where a package has none."""
        for package, home in self._packages.items():
            waits = f" ({next(iter(home.open))} was running)" if home.open else ""
            raise Fault(TRUNCATED, f"package {package[:200] or '?'} has no end{waits[:300]}")
        yield from self.outside.rest()
        if not self.cases:
            yield no_cases()

    def _lost(self, package: str, home: _Package, test: str) -> Iterator[Case]:
        run = home.open.pop(test)
        self._forget(test)
        case = self._case(package, home, test, run, Outcome.FAILED)
        yield case if case.message else msgspec.structs.replace(case, message=_GONE)

    def _forget(self, test: str) -> None:
        self._open -= 1
        self._named -= len(test)

    def _case(self, package: str, home: _Package, test: str, run: _Run, outcome: Outcome) -> Case:
        self.cases += 1
        home.bad += outcome is Outcome.FAILED
        said = run.said.whole() if run.said is not None else ""
        if run.said is not None:
            self._kept -= len(run.said.head) + len(run.said.tail)
        kind = message = trace = output = None
        if outcome is not Outcome.PASSED and said.strip():
            kind, message, trace = _failure(said)
            output = texts.tail(said) if trace is None else None
        return Case(suite=(package,) if package else (), classname=package or None, name=test, outcome=outcome,
                    started=run.began, kind=kind, message=message, trace=trace, output=output or None,
                    marks=tuple(run.marks), line=self.cases)


def _failure(said: str) -> tuple[str | None, str | None, str | None]:
    """Return kind, message and trace as far as the output shows them."""
    if found := _PANIC.search(said):
        return "panic", found[1].strip() or None, texts.cut(said[found.start():].rstrip())
    placed = _PLACED.search(said)
    return None, texts.cut("\n".join(line.strip() for line in placed[1].splitlines())) or None if placed else None, None
