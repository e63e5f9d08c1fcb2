"""One process at a time on a state folder, also after the one before was killed, also on file systems of the network.

Knows locks of the system and, where a file system has none, a file that says who holds it; knows nothing of journals.
"""

from __future__ import annotations

import contextlib
import errno
import os
import platform
import re
import secrets
import sys
import time
from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.errors import Failure
from xray_ci.patterns import lazy
from xray_ci.safefiles import Folder, JournalFault, StateUnwritable, reason

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STALE: Final = 21_600.0
"""Seconds after which a holder that cannot be asked counts as gone: as long as a job of GitHub may take at most (D)."""
_NAME: Final = "lock"
_HELD: Final = "lock.held"
_NO_LOCKS: Final = frozenset({errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
_WORDS: Final = lazy(r"(\S{1,200}) (\d{1,10}) (\d{1,12})\n")
_TRIES: Final = 5


class StateInUse(Failure):
    """Another process is delivering what lies in the state folder."""

    exit_code = 2
    slug = "state-in-use"
    advice = "Wait until the other one has ended, or give each run a `state-dir` of its own."


class _Holder(NamedTuple):
    host: str
    process: int
    since: int
    """Seconds since 1970."""

    def __str__(self) -> str:
        """Return it in words that a stranger's file cannot shape: letters, digits and marks of a host's name, cut."""
        name = re.sub(r"[^A-Za-z0-9._-]", "_", self.host.partition("/")[0])[:60]
        return f"process {self.process} on {name}"


@contextlib.contextmanager
def lock(
    folder: Path,
    *,
    root: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
    clock: Callable[[], float] = time.time,
    stale: float = STALE,
) -> Iterator[None]:
    """Hold a folder for this process while the context lasts; does not wait.

    `tell` hears when the lock of one that is gone was taken over. A lock of the system ends with its process. Where the
    file system has none, a file does it: it is stale when its process is gone from this host, or after `stale` seconds.
    Raises StateInUse, JournalFault for a folder that is gone or a link, StateUnwritable.
    """
    try:
        opened = Folder.enter(folder, root)
    except OSError as error:
        raise JournalFault(f"the state folder cannot be entered: {reason(error)}", where=str(folder)) from error
    with opened:
        me = _Holder(_host(), os.getpid(), int(clock()))
        try:
            descriptor = _by_system(opened, me)
            if descriptor is None:
                _by_file(opened, me, stale, tell)
        except FileNotFoundError as error:
            raise JournalFault(
                "the state folder is gone: another process finished its delivery", where=str(folder)
            ) from error
        except OSError as error:
            raise StateUnwritable(f"the state folder cannot be locked: {reason(error)}", where=str(folder)) from error
        try:
            yield
        finally:
            opened.remove(_HELD if descriptor is None else _NAME)
            if descriptor is not None:
                os.close(descriptor)
            # An open file that was removed keeps its folder alive on NFS: what `finish` could not remove goes now.
            with contextlib.suppress(OSError):
                folder.rmdir()


def _by_system(folder: Folder, me: _Holder) -> int | None:
    """Return a descriptor that holds the lock of the system, None where there is none."""
    if sys.platform == "win32":
        return None
    import fcntl  # noqa: PLC0415  # not everywhere

    for _ in range(_TRIES):
        descriptor = folder.open(_NAME, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _same(folder, descriptor):
                os.ftruncate(descriptor, 0)
                os.write(descriptor, _words(me))
                return descriptor
        except BlockingIOError:
            said = _holder(os.read(descriptor, 300))
            os.close(descriptor)
            raise _in_use(folder, said) from None
        except OSError as error:
            os.close(descriptor)
            if error.errno in _NO_LOCKS:
                folder.remove(_NAME)
                return None
            raise
        os.close(descriptor)  # its holder removed the file after it was opened here
    raise _in_use(folder, None)


def _same(folder: Folder, descriptor: int) -> bool:
    """Whether the file that is locked is still the one that others will find."""
    try:
        found, mine = folder.status(_NAME), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return (found.st_dev, found.st_ino) == (mine.st_dev, mine.st_ino)


def _by_file(folder: Folder, me: _Holder, stale: float, tell: Callable[[str], None]) -> None:
    """Make the file that only one can make; the file of one that is gone is moved away first."""
    for _ in range(_TRIES):
        try:
            descriptor = folder.open(_HELD, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        except FileExistsError:
            words = _read(folder, _HELD)
            holder = _holder(words)
            since = holder.since if holder else folder.status(_HELD).st_mtime
            if not (_gone(holder, me) or me.since - since > stale):
                raise _in_use(folder, holder) from None
            if _moved_away(folder, words):
                tell(f"The lock of {holder or 'an unknown process'} is stale and was taken over.")
            continue
        with os.fdopen(descriptor, "wb") as file:
            file.write(_words(me))
            file.flush()
            os.fsync(file.fileno())
        return
    raise _in_use(folder, None)


def _moved_away(folder: Folder, words: bytes) -> bool:
    """Remove the file of one that is gone; one that came between is found by what it says, and gets its name back."""
    aside = f"lock.{secrets.token_hex(8)}"
    try:
        folder.rename(_HELD, aside)
    except FileNotFoundError:
        return False
    if _read(folder, aside) != words:
        folder.rename(aside, _HELD)
        return False
    folder.remove(aside)
    return True


def _read(folder: Folder, name: str) -> bytes:
    descriptor = folder.open(name, os.O_RDONLY)
    try:
        return os.read(descriptor, 300)
    finally:
        os.close(descriptor)


def _gone(holder: _Holder | None, me: _Holder) -> bool:
    """Whether the process is certainly gone: one of the same system, that is not there."""
    if holder is None or holder.host != me.host or os.name != "posix":
        return False
    if holder.process == me.process:
        return False
    try:
        os.kill(holder.process, 0)
    except ProcessLookupError:
        return True
    except (OSError, OverflowError):
        return False
    return False


def _host() -> str:
    """Return what tells this system from others: containers may have the same name, but not the same processes."""
    try:
        space = os.readlink("/proc/self/ns/pid")  # noqa: PTH115  # what it says is no path
    except OSError:
        space = ""
    name = re.sub(r"[^A-Za-z0-9._-]", "_", platform.node())[:100] or "unknown"
    return f"{name}/{space}"


def _words(holder: _Holder) -> bytes:
    return f"{holder.host} {holder.process} {holder.since}\n".encode()


def _holder(words: bytes) -> _Holder | None:
    found = _WORDS.fullmatch(words.decode("ascii", "replace"))
    return _Holder(re.sub(r"[^A-Za-z0-9._/:\[\]-]", "_", found[1]), int(found[2]), int(found[3])) if found else None


def _in_use(folder: Folder, holder: _Holder | None) -> StateInUse:
    return StateInUse(f"the state folder is in use by {holder or 'another process'}", where=str(folder.path))
