"""Files and folders that strangers may have prepared: read through no link, written whole or not at all.

A state folder is walked and opened without following a link. What xray-ci leaves behind, or writes at the user's wish,
goes below a folder that was allowed: the checkout is a stranger's, and any name in it may be a link.

Knows the file system, links and owners; knows nothing of what is in a file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Self

from xray_ci.errors import ConfigurationError, Failure

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from types import TracebackType

    from xray_ci.model import Place


_BY_DESCRIPTOR: Final = os.open in os.supports_dir_fd and hasattr(os, "O_DIRECTORY") and hasattr(os, "O_NOFOLLOW")
"""Whether folders can be walked by descriptor; elsewhere (Windows) each one is looked at before it is entered."""
_DIRECTORY: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
# Not blocking: a named pipe in place of a file must not hang the run before it is refused.
_FILE: Final = (
    _NOFOLLOW
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
)
_CANNOT_SYNC: Final = frozenset(
    {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EISDIR}
)
"""What file systems answer that cannot write a folder through; those of the network write it through on their own."""


class JournalFault(Failure):
    """A state folder is not exactly what xray-ci left there."""

    exit_code = 2
    slug = "state-unusable"
    advice = (
        "Look in Xray for what was sent before you run the import again. The folder was changed, cut or is of another "
        "version; remove it when nothing of it is needed."
    )


class StateUnwritable(Failure):
    """The disk did not take what has to be on it before anything goes on."""

    exit_code = 7
    slug = "state-unwritable"
    advice = (
        "Free space, or set `state-dir` to a folder that can be written. What was sent before is in the journal: "
        "`xray-ci resume` goes on from there."
    )


class OutsideError(OSError):
    """A file that is not read because of where it lies: behind a link that leads out, or in the system's folders."""

    def __init__(self, cause: str, link: str, target: str | None) -> None:
        super().__init__(errno.EACCES, cause)
        self.link = link
        self.target = target


_SYSTEM: Final = ("/proc", "/sys", "/dev")
"""What lies there is the machine's: the environment of a process is a regular file in one of them."""
_IN_SYSTEM: Final = tuple(f"{folder}/" for folder in _SYSTEM)
_LINKS_LIMIT: Final = 40
"""Links on the way to one file; systems have the same bound."""


def is_system(path: str) -> bool:
    """Say whether a resolved path lies in a folder of the system that holds no file of anybody."""
    return path in _SYSTEM or path.startswith(_IN_SYSTEM)


def open_inside(root: str, names: tuple[str, ...], *, links: bool) -> BinaryIO:
    """Open a regular file below a resolved folder for reading; no link on the way leads out of that folder.

    `links`: those that stay below the folder are followed, else none is. Each name is opened in the folder before it,
    so a link that is put there meanwhile changes nothing. Raises OutsideError, OSError also for what is no regular
    file.
    """
    if _BY_DESCRIPTOR:
        descriptor, resolved = _descend(root, names, links=links)
    else:
        written = Path(root, *names)
        resolved = os.path.realpath(written)
        if not Path(resolved).is_relative_to(root) or not (links or resolved == os.path.normpath(written)):
            raise OutsideError(f"a link on the way leads to {resolved}", "/".join(names), resolved)
        descriptor = os.open(resolved, os.O_RDONLY | _FILE)
    try:
        return _regular(descriptor, resolved)
    except OSError:
        os.close(descriptor)
        raise


def open_place(place: Place, *names: str) -> BinaryIO:
    """Open a report, or a file in a folder that is one; no link leaves its root. Raises OSError."""
    if place.root is None:
        return open_regular(place.path.joinpath(*names), links=True)
    return open_inside(place.root, (*place.inner, *names), links=True)


def open_regular(path: Path, *, links: bool) -> BinaryIO:
    """Open a regular file whose folder is trusted; a pipe or a device would wait forever. Raises OSError.

    `links`: the file itself may be a link.
    """
    descriptor = os.open(path, os.O_RDONLY | (_FILE & ~_NOFOLLOW if links else _FILE))
    try:
        return _regular(descriptor, os.path.realpath(path))
    except OSError:
        os.close(descriptor)
        raise


def open_named(path: Path, workspace: Path) -> BinaryIO:
    """Open a regular file that the command line names; below the workspace no link leads out of it. Raises OSError."""
    whole = Path(os.path.normpath(path))
    if not whole.is_relative_to(workspace):
        return open_regular(whole, links=True)
    return open_inside(os.path.realpath(workspace), whole.relative_to(workspace).parts, links=True)


