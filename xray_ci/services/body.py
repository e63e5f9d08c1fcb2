"""Request bodies that lie on disk: sized, streamed in pieces, openable again for a repeat.

Small calls have bodies of JSON, in which one text may be a file's worth of pieces.

Knows bytes, slices of files, JSON and the multipart form; knows nothing of HTTP, Xray or what the bytes mean.
"""

from __future__ import annotations

import binascii
import json
import mmap
import os
from contextlib import contextmanager
from pathlib import Path  # noqa: TC003  # msgspec reads the types of a slice
from typing import TYPE_CHECKING, Annotated, ClassVar, Final

import msgspec
from msgspec import Struct

from xray_ci.errors import UnreadableReport, exhausted
from xray_ci.model import Discreet, Place  # msgspec reads the types of a slice
from xray_ci.safefiles import open_place, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random


PIECE: Final = 262_144
"""Bytes handed to the socket at a time: 29 MB peak for a body of 100 MB, and few system calls."""
_LET_GO: Final = 1 << 20
"""Bytes of a mapped file that are let go of at a time."""


Bytes = Annotated[int, msgspec.Meta(ge=0, le=1 << 50)]


class Slice(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True, tag="file"):
    """A stretch of a file, in bytes."""

    path: Path
    offset: Bytes
    length: Bytes
    place: Place | None = None
    """Where it lies when it is a report; None for a file of ours, which is no link."""
    descriptor: int | None = None
    """Of the file as it was sealed, open while it is needed: what is read then, whatever the path leads to by now."""

    def part(self, offset: int, length: int) -> Slice:
        """Return another stretch of the same file."""
        return msgspec.structs.replace(self, offset=offset, length=length)

    def read(self) -> Iterator[bytes]:
        """Yield the stretch in order; raises UnreadableReport when the file is gone or shorter than it was."""
        left = self.length
        try:
            for piece in self._pieces() if self.descriptor is None else _pieces_at(self.descriptor, self.offset, left):
                left -= len(piece)
                yield piece
        except OSError as fault:
            if (failure := exhausted(fault, self.path.parent)) is not None:
                raise failure from fault
            raise UnreadableReport(
                f"{self.path.name} cannot be read while it is sent: {fault.strerror or fault}"
            ) from fault
        if left:
            raise UnreadableReport(
                f"{self.path.name} became shorter while it was sent",
                advice="Let nothing write into the reports while xray-ci runs.",
            )

    @contextmanager
    def mapped(self) -> Iterator[mmap.mmap]:
        """Give the bytes of the whole file, to look for something in them; raises OSError."""
        if self.descriptor is not None:
            with mmap.mmap(self.descriptor, 0, access=mmap.ACCESS_READ) as mapped:
                yield mapped
        else:
            with (
                open_regular(self.path, links=False) as file,
                mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped,
            ):
                yield mapped

    def _pieces(self) -> Iterator[bytes]:
        left = self.length
        with open_regular(self.path, links=False) if self.place is None else open_place(self.place) as file:
            file.seek(self.offset)
            while left and (piece := file.read(min(PIECE, left))):
                left -= len(piece)
                yield piece


def let_go(mapped: mmap.mmap, begin: int, end: int) -> int:
    """Let go of what was looked through of a mapped file, once it is much, and return where the rest begins.

    Pages of a file that were read count as memory of the process until then.
    """
    size = (end - begin) // mmap.PAGESIZE * mmap.PAGESIZE
    if size < _LET_GO or not hasattr(mmap, "MADV_DONTNEED"):  # Windows has no such call
        return begin
    mapped.madvise(mmap.MADV_DONTNEED, begin, size)
    return begin + size


def _pieces_at(descriptor: int, offset: int, left: int) -> Iterator[bytes]:
    """Yield bytes of an open file, whose position others may move meanwhile."""
    while left:
        if hasattr(os, "pread"):
            piece = os.pread(descriptor, min(PIECE, left), offset)
        else:
            os.lseek(descriptor, offset, os.SEEK_SET)
            piece = os.read(descriptor, min(PIECE, left))
        if not piece:
            return
        offset, left = offset + len(piece), left - len(piece)
        yield piece


