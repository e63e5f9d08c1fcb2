"""A state folder: walked and opened without following a link, and the regular files in it.

Knows the file system, and what can be wrong with a folder that a stranger may have packed; knows nothing of what is in it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from typing import TYPE_CHECKING, Final, Self

from xray_ci.errors import Failure

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_BY_DESCRIPTOR: Final = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY") and hasattr(os, "O_NOFOLLOW")
"""Whether folders can be walked by descriptor; elsewhere (Windows) each one is looked at before it is entered."""
_DIRECTORY: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
# Not blocking: a named pipe in place of a file must not hang the run before it is refused.
_FILE: Final = (_NOFOLLOW | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NOCTTY", 0)
                | getattr(os, "O_BINARY", 0))
_CANNOT_SYNC: Final = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EISDIR})
"""What file systems answer that cannot write a folder through; those of the network write it through on their own."""


class JournalFault(Failure):
    """A state folder is not exactly what xray-ci left there."""

    exit_code = 2
    slug = "state-unusable"
    advice = ("Look in Xray for what was sent before you run the import again. The folder was changed, cut or is of another "
              "version; remove it when nothing of it is needed.")


class StateUnwritable(Failure):
    """The disk did not take what has to be on it before anything goes on."""

    exit_code = 7
    slug = "state-unwritable"
    advice = ("Free space, or set `state-dir` to a folder that can be written. What was sent before is in the journal: "
              "`xray-ci resume` goes on from there.")


class Folder:
    """An open folder; every name in it is looked up there, whatever happens to its path meanwhile."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self.path = path
        self._descriptor = descriptor

    @classmethod
    def enter(cls, path: Path, root: Path | None = None) -> Folder:
        """Open a folder; no name below `root` on the way to it may be a link.

        `root` is trusted (the workspace, the runner's temporary folder); by default it is the parent of the folder's
        parent, so that neither the folder nor the state folder around it is a link. Raises OSError, also for a link.
        """
        whole = path.absolute()
        base = whole.parent.parent if root is None else root.absolute()
        if not whole.is_relative_to(base) or ".." in whole.parts:
            raise NotADirectoryError(errno.ENOTDIR, "it lies elsewhere", str(path))
        folder = cls(base, os.open(base, _DIRECTORY) if _BY_DESCRIPTOR else None)
        for name in whole.relative_to(base).parts:
            with folder:
                folder = folder.inner(name)
        folder.path = path  # as the user named it
        return folder

    def inner(self, name: str) -> Folder:
        """Open a folder in this one, which is no link; raises OSError."""
        if self._descriptor is not None:
            return Folder(self.path / name, os.open(name, _DIRECTORY | _NOFOLLOW, dir_fd=self._descriptor))
        if not stat.S_ISDIR(os.lstat(self.path / name).st_mode):
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", str(self.path / name))
        return Folder(self.path / name, None)

    def make(self, name: str) -> None:
        """Make a folder in this one that only its owner may enter; raises OSError."""
        where, at = self._at(name)
        os.mkdir(where, 0o700, dir_fd=at)
        if (owner := self._owner()) is not None:
            os.chown(where, *owner, dir_fd=at, follow_symlinks=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the folder; a second time does nothing."""
        if self._descriptor is not None and self._descriptor >= 0:
            descriptor, self._descriptor = self._descriptor, -1  # never again by name: it may be another folder by now
            os.close(descriptor)

    def open(self, name: str, flags: int) -> int:
        """Return a descriptor of a regular file (made with mode 600); raises OSError, also for a link or a device."""
        where, at = self._at(name)
        descriptor = os.open(where, flags | _FILE, 0o600, dir_fd=at)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode) or (not _NOFOLLOW and stat.S_ISLNK(os.lstat(where).st_mode)):
            os.close(descriptor)
            raise OSError(errno.EINVAL, "not a regular file", name)
        if flags & os.O_CREAT and (owner := self._owner()) is not None:
            os.fchown(descriptor, *owner)
        return descriptor

    def status(self, name: str) -> os.stat_result:
        """Return what a name is, not what it links to; raises OSError."""
        where, at = self._at(name)
        return os.stat(where, dir_fd=at, follow_symlinks=False)

    def names(self) -> list[str]:
        """Return all names in order; raises OSError."""
        return sorted(os.listdir(self.path if self._descriptor is None else self._descriptor))  # noqa: PTH208  # a descriptor

    def rename(self, name: str, other: str) -> None:
        """Give a file another name in this folder; raises OSError."""
        (source, at), (target, _) = self._at(name), self._at(other)
        os.rename(source, target, src_dir_fd=at, dst_dir_fd=at)

    def remove(self, name: str) -> None:
        """Remove a name if it is there and can be removed: what stays is only untidy."""
        where, at = self._at(name)
        with contextlib.suppress(OSError):
            os.unlink(where, dir_fd=at)

    def sync(self) -> None:
        """Write the names through to the disk, where the file system can; raises OSError when it tried and failed."""
        if self._descriptor is None:
            return
        try:
            os.fsync(self._descriptor)
        except OSError as error:
            if error.errno not in _CANNOT_SYNC:
                raise

    def _owner(self) -> tuple[int, int] | None:
        """Return to whom new names are given: made by root they belong to the folder's owner, who could not remove them else."""
        if self._descriptor is None or not hasattr(os, "geteuid") or os.geteuid() != 0:
            return None
        status = os.fstat(self._descriptor)
        return (status.st_uid, status.st_gid) if status.st_uid != 0 else None

    def _at(self, name: str) -> tuple[str, int | None]:
        return (str(self.path / name), None) if self._descriptor is None else (name, self._descriptor)


def make_folder(state_dir: Path, *, root: Path | None = None) -> Path:
    """Make a new folder for one delivery below the state folder, which is made too; nobody else may read them.

    Relative to `root` (see `Folder.enter`) no link is followed. Raises StateUnwritable.
    """
    name = f"run-{secrets.token_hex(8)}"
    try:
        if root is not None and state_dir.absolute() != root.absolute():
            _make_below(state_dir.absolute(), root.absolute())
        else:
            state_dir.mkdir(mode=0o700, parents=True, exist_ok=True)  # trusted: flags or variables named it
            # Best effort: who may not read the folder around it did not make this one either.
            with contextlib.suppress(OSError), Folder.enter(state_dir.absolute().parent, state_dir.absolute().parent) as around:
                around.sync()
        with Folder.enter(state_dir, root or state_dir.absolute().parent) as around:
            around.make(name)
            around.sync()
    except OSError as error:
        raise StateUnwritable(f"the state folder cannot be written: {reason(error)}", where=str(state_dir)) from error
    return state_dir / name


def _make_below(path: Path, root: Path) -> None:
    """Make folders one by one, each only in one that is no link."""
    if not path.is_relative_to(root) or ".." in path.parts:
        raise NotADirectoryError(errno.ENOTDIR, "it lies elsewhere", str(path))
    current = root
    for name in path.relative_to(root).parts:
        with Folder.enter(current, root) as around, contextlib.suppress(FileExistsError):
            around.make(name)
            around.sync()
        current /= name


def reason(error: OSError) -> str:
    """Return why the system refused, in its words and without a path."""
    return error.strerror or type(error).__name__
