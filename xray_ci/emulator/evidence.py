"""Evidence on disk: what a run, a step or an issue carries. Knows base64 and files; nothing of runs."""

from __future__ import annotations

import binascii
import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


@dataclass(slots=True, kw_only=True)
class Evidence:
    """One file that hangs on a run, a step or an issue."""

    id: int
    filename: str
    content_type: str
    size: int
    sha256: str
    readable: bool
    """False: the text was not base64. The vendor takes it without a word (A)."""
    created: str | None = None

    @property
    def uuid(self) -> str:
        """Return its id on Cloud, where files have UUIDs (O)."""
        return f"{self.id:08x}-0000-4000-8000-{self.id:012x}"


class Shelf:
    """A folder that keeps contents by their digest, and knows every file that was ever put there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._all: dict[str, Evidence] = {}

    def keep(self, text: str, filename: str, content_type: str | None) -> Evidence:
        """Store base64 text as a file and return what describes it."""
        try:
            return self.put(binascii.a2b_base64(text.encode("ascii", "replace")), filename, content_type)
        except binascii.Error:
            return self.put(b"", filename, content_type, readable=False)

    def put(self, data: bytes, filename: str, content_type: str | None, *, readable: bool = True) -> Evidence:
        """Store bytes as a file and return what describes it."""
        digest = hashlib.sha256(data).hexdigest()
        place = self._folder / digest
        if not place.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
        made = Evidence(
            id=len(self._all) + 1,
            filename=filename,
            content_type=content_type or "application/octet-stream",
            size=len(data),
            sha256=digest,
            readable=readable,
        )
        self._all[made.uuid] = made
        return made

    def find(self, uuid: str) -> Evidence | None:
        """Return a file by its id on Cloud."""
        return self._all.get(uuid)

    def content(self, evidence: Evidence) -> bytes:
        """Return what was stored."""
        return (self._folder / evidence.sha256).read_bytes()

    def all(self) -> list[Evidence]:
        """Return every file, in the order they came."""
        return list(self._all.values())

    def clear(self) -> None:
        """Forget all and count from the beginning."""
        self._all.clear()
        for place in self._folder.glob("*"):
            place.unlink()
