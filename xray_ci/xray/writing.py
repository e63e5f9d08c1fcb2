"""The finished files, one a Test Execution: every Test once, in report order, with its evidence, cut into batches.

A result belongs to the only Test Execution, that of its report, or that of its Test Environments. What the assembly
spooled is read line by line; never more than a line and a stretch of notes is held.

Knows reports' names, environments and spans of time; knows nothing of Tests: one has a Test Run in each of them.
"""

from __future__ import annotations

from array import array
from collections import OrderedDict
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import Struct

from xray_ci.errors import ConfigurationError
from xray_ci.model import MarkKind
from xray_ci.xray import escaping
from xray_ci.xray.evidence import EvidenceWriter
from xray_ci.xray.repeats import BETWEEN, LEFT_OUT, LINES, Repeats

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path
    from typing import BinaryIO, Protocol, Self

    from xray_ci.model import Case, Problem
    from xray_ci.xray.evidence import CaseEvidence, EvidenceOptions
    from xray_ci.xray.identities import Identities
    from xray_ci.xray.notices import CaseCounts, Notices
    from xray_ci.xray.render import RenderOptions
    from xray_ci.xray.repeats import Results
    from xray_ci.xray.times import Timestamps
    from xray_ci.xray.validate import Checker

    class Sink(Protocol):
        """What a document is written to."""

        def write(self, data: bytes, /) -> object:
            """Take some bytes."""


MOST: Final = 500
"""Test Executions of one run: more is a rule that captured too much, or an unsafe report."""
_NAME_LIMIT: Final = 255
_ENVIRONMENT: Final = MarkKind.ENVIRONMENT


class ExecutionGroup:
    """One Test Execution to be."""

    __slots__ = ("environments", "report", "span")

    def __init__(self, report: str | None, environments: tuple[str, ...]) -> None:
        self.report = report
        self.environments = environments
        """Besides those of the whole run."""
        self.span: tuple[float, float] | None = None
        """The earliest start and the latest finish, seconds since the epoch."""


class ExecutionGroups:
    """Numbers the Test Executions of a run in the order of their first result."""

    def __init__(self, policy: str) -> None:
        """`policy` is the setting `executions`."""
        self.many = policy != "single"
        self._by_report = policy == "per-report"
        self.all: list[ExecutionGroup] = [] if self.many else [ExecutionGroup(None, ())]
        self.numbers = array("H")
        """For each result the number of its group; empty when there is only one."""
        self._found: dict[tuple[str, ...], int] = {}
        self.shown = ""
        """The report that results are from."""
        self._environments: dict[int, dict[str, None]] = {}
        self._spans: dict[int, tuple[float, float]] = {}

    def begin(self, shown: str) -> None:
        """Look at another report; forget what was not committed."""
        self.shown = shown
        self._environments.clear()
        self._spans.clear()

    def of(self, case: Case, said: tuple[str, ...], times: Timestamps) -> int:
        """Return the group of a case.

        `said` are environments that rules give it, `times` hold its span alone when there are many.

        Raises ConfigurationError when there are more than `MOST`.
        """
        if not self.many:
            self._environments.setdefault(0, {}).update(dict.fromkeys(said))
            return 0
        number = self._numbered((self.shown,), said) if self._by_report else self._numbered(said or _own(case), ())
        if times.earliest is not None and times.latest is not None:
            held = self._spans.get(number, (times.earliest, times.latest))
            self._spans[number] = min(held[0], times.earliest), max(held[1], times.latest)
        return number

    def commit(self, times: Timestamps) -> None:
        """Count the current report in."""
        if not self.many and times.earliest is not None and times.latest is not None:
            self._spans[0] = times.earliest, times.latest
        for number, span in self._spans.items():
            group = self.all[number]
            held = group.span or span
            group.span = min(held[0], span[0]), max(held[1], span[1])
        for number, names in self._environments.items():
            group = self.all[number]
            group.environments = tuple(dict.fromkeys((*group.environments, *names)))

    def _numbered(self, key: tuple[str, ...], environments: tuple[str, ...]) -> int:
        number = self._found.get(key)
        if number is None:
            if len(self.all) >= MOST:
                raise ConfigurationError(
                    f"the results would make more than {MOST} Test Executions",
                    where="executions",
                    slug="too-many-executions",
                    advice="Choose rules that give fewer environments, or `executions: single`.",
                )
            number = self._found[key] = len(self.all)
            self.all.append(ExecutionGroup(key[0], ()) if self._by_report else ExecutionGroup(None, key))
        if environments:
            self._environments.setdefault(number, {}).update(dict.fromkeys(environments))
        return number


