"""The lines of a journal: `digest json`, where each digest covers the one before it.

The first line has the version in front.

Bytes only: knows nothing of folders, entries or of what a line means, but that the last line of a finished journal says
so.

What a journal seals: its first line, and the files beside it with their lengths and digests.

Knows which names may lie in a state folder and how they are compared and removed; knows nothing of entries.

The journal of a delivery: typed entries in a file that survives a crash at any instant, beside the files they speak of.

Knows when a line is certainly on the disk, and the folder it lies in; knows nothing of Xray, plans, settings or of what
an entry means. There is no key in its digests: they are against damage and confusion, not against who may write the
folder. Targets and hosts that an entry names are for the caller to compare.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import time
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Generic, NamedTuple, Self, TypeVar

import msgspec

from xray_ci.safefiles import Folder, JournalFault, StateUnwritable, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType


VERSION: Final = 1
DIGEST_BYTES: Final = 16
LINE_LIMIT: Final = 1_000_000
"""Bytes of one line, with its end."""
JOURNAL_LIMIT: Final = 64_000_000
FINISHED: Final = b'"finished"'
"""What the last line of a finished journal says; entries are objects, so none of them is that."""
_SEED: Final = hashlib.blake2b(b"xray-ci-journal 1", digest_size=DIGEST_BYTES).digest()
_FIRST: Final = re.compile(rb"xray-ci-journal ([0-9]{1,9}) (.*)\n", re.DOTALL)
_LINE: Final = re.compile(rb"([0-9a-f]{32}) (.+)", re.DOTALL)
_ZEROS: Final = re.compile(rb"\0+")
_BLOCK: Final = 512
"""Bytes that a disk writes as one, or not at all; larger blocks are multiples of it."""
_LAST: Final = re.compile(rb"\n[0-9a-f]{32} " + FINISHED + rb"\n")
LAST_LENGTH: Final = 1 + 2 * DIGEST_BYTES + 1 + len(FINISHED) + 1
"""Bytes at the end of a finished journal by which it is known."""


class Chain(NamedTuple):
    """Where a journal stands: the digest over all its lines, and their bytes."""

    digest: bytes = _SEED
    length: int = 0


def line_after(chain: Chain, payload: bytes) -> tuple[bytes, Chain]:
    """Return the line that says `payload` (JSON, no line break in it), and where the journal stands after it.

    Raises ValueError for a line over `LINE_LIMIT`.
    """
    digest = _digest(chain.digest, payload)
    line = b"%b%b %b\n" % (b"" if chain.length else b"xray-ci-journal %d " % VERSION, digest.hex().encode(), payload)
    if len(line) > LINE_LIMIT:
        raise ValueError(f"a line of a journal has at most {LINE_LIMIT:,} bytes, this one has {len(line):,}")
    return line, Chain(digest, chain.length + len(line))


def read_lines(file: BinaryIO, size: int, where: str) -> Iterator[tuple[bytes, Chain]]:
    """Yield what each line says, checked, and where the journal stands after it; a torn last line is left out.

    `size` is that of the file in bytes. Raises JournalFault, with `where` and the line, for what was not written like
    that.
    """
    if size > JOURNAL_LIMIT:
        raise JournalFault(f"the journal is larger than {JOURNAL_LIMIT:,} bytes", where=where)
    chain, number, payload = Chain(), 0, b""
    while line := file.readline(LINE_LIMIT + 1):
        number += 1
        if not line.endswith(b"\n") and len(line) <= LINE_LIMIT:
            break
        here = f"{where}:{number}"
        if payload == FINISHED or len(line) > LINE_LIMIT:
            raise JournalFault(
                "something else follows the journal" if payload == FINISHED else "this line is too long", where=here
            )
        found = _LINE.fullmatch(line[:-1] if chain.length else _versioned(line, here))
        digest = _digest(chain.digest, found[2]) if found else b""
        if found is None or digest.hex().encode() != found[1]:
            if chain.length and chain.length + len(line) == size and _never_written(line, chain.length):
                break
            raise JournalFault("this line was changed, or lines before it are missing", where=here)
        chain, payload = Chain(digest, chain.length + len(line)), found[2]
        yield payload, chain
    if not chain.length:
        raise JournalFault("the journal was never begun", where=where)


def is_finished(end: bytes) -> bool:
    """Whether the last `LAST_LENGTH` bytes of a journal say that it is finished; what is before them is not checked."""
    return _LAST.fullmatch(end) is not None


def _never_written(line: bytes, start: int) -> bool:
    """Whether a last line, at this place of the file, has blocks that were never written because the power went.

    They read as zeros, from the line's start or that of a block to the end of one: a changed byte does not look like
    that.
    """
    runs = [(start + found.start(), start + found.end()) for found in _ZEROS.finditer(line)]
    return bool(runs) and all(
        (first == start or first % _BLOCK == 0) and (end == start + len(line) or end % _BLOCK == 0)
        for first, end in runs
    )


def _versioned(line: bytes, where: str) -> bytes:
    """Return the first line without what stands in front of its digest."""
    found = _FIRST.fullmatch(line)
    if found is None:
        raise JournalFault("this is no journal of xray-ci", where=where)
    if found[1] != b"%d" % VERSION:
        raise JournalFault(
            f"the journal is of version {int(found[1])}, this xray-ci reads version {VERSION}",
            where=where,
            advice="Run `xray-ci resume` with the release that wrote it.",
        )
    return found[2]


def _digest(before: bytes, payload: bytes) -> bytes:
    return hashlib.blake2b(before + payload, digest_size=DIGEST_BYTES).digest()


Value = TypeVar("Value")

NAME: Final = "xray-ci.journal"
LOCKS: Final = ("lock", "lock.held")
"""Names that `statelock` uses in the same folder."""
_PIECE: Final = 262_144
"""Bytes of a file that are read at once."""
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names that mean the same file everywhere: no folder, no blank, no dot in front."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the folder as it was when the journal began.

    Its plain name, bytes, and blake2b digest in hexadecimal.
    """

    name: str
    length: int
    digest: str


