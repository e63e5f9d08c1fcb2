"""What is known of a run so far, on disk: lines in order, and fixed-size records by partition.

Knows bytes only. Memory is bounded by `memory` whatever the size of the run; the caller owns the folder and removes it.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

MEMORY: Final = 1 << 20
"""Bytes of records kept in memory before they go to disk."""


class Partitions:
    """Records grouped by partition number; the order within a partition is the order of adding."""

    def __init__(self, path: Path, count: int, *, memory: int = MEMORY) -> None:
        self._path = path
        self._memory = memory
        self._held = 0
        self._spilled: list[array[int]] = []
        self.parts = [bytearray() for _ in range(count)]
        """Where records are appended; after some, call `grown`. Offered bare because it is done once a result."""

    def add(self, number: int, record: bytes) -> None:
        """Append one record to a partition."""
        self.parts[number] += record
        self.grown(len(record))

    def grown(self, size: int) -> None:
        """Take note of that many bytes appended; spill to disk when it is too much for memory."""
        self._held += size
        if self._held >= self._memory:
            self._spill()

    def read(self, number: int) -> bytes:
        """Return all records of a partition, oldest first."""
        pieces = []
        if self._spilled:
            with self._path.open("rb") as source:
                for offsets in self._spilled:
                    source.seek(offsets[number])
                    pieces.append(source.read(offsets[number + 1] - offsets[number]))
        pieces.append(bytes(self.parts[number]))
        return b"".join(pieces)

    def __len__(self) -> int:
        return len(self.parts)

    def _spill(self) -> None:
        offsets = array("Q")
        with self._path.open("ab") as out:
            position = out.tell()
            for part in self.parts:
                offsets.append(position)
                position += len(part)
            offsets.append(position)
            out.write(b"".join(self.parts))
        self._spilled.append(offsets)
        for part in self.parts:
            part.clear()
        self._held = 0
