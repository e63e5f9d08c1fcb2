"""What a report says before its place, kept outside of memory: values by name, cases that wait, or all that it holds.

Knows no format of reports.
"""

from __future__ import annotations

import struct
from itertools import groupby
from tempfile import SpooledTemporaryFile, gettempdir
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from xray_ci.errors import spooling
from xray_ci.model import Case, Origin, Problem, Restart

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from types import TracebackType
    from typing import BinaryIO


_CACHE: Final = 4_096
"""KiB of memory; what is more lies in an unnamed file in the folder for temporary files."""
_FRESH: Final = 64
"""Values that are put together."""


class SpilledValues:
    """Values of plain texts, lists and numbers; memory does not grow with their number.

    Raises OSError where the disk is full or the folder for temporary files cannot be written.
    """

    def __init__(self) -> None:
        import sqlite3  # noqa: PLC0415 - only this needs it, and only for some formats

        self._error = sqlite3.Error
        self._fresh: list[tuple[str, bytes]] = []
        """What was put last, a few together: a call of the library for each costs more than the rest."""
        self._base: sqlite3.Connection = sqlite3.connect("", isolation_level=None)
        for order in (
            "PRAGMA journal_mode=OFF",
            "PRAGMA synchronous=OFF",
            f"PRAGMA cache_size=-{_CACHE}",
            "CREATE TABLE kept (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID",
            "BEGIN",
        ):
            self._base.execute(order)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._base.close()

    def put(self, name: str, value: object) -> None:
        """Keep a value; the last one of a name counts."""
        self._fresh.append((name, msgspec.msgpack.encode(value)))
        if len(self._fresh) >= _FRESH:
            self._settle()

    def _settle(self) -> None:
        try:
            self._base.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?)", self._fresh)
        except self._error as error:
            raise OSError(f"what the report defines could not be kept ({error})") from None
        self._fresh.clear()

    def get(self, name: str) -> Any:
        """Return the value of a name, None where there is none."""
        return self.many((name,)).get(name)

    def many(self, names: Iterable[str]) -> dict[str, Any]:
        """Return the values of up to some hundred names, without those that have none."""
        if self._fresh:
            self._settle()
        asked = [*names]
        order = f"SELECT name, value FROM kept WHERE name IN ({','.join('?' * len(asked))})"  # noqa: S608 - marks alone
        try:
            rows = self._base.execute(order, asked).fetchall()
        except self._error as error:
            raise OSError(f"what the report defines could not be found again ({error})") from None
        return {name: msgspec.msgpack.decode(value) for name, value in rows}


IN_MEMORY: Final = 4_194_304
"""Bytes; more go to an unnamed file in the folder for temporary files."""
_LENGTH: Final = struct.Struct("<I")
_BLOCK: Final = 65_536
_ALIKE: Final = 16
"""Cases, and steps of one, that are put together."""


class Waiting:
    """Cases in their order, each with a word about what it waits for."""

    def __init__(self) -> None:
        self._file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - lives as long as its report is read
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(tuple[str, list[Case]]).decode
        self._word, self._cases = "", list[Case]()
        """The last cases, which wait for the same."""
        self._block = bytearray()
        """What is written together: a call for each case costs as much as making it."""

    def add(self, word: str, case: Case) -> None:
        """Put a case at the end."""
        if word != self._word or len(self._cases) == _ALIKE:
            self._pack()
            self._word = word
        self._cases.append(case)
        if case.attachments or len(case.steps) > _ALIKE:  # large, maybe
            self._pack()

    def _pack(self) -> None:
        if self._cases:
            packed, block = self._encode((self._word, self._cases)), self._block
            block += _LENGTH.pack(len(packed))
            block += packed
            self._cases.clear()
            if len(block) > _BLOCK:
                self._write()

    def _write(self) -> None:
        with spooling(gettempdir):
            self._file.write(_LENGTH.pack(len(self._block)))
            self._file.write(self._block)
        self._block.clear()

    def all(self) -> Iterator[tuple[str, Case]]:
        """Yield all of them."""
        self._pack()
        self._write()
        file, head, length = self._file, _LENGTH.size, _LENGTH.unpack_from
        file.seek(0)
        while size := file.read(head):
            block, at = memoryview(file.read(length(size)[0])), 0
            while at < len(block):
                end = at + head + length(block, at)[0]
                word, cases = self._decode(block[at + head : end])
                for case in cases:
                    yield word, case
                at = end

    def close(self) -> None:
        """Forget everything."""
        self._file.close()


_ITEMS: Final[tuple[type, ...]] = (Case, Problem, Origin, Restart)
_HEAD: Final = struct.Struct("<BI")


class Kept:
    """All that a report holds, in a file, for who needs it a second time: parsing it again costs far more."""

    def __init__(self, path: Path) -> None:
        """`path`: a new file in a folder of ours, which is removed with all in it."""
        self._path = path
        self._decode = [msgspec.json.Decoder(list[kind]).decode for kind in _ITEMS]  # type: ignore[valid-type]  # each is one

    def fill(self, batches: Iterable[list[Any]]) -> Iterator[list[Any]]:
        """Yield what `reading.batches` has, and keep it: as JSON, since MessagePack has no offset of a moment."""
        encode, block = msgspec.json.Encoder().encode, bytearray()
        with spooling(lambda: self._path.parent):
            file = self._path.open("wb", buffering=0)  # closing would meet a full disk once more, untold
        with file:
            for batch in batches:
                alike = [batch] if len({*map(type, batch)}) == 1 else [list(each) for _, each in groupby(batch, type)]
                for items in alike:
                    text = encode(items)
                    block += _HEAD.pack(_ITEMS.index(type(items[0])), len(text))
                    block += text
                if len(block) > _BLOCK:
                    self._write(file, block)
                yield batch
            self._write(file, block)

    def _write(self, file: BinaryIO, block: bytearray) -> None:
        with spooling(lambda: self._path.parent), memoryview(block) as left:
            at = 0
            while at < len(left):
                at += file.write(left[at:])
        block.clear()

    def batches(self) -> Iterator[list[Any]]:
        """Yield all of it, as it was, and forget it."""
        with self._path.open("rb") as file:
            self._path.unlink()
            while head := file.read(_HEAD.size):
                kind, size = _HEAD.unpack(head)
                yield self._decode[kind](file.read(size))