def _regular(descriptor: int, resolved: str) -> BinaryIO:
    status = os.fstat(descriptor)
    if is_system(resolved) or status.st_dev in _system_devices():
        raise OutsideError("nothing in /proc, /sys or /dev is read", resolved, None)
    if not stat.S_ISREG(status.st_mode):
        raise OSError("it is no regular file")
    return os.fdopen(descriptor, "rb")


@cache
def _system_devices() -> frozenset[int]:
    """Return the devices of /proc and /sys, which may be mounted elsewhere, too."""
    found = set()
    for folder in ("/", "/proc", "/sys"):
        with contextlib.suppress(OSError):
            found.add((folder, Path(folder).stat().st_dev))
    own = {device for folder, device in found if folder == "/"}
    return frozenset(device for _, device in found) - own


def _descend(root: str, names: tuple[str, ...], *, links: bool) -> tuple[int, str]:
    """Return the open file and its path without links."""
    with _Descent(root) as way:
        waiting = [name for name in reversed(names) if name not in ("", ".")]
        while waiting:
            name = waiting.pop()
            if name == "..":
                way.leave("/".join(names))
                continue
            try:
                descriptor = way.opened(name, last=not waiting)
            except OSError as error:
                if not links or error.errno not in (errno.ELOOP, errno.ENOTDIR, errno.EMLINK):
                    raise
                waiting += way.led(name, error)
                continue
            if not waiting:
                return descriptor, "/".join((root.rstrip("/"), *way.names, name))
            way.enter(name, descriptor)
    raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))


class _Descent:
    """The open folders on the way from a root to a file."""

    def __init__(self, root: str) -> None:
        self._root = root
        self._folders = [os.open(root, _DIRECTORY)]
        self._followed = 0
        self.names: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for folder in self._folders:
            os.close(folder)

    def opened(self, name: str, *, last: bool) -> int:
        return os.open(name, os.O_RDONLY | _FILE if last else _DIRECTORY | _NOFOLLOW, dir_fd=self._folders[-1])

    def enter(self, name: str, descriptor: int) -> None:
        self._folders.append(descriptor)
        self.names.append(name)

    def leave(self, shown: str) -> None:
        if not self.names:
            raise OutsideError("a link on the way leads out", shown, "..")
        self.names.pop()
        os.close(self._folders.pop())

    def led(self, name: str, error: OSError) -> list[str]:
        """Return the names that a link stands for, the first last; raises the error of before for what is no link."""
        try:
            target = os.readlink(name, dir_fd=self._folders[-1])
        except OSError:
            raise error from None
        self._followed += 1
        if self._followed > _LINKS_LIMIT:
            raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
        if target.startswith("/"):
            root = self._root.rstrip("/")
            if target != root and not target.startswith(f"{root}/"):
                raise OutsideError(f"a link on the way leads to {target}", "/".join((*self.names, name)), target)
            target = target[len(root) :]
            while self.names:
                self.leave(name)
        return [part for part in reversed(target.split("/")) if part not in ("", ".")]


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

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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
        """Return to whom new names are given.

        Made by root they belong to the folder's owner, who could not remove them else.
        """
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
            with (
                contextlib.suppress(OSError),
                Folder.enter(state_dir.absolute().parent, state_dir.absolute().parent) as around,
            ):
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


_HERE: Final = os.open in os.supports_dir_fd and os.mkdir in os.supports_dir_fd
"""Whether folders can be walked by descriptor; elsewhere (Windows) each one is looked at before it is entered."""
_NEW: Final = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
)
_FOLDER: Final = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0)


class WriteError(OSError):
    """The file could not be written; the text says why and names the path as the user did."""


def place(path: Path, roots: tuple[Path, ...]) -> tuple[Path, Path]:
    """Return the root that a path lies in, and the path below it; relative paths start at the first root.

    Raises WriteError for a path outside of all roots, or that is a root itself. Looks at names only: what links do is
    seen when the file is written.
    """
    for root in roots:
        whole = Path(os.path.normpath(roots[0].absolute() / path))
        for base in (root.absolute(), Path(os.path.realpath(root))):
            if whole != base and whole.is_relative_to(base):
                return root, whole.relative_to(base)
    raise WriteError(f"{path} is neither in the workspace nor in the temporary folder of the runner.")


