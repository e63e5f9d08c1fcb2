"""Evidence of cases: what the limits let through, remembered as names and places until the text is written.

Content never stays in memory: a file is a path until it is written, base64 out of a report goes to disk at once.

Evidence at the end of a test that is being written: base64 straight from the file, in pieces.

Knows JSON text and the property's name. What became of a file since it was found is looked at again: a file may be
gone, another kind of file, or longer.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import Attachment, Case, Outcome
from xray_ci.xray import evidence
from xray_ci.xray.evidence import PIECE, EvidenceRefusal, Workspace, write_base64

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import BinaryIO, Self

    from xray_ci.xray.notices import Notices


_FAILED: Final = (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOptions:
    """What the user asked for about evidence; sizes in bytes of the files, not of their base64."""

    workspace: Path
    refused: tuple[Path, ...] = ()
    """Files that are never evidence: configuration, state, secrets."""
    attachments: str = "failed"
    max_file: int = 10_000_000
    max_total: int = 100_000_000


class EvidenceItem(msgspec.Struct, array_like=True, frozen=True):
    """One piece of evidence of a result: a file below the workspace, or a stretch of base64 in our own file."""

    file_name: str
    media_type: str
    parts: tuple[str, ...] | None
    offset: int
    size: int
    """Bytes of the file."""


class CaseEvidence:
    """Takes the attachments of cases."""

    def __init__(self, inline: Path, options: EvidenceOptions, notices: Notices) -> None:
        self._path = inline
        self._options = options
        self._notices = notices
        self.workspace = Workspace(options.workspace, options.refused)
        self._inline: BinaryIO | None = None
        self._folder = ""
        self.outcome = Outcome.PASSED
        """Of the case whose steps are being rendered."""
        self.in_steps = 0
        """Bytes of evidence of steps, which is in the results already, in committed reports."""
        self._report_in_steps = 0

    def begin(self, report: str) -> None:
        """Look at another report; paths in it may be relative to its folder."""
        self._folder = str(PurePosixPath(report).parent) if report else ""
        self._report_in_steps = 0

    def commit(self) -> None:
        """Count the current report's evidence in."""
        self.in_steps += self._report_in_steps
        self._report_in_steps = 0

    def wanted(self, outcome: Outcome) -> bool:
        """Say whether results of an outcome carry evidence."""
        policy = self._options.attachments
        return policy == "all" or (policy == "failed" and outcome in _FAILED)

    def admit(self, attachment: Attachment) -> bool:
        """Say whether evidence of a step goes along: inside the report, valid, within the limits."""
        if not self.wanted(self.outcome) or attachment.base64 is None:
            return False
        size = self._inline_size(attachment.base64)
        if size is None:
            return False
        if self.in_steps + self._report_in_steps + size > self._options.max_total:
            self._notices.add("evidence-total")
            return False
        self._report_in_steps += size
        return True

    def collect(self, case: Case) -> list[EvidenceItem]:
        """Return the evidence of a Test Run; files that a step names come along here."""
        if not self.wanted(case.outcome):
            if self._options.attachments == "failed" and (case.attachments or next(_of_steps(case), None) is not None):
                self._notices.add("evidence-not-asked")
            return []
        items = [item for attachment in case.attachments if (item := self._item(attachment)) is not None]
        for attachment in _of_steps(case):
            if attachment.base64 is None:
                item = self._item(attachment)
                if item is not None:
                    self._notices.add("evidence-moved")
                    items.append(item)
        return _distinct(items)

    def close(self) -> None:
        """Finish our own file; what follows only reads."""
        if self._inline is not None:
            self._inline.close()
            self._inline = None

    def _item(self, attachment: Attachment) -> EvidenceItem | None:
        name, media = evidence.file_name(attachment), evidence.media_type(attachment)
        if attachment.base64 is not None:
            size = self._inline_size(attachment.base64)
            if size is None:
                return None
            return EvidenceItem(name, media, None, self._store(attachment.base64), size)
        found = self.workspace.find(attachment.path or "", self._folder)
        if isinstance(found, EvidenceRefusal):
            self._notices.add(found.slug)
            return None
        if not self._fits(found.size):
            return None
        return EvidenceItem(name, media, found.parts, 0, found.size)

    def _inline_size(self, text: str) -> int | None:
        size = evidence.valid_base64(text)
        if size is None:
            self._notices.add("evidence-base64")
            return None
        return size if self._fits(size) else None

    def _fits(self, size: int) -> bool:
        if size == 0:
            self._notices.add("evidence-empty")
        elif size > self._options.max_file:
            self._notices.add("evidence-too-large")
        else:
            return True
        return False

    def _store(self, text: str) -> int:
        if self._inline is None:
            self._inline = self._path.open("wb")
        offset = self._inline.tell()
        for start in range(0, len(text), evidence.PIECE):
            self._inline.write(text[start : start + evidence.PIECE].encode("ascii"))
        return offset


def _of_steps(case: Case) -> Iterator[Attachment]:
    for step in case.steps:
        yield from step.attachments
    for iteration in case.iterations:
        for step in iteration.steps:
            yield from step.attachments


