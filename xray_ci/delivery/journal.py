"""The journal of a delivery: typed entries that survive a crash at any instant, beside the files they speak of.

A line for each entry, `digest json`, where each digest covers the one before it. The first line has version and salt
in front and seals the files with their lengths and digests; the last one of a finished journal says so. Digests are
made with a key (HMAC-SHA256): who may write the folder and does not have it can damage a journal, and cannot change
what it says. What makes a key of the salt is handed in.

Knows when a line is certainly on the disk, which names may lie in the folder, and how they are compared and removed;
knows nothing of Xray, plans, settings or of what an entry means. Targets and hosts that an entry names are for the
caller to compare.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import os
import re
import secrets
import time
from typing import TYPE_CHECKING, BinaryIO, Final, Generic, NamedTuple, Self, TypeAlias, TypeVar

import msgspec

from xray_ci.patterns import lazy
from xray_ci.safefiles import Folder, JournalFault, StateUnwritable, reason
from xray_ci.services.body import Slice

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

KeyOf: TypeAlias = "Callable[[bytes], bytes]"
"""Makes the key of a journal from its salt."""
VERSION: Final = 2
LINE_LIMIT: Final = 32_000_000
"""Bytes of one line, with its end: the first one holds a whole plan."""
JOURNAL_LIMIT: Final = 64_000_000
FINISHED: Final = b'"finished"'
"""What the last line of a finished journal says; entries are objects, so none of them is that."""
_FIRST: Final = lazy(rb"xray-ci-journal ([0-9]{1,9}) (.*)\n", re.DOTALL)
_SALTED: Final = lazy(rb"([0-9a-f]{32}) ([0-9a-f]{64} .+)", re.DOTALL)
_LINE: Final = lazy(rb"([0-9a-f]{64}) (.+)", re.DOTALL)
_ZEROS: Final = lazy(rb"\0+")
_BLOCK: Final = 512
"""Bytes that a disk writes as one, or not at all; larger blocks are multiples of it."""
_LAST: Final = lazy(rb"\n[0-9a-f]{64} " + FINISHED + rb"\n")
_LAST_LENGTH: Final = 1 + 64 + 1 + len(FINISHED) + 1
"""Bytes at the end of a finished journal by which it is known."""


class SealedOtherwise(JournalFault):
    """The first line does not verify: another key made it, or somebody else did."""

    slug = "state-foreign"
    advice = (
        "Nothing of it is sent. Run `resume` with the credentials of the run that left it; if they were renewed since, "
        "set `state-key` to the client secret or token that sealed it. Else import the reports again into the Test "
        "Execution that was begun: `xray-ci import --test-execution KEY`."
    )


class Chain(NamedTuple):
    """Where a journal stands: its key and salt, the digest over all its lines, and their bytes."""

    key: bytes
    salt: bytes
    digest: bytes
    length: int = 0

    @classmethod
    def begin(cls, salt: bytes, key_of: KeyOf) -> Chain:
        """Return the beginning of a journal with this salt."""
        return cls(key=key_of(salt), salt=salt, digest=b"xray-ci-journal %d" % VERSION)

    def after(self, payload: bytes) -> bytes:
        """Return the digest of the line that says that and follows."""
        return hmac.digest(self.key, b"%b %b %b" % (self.digest, self.salt, payload), "sha256")


def line_after(chain: Chain, payload: bytes) -> tuple[bytes, Chain]:
    """Return the line that says `payload` (JSON, no line break in it), and where the journal stands after it.

    Raises ValueError for a line over `LINE_LIMIT`.
    """
    digest = chain.after(payload)
    front = b"" if chain.length else b"xray-ci-journal %d %b " % (VERSION, chain.salt.hex().encode())
    line = b"%b%b %b\n" % (front, digest.hex().encode(), payload)
    if len(line) > LINE_LIMIT:
        raise ValueError(f"a line of a journal has at most {LINE_LIMIT:,} bytes, this one has {len(line):,}")
    return line, chain._replace(digest=digest, length=chain.length + len(line))


def read_lines(file: BinaryIO, size: int, where: str, key_of: KeyOf) -> Iterator[tuple[bytes, Chain]]:
    """Yield what each line says, checked, and where the journal stands after it; a torn last line is left out.

    `size` is that of the file in bytes. Raises JournalFault, with `where` and the line, for what was not written like
    that, SealedOtherwise where the first line already was not written with this key.
    """
    first = _Opening.read(file, size, where)
    payload = first.payload
    chain = Chain.begin(first.salt, key_of)
    if not hmac.compare_digest(first.digest, chain.after(payload).hex().encode()):
        raise SealedOtherwise("the journal was sealed with another key, or was changed", where=where)
    chain = chain._replace(digest=chain.after(payload), length=first.length)
    yield payload, chain
    number = 1
    while line := file.readline(LINE_LIMIT + 1):
        number += 1
        if not line.endswith(b"\n") and len(line) <= LINE_LIMIT:
            break
        here = f"{where}:{number}"
        if payload == FINISHED or len(line) > LINE_LIMIT:
            raise JournalFault(
                "something else follows the journal" if payload == FINISHED else "this line is too long", where=here
            )
        found = _LINE.fullmatch(line[:-1])
        digest = chain.after(found[2]) if found else b""
        if found is None or not hmac.compare_digest(digest.hex().encode(), found[1]):
            if chain.length + len(line) == size and _never_written(line, chain.length):
                break
            raise JournalFault("this line was changed, or lines before it are missing", where=here)
        chain, payload = chain._replace(digest=digest, length=chain.length + len(line)), found[2]
        yield payload, chain


class _Opening(NamedTuple):
    """The first line, not checked with any key."""

    salt: bytes
    digest: bytes
    payload: bytes
    length: int

    @classmethod
    def read(cls, file: BinaryIO, size: int, where: str) -> Self:
        """Return it; raises JournalFault for what no release wrote, and for what another one did."""
        if size > JOURNAL_LIMIT:
            raise JournalFault(f"the journal is larger than {JOURNAL_LIMIT:,} bytes", where=where)
        line = file.readline(LINE_LIMIT + 1)
        if not line.endswith(b"\n") and len(line) <= LINE_LIMIT:
            raise JournalFault("the journal was never begun", where=where)
        found = _FIRST.fullmatch(line)
        if found is None:
            raise JournalFault("this is no journal of xray-ci", where=where)
        if found[1] != b"%d" % VERSION:
            raise JournalFault(
                f"the journal is of version {int(found[1])}, this xray-ci reads version {VERSION}",
                where=where,
                advice="Run `xray-ci resume` with the release that wrote it.",
            )
        salted = _SALTED.fullmatch(found[2])
        said = _LINE.fullmatch(salted[2]) if salted else None
        if salted is None or said is None:
            raise JournalFault("this line was changed", where=f"{where}:1")
        return cls(salt=bytes.fromhex(salted[1].decode()), digest=said[1], payload=said[2], length=len(line))


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


Value = TypeVar("Value")
Entry = TypeVar("Entry")
Header = TypeVar("Header")

NAME: Final = "xray-ci.journal"
LOCKS: Final = ("lock", "lock.held")
"""Names that `statelock` uses in the same folder."""
_PIECE: Final = 262_144
"""Bytes of a file that are read at once."""
_PLAIN: Final = lazy(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
"""Names that mean the same file everywhere: no folder, no blank, no dot in front."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file of the folder as it was when the journal began.

    Its plain name, bytes, and SHA-256 in hexadecimal.
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


