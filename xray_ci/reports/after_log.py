"""JSON that a tool wrote to the same output as the tests: found behind what they printed before it. Knows no format."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.reports.encoding import sniff
from xray_ci.reports.remarks import notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source

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
        self._before = head[:found.start()] if found else b""
        self._head = head[len(self._before):]

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, b"" at the end."""
        if self._head:
            piece, self._head = self._head[:size], self._head[size:]
            return piece
        return self._source.read(size)

    def notices(self) -> Iterator[Problem]:
        """Yield what was passed over, if anything was."""
        if self._before:
            yield notice("foreign-lines", f"{self._before.count(10)} lines before the JSON are no part of the report and were passed over",
                         line=1, advice="Let the tool write the report to a file of its own, not to the output that tests print to.")