def _distinct(items: list[EvidenceItem]) -> list[EvidenceItem]:
    """Return the items with names that differ: Xray shows nothing else of them."""
    seen: set[str] = set()
    numbers: dict[str, int] = {}
    """The last number tried for each name, so that many files of one name cost no more than as many of different names.
The last number tried for each name, so that many files of one name cost no more than as many of different names."""
    named = []
    for item in items:
        name, number = item.file_name, numbers.get(item.file_name, 1)
        while name in seen:
            number += 1
            stem, dot, suffix = item.file_name.rpartition(".")
            name = f"{stem}-{number}.{suffix}" if dot else f"{item.file_name}-{number}"
        seen.add(name)
        numbers[item.file_name] = number
        named.append(item if name == item.file_name else msgspec.structs.replace(item, file_name=name))
    return named


_NEVER: Final = sys.maxsize


class EvidenceWriter:
    """Walks the record of evidence beside the results, and writes it behind them."""

    def __init__(
        self, work: Path, attached: CaseEvidence, options: EvidenceOptions, *, name: str, notices: Notices
    ) -> None:
        """`name` is the property that holds evidence."""
        self._notices = notices
        self._workspace = attached.workspace
        self._most = options.max_file
        self._left = options.max_total - attached.in_steps
        self._opening = b',"' + name.encode() + b'":['
        self._side = (work / "side").open("rb")
        self._inline = (work / "inline").open("rb") if (work / "inline").exists() else None
        self._decoder = msgspec.json.Decoder(tuple[int, list[EvidenceItem]])
        self.next = -1
        """Number of the next result that has evidence; beyond all numbers when none is left."""
        self._items: list[EvidenceItem] = []
        self.files = 0
        self.bytes = 0
        self._advance()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._side.close()
        if self._inline is not None:
            self._inline.close()

    def of(self, number: int) -> list[EvidenceItem]:
        """Return the evidence of a result that the limits let through, and pass over that of results before it."""
        while self.next < number:
            self._advance()
        if self.next != number:
            return []
        items = [item for item in map(self._sized, self._items) if item is not None]
        self._advance()
        return items

    def planned(self, items: list[EvidenceItem]) -> int:
        """Return the most bytes that the evidence of one result takes in the text."""
        return len(self._opening) + 1 + sum(len(_head(item)) + 4 * ((item.size + 2) // 3) + 3 for item in items)

    def write(self, out: BinaryIO, text: bytes, items: list[EvidenceItem]) -> int:
        """Write a test with its evidence to a finished file; return how many bytes that took."""
        begin = out.tell()
        out.write(text[:-1])
        opened = False
        for item in items:
            source = self._open(item)
            if source is None:
                continue
            out.write((b"," if opened else self._opening) + _head(item))
            opened = True
            size = self._stored(out, item) if source is self._inline else write_base64(source, item.size, out)
            if source is not self._inline:
                source.close()
            out.write(b'"}')
            self.files += 1
            self.bytes += size
        out.write(b"]}" if opened else b"}")
        return out.tell() - begin

    def _advance(self) -> None:
        line = self._side.readline()
        self.next, self._items = self._decoder.decode(line) if line else (_NEVER, [])

    def _sized(self, item: EvidenceItem) -> EvidenceItem | None:
        """Return an item with the size it has now, or None when it is left out."""
        if item.parts is not None:
            source = self._workspace.open(item.parts)
            if isinstance(source, EvidenceRefusal):
                self._notices.add(source.slug)
                return None
            with source:
                item = msgspec.structs.replace(item, size=os.fstat(source.fileno()).st_size)
        slug = (
            "evidence-empty"
            if not item.size
            else "evidence-too-large"
            if item.size > self._most
            else "evidence-total"
            if item.size > self._left
            else None
        )
        if slug is not None:
            self._notices.add(slug)
            return None
        self._left -= item.size
        return item

    def _open(self, item: EvidenceItem) -> BinaryIO | None:
        """Return what holds the bytes, or None when nothing is there any more."""
        if item.parts is None:
            return self._inline
        source = self._workspace.open(item.parts)
        if isinstance(source, EvidenceRefusal):
            self._notices.add(source.slug)
            return None
        if not source.peek(1):  # type: ignore[attr-defined]  # of a buffered reader, which `open` gives
            source.close()
            self._notices.add("evidence-empty")
            return None
        return source

    def _stored(self, out: BinaryIO, item: EvidenceItem) -> int:
        """Copy a stretch of base64 from our own file."""
        assert self._inline is not None  # noqa: S101  # an item without a path was put there
        self._inline.seek(item.offset)
        left = 4 * ((item.size + 2) // 3)
        while left > 0 and (piece := self._inline.read(min(PIECE, left))):
            out.write(piece)
            left -= len(piece)
        return item.size


def _head(item: EvidenceItem) -> bytes:
    names = msgspec.json.encode({"filename": item.file_name, "contentType": item.media_type})
    return names[:-1] + b',"data":"'
