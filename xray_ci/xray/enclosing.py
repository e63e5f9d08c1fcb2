"""Evidence at the end of a test that is being written: base64 straight from the file, in pieces.

Knows JSON text and the property's name. What became of a file since it was found is looked at again: a file may be gone,
another kind of file, or longer.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.xray.attached import Item
from xray_ci.xray.evidence import PIECE, Refusal, write_base64

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO, Self

    from xray_ci.xray.attached import Attached, EvidenceOptions
    from xray_ci.xray.notices import Notices

_NEVER: Final = sys.maxsize


class EvidenceWriter:
    """Walks the record of evidence beside the results, and writes it behind them."""

    def __init__(self, work: Path, attached: Attached, options: EvidenceOptions, *, name: str, notices: Notices) -> None:
        """`name` is the property that holds evidence."""
        self._notices = notices
        self._workspace = attached.workspace
        self._most = options.max_file
        self._left = options.max_total - attached.in_steps
        self._opening = b',"' + name.encode() + b'":['
        self._side = (work / "side").open("rb")
        self._inline = (work / "inline").open("rb") if (work / "inline").exists() else None
        self._decoder = msgspec.json.Decoder(tuple[int, list[Item]])
        self.next = -1
        """Number of the next result that has evidence; beyond all numbers when none is left."""
        self._items: list[Item] = []
        self.files = 0
        self.bytes = 0
        self._advance()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._side.close()
        if self._inline is not None:
            self._inline.close()

    def of(self, number: int) -> list[Item]:
        """Return the evidence of a result that the limits let through, and pass over that of results before it."""
        while self.next < number:
            self._advance()
        if self.next != number:
            return []
        items = [item for item in map(self._sized, self._items) if item is not None]
        self._advance()
        return items

    def planned(self, items: list[Item]) -> int:
        """Return the most bytes that the evidence of one result takes in the text."""
        return len(self._opening) + 1 + sum(len(_head(item)) + 4 * ((item.size + 2) // 3) + 3 for item in items)

    def write(self, out: BinaryIO, text: bytes, items: list[Item]) -> int:
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

    def _sized(self, item: Item) -> Item | None:
        """Return an item with the size it has now, or None when it is left out."""
        if item.parts is not None:
            source = self._workspace.open(item.parts)
            if isinstance(source, Refusal):
                self._notices.add(source.slug)
                return None
            with source:
                item = msgspec.structs.replace(item, size=os.fstat(source.fileno()).st_size)
        slug = ("evidence-empty" if not item.size else "evidence-too-large" if item.size > self._most
                else "evidence-total" if item.size > self._left else None)
        if slug is not None:
            self._notices.add(slug)
            return None
        self._left -= item.size
        return item

    def _open(self, item: Item) -> BinaryIO | None:
        """Return what holds the bytes, or None when nothing is there any more."""
        if item.parts is None:
            return self._inline
        source = self._workspace.open(item.parts)
        if isinstance(source, Refusal):
            self._notices.add(source.slug)
            return None
        if not source.peek(1):  # type: ignore[attr-defined]  # of a buffered reader, which `open` gives
            source.close()
            self._notices.add("evidence-empty")
            return None
        return source

    def _stored(self, out: BinaryIO, item: Item) -> int:
        """Copy a stretch of base64 from our own file."""
        assert self._inline is not None  # noqa: S101  # an item without a path was put there
        self._inline.seek(item.offset)
        left = 4 * ((item.size + 2) // 3)
        while left > 0 and (piece := self._inline.read(min(PIECE, left))):
            out.write(piece)
            left -= len(piece)
        return item.size


def _head(item: Item) -> bytes:
    names = msgspec.json.encode({"filename": item.file_name, "contentType": item.media_type})
    return names[:-1] + b',"data":"'
