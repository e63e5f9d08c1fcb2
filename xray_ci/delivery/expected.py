"""What a request's tests should be in Xray: status by Test key, and how many of each status for Tests without key.

Reads the tests where they lie on disk, one after the other; knows Xray JSON's outside and nothing of services.
"""

from __future__ import annotations

import mmap
import re
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.errors import UnreadableReport
from xray_ci.services.body import Slice

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path

_SIGNS: Final = re.compile(rb'[{}"]')
_TEXT_END: Final = re.compile(rb'[^"\\]*+(?:\\.[^"\\]*+)*+"', re.DOTALL)


class _Info(msgspec.Struct):
    summary: str = ""
    definition: str | None = None
    requirementKeys: tuple[str, ...] = ()  # noqa: N815  # Xray's own name


class Head(msgspec.Struct):
    """What tells a test from others; the rest of it is not read."""

    status: str
    testKey: str | None = None  # noqa: N815  # Xray's own name
    testInfo: _Info | None = None  # noqa: N815

    @property
    def name(self) -> str:
        """The test in words: its key, else its definition or summary."""
        if self.testKey is not None or self.testInfo is None:
            return self.testKey or "?"
        return self.testInfo.definition or self.testInfo.summary

    @property
    def keys(self) -> tuple[str, ...]:
        """Every key that the service may find wrong."""
        named = (self.testKey,) if self.testKey is not None else ()
        return named + (self.testInfo.requirementKeys if self.testInfo is not None else ())


@dataclass(frozen=True, slots=True)
class Test:
    """One test of a request: where it lies in it, and what tells it from others."""

    index: int
    at: Slice
    head: Head
    parts: tuple[Slice, ...] = ()
    """What is sent of it, where that is not all."""

    @property
    def pieces(self) -> tuple[Slice, ...]:
        """What is sent of it."""
        return self.parts or (self.at,)

    @property
    def size(self) -> int:
        """Bytes that are sent of it."""
        return sum(piece.length for piece in self.pieces)


@dataclass(slots=True, kw_only=True)
class Expected:
    """What should be stored."""

    keyed: dict[str, str] = field(default_factory=dict)
    others: Counter[str] = field(default_factory=Counter)

    @property
    def tests(self) -> int:
        """How many Test Runs."""
        return len(self.keyed) + self.others.total()

    @property
    def statuses(self) -> Counter[str]:
        """How many of each status."""
        return Counter(self.keyed.values()) + self.others

    def add(self, tests: Iterable[Test]) -> None:
        """Expect some more."""
        for test in tests:
            if test.head.testKey is not None:
                self.keyed[test.head.testKey] = test.head.status
            else:
                self.others[test.head.status] += 1


def listed(at: Slice, without: Collection[int] = ()) -> Iterator[Test]:
    """Yield the tests of a stretch of objects joined by commas, those at some places left out.

    Raises UnreadableReport where something else lies there: the file may come from a state folder.
    """
    if not at.length:
        return
    with at.path.open("rb") as file, closing(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)) as mapped:
        position, end, index = at.offset, at.offset + at.length, 0
        while position < end:
            length = _object(mapped, position, end)
            if index not in without:
                yield Test(index, Slice(path=at.path, offset=position, length=length), _head(mapped[position:position + length], at.path))
            position += length + 1
            index += 1


def _head(content: bytes, path: Path) -> Head:
    try:
        return msgspec.json.decode(content, type=Head)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise foreign(path) from error


def foreign(path: Path) -> UnreadableReport:
    """Return the failure that a file is which holds something else than was written there."""
    return UnreadableReport(f"{path.name} holds something else than the tests that were written there",
                            advice="Let nothing write into the state folder; run the import again.")


def _object(mapped: mmap.mmap, start: int, end: int) -> int:
    """Return the length of the JSON object that starts here; braces inside of texts do not count."""
    depth, position = 0, start
    while position < end:
        found = _SIGNS.search(mapped, position, end)
        if found is None:
            break
        position = found.end()
        match found[0]:
            case b"{":
                depth += 1
            case b"}":
                depth -= 1
                if not depth:
                    return position - start
            case _:
                closed = _TEXT_END.match(mapped, position, end)
                position = closed.end() if closed else end
    return end - start
