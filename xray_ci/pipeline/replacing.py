"""A file that a command writes at the user's wish: whole or not at all. Knows files; knows nothing of what is in them."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING, BinaryIO

from xray_ci.ci.files import draft
from xray_ci.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextlib.contextmanager
def replacing(target: Path, *, option: str = "--output", folders: bool = False) -> Iterator[BinaryIO]:
    """Give a file that takes the target's place once it is complete; `folders`: those that are missing are made.

    Raises ConfigurationError when it cannot be written.
    """
    where, advice = f"{option} {target}", "Choose a folder that exists and can be written to."
    if not target.name or "\0" in str(target):
        raise ConfigurationError("this is no name of a file", where=where, advice="Name a file in a folder that can be written to.")
    part = target.with_name(draft())
    try:
        if folders:
            _make(target.parent)
        with contextlib.ExitStack() as undo:
            with part.open("xb") as file:
                undo.callback(part.unlink, missing_ok=True)
                yield file
            _give(part, target.parent)
            part.replace(target)
            undo.pop_all()
    except OSError as error:
        raise ConfigurationError(f"the file cannot be written: {error.strerror}", where=where, advice=advice) from error


def _make(folder: Path) -> None:
    if not folder.exists():
        _make(folder.parent)
        folder.mkdir()
        _give(folder, folder.parent)


def _give(path: Path, folder: Path) -> None:
    """Give what we made to the owner of the folder around it.

    In a container we are root, and the workspace is somebody's who has to be able to remove the file.
    """
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        around = folder.stat()
        os.chown(path, around.st_uid, around.st_gid)
