"""Evidence of cases: what the limits let through, remembered as names and places until the text is written.

Content never stays in memory: a file is a path until it is written, base64 out of a report goes to disk at once.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import Attachment, Case, Outcome
from xray_ci.xray import evidence
from xray_ci.xray.evidence import Refusal, Workspace

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.xray.notices import Notices

_FAILED: Final = (Outcome.FAILED, Outcome.ERROR)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceOptions:
    """What the user asked for about evidence; sizes in bytes of the files, not of their base64."""

    workspace: Path
    refused: tuple[Path, ...] = ()
    """Files that are never evidence: configuration, state, secrets."""
    attachments: str = "failed"
    max_file: int = 10_000_000
    max_total: int = 100_000_000


class Item(msgspec.Struct, array_like=True, frozen=True):
    """One piece of evidence of a result: a file below the workspace, or a stretch of base64 in our own file."""

    file_name: str
    media_type: str
    parts: tuple[str, ...] | None
    offset: int
    size: int
    """Bytes of the file."""


class Attached:
    """Takes the attachments of cases."""

    def __init__(self, inline: Path, options: EvidenceOptions, notices: Notices) -> None:
        self._path = inline
        self._options = options
        self._notices = notices
        self.workspace = Workspace(options.workspace, options.refused)
        self._inline: BinaryIO | None = None
        self._folder = ""
        self.outcome = Outcome.PASSED
        """Of the case whose steps are being rendered."""
        self.in_steps = 0
        """Bytes of evidence of steps, which is in the results already, in committed reports."""
        self._report_in_steps = 0

    def begin(self, report: str) -> None:
        """Look at another report; paths in it may be relative to its folder."""
        self._folder = str(PurePosixPath(report).parent) if report else ""
        self._report_in_steps = 0

    def commit(self) -> None:
        """Count the current report's evidence in."""
        self.in_steps += self._report_in_steps
        self._report_in_steps = 0

    def wanted(self, outcome: Outcome) -> bool:
        """Say whether results of an outcome carry evidence."""
        policy = self._options.attachments
        return policy == "all" or (policy == "failed" and outcome in _FAILED)

    def admit(self, attachment: Attachment) -> bool:
        """Say whether evidence of a step goes along: inside the report, valid, within the limits."""
        if not self.wanted(self.outcome) or attachment.base64 is None:
            return False
        size = self._inline_size(attachment.base64)
        if size is None:
            return False
        if self.in_steps + self._report_in_steps + size > self._options.max_total:
            self._notices.add("evidence-total")
            return False
        self._report_in_steps += size
        return True

    def collect(self, case: Case) -> list[Item]:
        """Return the evidence of a Test Run; files that a step names come along here."""
        if not self.wanted(case.outcome):
            if self._options.attachments == "failed" and (case.attachments or next(_of_steps(case), None) is not None):
                self._notices.add("evidence-not-asked")
            return []
        items = [item for attachment in case.attachments if (item := self._item(attachment)) is not None]
        for attachment in _of_steps(case):
            if attachment.base64 is None:
                item = self._item(attachment)
                if item is not None:
                    self._notices.add("evidence-moved")
                    items.append(item)
        return _distinct(items)

    def close(self) -> None:
        """Finish our own file; what follows only reads."""
        if self._inline is not None:
            self._inline.close()
            self._inline = None

    def _item(self, attachment: Attachment) -> Item | None:
        name, media = evidence.file_name(attachment), evidence.media_type(attachment)
        if attachment.base64 is not None:
            size = self._inline_size(attachment.base64)
            if size is None:
                return None
            return Item(name, media, None, self._store(attachment.base64), size)
        found = self.workspace.find(attachment.path or "", self._folder)
        if isinstance(found, Refusal):
            self._notices.add(found.slug)
            return None
        if not self._fits(found.size):
            return None
        return Item(name, media, found.parts, 0, found.size)

    def _inline_size(self, text: str) -> int | None:
        size = evidence.valid_base64(text)
        if size is None:
            self._notices.add("evidence-base64")
            return None
        return size if self._fits(size) else None

    def _fits(self, size: int) -> bool:
        if size == 0:
            self._notices.add("evidence-empty")
        elif size > self._options.max_file:
            self._notices.add("evidence-too-large")
        else:
            return True
        return False

    def _store(self, text: str) -> int:
        if self._inline is None:
            self._inline = self._path.open("wb")
        offset = self._inline.tell()
        for start in range(0, len(text), evidence.PIECE):
            self._inline.write(text[start:start + evidence.PIECE].encode("ascii"))
        return offset


def _of_steps(case: Case) -> Iterator[Attachment]:
    for step in case.steps:
        yield from step.attachments
    for iteration in case.iterations:
        for step in iteration.steps:
            yield from step.attachments


def _distinct(items: list[Item]) -> list[Item]:
    """Return the items with names that differ: Xray shows nothing else of them."""
    seen: set[str] = set()
    named = []
    for item in items:
        name, number = item.file_name, 1
        while name in seen:
            number += 1
            stem, dot, suffix = item.file_name.rpartition(".")
            name = f"{stem}-{number}.{suffix}" if dot else f"{item.file_name}-{number}"
        seen.add(name)
        named.append(item if name == item.file_name else msgspec.structs.replace(item, file_name=name))
    return named
