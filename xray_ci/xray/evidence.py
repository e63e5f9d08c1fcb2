"""Evidence: which files a report may make us send, how they are named, and how they are written as base64.

Knows the file system below the workspace and trusts nothing a report says of it: a report that names `~/.ssh/id_rsa`,
or a link to it, gets nothing. Knows nothing of cases or deployments.
"""

from __future__ import annotations

import binascii
import os
import re
import stat
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from xray_ci.safefiles import open_inside

if TYPE_CHECKING:
    from collections.abc import Iterable
    from mimetypes import MimeTypes

    from xray_ci.model import Attachment

PIECE: Final = 49_152
"""Bytes read at once: 48 KiB, a multiple of 3, so that pieces of base64 join without padding between them."""
_NAME_LIMIT: Final = 100
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._ ()+@=,-]+")
_MEDIA: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}")
_ADDRESS: Final = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]+://|(?:data|file|blob|about|javascript):)", re.IGNORECASE)
_DRIVE: Final = re.compile(r"[A-Za-z]:")
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,10}")


class Writer(Protocol):
    """What base64 is written to."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRefusal:
    """Why a piece of evidence is left out: a slug of the notices."""

    slug: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundFile:
    """A file that may be sent: its path below the workspace, and its size in bytes when it was looked at."""

    parts: tuple[str, ...]
    size: int


class Workspace:
    """The folder below which evidence may lie."""

    def __init__(self, root: Path, refused: Iterable[Path] = ()) -> None:
        self._given = PurePosixPath(root.absolute().as_posix())
        self.root = Path(os.path.realpath(root))
        self._real = PurePosixPath(self.root.as_posix())
        self._refused = frozenset(_identity(path) for path in refused) - {None}
        self._closed = _identity(self.root) in self._refused
        """Whether all evidence is refused."""

    def find(self, path: str, folder: str = "") -> FoundFile | EvidenceRefusal:
        """Find the file that a report names.

        `folder` is the report's own, relative to the workspace. A relative path is looked for below the workspace, then
        below that folder; an absolute one must lie in the workspace. Backslashes separate as slashes do.
        """
        if _ADDRESS.match(path):
            return EvidenceRefusal(slug="evidence-address")
        plain = path.replace("\\", "/")
        if "\0" in plain or not plain.strip():
            return EvidenceRefusal(slug="evidence-missing")
        refusal = EvidenceRefusal(slug="evidence-missing")
        for base in ("", folder) if folder not in ("", ".") else ("",):
            parts = self._parts(plain, base)
            found = self._look(parts) if parts else EvidenceRefusal(slug="evidence-outside")
            if isinstance(found, FoundFile):
                return found
            if refusal.slug == "evidence-missing":
                refusal = found
        return refusal

    def open(self, parts: tuple[str, ...]) -> BinaryIO | EvidenceRefusal:
        """Open a file that was found, without following a link anywhere on the way, even one made since."""
        try:
            file = open_inside(str(self.root), parts, links=False)
        except OSError:
            return EvidenceRefusal(slug="evidence-not-a-file")
        if _key(os.fstat(file.fileno())) in self._refused:
            file.close()
            return EvidenceRefusal(slug="evidence-not-a-file")
        return file

    def _parts(self, plain: str, base: str) -> tuple[str, ...] | None:
        """Return the path below the workspace, without `.` and `..`, or None when it leads out of it."""
        if plain.startswith("/") or _DRIVE.match(plain):
            inside = next(
                (self._below(plain, root) for root in (self._given, self._real) if self._below(plain, root)), None
            )
            if inside is None:
                return None
            names = inside
        else:
            names = [*base.replace("\\", "/").split("/"), *plain.split("/")]
        parts: list[str] = []
        for name in names:
            if name == "..":
                if not parts:
                    return None
                parts.pop()
            elif name not in ("", "."):
                parts.append(name)
        return tuple(parts)

    @staticmethod
    def _below(plain: str, root: PurePosixPath) -> list[str] | None:
        """Return the names below a root as they are written, or None."""
        names = [name for name in plain.split("/") if name not in ("", ".")]
        top = [name for name in root.as_posix().split("/") if name]
        return names[len(top) :] if names[: len(top)] == top and len(names) > len(top) else None

    def _look(self, parts: tuple[str, ...]) -> FoundFile | EvidenceRefusal:
        if self._closed or any(name.startswith(".") for name in parts):
            return EvidenceRefusal(slug="evidence-private")
        current = self.root
        status = None
        for name in parts:
            current = current / name
            try:
                status = os.lstat(current)
            except (OSError, ValueError):
                return EvidenceRefusal(slug="evidence-missing")
            if stat.S_ISLNK(status.st_mode):
                return EvidenceRefusal(slug="evidence-link")
            if _key(status) in self._refused:
                return EvidenceRefusal(slug="evidence-private")
        if status is None or not stat.S_ISREG(status.st_mode):
            return EvidenceRefusal(slug="evidence-not-a-file")
        return FoundFile(parts=parts, size=status.st_size)


def valid_base64(text: str) -> int | None:
    """Return the number of bytes that the text holds, or None when it is not strictly base64; in pieces."""
    if len(text) % 4 or not text.isascii():
        return None
    total = 0
    try:
        for start in range(0, len(text), PIECE):
            piece = text[start : start + PIECE]
            size = len(binascii.a2b_base64(piece, strict_mode=True))
            if start + PIECE < len(text) and size != PIECE // 4 * 3:
                return None
            total += size
    except binascii.Error:
        return None
    return total


def write_base64(source: BinaryIO, size: int, out: Writer) -> int:
    """Write at most `size` bytes of a file as base64; return how many bytes were there."""
    left = size
    while left > 0:
        piece = source.read(min(PIECE, left))
        if not piece:
            break
        left -= len(piece)
        out.write(binascii.b2a_base64(piece, newline=False))
    return size - left


def file_name(attachment: Attachment) -> str:
    """Return a name that every site takes: ASCII (other names cause trouble, O), no folders, the extension kept."""
    source = (attachment.path or "").replace("\\", "/").rpartition("/")[2]
    name = attachment.name.replace("\\", "/").rpartition("/")[2].strip() or source
    wanted = source[source.rfind(".") :] if "." in source else ""
    if not _SUFFIX.fullmatch(name[name.rfind(".") :] if "." in name else "") and _SUFFIX.fullmatch(wanted):
        name += wanted
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode() if not name.isascii() else name
    stem, dot, suffix = plain.rpartition(".")
    suffix = _UNSAFE.sub("", suffix)[:10]
    stem = _UNSAFE.sub("_", stem if dot else plain).strip(" ._")[:_NAME_LIMIT] or "evidence"
    return f"{stem}.{suffix}" if dot and suffix else stem


def media_type(attachment: Attachment) -> str:
    """Return the media type that the report gives, if it is one, else the one of the file name."""
    said = attachment.media_type
    if said is not None and _MEDIA.fullmatch(said):
        return said
    return _types().guess_type(file_name(attachment))[0] or "application/octet-stream"


@lru_cache(maxsize=1)
def _types() -> MimeTypes:
    from mimetypes import MimeTypes  # noqa: PLC0415  # late: only runs with evidence pay for it

    return MimeTypes()


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        return _key(path.stat())
    except OSError:
        return None


def _key(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
