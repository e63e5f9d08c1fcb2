"""Go's tests: `go test -json`, and the text of `go test -v` read as Go's own converter (test2json) reads it.

Identity: the package is the class name, the test's full name (`TestTable/a_b`) is the name; the parents of subtests are
cases too. A test whose end nobody saw when its package ended has failed: that is how a panic, `os.Exit` and a hang
look.

Events of several packages are interleaved. Lines that are no event stand between them where builds fail (before Go
1.24) and are ignored with a notice. A stream in which a package has no end is cut off and refused.

The text and the JSON of one run give the same cases, and a line that a test prints in the form of a result is one for
both. The text has the package behind its tests, so it is read twice; bare output of a test binary has none, and then no
class name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xray_ci.model import TEXT_LIMIT, Case, Mark, Outcome, Problem
from xray_ci.reports import author_marks, members, texts
from xray_ci.reports.lines import Documents, lines
from xray_ci.reports.members import NAME_LIMIT
from xray_ci.reports.notices import (
    NOT_A_REPORT,
    TRUNCATED,
    UNSAFE,
    Fault,
    Outside,
    broken_run,
    cut_off,
    no_cases,
    noise,
    notice,
)
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import BinaryIO

    from xray_ci.reports.json_stream import Source


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
    r"(?:PASS|FAIL|ok|FAIL\t.*|ok  \t.*|exit status \d+|coverage: .*|testing: warning: no tests to run)\s*$"
)
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
            self.tail = texts.last(self.tail + line[max(room, 0) :])
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
        self.line = 0
        """Of what is seen now."""
        self.outside = Outside()

    def _package(self, name: str) -> _Package:
        found = self._packages.get(name)
        if found is None:
            if len(self._packages) >= OPEN_LIMIT:
                raise Fault(UNSAFE, f"more than {OPEN_LIMIT} packages at once")
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
            raise Fault(UNSAFE, f"more than {OPEN_LIMIT} tests at once, or names without bounds")
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
            run.marks += author_marks.of_property(name, value.strip())

    def end(
        self, package: str, test: str, action: str, seconds: float | None, ended: datetime | None = None
    ) -> Iterator[Case]:
        """See a test end, whether or not it was seen to begin."""
        home = self._package(package)
        run = home.open.pop(test, None)
        if run is not None:
            self._forget(test)
        case = self._case(package, home, test, run or _Run(None), OUTCOMES[action])
        yield (
            case
            if seconds is None and ended is None
            else msgspec.structs.replace(case, seconds=seconds, finished=ended)
        )

    def package_end(self, package: str, action: str, build: str | None = None) -> Iterator[Case | Problem]:
        """See a package end: what is open in it was lost, and a failure without a failed test is told."""
        home = self._packages.pop(package, None) or _Package()
        for test in list(home.open):
            if action == "pass" and test.startswith("Benchmark"):  # it begins, and no event says that it ended
                run = home.open.pop(test)
                self._forget(test)
                yield self._case(package, home, test, run, Outcome.PASSED)
            else:
                yield from self._lost(package, home, test)
        if action == "fail" and not home.bad:
            said = "\n".join(line for line in home.said.whole().splitlines() if not _PACKAGE_LINE.match(line))
            yield from self.outside.say(f"package {package}", build or said or "it failed")

    def last_words(self, events: Documents | None = None) -> Iterator[Problem]:
        """Yield what can only be said at the end; a package without one was cut off, and its ended tests hold."""
        cause = None
        for package, home in self._packages.items():
            waits = f" ({next(iter(home.open))} was running)" if home.open else ""
            cause = cause or f"package {package[:200] or '?'} has no end{waits[:300]}"
        if events is not None:
            yield from cut_off(events, cause)
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
        return Case(
            suite=(package,) if package else (),
            classname=package or None,
            name=test,
            outcome=outcome,
            started=run.began,
            kind=kind,
            message=message,
            trace=trace,
            output=output or None,
            marks=tuple(run.marks),
            line=self.line,
        )


def _failure(said: str) -> tuple[str | None, str | None, str | None]:
    """Return kind, message and trace as far as the output shows them."""
    if found := _PANIC.search(said):
        return "panic", found[1].strip() or None, texts.cut(said[found.start() :].rstrip())
    placed = _PLACED.search(said)
    return None, texts.cut("\n".join(line.strip() for line in placed[1].splitlines())) or None if placed else None, None


_NO_BUILD: Final = re.compile(r"FAIL\t\S+ \[(?:build|setup) failed\]")
_BUILDS: Final = 100
"""Failed builds whose output is kept until their package ends."""
_BUILD_TEXT: Final = 1_000


def read_json(source: Source) -> Iterator[Case | Problem]:
    """Yield each run of each test when it ends, then notices.

    Durations are seconds, times those of the `run` and end events. Where a package has no end, its tests that ended are
    kept, and it is told. Raises Fault for a broken line.
    """
    events, runs = Documents(source, telling=_NO_BUILD), Runs()
    builds: dict[str, str] = {}
    seen = False
    for event in events:
        action = event.get("Action")
        if not isinstance(action, str):
            continue
        seen = True
        runs.line = events.number
        package = members.text(event, "Package", members.NAME_LIMIT)
        if action == "build-output":
            target = members.text(event, "ImportPath", members.NAME_LIMIT) or ""
            if target in builds or len(builds) < _BUILDS:
                builds[target] = (builds.get(target, "") + (members.text(event, "Output") or ""))[:_BUILD_TEXT]
        elif package is not None:
            yield from _event(runs, event, action, package, builds)
    if not seen:
        raise Fault(NOT_A_REPORT, "it has no event of `go test -json`")
    for line in events.told:
        yield from runs.outside.say(f"package {line.split()[1]}", "the build failed")
    yield from runs.last_words(events)
    yield from noise(events)


def _event(
    runs: Runs, event: dict[str, Any], action: str, package: str, builds: dict[str, str]
) -> Iterator[Case | Problem]:
    test = members.text(event, "Test", members.NAME_LIMIT)
    match action:
        case "output":
            line = event.get("Output")
            if isinstance(line, str):
                runs.output(package, test, line)
        case "run" if test is not None:
            yield from runs.run(package, test, members.moment(event, "Time"))
        case "attr" if test is not None:
            runs.attribute(package, test, members.text(event, "Key") or "", members.text(event, "Value") or "")
        case "start":
            runs.touch(package)
        case _ if action not in OUTCOMES:
            pass
        case _ if test is not None:
            yield from runs.end(package, test, action, members.seconds(event, "Elapsed"), members.moment(event, "Time"))
        case _:
            failed = members.text(event, "FailedBuild")
            yield from runs.package_end(package, action, builds.pop(failed, "the build failed") if failed else None)


_TEXT_FRAME: Final = re.compile(r"\x16?=== (RUN|PAUSE|CONT|NAME|ATTR)\s+(\S.*)")
_RESULT: Final = re.compile(r"\x16?\s*--- (PASS|FAIL|SKIP|BENCH): (.+?)(?: \(([0-9.]+ ?[a-z]{1,7})\))?$")
_PACKAGE: Final = re.compile(r"(ok  |FAIL|\?   )\t(\S+)\t(.*)|(FAIL)\t(\S+) \[(?:build|setup) failed\]")
_BARE_END: Final = frozenset({"PASS", "FAIL"})
_ACTIONS: Final = {"ok  ": "pass", "FAIL": "fail", "?   ": "skip"}


def read_text(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each run of each test in the order of the results, then notices.

    Durations are seconds; the text has no times. Where the text ends before the last package does, nobody knows its
    name, so its tests are left out, and that is told; raises Fault where it is the only one.
    """
    packages = list(_packages(source))
    source.seek(0)
    text = _TextRun()
    for number, line in enumerate(lines(source), 1):
        yield from text.line(line, number, packages)
    yield from text.finish()


