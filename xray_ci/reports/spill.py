"""Cases that wait for a later place of their report, on disk once they are more than a few. Knows no format of reports."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import Case

if TYPE_CHECKING:
    from collections.abc import Iterator

IN_MEMORY: Final = 4_194_304
"""Bytes; more go to an unnamed file in the folder for temporary files."""
_LENGTH: Final = struct.Struct("<I")


class Waiting:
    """Cases in their order, each with a word about what it waits for."""

    def __init__(self) -> None:
        import tempfile  # noqa: PLC0415 - only some formats need it

        self._file = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - lives as long as its report is read
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(tuple[str, Case]).decode

    def add(self, word: str, case: Case) -> None:
        """Put a case at the end."""
        packed = self._encode((word, case))
        self._file.write(_LENGTH.pack(len(packed)))
        self._file.write(packed)

    def all(self) -> Iterator[tuple[str, Case]]:
        """Yield all of them."""
        file = self._file
        file.seek(0)
        while length := file.read(_LENGTH.size):
            yield self._decode(file.read(_LENGTH.unpack(length)[0]))

    def close(self) -> None:
        """Forget everything."""
        self._file.close()
