"""TAP 12, 13 and 14.

Cases are the points at the left margin, the points of subtests are their steps (before the point, or after it in
braces). There are no suites: identity is the description. A point to do is `OTHER`, whatever it says. A plan that is
not met and `Bail out!` are a run that broke off: its results are read, and a problem says that others are missing.

Producers write the block of YAML below a point in many dialects, some of which no YAML reader takes (raw line breaks in
quotes, two documents in one block). So it is read line by line: names with their scalars and their indented texts, the
first of each name, at any depth.
"""

from __future__ import annotations

import json
import re
import textwrap
from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Mark, Outcome, Step
from xray_ci.reports import author_marks, texts
from xray_ci.reports.lines import lines
from xray_ci.reports.members import NAME_LIMIT, SPLIT, file_label, kind_of
from xray_ci.reports.notices import NOT_A_REPORT, Fault, broken_run, no_cases, notice
from xray_ci.reports.texts import seconds as read_seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import Self

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source


_MEMBER: Final = re.compile(r"(\s*)[\"']?([A-Za-z_][\w.-]{0,60})[\"']?:(?:\s+(.*))?$")
_BLOCKS: Final = frozenset({"|", "|-", "|+", ">", ">-", ">+"})
_NOTHING: Final = frozenset({"", "~", "null", "{}", "[]"})
_LINES: Final = 5_000


def values(block: Sequence[str]) -> dict[str, str]:
    """Return the first value of each name in a block."""
    stripped = "\n".join(block).strip()
    if stripped.startswith("{"):
        return _json(stripped)
    found: dict[str, str] = {}
    at = 0
    while at < min(len(block), _LINES):
        member = _MEMBER.match(block[at])
        at += 1
        if member is None:
            continue
        value = (member[3] or "").strip()
        if value in _BLOCKS:
            begin = at
            while at < len(block) and (not block[at].strip() or _depth(block[at]) > len(member[1])):
                at += 1
            value = textwrap.dedent("\n".join(block[begin:at])).strip("\n")
        else:
            value = _unquoted(value)
        if value not in _NOTHING:
            found.setdefault(member[2], value)
    return found


def failure(block: Sequence[str]) -> tuple[str | None, str | None, str | None]:
    """Return kind, message and trace: the stack where there is one, else the whole block."""
    found = values(block)
    message, trace = found.get("message") or found.get("error"), found.get("stack")
    kind = found.get("name") or found.get("failureType") or found.get("type") or kind_of(trace)
    whole = textwrap.dedent("\n".join(block)).strip("\n")
    if trace is None and whole and whole != message:
        trace = whole
    elif trace is not None and (place := found.get("at") or found.get("location")) and place not in trace:
        trace = f"{trace}\nat {place}"
    return (
        kind[:NAME_LIMIT] if kind else None,
        texts.cut(message) if message else None,
        texts.cut(trace) if trace else None,
    )


def _json(text: str) -> dict[str, str]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return (
        {
            name: texts.cut(item, TEXT_LIMIT).encode("utf-8", "replace").decode()
            for name, item in value.items()
            if isinstance(item, str)
        }
        if isinstance(value, dict)
        else {}
    )


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