def environment(text: str) -> str:
    """Return a text of a report as the name of a Test Environment, which may be empty; `;` would separate two (D)."""
    return escaping.one_line(text, _NAME_LIMIT).replace(";", ",").strip()


def _own(case: Case) -> tuple[str, ...]:
    """Return what the report itself says that a case ran in."""
    return tuple(
        dict.fromkeys(name for mark in case.marks if mark.kind is _ENVIRONMENT and (name := environment(mark.value)))
    )


_BUFFER: Final = 1 << 18
_SMALL_BUFFER: Final = 1 << 14
_TOGETHER: Final = 10_000
"""Lines that are measured at once."""
_COPIED: Final = 64
"""Lines that are held at once."""
_OPEN: Final = 64
"""Files that are open at a time."""


class Batch(Struct, frozen=True, kw_only=True):
    """The tests of one request: a stretch of the file, JSON objects joined by commas, without brackets."""

    offset: int
    length: int
    tests: int


class Portion(Struct, frozen=True, kw_only=True):
    """What one Test Execution gets."""

    path: Path
    """Its tests in report order, joined by commas."""
    batches: tuple[Batch, ...]
    environments: tuple[str, ...] = ()
    """Besides those of the whole run."""
    report: str | None = None
    """The report that it is of, where each has its own."""
    started: str | None = None
    """The earliest start and the latest finish, with offset."""
    finished: str | None = None


class Assembled(Struct, frozen=True, kw_only=True):
    """A run, ready to be sent."""

    portions: tuple[Portion, ...]
    """Those with tests, in the order of their first result."""
    counts: CaseCounts
    problems: tuple[Problem, ...]
    """Results that are left out, each named."""
    notices: tuple[Problem, ...]
    """What was changed or left out of results that are sent, counted."""
    decided: Mapping[str, int]
    """What decided which Test a case is, and how often."""
    identities: frozenset[bytes]
    """`mapping.identity_of` each Test that is found or created; empty unless it was asked for."""
    evidence_files: int
    evidence_bytes: int
    """Of the files, not of their base64."""
    covered: tuple[tuple[str, str], ...] = ()
    """Tests that are named by key, each with an issue that it covers, where that can be linked."""

    def write_document(self, out: Sink, *, info: Mapping[str, Any] | None = None, key: str | None = None) -> None:
        """Write the tests of all portions as one document of Xray JSON, whatever its size.

        Without a result it is not valid.
        """
        encode = msgspec.json.encode
        out.write(b"{")
        if key is not None:
            out.write(b'"testExecutionKey":' + encode(key) + b",")
        if info:
            out.write(b'"info":' + encode(info) + b",")
        out.write(b'"tests":[')
        for number, portion in enumerate(self.portions):
            out.write(BETWEEN if number else b"")
            with portion.path.open("rb") as tests:
                while piece := tests.read(_BUFFER):
                    out.write(piece)
        out.write(b"]}")


class Spooled(Struct, frozen=True, kw_only=True):
    """What the assembly has on disk, and what it needs to be finished."""

    work: Path
    results: Results
    attached: CaseEvidence
    evidence: EvidenceOptions
    rendering: RenderOptions
    repeats: str
    checker: Checker
    notices: Notices
    groups: ExecutionGroups
    text_of: Callable[[float], str]
    """Seconds since the epoch → timestamp."""
    identities: Identities


