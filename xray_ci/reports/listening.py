"""Keeping the text of an element while it streams by, in bounded memory. Knows expat; knows no element."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pyexpat import XMLParserType

_OVERLAP: Final = 8_192
"""Characters of an output that stay behind when its beginning is dropped, so that no marker is cut in two."""


class Ear:
    """Hears the text of one element at a time; deaf otherwise, which is what makes reading fast.

    The handler is the `append` of a list, with no Python in between. `fold` must be called after each piece that the parser
    was fed: within a piece text cannot grow beyond bounds.
    """

    __slots__ = ("_append", "_deaf", "_limit", "_parser", "_parts", "_scan", "listening", "overflowed")

    def __init__(self, parser: XMLParserType) -> None:
        self._parser = parser
        self._parts: list[str] = []
        self._append = self._parts.append
        self._limit = 0
        self._scan: Callable[[str], object] | None = None
        self._deaf = False
        """The beginning is kept and full: nothing more is heard until the next text."""
        self.listening = False
        self.overflowed = False
        """The text that was taken last was longer than its limit and is not whole."""

    def listen(self, limit: int, scan: Callable[[str], object] | None = None) -> None:
        """Keep text from here on: its beginning, or, where `scan` is to see each part that is not kept, its end.

        At least `limit` characters are kept.
        """
        if self._parts:
            self._parts.clear()
        self._limit = limit
        self._scan = scan
        self.overflowed = self._deaf = False
        self.listening = True
        self._parser.CharacterDataHandler = self._append

    def line(self) -> None:
        """Begin a line of its own for what comes, where something was heard before."""
        if self._parts and not self._deaf:
            self._append("\n")

    def take(self) -> str:
        """Return what was kept, and hear no more."""
        self._parser.CharacterDataHandler = None
        self.listening = False
        parts = self._parts
        if len(parts) == 1:
            return parts.pop()
        text = "".join(parts)
        parts.clear()
        return text

    def fold(self) -> None:
        """Bring what is kept back to its bound."""
        if not self.listening or self._deaf or sum(map(len, self._parts)) <= self._limit + _OVERLAP:
            return
        text = "".join(self._parts)
        self.overflowed = True
        if self._scan is None:
            kept = text[:self._limit + 1]
            self._deaf = True
            self._parser.CharacterDataHandler = None
        else:
            self._scan(text)
            # What was scanned must not be seen twice, except for a marker that is not complete yet.
            start = text.rfind("[[", -_OVERLAP)
            kept = text[-self._limit:] if start < 0 or "]]" in text[start:] else text[min(start, len(text) - self._limit):]
        self._parts[:] = [kept]
