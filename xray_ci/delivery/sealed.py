"""What a journal seals: its first line, and the files beside it with their lengths and digests.

Knows which names may lie in a state folder and how they are compared and removed; knows nothing of entries.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
from typing import TYPE_CHECKING, Final, TypeVar

import msgspec

from xray_ci.delivery.folder import Folder, JournalFault, reason
from xray_ci.delivery.journal_lines import DIGEST_BYTES, read_lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

Value = TypeVar("Value")

NAME: Final = "xray-ci.journal"
LOCKS: Final = ("lock", "lock.held")
"""Names that `statelock` uses in the same folder."""
_PIECE: Final = 262_144
"""Bytes of a file that are read at once."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names that mean the same file everywhere: no folder, no blank, no dot in front."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the folder as it was when the journal began: its plain name, bytes, and blake2b digest in hexadecimal."""

    name: str
    length: int
    digest: str


class Head(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The first line."""

    begun: float
    """Seconds since 1970: orders journals by age."""
    files: tuple[Sealed, ...]
    header: msgspec.Raw


def seal(folder: Folder, name: str, *, through: bool = False) -> Sealed:
    """Return the length and digest of a file, read in pieces and on request written through; raises OSError."""
    with os.fdopen(folder.open(name, os.O_RDWR if through else os.O_RDONLY), "rb", buffering=0) as file:
        length, digest = 0, hashlib.blake2b(digest_size=DIGEST_BYTES)
        while piece := file.read(_PIECE):
            length += len(piece)
            digest.update(piece)
        if through:
            os.fsync(file.fileno())
    return Sealed(name=name, length=length, digest=digest.hexdigest())


def entered(folder: Path, root: Path | None) -> Folder:
    """Open the folder of a journal (see `Folder.enter`); raises JournalFault."""
    try:
        return Folder.enter(folder, root)
    except OSError as error:
        raise JournalFault(f"the folder of the journal cannot be entered: {reason(error)}", where=str(folder)) from error


def head_of(folder: Folder) -> Head:
    """Return the first line of the journal in a folder; raises JournalFault, OSError."""
    where = str(folder.path / NAME)
    with os.fdopen(folder.open(NAME, os.O_RDONLY), "rb") as file:
        payload, _ = next(read_lines(file, os.fstat(file.fileno()).st_size, where))
    return decoded(payload, msgspec.json.Decoder(Head), where)


def plain_names(folder: Path, files: Sequence[Path]) -> tuple[str, ...]:
    """Return the names of files that may lie beside a journal; raises ValueError for any other."""
    names = tuple(path.name for path in files)
    if any(path.absolute() != folder.absolute() / path.name or not _plain(path.name) for path in files):
        raise ValueError("a file of a journal lies in its folder, under a plain name")
    if len({name.lower() for name in names}) != len(names):
        raise ValueError("two files of a journal have the same name")
    return names


def _plain(name: str) -> bool:
    return _PLAIN.fullmatch(name) is not None and name.lower() not in (NAME, *LOCKS)


def decoded(payload: bytes, reader: msgspec.json.Decoder[Value], where: str) -> Value:
    """Return what a line says as its type; raises JournalFault."""
    try:
        return reader.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise JournalFault(f"this line says something that xray-ci never writes: {str(error)[:200]}", where=where) from error


def verify(folder: Folder, files: tuple[Sealed, ...], shown: Path) -> None:
    """Compare the files with their seals; their lengths first, so that no more is read than was sealed."""
    for sealed in files:
        where = str(shown / sealed.name)
        if not _plain(sealed.name):
            raise JournalFault("the journal names a file that xray-ci never writes", where=str(shown / NAME))
        try:
            same = folder.status(sealed.name).st_size == sealed.length and seal(folder, sealed.name) == sealed
        except OSError as error:
            raise JournalFault(f"a file that is to be sent cannot be read: {reason(error)}", where=where) from error
        if not same:
            raise JournalFault("a file that is to be sent was changed", where=where)


def clear(folder: Folder, files: tuple[Sealed, ...]) -> None:
    """Remove what belongs to a finished journal, itself last; then the folder, if nothing else is in it."""
    for sealed in files:
        if _plain(sealed.name):
            folder.remove(sealed.name)
    folder.remove(NAME)
    for name in LOCKS:
        folder.remove(name)
    with contextlib.suppress(OSError):
        folder.path.rmdir()