def write(
    spooled: Spooled,
    counts: CaseCounts,
    problems: tuple[Problem, ...],
    decided: Mapping[str, int],
    identities: frozenset[bytes],
    *,
    batch_tests: int,
    batch_bytes: int,
) -> Assembled:
    """Merge the spooled results, and finish the files: what was spooled is the file, unless something has to change."""
    work = spooled.work
    rendering, groups = spooled.rendering, spooled.groups.numbers
    repeats = Repeats(
        work, rendering, spooled.checker, spooled.notices, spooled.repeats, groups=groups, identities=spooled.identities
    )
    repeats.settle(spooled.results, counts)
    name = rendering.deployment.dialect.evidence
    with (
        _Files(work) as files,
        EvidenceWriter(work, spooled.attached, spooled.evidence, name=name, notices=spooled.notices) as evidence,
    ):
        writer = _Writer(spooled, files, evidence, batch_tests, batch_bytes)
        with (work / LINES).open("rb", buffering=_BUFFER) as lines:
            if any(spooled.results.states) or groups or evidence.any or repeats.named:
                writer.run(lines, repeats)
            else:
                writer.take(lines)
    repeats.close()
    counts.sent = writer.sent
    for file in (LINES, "side", "inline", "repeats", "members", "offsets"):
        (work / file).unlink(missing_ok=True)
    return Assembled(
        portions=tuple(_portions(spooled, writer, files)),
        counts=counts,
        problems=problems,
        decided=decided,
        identities=identities,
        notices=(*spooled.notices.problems(), *spooled.identities.problems()),
        evidence_files=evidence.files,
        evidence_bytes=evidence.bytes,
    )


def _portions(spooled: Spooled, writer: _Writer, files: _Files) -> Iterator[Portion]:
    text = spooled.text_of
    for number, group in enumerate(spooled.groups.all):
        if batches := writer.batches(number):
            started, finished = (text(group.span[0]), text(group.span[1])) if group.span else (None, None)
            yield Portion(
                path=files.path(number),
                batches=batches,
                environments=group.environments,
                report=group.report,
                started=started,
                finished=finished,
            )


class _Files:
    """The finished files; few of them are open at a time, for there may be more than a process may open."""

    def __init__(self, work: Path) -> None:
        self._work = work
        self._open: OrderedDict[int, BinaryIO] = OrderedDict()

    def path(self, number: int) -> Path:
        """Return where the tests of a Test Execution are."""
        return self._work / (f"tests-{number}" if number else "tests")

    def __getitem__(self, number: int) -> BinaryIO:
        held = self._open.get(number)
        if held is None:
            if len(self._open) >= _OPEN:
                self._open.popitem(last=False)[1].close()
            held = self._open[number] = self.path(number).open(
                "ab", buffering=_BUFFER if number == 0 else _SMALL_BUFFER
            )
        else:
            self._open.move_to_end(number)
        return held

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._open:
            self._open.popitem()[1].close()


class _Cutter:
    """Where one file stands: its batches, and the one that is being written."""

    __slots__ = ("batches", "position", "start", "tests")

    def __init__(self) -> None:
        self.batches: list[Batch] = []
        self.position = self.start = self.tests = 0

    def cut(self) -> None:
        """End the batch, if there is one."""
        if self.tests:
            self.batches.append(Batch(offset=self.start, length=self.position - self.start, tests=self.tests))
            self.tests = 0


