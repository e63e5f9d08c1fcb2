"""Files that xray-ci leaves behind: written whole or not at all, below a folder that was allowed, through no link.

Knows folders and owners; knows nothing of what is written. The checkout is a stranger's: any name in it may be a link.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path
from typing import Final

_HERE: Final = os.open in os.supports_dir_fd and os.mkdir in os.supports_dir_fd
"""Whether folders can be walked by descriptor; elsewhere (Windows) each one is looked at before it is entered."""
_NOFOLLOW: Final = getattr(os, "O_NOFOLLOW", 0)
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NOFOLLOW | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
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


def write(path: Path, data: bytes, roots: tuple[Path, ...]) -> None:
    """Write a file below one of the roots, making folders on the way; raises WriteError.

    The old content stays until the new one is there. A link in the way is not followed: as a folder it is refused, as
    the file itself it is replaced. Written by root, all that is new belongs to the owner of the workspace.
    """
    root, below = place(path, roots)
    try:
        if _HERE:
            _write_by_descriptor(root, below, data)
        else:
            _write_by_name(root, below, data)
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


def _write_by_descriptor(root: Path, below: Path, data: bytes) -> None:
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
                file.write(data)
            _give(part, owner, folder)
            os.replace(part, below.name, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(part, dir_fd=folder)
            raise


def _write_by_name(root: Path, below: Path, data: bytes) -> None:
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
            file.write(data)
        part.replace(folder / below.name)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def draft() -> str:
    """Return a name for a file that is being written: nobody has it, and it is short enough whatever the file will be called."""
    return f".xray-ci.{secrets.token_hex(8)}.tmp"


def _give(name: str, owner: os.stat_result, folder: int) -> None:
    """Give what root made to the owner of the workspace, who could not remove it else."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and owner.st_uid != 0:
        os.chown(name, owner.st_uid, owner.st_gid, dir_fd=folder, follow_symlinks=False)
