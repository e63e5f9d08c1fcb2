"""The journal of a delivery: typed entries in a file that survives a crash at any instant, beside the files they speak of.

Knows when a line is certainly on the disk, and the folder it lies in; knows nothing of Xray, plans, settings or of what an
entry means. There is no key in its digests: they are against damage and confusion, not against who may write the folder.
Targets and hosts that an entry names are for the caller to compare.
"""

from __future__ import annotations

import contextlib
import os
import time
from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar

import msgspec

from xray_ci.delivery.folder import Folder, JournalFault, StateUnwritable, reason
from xray_ci.delivery.journal_lines import (
    FINISHED,
    JOURNAL_LIMIT,
    LAST_LENGTH,
    LINE_LIMIT,
    Chain,
    is_finished,
    line_after,
    read_lines,
)
from xray_ci.delivery.sealed import NAME, Head, Sealed, clear, decoded, entered, head_of, plain_names, seal, verify

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path
    from types import TracebackType

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
    def begin(cls, folder: Path, header: msgspec.Struct, entry_type: Any = None, *, files: Sequence[Path] = (),  # noqa: ARG003
              root: Path | None = None, clock: Callable[[], float] = time.time) -> Journal[Entry]:
        """Seal the files of a new folder and write the first line; after it returned both survive a power loss.

        `files` lie in the folder itself, under plain names, and stay unchanged from now on. `root`: see `Folder.enter`.
        `entry_type` only says to the reader what will be recorded. Raises JournalFault for a folder that is used or a link,
        StateUnwritable, and ValueError for files elsewhere or a header over `LINE_LIMIT`.
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
                head = Head(begun=clock(), files=sealed, header=msgspec.Raw(msgspec.json.encode(header)))
                journal._append(msgspec.json.encode(head))
                opened.sync()
                _sync_around(folder)
            except FileExistsError:
                raise JournalFault("a delivery was begun in this folder before", where=str(folder)) from None
            except OSError as error:
                raise StateUnwritable(f"what is to be sent could not be kept: {reason(error)}", where=str(folder)) from error
            undone.pop_all()
        journal.files = sealed
        return journal

    @classmethod
    def reopen(cls, folder: Path, header_type: type[Header], entry_type: Any, *,
               root: Path | None = None) -> tuple[Journal[Entry], Header, tuple[Entry, ...]]:
        """Return the journal of an earlier run, ready to go on, its header, and what was recorded, in order.

        A last line that was being written when the run ended is dropped. All else is checked, the sealed files too. Raises
        JournalFault for anything that is not exactly ours, JournalFinished where nothing is left to do, StateUnwritable.
        """
        opened, where = entered(folder, root), str(folder / NAME)
        with contextlib.ExitStack() as undone:
            undone.callback(opened.close)
            try:
                journal = cls(opened, opened.open(NAME, os.O_RDWR | os.O_APPEND))
                undone.callback(journal._close_file)
                payloads = journal._payloads(where)
                first = next(payloads)
                head = decoded(first, msgspec.json.Decoder(Head), f"{where}:1")
                header = decoded(bytes(head.header), msgspec.json.Decoder(header_type), f"{where}:1")
                reader = msgspec.json.Decoder(entry_type)
                entries = tuple(decoded(payload, reader, f"{where}:{number}") for number, payload in enumerate(payloads, 2))
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

        Where it raises, or is interrupted, the entry may or may not be found later, and the journal stays usable: the next
        entry takes its place. Raises StateUnwritable (disk full, quota, lost network), ValueError for one over `LINE_LIMIT`.
        """
        self._append(msgspec.json.encode(entry))

    def finish(self) -> None:
        """Mark the journal as complete, then remove it with its files and the folder.

        Complete is one line: after a crash at any instant the journal is either unfinished or nothing is left to do. What
        cannot be removed stays, and is no pending journal (see `sweep`). Raises StateUnwritable before anything is removed.
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

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
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

    Looks only as far as it takes to know that: what a journal says is checked by `reopen`. Links and what is not ours are
    passed over; no state folder, no journals. Raises JournalFault for a state folder that is a link or cannot be read.
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
    with contextlib.suppress(PermissionError), Folder.enter(folder.absolute().parent, folder.absolute().parent) as around:
        around.sync()