class _Writer:
    """Writes tests one after the other and cuts batches."""

    def __init__(
        self, spooled: Spooled, files: _Files, evidence: EvidenceWriter, batch_tests: int, batch_bytes: int
    ) -> None:
        self._spooled = spooled
        self._files = files
        self._evidence = evidence
        self._most_tests = batch_tests
        self._most_bytes = batch_bytes
        self._cutters: dict[int, _Cutter] = {}

    @property
    def sent(self) -> int:
        """Tests in all files."""
        return sum(batch.tests for cutter in self._cutters.values() for batch in cutter.batches)

    def batches(self, number: int) -> tuple[Batch, ...]:
        """Return the batches of a Test Execution."""
        return tuple(self._cutters[number].batches) if number in self._cutters else ()

    def take(self, lines: BinaryIO) -> None:
        """Cut the spooled lines as they are, and take them as the finished file."""
        at = self._cutters[0] = _Cutter()
        left = (self._spooled.work / LINES).stat().st_size
        while sizes := list(map(len, islice(lines, self._most(at)))):
            left -= sum(sizes)
            self._place_all(at, sizes, last=not left)
        at.cut()
        (self._spooled.work / LINES).rename(self._files.path(0))

    def run(self, lines: BinaryIO, repeats: Repeats) -> None:
        """Write every result that counts; stretches of which nothing has to change are copied."""
        states, evidence, groups = self._spooled.results.states, self._evidence, self._spooled.groups.numbers
        after = held = 0
        at, out = self._turned(0)
        while after < len(states):
            if not groups and not repeats.named and (alike := self._alike(after, at)):
                self._copy([*islice(lines, alike)], at, out)
                after += alike
                continue
            number, line, state = after, next(lines), states[after]
            after += 1
            if state == LEFT_OUT:
                continue
            if groups and groups[number] != held:
                held = groups[number]
                at, out = self._turned(held)
            text = line.removesuffix(BETWEEN)
            if state or repeats.named:
                text = repeats.text(number, state, text)
            items = evidence.of(number) if number >= evidence.next else ()
            before = at.position
            self._place(at, len(text) + evidence.planned(items) if items else len(text))
            if before:
                out.write(BETWEEN)
            if items:
                at.position += evidence.write(out, text, items) - len(text) - evidence.planned(items)
            else:
                out.write(text)
        for cutter in self._cutters.values():
            cutter.cut()

    def _most(self, at: _Cutter) -> int:
        """Return how many lines may be taken at once."""
        return min(_TOGETHER, max(1, self._most_tests - at.tests))

    def _alike(self, number: int, at: _Cutter) -> int:
        """Return how many results from this one on go into the file as they are."""
        most = min(_COPIED, self._most(at), self._evidence.next - number)
        ahead = self._spooled.results.states[number : number + max(0, most)]
        return len(ahead) - len(ahead.lstrip(b"\0"))

    def _copy(self, lines: list[bytes], at: _Cutter, out: BinaryIO) -> None:
        """Write results as they are; the last of all has no comma behind it."""
        if at.position:
            out.write(BETWEEN)
        whole = lines[-1].endswith(BETWEEN)
        self._place_all(at, [*map(len, lines)], last=not whole)
        if whole:
            lines[-1] = lines[-1].removesuffix(BETWEEN)
        out.writelines(lines)

    def _place_all(self, at: _Cutter, sizes: list[int], *, last: bool) -> None:
        """Give tests their places, of lines of these sizes; `last`: after the last of them comes nothing."""
        gap = len(BETWEEN)
        if last:
            sizes[-1] += gap
        size = sum(sizes)
        if at.tests + len(sizes) <= self._most_tests and at.position + size - at.start <= self._most_bytes:
            self._place(at, size - gap)
            at.tests += len(sizes) - 1
        else:
            for each in sizes:
                self._place(at, each - gap)

    def _place(self, at: _Cutter, size: int) -> None:
        """Give a test of so many bytes its place in a file, in the batch that is open or in one of its own."""
        if at.tests and (
            at.tests >= self._most_tests or at.position + len(BETWEEN) + size - at.start > self._most_bytes
        ):
            at.cut()
        if at.position:
            at.position += len(BETWEEN)
        if not at.tests:
            at.start = at.position
            if size > self._most_bytes:
                self._spooled.notices.add("over-batch-bytes")
        at.tests += 1
        at.position += size

    def _turned(self, number: int) -> tuple[_Cutter, BinaryIO]:
        """Return what writes for a Test Execution."""
        return self._cutters.setdefault(number, _Cutter()), self._files[number]
