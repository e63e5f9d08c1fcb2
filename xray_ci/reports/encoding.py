"""In which character encoding bytes are written, and reading them as text. Knows nothing of formats of reports."""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO, Final

from xray_ci.reports.fault import BROKEN, Fault

_BOMS: Final = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32"), (codecs.BOM_UTF32_BE, "utf-32"),
                (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_FIRSTS: Final = ((b"\0\0\0", "utf-32-be"), (b"\0", "utf-16-be"))
_LASTS: Final = ((b"\0\0\0", "utf-32-le"), (b"\0", "utf-16-le"))
_DECLARED: Final = re.compile(rb"""<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
# Text codecs that are no character sets of files, or that cost more than linear time on hostile bytes.
_NEVER: Final = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined", "mbcs", "oem"})


def sniff(head: bytes) -> str:
    """Return the name of the encoding by byte order mark, by zero bytes around the first character, or as declared in XML.

    UTF-8 where nothing speaks. A declared UTF-16 over single bytes is wrong (.NET writes that) and passes for UTF-8.
    Raises Fault for a declared encoding that nobody knows.
    """
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    for zeros, name in _FIRSTS:
        if head.startswith(zeros) and head[len(zeros):len(zeros) + 1] in {b"<", b"{", b"["}:
            return name
    for zeros, name in _LASTS:
        if head[1:1 + len(zeros)] == zeros and head[:1] in {b"<", b"{", b"["}:
            return name
    declared = _DECLARED.search(head[:1024])
    return _known(declared[1].decode("ascii")) if declared else "utf-8"


def _known(name: str) -> str:
    try:
        found = codecs.lookup(name)
    except (LookupError, ValueError):
        raise Fault(BROKEN, f"it declares the encoding {name!r}, which is not known") from None
    if found.name in _NEVER or not found._is_text_encoding:  # noqa: SLF001 - there is no public way to ask
        raise Fault(BROKEN, f"it declares {name!r}, which is no character encoding")
    return "utf-8" if found.name.startswith(("utf-16", "utf-32")) else found.name


def head_text(head: bytes) -> str:
    """Decode the first bytes of a file for looking at them; wrong bytes become U+FFFD."""
    try:
        name = sniff(head)
    except Fault:
        name = "utf-8"
    return head.decode(name, "replace").removeprefix("\ufeff")


class Recoded:
    """A binary stream of another encoding, read as UTF-8; a wrong byte is a Fault. Memory: one piece."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, b"" at the end."""
        while raw := self._source.read(size):
            if text := self._decode(raw, final=False):
                return text.encode("utf-8", "replace")
        return self._decode(b"", final=True).encode("utf-8", "replace")

    def _decode(self, raw: bytes, *, final: bool) -> str:
        try:
            return self._decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            raise Fault(BROKEN, f"bytes that are no {self._encoding}: {error.reason}", mendable=not final) from None
