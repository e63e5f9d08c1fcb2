"""Reports that are one thing a line: text lines, JSON documents one a line, and JSON behind what tests printed.

One line is held at a time and is bounded. Every encoding that tools redirect into is read (a byte order mark, UTF-16 as
PowerShell's `>` writes it); wrong bytes become U+FFFD, for lines hold what tests print. Knows no format of reports.
"""

from __future__ import annotations

import codecs
import json
import re
from typing import TYPE_CHECKING, Final

from xray_ci.reports.notices import BROKEN, TRUNCATED, UNSAFE, Fault, notice
from xray_ci.reports.xml import sniff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source


PIECE: Final = 262_144
LINE_LIMIT: Final = 16_777_216
"""Characters of one line."""
TOLD_LIMIT: Final = 1_000
NOISE_SHOWN: Final = 3
"""Line numbers of ignored lines that a notice names."""
_SURROGATE: Final = re.compile(r"\\u[dD][89a-fA-F]")


def lines(source: Source) -> Iterator[str]:
    """Yield each line without its end: a line feed, with or without a carriage return before it, and nothing else.

    Raises Fault for a line of more than `LINE_LIMIT` characters.
    """
    head = source.read(PIECE)
    decoder = codecs.getincrementaldecoder(sniff(head))("replace")
    text = decoder.decode(head).removeprefix("\ufeff")
    count = 0
    rest: list[str] = []
    length = 0
    while head:
        parts = text.split("\n")
        for part in parts[:-1]:
            count += 1
            if rest:
                rest.append(part)
                part = "".join(rest)  # noqa: PLW2901 - the line that began in earlier pieces
                rest.clear()
            yield part.removesuffix("\r")
        length = length + len(text) if len(parts) == 1 else len(parts[-1])
        if length > LINE_LIMIT:
            raise Fault(UNSAFE, f"a line of more than {LINE_LIMIT >> 20} Mi characters", line=count + 1)
        if parts[-1]:
            rest.append(parts[-1])
        head = source.read(PIECE)
        text = decoder.decode(head, not head)
    last = "".join(rest) + text
    if last:
        yield last.removesuffix("\r")


class Documents:
    """The JSON documents of a file of lines, and how many other lines stand between them."""

    def __init__(self, source: Source, first: str = "{", telling: re.Pattern[str] | None = None) -> None:
        self._source = source
        self._first = first
        """The character that begins each document."""
        self._telling = telling
        """Which ignored lines say something about the run."""
        self.told: list[str] = []
        self.noise = 0
        self.where: list[int] = []
        self.number = 0
        """Line of the document that was yielded last, from 1."""
        self.cut = False
        """Whether the last line ends in the middle; the documents before it are whole."""

    def __iter__(self) -> Iterator[Any]:
        """Yield each document; lines that begin differently are counted and ignored.

        Raises Fault for a broken document; at the end of the file that is one that was cut off, which is only noted,
        unless it is the first.
        """
        any_whole = False
        broken: Fault | None = None
        for line in lines(self._source):
            self.number += 1
            text = line.strip()
            if broken is not None and text:
                raise broken
            if not text.startswith(self._first):
                if text and self._telling is not None and self._telling.fullmatch(text) and len(self.told) < TOLD_LIMIT:
                    self.told.append(text)
                elif text:
                    self.noise += 1
                    self.where += [self.number] * (self.noise <= NOISE_SHOWN)
                continue
            value = self._parsed(text)
            if isinstance(value, Fault):
                broken = value
            else:
                any_whole = True
                yield value
        self.cut = broken is not None
        if broken is not None and not any_whole:
            raise Fault(TRUNCATED, "its last line ends in the middle", line=broken.line, column=broken.column)

    def _parsed(self, text: str) -> Any:
        try:
            value = _DECODE(text)
            if _SURROGATE.search(text):
                # Halves of surrogate pairs fit into no UTF-8.
                value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
        except json.JSONDecodeError as error:
            return Fault(BROKEN, f"its JSON is broken ({error.msg})", line=self.number, column=error.colno)
        except RecursionError:
            raise Fault(UNSAFE, "its values nest too deep", line=self.number) from None
        except ValueError as error:
            return Fault(BROKEN, f"its JSON is broken ({error})", line=self.number, column=1)
        return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODE: Final = json.JSONDecoder(parse_constant=_no_constant).decode
"""`json.loads` makes a decoder for each line, which takes longer than a line does."""


_REACH: Final = 65_536
"""Bytes that are searched; what begins later is not found."""
_START: Final = re.compile(rb"^\{(?=\s*\")", re.MULTILINE)


class AfterLog:
    """A source that begins with the first line that looks like the begin of a JSON object."""

    def __init__(self, source: Source) -> None:
        self._source = source
        head = source.read(_REACH)
        clean = sniff(head) != "utf-8" or head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))
        found = None if clean else _START.search(head)
        self._before = head[: found.start()] if found else b""
        self._head = head[len(self._before) :]

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, b"" at the end."""
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._source.read(size)

    def notices(self) -> Iterator[Problem]:
        """Yield what was ignored, if anything was."""
        if self._before:
            yield notice(
                "ignored-lines",
                f"{self._before.count(10)} lines before the JSON are no part of the report and were ignored",
                line=1,
                advice="Let the tool write the report to a file of its own, not to the output that tests print to.",
            )