class JournalHead(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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
        raise JournalFault(
            f"the folder of the journal cannot be entered: {reason(error)}", where=str(folder)
        ) from error


def head_of(folder: Folder) -> JournalHead:
    """Return the first line of the journal in a folder; raises JournalFault, OSError."""
    where = str(folder.path / NAME)
    with os.fdopen(folder.open(NAME, os.O_RDONLY), "rb") as file:
        payload, _ = next(read_lines(file, os.fstat(file.fileno()).st_size, where))
    return decoded(payload, msgspec.json.Decoder(JournalHead), where)


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
        raise JournalFault(
            f"this line says something that xray-ci never writes: {str(error)[:200]}", where=where
        ) from error


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


Entry = TypeVar("Entry")
Header = TypeVar("Header", bound=msgspec.Struct)


class JournalFinished(JournalFault):
    """The delivery of a state folder was completed, by another process meanwhile or by an earlier run."""

    slug = "state-finished"
    advice = "Nothing is left to do: all of it was delivered. The folder can be removed."


class Journal(Generic[Entry]):
    """An open journal; for one process (see `statelock.lock`) and one thread."""

    def __init__(self, folder: Folder, descriptor: int) -> None:
        self.files: tuple[Sealed, ...] = ()
        """What lies beside the journal, as it was sealed."""
        self._folder = folder
        self._descriptor = descriptor
        self._chain = Chain()
        """What is certainly on the disk."""
        self._torn = False
        """Whether more than that may be in the file."""

    @classmethod
    def begin(
        cls,
        folder: Path,
        header: msgspec.Struct,
        entry_type: Any = None,  # noqa: ARG003
        *,
        files: Sequence[Path] = (),
        root: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Journal[Entry]:
        """Seal the files of a new folder and write the first line; after it returned both survive a power loss.

        `files` lie in the folder itself, under plain names, and stay unchanged from now on. `root`: see `Folder.enter`.
        `entry_type` only says to the reader what will be recorded. Raises JournalFault for a folder that is used or a
        link, StateUnwritable, and ValueError for files elsewhere or a header over `LINE_LIMIT`.
        """
        names = plain_names(folder, files)
        opened = entered(folder, root)
        with contextlib.ExitStack() as undone:
            undone.callback(opened.close)
            try:
                sealed = tuple(seal(opened, name, through=True) for name in names)
                journal = cls(opened, opened.open(NAME, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL))
                undone.callback(opened.remove, NAME)
                undone.callback(journal._close_file)
                head = JournalHead(begun=clock(), files=sealed, header=msgspec.Raw(msgspec.json.encode(header)))
                journal._append(msgspec.json.encode(head))
                opened.sync()
                _sync_around(folder)
            except FileExistsError:
                raise JournalFault("a delivery was begun in this folder before", where=str(folder)) from None
            except OSError as error:
                raise StateUnwritable(
                    f"what is to be sent could not be kept: {reason(error)}", where=str(folder)
                ) from error
            undone.pop_all()
        journal.files = sealed
        return journal

    @classmethod
    def reopen(
        cls, folder: Path, header_type: type[Header], entry_type: Any, *, root: Path | None = None
    ) -> tuple[Journal[Entry], Header, tuple[Entry, ...]]:
        """Return the journal of an earlier run, ready to go on, its header, and what was recorded, in order.

        A last line that was being written when the run ended is dropped. All else is checked, the sealed files too.
        Raises JournalFault for anything that is not exactly ours, JournalFinished where nothing is left to do,
        StateUnwritable.
        """
        opened, where = entered(folder, root), str(folder / NAME)
        with contextlib.ExitStack() as undone:
            undone.callback(opened.close)
            try:
                journal = cls(opened, opened.open(NAME, os.O_RDWR | os.O_APPEND))
                undone.callback(journal._close_file)
                payloads = journal._payloads(where)
                first = next(payloads)
                head = decoded(first, msgspec.json.Decoder(JournalHead), f"{where}:1")
                header = decoded(bytes(head.header), msgspec.json.Decoder(header_type), f"{where}:1")
                reader = msgspec.json.Decoder(entry_type)
                entries = tuple(
                    decoded(payload, reader, f"{where}:{number}") for number, payload in enumerate(payloads, 2)
                )
                verify(opened, head.files, folder)
            except OSError as error:
                raise JournalFault(f"the journal cannot be read: {reason(error)}", where=where) from error
            try:
                journal._mend()
            except OSError as error:
                raise StateUnwritable(f"the journal could not be written: {reason(error)}", where=where) from error
            undone.pop_all()
        journal.files = head.files
        return journal, header, entries

    def record(self, entry: Entry) -> None:
        """Append an entry; after it returned the entry survives the death of the process and a power loss.

        Where it raises, or is interrupted, the entry may or may not be found later, and the journal stays usable: the
        next entry takes its place. Raises StateUnwritable (disk full, quota, lost network), ValueError for one over
        `LINE_LIMIT`.
        """
        self._append(msgspec.json.encode(entry))

    def finish(self) -> None:
        """Mark the journal as complete, then remove it with its files and the folder.

        Complete is one line: after a crash at any instant the journal is either unfinished or nothing is left to do.
        What cannot be removed stays, and is no pending journal (see `sweep`). Raises StateUnwritable before anything is
        removed.
        """
        self._append(FINISHED)
        self._close_file()
        clear(self._folder, self.files)
        self._folder.close()

    def close(self) -> None:
        """Let go of the files; the journal stays as it is for a later `reopen`."""
        self._close_file()
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, payload: bytes) -> None:
        line, chain = line_after(self._chain, payload)
        where = str(self._folder.path / NAME)
        if chain.length > JOURNAL_LIMIT:
            raise StateUnwritable(f"the journal would be larger than {JOURNAL_LIMIT:,} bytes", where=where)
        try:
            self._mend()
            self._torn = True  # until all is done: also when a signal ends this by an exception
            if os.write(self._descriptor, line) != len(line):
                raise OSError(None, "no space is left for it")  # noqa: TRY301  # the system says why only the next time
            os.fsync(self._descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                self._mend()
            raise StateUnwritable(f"the journal could not be written: {reason(error)}", where=where) from error
        self._chain, self._torn = chain, False

    def _mend(self) -> None:
        """Cut off what is not certain."""
        if self._torn:
            os.ftruncate(self._descriptor, self._chain.length)
            os.fsync(self._descriptor)
            self._torn = False

    def _payloads(self, where: str) -> Iterator[bytes]:
        """Yield what the lines say, and stand after the last one when all were taken."""
        size = os.fstat(self._descriptor).st_size
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            for payload, self._chain in read_lines(file, size, where):
                if payload == FINISHED:
                    raise JournalFinished("this delivery is finished", where=where)
                yield payload
        self._torn = self._chain.length < size

    def _close_file(self) -> None:
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


def pending(state_dir: Path, *, root: Path | None = None) -> tuple[Path, ...]:
    """Return the folders in a state folder that hold an unfinished journal, the oldest first.

    Looks only as far as it takes to know that: what a journal says is checked by `reopen`. Links and what is not ours
    are passed over; no state folder, no journals. Raises JournalFault for a state folder that is a link or cannot be
    read.
    """
    found = [(begun, name) for name, begun, finished in _journals(state_dir, root) if not finished]
    return tuple(state_dir / name for _, name in sorted(found))


def sweep(state_dir: Path, *, root: Path | None = None) -> None:
    """Remove what is left of finished journals: of runs that ended while `finish` was removing. Raises as `pending`."""
    for name, _, finished in _journals(state_dir, root):
        if finished:
            with contextlib.suppress(OSError, JournalFault), entered(state_dir / name, root) as folder:
                clear(folder, head_of(folder).files)


def _journals(state_dir: Path, root: Path | None) -> Iterator[tuple[str, float, bool]]:
    """Yield name, beginning (0 where it cannot be told) and whether it is finished, of each folder with a journal."""
    try:
        around = Folder.enter(state_dir, root or state_dir.absolute().parent)
    except FileNotFoundError:
        return
    except OSError as error:
        raise JournalFault(f"the state folder cannot be read: {reason(error)}", where=str(state_dir)) from error
    with around:
        for name in around.names():
            with contextlib.suppress(OSError), around.inner(name) as folder:
                with os.fdopen(folder.open(NAME, os.O_RDONLY), "rb") as file:
                    begun = file.readline(LINE_LIMIT + 1)
                    size = file.seek(0, os.SEEK_END)
                    file.seek(max(0, size - LAST_LENGTH))
                    finished = is_finished(file.read(LAST_LENGTH))
                if not begun.endswith(b"\n") and len(begun) <= LINE_LIMIT:
                    continue  # the run ended before it had begun to send
                try:
                    yield name, head_of(folder).begun, finished
                except JournalFault:
                    yield name, 0.0, finished


def _sync_around(folder: Path) -> None:
    """Write through that the folder is there; who may not read the folder around it did not make it."""
    with (
        contextlib.suppress(PermissionError),
        Folder.enter(folder.absolute().parent, folder.absolute().parent) as around,
    ):
        around.sync()