def _packages(source: BinaryIO) -> Iterator[str | None]:
    """Yield the package of each stretch of tests; for the last one "" when it ends unnamed, None when it has no end."""
    going = False
    for line in lines(source):
        if (found := _PACKAGE.fullmatch(line)) and not found[4]:
            going = False
            yield found[2]
        elif line in _BARE_END:
            going = False
        else:
            going = going or bool(_TEXT_FRAME.fullmatch(line) or _RESULT.fullmatch(line))
    yield None if going else ""


class _TextRun:
    """Where in the text we are."""

    def __init__(self) -> None:
        self._runs = Runs()
        self._package = 0
        self._test: str | None = None
        self._results: list[tuple[str, str, str | None]] = []
        """Results whose output may still follow: a test's own, until another test or the package's end shows up."""
        self._known = self._cut = self._verbose = False

    def line(self, line: str, number: int, packages: list[str | None]) -> Iterator[Case | Problem]:
        """See one line."""
        self._runs.line = number
        package = packages[self._package]
        if package is None:
            if not self._package:
                raise Fault(TRUNCATED, "the tests of its only package have no end")
            self._known = self._cut = True
            return
        if found := _PACKAGE.fullmatch(line):
            self._known = True
            if found[4]:
                yield from self._runs.package_end(found[5], "fail", "the build failed")
                return
            yield from self._settle(package)
            yield from self._runs.package_end(package, _ACTIONS[found[1]])
            self._package += 1
            self._test = None
        elif found := _TEXT_FRAME.fullmatch(line):
            self._known = self._verbose = True
            yield from self._settle(package)
            yield from self._frame(package, found[1], found[2])
        elif found := _RESULT.fullmatch(line):
            self._known = True
            self._test = found[2][:NAME_LIMIT]
            self._results.append((self._test, found[1].lower(), found[3]))
        elif line not in _BARE_END:
            self._runs.output(package, self._test, line + "\n")

    def finish(self) -> Iterator[Case | Problem]:
        """See the end of the text."""
        if not self._known:
            raise Fault(NOT_A_REPORT, "it has no line of `go test -v`")
        if self._cut:
            yield broken_run("the tests of its last package have no end and no name, and are left out")
        yield from self._settle("")
        yield from self._runs.package_end("", "pass")
        yield from self._runs.last_words()
        if not self._verbose:
            yield notice(
                "perhaps-incomplete",
                "it was written without `-v`: tests that passed are not in it",
                advice="Run `go test -v`, or `go test -json`.",
            )

    def _frame(self, package: str, word: str, rest: str) -> Iterator[Case]:
        if word == "ATTR":
            test, name, value = (*rest.split(" ", 2), "", "")[:3]
            self._runs.attribute(package, test, name, value)
            return
        self._test = rest = rest[:NAME_LIMIT]
        if word == "RUN":
            yield from self._runs.run(package, rest)

    def _settle(self, package: str) -> Iterator[Case]:
        for test, action, duration in self._results:
            yield from self._runs.end(package, test, action, seconds((duration or "").replace(" ", "")))
        self._results.clear()