class _Files:
    """The sealed files of a folder, each open for as long as the journal is."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._descriptors: dict[str, int] = {}
        self.sealed: tuple[Sealed, ...] = ()

    def seal(self, names: Sequence[str]) -> None:
        """Open files, read them and write them through; raises OSError."""
        self.sealed = tuple(self._read(name, os.O_RDWR) for name in names)
        for descriptor in self._descriptors.values():
            os.fsync(descriptor)

    def verify(self, files: tuple[Sealed, ...], shown: Path) -> None:
        """Open what was sealed and compare it; lengths first, so that no more is read than was sealed."""
        for sealed in files:
            where = str(shown / sealed.name)
            if not _plain(sealed.name) or sealed.name in self._descriptors:
                raise JournalFault("the journal names a file that xray-ci never writes", where=str(shown / NAME))
            try:
                same = (
                    self._folder.status(sealed.name).st_size == sealed.length
                    and self._read(sealed.name, os.O_RDONLY) == sealed
                )
            except OSError as error:
                raise JournalFault(f"a file that is to be sent cannot be read: {reason(error)}", where=where) from error
            if not same:
                raise JournalFault("a file that is to be sent was changed", where=where)
        self.sealed = files

    @property
    def slices(self) -> Mapping[str, Slice]:
        """Each file whole, by its name, read from what is open."""
        return {
            each.name: Slice(
                path=self._folder.path / each.name,
                offset=0,
                length=each.length,
                descriptor=self._descriptors[each.name],
            )
            for each in self.sealed
        }

    def close(self) -> None:
        """Let go of them."""
        while self._descriptors:
            os.close(self._descriptors.popitem()[1])

    def _read(self, name: str, mode: int) -> Sealed:
        descriptor = self._descriptors[name] = self._folder.open(name, mode)
        length, digest = 0, hashlib.sha256()
        while piece := os.read(descriptor, _PIECE):
            length += len(piece)
            digest.update(piece)
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
    """Return the first line of the journal in a folder, not checked with any key; raises JournalFault, OSError."""
    where = str(folder.path / NAME)
    with os.fdopen(folder.open(NAME, os.O_RDONLY), "rb") as file:
        payload = _Opening.read(file, os.fstat(file.fileno()).st_size, where).payload
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


class JournalFinished(JournalFault):
    """The delivery of a state folder was completed, by another process meanwhile or by an earlier run."""

    slug = "state-finished"
    advice = "Nothing is left to do: all of it was delivered. The folder can be removed."


class Journal(Generic[Entry]):
    """An open journal; for one process (see `statelock.lock`) and one thread."""

    def __init__(self, folder: Folder, descriptor: int, chain: Chain | None = None) -> None:
        self._folder = folder
        self._files = _Files(folder)
        self._descriptor = descriptor
        self._chain = chain
        """What is certainly on the disk; None before anything was read."""
        self._torn = False
        """Whether more than that may be in the file."""

    @property
    def files(self) -> Mapping[str, Slice]:
        """What lies beside the journal as it was sealed, by name: read from what was opened then, not by its path."""
        return self._files.slices

    @classmethod
    def begin(
        cls,
        folder: Path,
        header: bytes,
        key_of: KeyOf,
        *,
        files: Sequence[Path] = (),
        root: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> Journal[Entry]:
        """Seal the files of a new folder and write the first line; after it returned both survive a power loss.

        `header` is JSON. `files` lie in the folder itself, under plain names, and stay unchanged from now on. `root`:
        see `Folder.enter`. Raises JournalFault for a folder that is used or a link, StateUnwritable, and ValueError for
        files elsewhere or a header over `LINE_LIMIT`.
        """
        names = plain_names(folder, files)
        opened = entered(folder, root)
        chain = Chain.begin(secrets.token_bytes(16), key_of)
        with contextlib.ExitStack() as undone:
            undone.callback(opened.close)
            try:
                journal = cls(opened, -1, chain)
                undone.callback(journal._close_files)
                journal._files.seal(names)
                journal._descriptor = opened.open(NAME, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL)
                undone.callback(opened.remove, NAME)
                head = JournalHead(begun=clock(), files=journal._files.sealed, header=msgspec.Raw(header))
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
        return journal

    @classmethod
    def reopen(
        cls,
        folder: Path,
        header: msgspec.json.Decoder[Header],
        entry: msgspec.json.Decoder[Entry],
        key_of: KeyOf,
        *,
        root: Path | None = None,
    ) -> tuple[Journal[Entry], Header, tuple[Entry, ...]]:
        """Return the journal of an earlier run, ready to go on, its header, and what was recorded, in order.

        A last line that was being written when the run ended is dropped. All else is checked, the sealed files too.
        Raises JournalFault for anything that is not exactly ours, SealedOtherwise for what another key sealed,
        JournalFinished where nothing is left to do, StateUnwritable.
        """
        opened, where = entered(folder, root), str(folder / NAME)
        with contextlib.ExitStack() as undone:
            undone.callback(opened.close)
            try:
                journal = cls(opened, opened.open(NAME, os.O_RDWR | os.O_APPEND))
                undone.callback(journal._close_files)
                payloads = journal._payloads(where, key_of)
                head = decoded(next(payloads), msgspec.json.Decoder(JournalHead), f"{where}:1")
                said = decoded(bytes(head.header), header, f"{where}:1")
                entries = tuple(
                    decoded(payload, entry, f"{where}:{number}") for number, payload in enumerate(payloads, 2)
                )
                journal._files.verify(head.files, folder)
            except OSError as error:
                raise JournalFault(f"the journal cannot be read: {reason(error)}", where=where) from error
            try:
                journal._mend()
            except OSError as error:
                raise StateUnwritable(f"the journal could not be written: {reason(error)}", where=where) from error
            undone.pop_all()
        return journal, said, entries

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
        self._close_files()
        clear(self._folder, self._files.sealed)
        self._folder.close()

    def close(self) -> None:
        """Let go of the files; the journal stays as it is for a later `reopen`."""
        self._close_files()
        self._folder.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _append(self, payload: bytes) -> None:
        assert self._chain is not None  # noqa: S101  # begun or read by now
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
            os.ftruncate(self._descriptor, self._chain.length if self._chain is not None else 0)
            os.fsync(self._descriptor)
            self._torn = False

    def _payloads(self, where: str, key_of: KeyOf) -> Iterator[bytes]:
        """Yield what the lines say, and stand after the last one when all were taken."""
        size, length = os.fstat(self._descriptor).st_size, 0
        with os.fdopen(os.dup(self._descriptor), "rb") as file:
            for payload, chain in read_lines(file, size, where, key_of):
                if payload == FINISHED:
                    raise JournalFinished("this delivery is finished", where=where)
                self._chain, length = chain, chain.length
                yield payload
        self._torn = length < size

    def _close_files(self) -> None:
        self._files.close()
        if self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1
            os.close(descriptor)


def pending(state_dir: Path, *, root: Path | None = None) -> tuple[Path, ...]:
    """Return the folders in a state folder that hold an unfinished journal, the oldest first.

    Looks only as far as it takes to know that: what a journal says is checked by `reopen`. Links and what is not ours
    are ignored; no state folder, no journals. Raises JournalFault for a state folder that is a link or cannot be
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
                    file.seek(max(0, size - _LAST_LENGTH))
                    finished = _LAST.fullmatch(file.read(_LAST_LENGTH)) is not None
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
