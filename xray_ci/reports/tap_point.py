"""One line of TAP that is a test point, and what belongs to it. Knows descriptions, directives and outcomes; no document."""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Mark, Outcome, Step
from xray_ci.reports import junit_marks, tap_diagnosis, texts
from xray_ci.reports.members import NAME_LIMIT, SPLIT, file_label
from xray_ci.reports.times import seconds as read_seconds

if TYPE_CHECKING:
    from typing import Self

STEP_LIMIT: Final = 1_000
"""Points of subtests that are kept of one point at the margin."""
_POINT: Final = re.compile(r"(not )?ok(?=\s|$)(?:\s+(\d{1,9})(?=\s|$))?(?:\s*-(?=\s|$))?\s*(.*)")
_DIRECTIVE: Final = re.compile(r"(?:^|(?<=\s))#\s*(todo|skip)(?:ped|ping)?\b:?[ \t]*(.*)$", re.IGNORECASE)
_TIME: Final = re.compile(r"\s#\s?(?:time=|in\s)([0-9.]{1,20}\s?m?s)$")
_ESCAPED: Final = re.compile(r"\\([#\\])")
_TELLING: Final = re.compile(r"\s*(?:#\s*)?([a-z_]{1,30}):\s+[\"']?([^\"'\r\n]{1,1000})")
_ASSERTED: Final = re.compile(r"^E {2,7}(\S.{0,1000})$", re.MULTILINE)
"""How pytest marks what failed."""
_PATH: Final = re.compile(r"(?:/|[A-Za-z]:\\)[^\n:]+\.\w{1,5}")
"""A whole path: Node's name for a file that broke, and that of one machine."""
_MARK_LIMIT: Final = 100


class Point:
    """A point, at the margin or in a subtest, whose diagnosis may still follow."""

    __slots__ = ("_block", "_kept", "_notes", "block", "children", "failed", "indent", "line", "marks", "name", "outcome", "reason", "seconds")

    def __init__(self, indent: int, line: int, ok: bool, rest: str, number: str | None) -> None:  # noqa: FBT001
        self.indent = indent
        self.line = line
        rest = rest.rstrip()
        self.block = rest == "{" or rest.endswith(" {")
        """The points of its subtest follow in braces."""
        rest = rest[:-1].rstrip() if self.block else rest
        self.seconds: float | None = None
        if took := _TIME.search(f" {rest}"):
            self.seconds = read_seconds(took[1].replace(" ", ""))
            rest = rest[:max(took.start() - 1, 0)]
        directive = _DIRECTIVE.search(rest)
        self.reason = (directive[2].strip().strip("-") or None) if directive else None
        self.outcome = Outcome.PASSED if ok else Outcome.FAILED
        if directive:
            rest = rest[:directive.start()]
            self.outcome = Outcome.OTHER if directive[1].lower() == "todo" else Outcome.SKIPPED
        self.failed = not ok
        name = texts.cut(_ESCAPED.sub(r"\1", rest.strip()), NAME_LIMIT) or f"test {number or '?'}"
        self.name = file_label(name) if _PATH.fullmatch(name) else name
        self.children: list[Point] = []
        self.marks: list[Mark] = []
        self._block: list[str] = []
        self._notes: list[str] = []
        self._kept = 0

    @classmethod
    def of(cls, text: str, indent: int, line: int, ordinal: int) -> Self | None:
        """Return the point that a line is, without its indentation; `ordinal` names one that has neither number nor name."""
        found = _POINT.fullmatch(text)
        return cls(indent, line, not found[1], found[3], found[2] or str(ordinal)) if found else None

    def told(self, line: str, *, block: bool) -> None:
        """See a line of its diagnosis: of the block of YAML, or a comment."""
        if len(self.marks) < _MARK_LIMIT and (mark := _TELLING.match(line)):
            self.marks += junit_marks.marks(mark[1], mark[2].strip())
        if self._kept < TEXT_LIMIT:
            (self._block if block else self._notes).append(line[:TEXT_LIMIT])
            self._kept += len(line) + 1

    @property
    def has_block(self) -> bool:
        """Whether it has a block of YAML."""
        return bool(self._block)

    def case(self, number: int) -> Case:
        """Return the point as a case, the points of its subtests as steps."""
        kind, message, trace = self.failure()
        if self.seconds is None and self._block and (took := tap_diagnosis.values(self._block).get("duration_ms")):
            self.seconds = read_seconds(f"{took}ms")
        return Case(name=self.name, outcome=self.outcome, seconds=self.seconds, kind=kind, message=message, trace=trace,
                    marks=tuple(self.marks), steps=tuple(_steps(self, "")), line=number)

    def failure(self) -> tuple[str | None, str | None, str | None]:
        """Return kind, message and trace; of a point that was skipped or is to do the reason is the message."""
        if self.outcome is Outcome.PASSED or not self.failed:
            return None, self.reason, None
        kind, message, trace = tap_diagnosis.failure(self._block)
        notes = textwrap.dedent("\n".join(line.removeprefix("#").removeprefix(" ") for line in self._notes)).strip("\n")
        if notes and trace:
            trace = texts.cut(f"{trace}\n\n{notes}")
        elif notes:
            trace = texts.cut(notes)
        if message is None and notes:
            asserted = _ASSERTED.search(notes)
            message = asserted[1] if asserted else next(filter(None, map(str.strip, notes.split("\n"))), None)
        return kind, self.reason or message, trace


def _steps(point: Point, before: str) -> list[Step]:
    """Return the leaves below a point; a point that failed though none below it did is a step too."""
    steps: list[Step] = []
    for child in point.children:
        name = f"{before}{child.name}"
        steps += _steps(child, f"{name}{SPLIT}")
        below = [one.outcome for one in child.children]
        if not below or (child.outcome is Outcome.FAILED and Outcome.FAILED not in below):
            steps.append(Step(action=texts.cut(name, NAME_LIMIT), outcome=child.outcome, comment=child.failure()[1]))
    return steps[:STEP_LIMIT]
