"""The finished file: every Test once, in report order, with its evidence, cut into batches.

Reads what the assembly spooled, line by line, and never holds more than a line and a stretch of notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xray_ci.xray.enclosing import EvidenceWriter
from xray_ci.xray.repeats import LEFT_OUT, NAME, Repeats

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import BinaryIO, Protocol

    from xray_ci.model import Problem
    from xray_ci.xray.attached import Attached, EvidenceOptions
    from xray_ci.xray.counts import Counts
    from xray_ci.xray.notices import Notices
    from xray_ci.xray.render import Options
    from xray_ci.xray.spool import Partitions
    from xray_ci.xray.validate import Checker

    class Sink(Protocol):
        """What a document is written to."""

        def write(self, data: bytes, /) -> object:
            """Take some bytes."""


__all__ = ["LEFT_OUT", "NAME", "Assembled", "Batch", "Spooled", "write"]
_BUFFER: Final = 1 << 18


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The tests of one request: a stretch of the file, JSON objects joined by commas, without brackets."""

    offset: int
    length: int
    tests: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembled:
    """A run, ready to be sent."""

    path: Path
    """All tests in report order, joined by commas."""
    batches: tuple[Batch, ...]
    counts: Counts
    problems: tuple[Problem, ...]
    """Results that are left out, each named."""
    notices: tuple[Problem, ...]
    """What was changed or left out of results that are sent, counted."""
    started: str | None
    """The earliest start and the latest finish, with offset."""
    finished: str | None
    evidence_files: int
    evidence_bytes: int
    """Of the files, not of their base64."""

    def write_document(self, out: Sink, *, info: Mapping[str, Any] | None = None, key: str | None = None) -> None:
        """Write the whole run as one document of Xray JSON, whatever its size; without a result it is not valid."""
        encode = msgspec.json.encode
        out.write(b"{")
        if key is not None:
            out.write(b'"testExecutionKey":' + encode(key) + b",")
        if info:
            out.write(b'"info":' + encode(info) + b",")
        out.write(b'"tests":[')
        with self.path.open("rb") as tests:
            while piece := tests.read(_BUFFER):
                out.write(piece)
        out.write(b"]}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Spooled:
    """What the assembly has on disk, and what it needs to be finished."""

    work: Path
    index: Partitions
    states: bytearray
    """One byte a result; not zero for one that does not count."""
    attached: Attached
    evidence: EvidenceOptions
    rendering: Options
    repeats: str
    checker: Checker
    notices: Notices


def write(spooled: Spooled, counts: Counts, problems: tuple[Problem, ...], span: tuple[str | None, str | None], *,
          batch_tests: int, batch_bytes: int) -> Assembled:
    """Fold the spooled results and write the finished file beside them."""
    repeats = Repeats(spooled.work, spooled.rendering, spooled.checker, spooled.notices, spooled.repeats)
    repeats.settle(spooled.index, spooled.states, counts)
    path = spooled.work / "tests"
    name = spooled.rendering.deployment.dialect.evidence
    with (spooled.work / "lines").open("rb", buffering=_BUFFER) as lines, path.open("wb", buffering=_BUFFER) as out, \
            EvidenceWriter(spooled.work, spooled.attached, spooled.evidence, name=name,
                           notices=spooled.notices, out=out) as evidence:
        writer = _Writer(spooled, out, evidence, batch_tests, batch_bytes)
        writer.run(lines, repeats)
    repeats.close()
    counts.sent = writer.sent
    for file in ("lines", "side", "index", "inline", "repeats", "members", "offsets"):
        (spooled.work / file).unlink(missing_ok=True)
    return Assembled(path=path, batches=tuple(writer.batches), counts=counts, problems=problems,
                     notices=spooled.notices.problems(), started=span[0], finished=span[1],
                     evidence_files=evidence.files, evidence_bytes=evidence.bytes)


class _Writer:
    """Writes tests one after the other and cuts batches."""

    def __init__(self, spooled: Spooled, out: BinaryIO, evidence: EvidenceWriter, batch_tests: int,
                 batch_bytes: int) -> None:
        self._spooled = spooled
        self._out = out
        self._evidence = evidence
        self._most_tests = batch_tests
        self._most_bytes = batch_bytes
        self.batches: list[Batch] = []
        self.sent = 0

    def run(self, lines: BinaryIO, repeats: Repeats) -> None:
        """Write every result that counts."""
        states, evidence, put = self._spooled.states, self._evidence, self._out.write
        most_tests, most_bytes, plain = self._most_tests, self._most_bytes, not repeats.named
        position = start = tests = 0
        for number, line in enumerate(lines):
            state = states[number]
            if state == LEFT_OUT:
                continue
            text = line[:-1] if plain and not state else repeats.text(number, state, line[:-1])
            items = evidence.of(number) if number >= evidence.next else ()
            size = len(text) + evidence.planned(items) if items else len(text)
            if tests and (tests >= most_tests or position + size + 1 - start > most_bytes):
                self._cut(start, position, tests)
                tests = 0
            if position:
                put(b",")
                position += 1
            if not tests:
                start = position
                if size > most_bytes:
                    self._spooled.notices.add("over-batch-bytes")
            tests += 1
            if items:
                position += evidence.write(text, items)
            else:
                put(text)
                position += size
        if tests:
            self._cut(start, position, tests)

    def _cut(self, start: int, position: int, tests: int) -> None:
        self.batches.append(Batch(offset=start, length=position - start, tests=tests))
        self.sent += tests
