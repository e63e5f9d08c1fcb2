"""Evidence: which files a report may make us send, what the limits let through, and how it is written as base64.

Knows the file system below the workspace and trusts nothing a report says of it: a report that names `~/.ssh/id_rsa`,
or a link to it, gets nothing. Content never stays in memory: a file is a path until the test that it belongs to is
written, base64 out of a report goes to disk at once. What became of a file since it was found is looked at again.
Knows nothing of deployments.
"""

from __future__ import annotations

import binascii
import os
import re
import stat
import sys
import unicodedata
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

import msgspec
from msgspec import Struct

from xray_ci.model import Attachment, Case, Outcome
from xray_ci.patterns import lazy
from xray_ci.safefiles import open_inside

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from mimetypes import MimeTypes
    from types import TracebackType
    from typing import BinaryIO, Self

    from xray_ci.model import Attachment
    from xray_ci.xray.notices import Notices

PIECE: Final = 49_152
"""Bytes read at once: 48 KiB, a multiple of 3, so that pieces of base64 join without padding between them."""
_NAME_LIMIT: Final = 100
_TAIL_LIMIT: Final = 20
"""Names at the end of a path of elsewhere, and folders around a report, that are tried."""
_UNSAFE: Final = lazy(r"[^A-Za-z0-9._ ()+@=,-]+")
_MEDIA: Final = lazy(r"[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}/[A-Za-z0-9][A-Za-z0-9!#$&^_.+-]{0,63}")
_ADDRESS: Final = lazy(r"\s*(?:[A-Za-z][A-Za-z0-9+.-]+://|(?:data|file|blob|about|javascript):)", re.IGNORECASE)
_DRIVE: Final = lazy(r"[A-Za-z]:")
_SUFFIX: Final = lazy(r"\.[A-Za-z0-9]{1,10}")


class Writer(Protocol):
    """What base64 is written to."""

    def write(self, data: bytes, /) -> object:
        """Take some bytes."""


class EvidenceRefusal(Struct, frozen=True, kw_only=True):
    """Why a piece of evidence is left out: a slug of the notices."""

    slug: str


class FoundFile(Struct, frozen=True, kw_only=True):
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
        below that folder; an absolute one must lie in the workspace, or is one of another machine or mount: then the
        longest of its ends, of two names or more, that is a file below the workspace or below a folder around the
        report. Backslashes separate as slashes do.
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
        if refusal.slug == "evidence-outside" and _absolute(plain):
            return self._tail(plain, folder) or refusal
        return refusal

    def _tail(self, plain: str, folder: str) -> FoundFile | None:
        """Return the file that the longest end of a path of elsewhere names; every check is that of other paths."""
        names = [name for name in plain.split("/") if name not in ("", ".")]
        if ".." in names:
            return None
        around = self._parts(folder.replace("\\", "/"), "") or ()
        bases = [around[:length] for length in range(min(len(around), _TAIL_LIMIT), -1, -1)]
        for start in range(max(0, len(names) - _TAIL_LIMIT), len(names) - 1):
            for base in bases:
                found = self._look((*base, *names[start:]))
                if isinstance(found, FoundFile):
                    return found
        return None

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
        if _absolute(plain):
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


def _absolute(plain: str) -> bool:
    return plain.startswith("/") or _DRIVE.match(plain) is not None


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


_FAILED: Final = (Outcome.FAILED, Outcome.ERROR)


class EvidenceOptions(Struct, frozen=True, kw_only=True):
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
            if self._options.attachments == "failed" and (case.attachments or next(of_steps(case), None) is not None):
                self._notices.add("evidence-not-asked")
            return []
        items = [item for attachment in case.attachments if (item := self._item(attachment)) is not None]
        for attachment in of_steps(case):
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
        name, media = file_name(attachment), media_type(attachment)
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
        size = valid_base64(text)
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
        for start in range(0, len(text), PIECE):
            self._inline.write(text[start : start + PIECE].encode("ascii"))
        return offset


def of_steps(case: Case) -> Iterator[Attachment]:
    """Yield the files of a case's steps."""
    for step in case.steps:
        yield from step.attachments
    for iteration in case.iterations:
        for step in iteration.steps:
            yield from step.attachments


def _distinct(items: list[EvidenceItem]) -> list[EvidenceItem]:
    """Return the items with names that differ: Xray shows nothing else of them."""
    seen: set[str] = set()
    numbers: dict[str, int] = {}
    """The last number tried for each name, so that many files of one name cost no more than those of many names."""
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
        self.any = self.next != _NEVER
        """Whether any result has evidence."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._side.close()
        if self._inline is not None:
            self._inline.close()

    def of(self, number: int) -> list[EvidenceItem]:
        """Return the evidence of a result that the limits let through, and drop that of results before it."""
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
