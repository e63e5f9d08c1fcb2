"""TAP 12, 13 and 14. Knows its lines and where they stand; what a point says is in `tap_point`.

Cases are the points at the left margin, the points of subtests are their steps (before the point, or after it in braces). There
are no suites: identity is the description. A point to do is `OTHER`, whatever it says. A plan that is not met and `Bail out!`
are a run that broke off: its results are read, and a problem says that others are missing.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.reports.fault import NOT_A_REPORT, TRUNCATED, Fault
from xray_ci.reports.lines import lines
from xray_ci.reports.remarks import broken_run, no_cases, notice
from xray_ci.reports.tap_point import STEP_LIMIT, Point

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Case, Problem
    from xray_ci.reports.json_stream import Source

_PLAN: Final = re.compile(r"1\.\.(\d{1,9})(?:\s+#\s*(.*))?\s*$")
_VERSION: Final = re.compile(r"TAP version \d+\s*$")
_BAIL: Final = re.compile(r"Bail out!\s*(.*)", re.IGNORECASE)
_SUMMARY: Final = re.compile(
    r"#\s*(?:(?:tests|suites|pass|fail|failed|skip|skipped|todo|cancelled|duration_ms|ok|time)\b[:=]?\s*[\d.]*\s*\w*)?$")
_SUBTEST: Final = re.compile(r"#\s*Subtest\b")
_SHORT: Final = 100
_DEPTH_LIMIT: Final = 200


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each point at the margin in order, then problems.

    Durations come from `duration_ms` and `time=`. Raises Fault where nothing is TAP, and where the file ends inside a diagnosis.
    """
    reader = _Reader()
    for number, line in enumerate(lines(source), 1):
        yield from reader.line(line, number)
        if reader.bailed is not None:
            break
    yield from reader.finish()


class _Reader:
    """The point at the margin that is open, and the points of subtests that wait for theirs."""

    def __init__(self) -> None:
        self.bailed: str | None = None
        self._known = False
        self._plan: int | None = None
        self._count = self._ordinal = 0
        self._left_out = 0
        self._point: Point | None = None
        self._subs: list[Point] = []
        self._blocks: list[tuple[Point, int]] = []
        self._target: Point | None = None
        self._yaml = 0
        """Line where the block of YAML began that we are in, or 0."""
        self._skipped: str | None = None

    def line(self, line: str, number: int) -> Iterator[Case]:
        """See one line; yields the point before when a new one begins."""
        text = line.strip()
        if self._yaml:
            if text == "...":
                self._yaml = 0
            elif self._target is not None:
                self._target.told(line, block=True)
            return
        indent = len(line) - len(line.lstrip(" \t"))
        point = Point.of(text, indent, number, self._ordinal + 1)
        if point is not None and indent:
            self._sub(point)
        elif point is not None:
            yield from self._next(point)
        elif text == "---" and self._target is not None and indent > self._target.indent:
            self._yaml = number
        elif text == "}" and self._blocks:
            self._close(indent)
        elif indent == 0 and self._margin(text):
            pass
        elif _SUBTEST.match(text):
            self._target = None
        elif self._target is not None:
            self._note(self._target, line, text, indent)

    def finish(self) -> Iterator[Case | Problem]:
        """See the end of the file."""
        if self._yaml:
            raise Fault(TRUNCATED, "it ends inside a diagnosis", line=self._yaml)
        yield from self._yielded()
        if not self._known:
            raise Fault(NOT_A_REPORT, "it has no line of TAP")
        if self.bailed is not None:
            yield broken_run(f"Bail out! {' '.join(self.bailed.split())[:300]}".rstrip())
        elif self._plan is not None and self._plan != self._count:
            yield broken_run(f"{self._plan} tests were planned, but {self._count} ran")
        elif self._plan is None:
            yield notice("perhaps-incomplete", "it has no plan (`1..N`), so nobody can say whether it is complete")
        if self._left_out:
            yield notice("points-left-out", f"{self._left_out} points of subtests beyond {STEP_LIMIT} of one test were left out")
        if not self._count and self._skipped:
            yield notice("no-cases", f"all its tests are skipped: {self._skipped[:300]}")
        elif not self._count:
            yield no_cases()

    def _note(self, target: Point, line: str, text: str, indent: int) -> None:
        """See a line that may be about the point before it: a comment, or what stands deeper than the point."""
        if indent <= target.indent and (not text.startswith("#") or target.has_block):
            return  # after a block of YAML a comment is the next test's title
        if not _PLAN.fullmatch(text) and not (len(text) < _SHORT and _SUMMARY.fullmatch(text)):
            target.told(text if text.startswith("#") else line, block=False)

    def _margin(self, text: str) -> bool:
        """See a line at the margin that is no point; say whether it is one of TAP's."""
        if plan := _PLAN.fullmatch(text):
            # More than one plan is several outputs one after the other, each of which states its own.
            self._plan = (self._plan or 0) + int(plan[1])
            self._skipped = re.sub(r"^skip\S*\s*", "", plan[2] or "", flags=re.IGNORECASE)
        elif bail := _BAIL.fullmatch(text):
            self.bailed = bail[1]
        elif not _VERSION.fullmatch(text):
            return text.startswith("pragma ")
        self._known = True
        return True

    def _next(self, point: Point) -> Iterator[Case]:
        if self._blocks:
            self._close(0)  # a name that ends in a brace and opened nothing, or a brace that is missing
        yield from self._yielded()
        self._known = True
        self._ordinal += 1
        point.children, self._subs = self._subs, []
        self._point = self._target = point
        if point.block:
            self._blocks.append((point, 0))

    def _sub(self, point: Point) -> None:
        self._target = point
        if point.block and len(self._blocks) < _DEPTH_LIMIT:
            self._blocks.append((point, len(self._subs) + 1))
        else:
            first = self._blocks[-1][1] if self._blocks else 0
            at = len(self._subs)
            while at > first and self._subs[at - 1].indent > point.indent:
                at -= 1
            point.children = self._subs[at:]
            del self._subs[at:]
        if len(self._subs) < STEP_LIMIT:
            self._subs.append(point)
        else:
            self._left_out += 1

    def _close(self, indent: int) -> None:
        """Give the points in braces to the points before them, down to the brace at this indentation."""
        while self._blocks and self._blocks[-1][0].indent >= indent:
            point, first = self._blocks.pop()
            point.children += self._subs[first:]
            del self._subs[first:]
        self._target = None

    def _yielded(self) -> Iterator[Case]:
        if self._point is not None:
            self._count += 1
            yield self._point.case(self._count)
            self._point = None