def write(path: Path, data: bytes | Iterable[bytes], roots: tuple[Path, ...]) -> None:
    """Write a file, whole or in pieces, below one of the roots, making folders on the way; raises WriteError.

    The old content stays until the new one is there. A link in the way is not followed: as a folder it is refused, as
    the file itself it is replaced. Written by root, all that is new belongs to the owner of the workspace.
    """
    root, below = place(path, roots)
    pieces = (data,) if isinstance(data, bytes) else data
    try:
        if _HERE:
            _write_by_descriptor(root, below, pieces)
        else:
            _write_by_name(root, below, pieces)
    except OSError as error:
        raise WriteError(f"{path}: {error.strerror or error}.") from error


def append(path: Path, data: bytes, *, limit: int | None = None) -> None:
    """Add to a file that the CI system named, starting on a line of its own; raises WriteError.

    `limit` is the size in bytes that the whole file must not exceed.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | _NOFOLLOW, 0o644)
        with os.fdopen(descriptor, "r+b") as file:
            size = file.seek(0, os.SEEK_END)
            if limit is not None and size + len(data) > limit:
                raise WriteError(f"{path.name} would be larger than {limit:,} bytes.")
            if size and file.seek(-1, os.SEEK_END) is not None and file.read(1) != b"\n":
                data = b"\n" + data
            file.write(data)
    except OSError as error:
        if isinstance(error, WriteError):
            raise
        raise WriteError(f"{path.name}: {error.strerror or error}.") from error


def _write_by_descriptor(root: Path, below: Path, pieces: Iterable[bytes]) -> None:
    with contextlib.ExitStack() as opened:
        folder = os.open(root, _FOLDER)
        opened.callback(os.close, folder)
        owner = os.fstat(folder)
        for name in below.parts[:-1]:
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, 0o755, dir_fd=folder)
                _give(name, owner, folder)
            folder = os.open(name, _FOLDER | _NOFOLLOW, dir_fd=folder)
            opened.callback(os.close, folder)
        part = draft()
        descriptor = os.open(part, _NEW, 0o644, dir_fd=folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.writelines(pieces)
            _give(part, owner, folder)
            os.replace(part, below.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise


def _write_by_name(root: Path, below: Path, pieces: Iterable[bytes]) -> None:
    folder = root
    for name in below.parts[:-1]:
        folder /= name
        if folder.is_symlink():
            raise WriteError(f"{folder.name} is a link")
        folder.mkdir(exist_ok=True)
    part = folder / draft()
    descriptor = os.open(part, _NEW, 0o644)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.writelines(pieces)
        part.replace(folder / below.name)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def draft() -> str:
    """Return a name for a file that is being written.

    Nobody has it, and it is short enough whatever the file will be called.
    """
    return f".xray-ci.{secrets.token_hex(8)}.tmp"


def _give(name: str, owner: os.stat_result, folder: int) -> None:
    """Give what root made to the owner of the workspace, who could not remove it else."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(name, owner.st_uid, owner.st_gid, dir_fd=folder, follow_symlinks=False)


@contextlib.contextmanager
def replacing(target: Path, *, option: str = "--output", folders: bool = False) -> Iterator[BinaryIO]:
    """Give a file that takes the target's place once it is complete; `folders`: those that are missing are made.

    Raises ConfigurationError when it cannot be written.
    """
    where, advice = f"{option} {target}", "Choose a folder that exists and can be written to."
    if not target.name or "\0" in str(target):
        raise ConfigurationError(
            "this is no name of a file", where=where, advice="Name a file in a folder that can be written to."
        )
    part = target.with_name(draft())
    try:
        if folders:
            _make(target.parent)
        with contextlib.ExitStack() as undo:
            with part.open("x+b") as file:
                undo.callback(part.unlink, missing_ok=True)
                yield file
            _give_owner(part, target.parent)
            part.replace(target)
            undo.pop_all()
    except OSError as error:
        raise ConfigurationError(f"the file cannot be written: {error.strerror}", where=where, advice=advice) from error


def _make(folder: Path) -> None:
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir()
        _give_owner(folder, folder.parent)


def _give_owner(path: Path, folder: Path) -> None:
    """Give what we made to the owner of the folder around it.

    In a container we are root, and the workspace is somebody's who has to be able to remove the file.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        around = folder.stat()
        os.chown(path, around.st_uid, around.st_gid)