def _unquoted(value: str) -> str:
    if len(value) > 1 and value[0] == value[-1] == '"':
        try:
            return str(json.loads(value)).encode("utf-8", "replace").decode()
        except ValueError:
            return value[1:-1]
    return value[1:-1].replace("''", "'") if len(value) > 1 and value[0] == value[-1] == "'" else value


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

    __slots__ = (
        "_block",
        "_kept",
        "_notes",
        "block",
        "children",
        "failed",
        "indent",
        "line",
        "marks",
        "name",
        "outcome",
        "reason",
        "seconds",
    )

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
            rest = rest[: max(took.start() - 1, 0)]
        directive = _DIRECTIVE.search(rest)
        self.reason = (directive[2].strip().strip("-") or None) if directive else None
        self.outcome = Outcome.PASSED if ok else Outcome.FAILED
        if directive:
            rest = rest[: directive.start()]
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
        """Return the point that a line is, without its indentation.

        `ordinal` names one that has neither number nor name.
        """
        found = _POINT.fullmatch(text)
        return cls(indent, line, not found[1], found[3], found[2] or str(ordinal)) if found else None

    def told(self, line: str, *, block: bool) -> None:
        """See a line of its diagnosis: of the block of YAML, or a comment."""
        if len(self.marks) < _MARK_LIMIT and (mark := _TELLING.match(line)):
            self.marks += author_marks.of_property(mark[1], mark[2].strip())
        if self._kept < TEXT_LIMIT:
            (self._block if block else self._notes).append(line[:TEXT_LIMIT])
            self._kept += len(line) + 1

    @property
    def has_block(self) -> bool:
        """Whether it has a block of YAML."""
        return bool(self._block)

    def case(self) -> Case:
        """Return the point as a case, the points of its subtests as steps."""
        kind, message, trace = self.failure()
        if self.seconds is None and self._block and (took := values(self._block).get("duration_ms")):
            self.seconds = read_seconds(f"{took}ms")
        return Case(
            name=self.name,
            outcome=self.outcome,
            seconds=self.seconds,
            kind=kind,
            message=message,
            trace=trace,
            marks=tuple(self.marks),
            steps=tuple(_steps(self, "")),
            line=self.line,
        )

    def failure(self) -> tuple[str | None, str | None, str | None]:
        """Return kind, message and trace; of a point that was skipped or is to do the reason is the message."""
        if self.outcome is Outcome.PASSED or not self.failed:
            return None, self.reason, None
        kind, message, trace = failure(self._block)
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


_PLAN: Final = re.compile(r"1\.\.(\d{1,9})(?:\s+#\s*(.*))?\s*$")
_VERSION: Final = re.compile(r"TAP version \d+\s*$")
_BAIL: Final = re.compile(r"Bail out!\s*(.*)", re.IGNORECASE)
_SUMMARY: Final = re.compile(
    r"#\s*(?:(?:tests|suites|pass|fail|failed|skip|skipped|todo|cancelled|duration_ms|ok|time)\b[:=]?\s*[\d.]*\s*\w*)?$"
)
_SUBTEST: Final = re.compile(r"#\s*Subtest\b")
_SHORT: Final = 100
_DEPTH_LIMIT: Final = 200


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each point at the margin in order, then problems.

    Durations come from `duration_ms` and `time=`. A stream that was cut off keeps what is whole, and is told: a last
    line without its end may lack half its name, or that the test failed as expected. Raises Fault where nothing is TAP.
    """
    reader, ending = _Reader(), _Ending(source)
    for number, line in enumerate(lines(ending), 1):
        yield from reader.line(line, number)
        if reader.bailed is not None:
            break
    yield from reader.finish(whole=ending.last.rstrip(b"\0").endswith(b"\n"))


class _Ending:
    """A report that remembers its last bytes."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.last = b""

    def read(self, size: int = -1) -> bytes:
        """Read on."""
        piece = self._source.read(size)
        self.last = piece[-4:] or self.last
        return piece


class _Reader:
    """The point at the margin that is open, and the points of subtests that wait for theirs."""

    def __init__(self) -> None:
        self.bailed: str | None = None
        self._known = self._fresh = False
        """Whether something of TAP was seen; whether the line seen last is the open point."""
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
        self._fresh = False
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

    def finish(self, *, whole: bool) -> Iterator[Case | Problem]:
        """See the end of the file; `whole` says that its last line has an end."""
        planned = self._plan is not None and self._plan == self._count + (self._point is not None)
        half = not whole and not planned and self.bailed is None and self._point is not None and self._fresh
        if half:
            self._point = None
        yield from self._yielded()
        if not self._known:
            raise Fault(NOT_A_REPORT, "it has no line of TAP")
        if self.bailed is not None:
            yield broken_run(f"Bail out! {' '.join(self.bailed.split())[:300]}".rstrip())
        elif half:
            yield broken_run("its last line ends in the middle, perhaps")
        elif self._yaml:
            yield broken_run("it ends inside a diagnosis", line=self._yaml)
        elif self._plan is not None and self._plan != self._count:
            yield broken_run(f"{self._plan} tests were planned, but {self._count} ran")
        elif self._plan is None:
            yield notice("perhaps-incomplete", "it has no plan (`1..N`), so nobody can say whether it is complete")
        if self._left_out:
            yield notice(
                "points-left-out", f"{self._left_out} points of subtests beyond {STEP_LIMIT} of one test were left out"
            )
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
        self._fresh = True
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
            yield self._point.case()
            self._point = None