class Decoded(Struct, frozen=True):
    """A stretch of base64 text as the bytes that it stands for, decoded while they are read."""

    text: Slice
    length: int

    def read(self) -> Iterator[bytes]:
        """Yield the bytes in order; raises UnreadableReport when the text is no base64 any more, or is gone."""
        held, left = b"", self.length
        try:
            for piece in self.text.read():
                held += piece
                whole = len(held) - len(held) % 4
                out = binascii.a2b_base64(held[:whole], strict_mode=True) if whole else b""
                held, left = held[whole:], left - len(out)
                yield out
        except binascii.Error:
            left = -1
        if left or held:
            raise UnreadableReport(f"{self.text.path.name} changed while it was sent")


def decoded(data: tuple[bytes | Slice, ...]) -> Decoded | None:
    """Return what base64 text in one stretch of a file stands for; None where it lies elsewhere or is not whole."""
    if len(data) != 1 or not isinstance(text := data[0], Slice) or text.length % 4 or not text.length:
        return None
    end = b"".join(text.part(text.offset + text.length - 2, 2).read())
    return Decoded(text, text.length // 4 * 3 - end.count(b"="))


class Pieces(Discreet, frozen=True, kw_only=True):
    """One request body of a known length. Its representation never shows what is in it: a body may hold a secret."""

    unshown: ClassVar[tuple[str, ...]] = ("pieces",)

    pieces: tuple[bytes | Slice | Decoded, ...]

    def __len__(self) -> int:
        return sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in self.pieces)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in chunks of at most PIECE bytes, what lies on disk uncopied; each call starts anew."""
        held = bytearray()
        for piece in self.pieces:
            for part in (piece,) if isinstance(piece, bytes) else piece.read():
                if len(held) + len(part) < PIECE:
                    held += part
                    continue
                if held:
                    yield bytes(held)
                    held.clear()
                whole = len(part) - len(part) % PIECE
                for start in range(0, whole, PIECE):
                    yield part[start : start + PIECE]
                held += part[whole:]
        if held:
            yield bytes(held)


class FormPart(Discreet, frozen=True, kw_only=True):
    """One part of a form. Always a file part with a name, as official clients send every part (O)."""

    unshown: ClassVar[tuple[str, ...]] = ("pieces",)

    name: str
    filename: str
    content_type: str
    pieces: tuple[bytes | Slice | Decoded, ...]


class Upload(Struct, frozen=True, kw_only=True):
    """A body and the type it travels under."""

    content_type: str
    body: Pieces


def boundary(random: Random) -> str:
    """Return 128 random bits as text; that many need no check against what lies between."""
    return f"xray-ci-{random.getrandbits(128):032x}"


def multipart(parts: tuple[FormPart, ...], fence: str) -> Upload:
    """Return the parts as one form (RFC 7578), their order kept."""
    pieces: list[bytes | Slice | Decoded] = []
    for part in parts:
        head = (
            f'--{fence}\r\nContent-Disposition: form-data; name="{_quoted(part.name)}"; '
            f'filename="{_quoted(part.filename)}"\r\nContent-Type: {part.content_type}\r\n\r\n'
        )
        pieces += [head.encode(), *part.pieces, b"\r\n"]
    pieces.append(f"--{fence}--\r\n".encode())
    return Upload(content_type=f"multipart/form-data; boundary={fence}", body=Pieces(pieces=tuple(pieces)))


def _quoted(name: str) -> str:
    return name.replace("\r", "%0D").replace("\n", "%0A").replace('"', "%22")


HOLE: Final = "\x00"
"""Stands in a document for the pieces that come with it; where more than one does, the first."""


def upload(document: object, pieces: tuple[bytes | Slice, ...] = ()) -> Upload:
    """Return a document as a body; `pieces` are sent as they are and so must hold nothing that JSON escapes."""
    text = json.dumps(document, separators=(",", ":"))
    if not pieces:
        return Upload(content_type="application/json", body=Pieces(pieces=(text.encode(),)))
    before, _, after = text.partition(json.dumps(HOLE)[1:-1])
    return Upload(content_type="application/json", body=Pieces(pieces=(before.encode(), *pieces, after.encode())))
