"""Request bodies that lie on disk: sized, streamed in pieces, openable again for a repeat.

Knows bytes, slices of files and the multipart form; knows nothing of HTTP, Xray or what the bytes mean.

JSON bodies of small calls, in which one text may be a file's worth of pieces. Knows JSON and bodies, no service.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xray_ci.errors import UnreadableReport, exhausted
from xray_ci.safefiles import open_place, open_regular

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random

    from xray_ci.model import Place


PIECE: Final = 262_144
"""Bytes handed to the socket at a time: 29 MB peak for a body of 100 MB, and few system calls."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """A stretch of a file, in bytes."""

    path: Path
    offset: int
    length: int
    place: Place | None = None
    """Where it lies when it is a report; None for a file of ours, which is no link."""

    def read(self) -> Iterator[bytes]:
        """Yield the stretch in order; raises UnreadableReport when the file is gone or shorter than it was."""
        left = self.length
        try:
            with open_regular(self.path, links=False) if self.place is None else open_place(self.place) as file:
                file.seek(self.offset)
                while left:
                    piece = file.read(min(PIECE, left))
                    if not piece:
                        break
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """One request body of a known length. Its representation never shows what is in it: a body may hold a secret."""

    pieces: tuple[bytes | Slice, ...] = field(repr=False)

    def __len__(self) -> int:
        return sum(piece.length if isinstance(piece, Slice) else len(piece) for piece in self.pieces)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the body in chunks of PIECE bytes, the last one shorter; each call starts anew."""
        held = bytearray()
        for piece in self.pieces:
            for part in piece.read() if isinstance(piece, Slice) else (piece,):
                held += part
                while len(held) >= PIECE:
                    yield bytes(held[:PIECE])
                    del held[:PIECE]
        if held:
            yield bytes(held)


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPart:
    """One part of a form. Always a file part with a name, as official clients send every part (O)."""

    name: str
    filename: str
    content_type: str
    pieces: tuple[bytes | Slice, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A body and the type it travels under."""

    content_type: str
    body: Pieces


def boundary(random: Random) -> str:
    """Return 128 random bits as text; that many need no check against what lies between."""
    return f"xray-ci-{random.getrandbits(128):032x}"


def multipart(parts: tuple[FormPart, ...], fence: str) -> Upload:
    """Return the parts as one form (RFC 7578), their order kept."""
    pieces: list[bytes | Slice] = []
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
