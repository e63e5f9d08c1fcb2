"""Writing a file of collected results, report by report: what came of a broken one is taken back.

Knows the layout and cases; knows no settings and no evidence but its bytes. Memory is that of one frame.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, BinaryIO, Final, NamedTuple

import msgspec

from xray_ci.errors import ConfigurationError
from xray_ci.reports import shard_file

if TYPE_CHECKING:
    from collections.abc import Iterable
    from hashlib import blake2b

    from xray_ci.model import Case, Origin, Problem

_FULL: Final = 262_144
"""Bytes of cases, or of evidence, that make a frame: enough to pack well, and little to hold."""


class _Mark(NamedTuple):
    """A state of the file that can be come back to."""

    position: int
    digest: blake2b
    reports: int
    cases: int
    evidence: int
    total: int


class ShardWriter:
    """Writes one file; the bytes are whole only after `finish`."""

    def __init__(self, file: BinaryIO) -> None:
        """`file` is empty, can be written, truncated and moved in."""
        self._file = file
        self._digest = hashlib.blake2b(digest_size=shard_file.DIGEST_SIZE)
        self._encode = msgspec.json.Encoder().encode
        self._cases_waiting = bytearray()
        self._evidence_waiting = bytearray()
        self._reports = self._cases = self._problems = self._total = 0
        self.stored = 0
        """Bytes of evidence so far: where the next piece begins."""
        self._put(shard_file.head())
        self._mark = self._now()

    def mark(self) -> None:
        """Remember this place: all before it is kept."""
        self._flush()
        self._mark = self._now()

    def back(self) -> None:
        """Take everything since the mark back."""
        self._cases_waiting.clear()
        self._evidence_waiting.clear()
        mark = self._mark
        self._file.seek(mark.position)
        self._file.truncate()
        self._digest = mark.digest.copy()
        self._reports, self._cases, self.stored, self._total = mark.reports, mark.cases, mark.evidence, mark.total

    def origin(self, origin: Origin) -> None:
        """Say which report the cases that come now are from."""
        self._flush()
        self._frame(shard_file.REPORT, self._encode(origin))
        self._reports += 1

    def evidence(self, data: bytes) -> None:
        """Put a piece of evidence behind what is there."""
        self.stored += len(data)
        self._evidence_waiting += data
        if len(self._evidence_waiting) >= _FULL:
            self._flush_evidence()

    def add(self, case: Case) -> bool:
        """Put a case at the end, its attachments as `shard_file.place`; False for one that is larger than a file may hold."""
        line = self._encode(case)
        if len(line) >= shard_file.FRAME_LIMIT:
            return False
        if len(self._cases_waiting) + len(line) >= shard_file.FRAME_LIMIT:
            self._flush()
        self._cases_waiting += line
        self._cases_waiting += b"\n"
        self._cases += 1
        if len(self._cases_waiting) >= _FULL:
            self._flush()
        return True

    def finish(self, problems: Iterable[Problem]) -> None:
        """Write what is to be told of the reports, and the end."""
        self._flush()
        for problem in problems:
            self._frame(shard_file.PROBLEMS, self._encode(problem))
            self._problems += 1
        end = shard_file.End(reports=self._reports, cases=self._cases, problems=self._problems, evidence=self.stored,
                             digest=self._digest.hexdigest())
        self._file.write(shard_file.packed(shard_file.END, self._encode(end)))

    def _flush(self) -> None:
        self._flush_evidence()
        if self._cases_waiting:
            self._frame(shard_file.CASES, self._cases_waiting)
            self._cases_waiting.clear()

    def _flush_evidence(self) -> None:
        if self._evidence_waiting:
            self._frame(shard_file.EVIDENCE, self._evidence_waiting)
            self._evidence_waiting.clear()

    def _frame(self, kind: bytes, raw: bytes | bytearray) -> None:
        self._total += len(raw)
        if self._total > shard_file.TOTAL_LIMIT:
            raise ConfigurationError(f"the results are more than the {shard_file.TOTAL_LIMIT >> 30} GiB that one file may hold",
                                     slug="shard-too-large", where="reports", advice="Collect them in several files.")
        self._put(shard_file.packed(kind, raw))

    def _put(self, data: bytes) -> None:
        self._digest.update(data)
        self._file.write(data)

    def _now(self) -> _Mark:
        return _Mark(self._file.tell(), self._digest.copy(), self._reports, self._cases, self.stored, self._total)
