"""Evidence on disk: what a run, a step or a plan of iterations carries. Knows base64 and files; nothing of runs."""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Evidence:
    """One file that hangs on a run or a step."""

    id: int
    filename: str
    content_type: str
    size: int
    sha256: str
    readable: bool
    """False: the text was not base64. The vendor takes it without a word (A)."""


class Shelf:
    """A folder that keeps contents by their digest."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last = 0

    def keep(self, text: str, filename: str, content_type: str | None) -> Evidence:
        """Store base64 text as a file and return what describes it."""
        readable = True
        try:
            data = binascii.a2b_base64(text.encode("ascii", "replace"))
        except binascii.Error:
            data, readable = b"", False
        digest = hashlib.sha256(data).hexdigest()
        place = self._folder / digest
        if not place.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        self._last += 1
        return Evidence(
            id=self._last,
            filename=filename,
            content_type=content_type or "application/octet-stream",
            size=len(data),
            sha256=digest,
            readable=readable,
        )

    def content(self, evidence: Evidence) -> bytes:
        """Return what was stored."""
        return (self._folder / evidence.sha256).read_bytes()

    def clear(self) -> None:
        """Forget all and count from the beginning."""
        self._last = 0
        for place in self._folder.glob("*"):
            place.unlink()
