"""`go test -v`: the text that Go prints, read as Go's own converter (test2json) reads it. Knows its lines; see `go_runs`.

So a text and the JSON of the same run give the same cases, and a line that a test prints in the form of a result is one for both.
The package stands in the last line of its tests, so the report is read twice. Bare output of a test binary has no package, and
then no class name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.reports.fault import NOT_A_REPORT, TRUNCATED, Fault
from xray_ci.reports.go_runs import Runs
from xray_ci.reports.lines import lines
from xray_ci.reports.members import NAME_LIMIT
from xray_ci.reports.remarks import notice
from xray_ci.reports.times import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Case, Problem

_FRAME: Final = re.compile(r"\x16?=== (RUN|PAUSE|CONT|NAME|ATTR)\s+(\S.*)")
_RESULT: Final = re.compile(r"\x16?\s*--- (PASS|FAIL|SKIP|BENCH): (.+?)(?: \(([0-9.]+ ?[a-z]{1,7})\))?$")
_PACKAGE: Final = re.compile(r"(ok  |FAIL|\?   )\t(\S+)\t(.*)|(FAIL)\t(\S+) \[(?:build|setup) failed\]")
_BARE_END: Final = frozenset({"PASS", "FAIL"})
_ACTIONS: Final = {"ok  ": "pass", "FAIL": "fail", "?   ": "skip"}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each run of each test in the order of the results, then notices.

    Durations are seconds; the text has no times. Raises Fault where tests are left without the end of their package.
    """
    packages = list(_packages(source))
    source.seek(0)
    text = _Text()
    for line in lines(source):
        yield from text.line(line, packages)
    yield from text.finish()


def _packages(source: BinaryIO) -> Iterator[str]:
    """Yield the package of each stretch of tests; "" for the last one when nothing names it."""
    for line in lines(source):
        if (found := _PACKAGE.fullmatch(line)) and not found[4]:
            yield found[2]
    yield ""


class _Text:
    """Where in the text we are."""

    def __init__(self) -> None:
        self._runs = Runs()
        self._package = 0
        self._test: str | None = None
        self._results: list[tuple[str, str, str | None]] = []
        """Results whose output may still follow: a test's own, until another test or the package's end shows up."""
        self._known = self._going = self._ended = self._verbose = False

    def line(self, line: str, packages: list[str]) -> Iterator[Case | Problem]:
        """See one line."""
        package = packages[self._package]
        if found := _PACKAGE.fullmatch(line):
            self._known = True
            if found[4]:
                yield from self._runs.package_end(found[5], "fail", "the build failed")
                return
            yield from self._settle(package)
            yield from self._runs.package_end(package, _ACTIONS[found[1]])
            self._package += 1
            self._going, self._test = False, None
        elif found := _FRAME.fullmatch(line):
            self._known = self._going = self._verbose = True
            self._ended = False
            yield from self._settle(package)
            yield from self._frame(package, found[1], found[2])
        elif found := _RESULT.fullmatch(line):
            self._known = self._going = True
            self._test = found[2][:NAME_LIMIT]
            self._results.append((self._test, found[1].lower(), found[3]))
        elif line in _BARE_END:
            self._ended = True
        else:
            self._runs.output(package, self._test, line + "\n")

    def finish(self) -> Iterator[Case | Problem]:
        """See the end of the text."""
        if not self._known:
            raise Fault(NOT_A_REPORT, "it has no line of `go test -v`")
        if self._going and not self._ended:
            raise Fault(TRUNCATED, "the tests of its last package have no end")
        yield from self._settle("")
        yield from self._runs.package_end("", "pass")
        yield from self._runs.last_words()
        if not self._verbose:
            yield notice("perhaps-incomplete", "it was written without `-v`: tests that passed are not in it",
                         advice="Run `go test -v`, or `go test -json`.")

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
