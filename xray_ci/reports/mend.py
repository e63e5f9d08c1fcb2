"""A second try for the broken XML that real tools write: bytes in, well-formed bytes out, or a Fault when it is unsure.

Knows the mistakes (see `Mender`) and the names of JUnit's elements; what is read from the result is the parser's
affair. Lines stay where they were. Works as a stream in bounded memory and in time that is linear in the input.
"""

from __future__ import annotations

import codecs
import html
import sys
from collections import Counter
from html.entities import html5
from typing import TYPE_CHECKING, Final

from xray_ci.patterns import lazy
from xray_ci.reports import xml as encodings
from xray_ci.reports.notices import BROKEN, Fault
from xray_ci.reports.xml import HEAD, PIECE, XmlSource

if TYPE_CHECKING:
    import re

_LOOKAHEAD: Final = 128
"""Characters held back until more is read; no token that is looked at as a whole is longer."""
_REPAIR_LIMIT: Final = 500_000
"""Characters that are escaped at most; more is no report any more, and takes long."""
_STRAY_TAGS: Final = 16
"""Tags in log lines before the document; with more the file is something else."""
_NAME: Final = r"[A-Za-z_\u00c0-\U000effff]"
_ELEMENT: Final = r"(?:[\w.-]{1,40}:)?(?:testsuites?|testcase)(?=[\s/>])"
_FORBIDDEN: Final = r"\0-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_OUTSIDE: Final = lazy(
    rf"<(?:(?P<root>{_ELEMENT})|(?P<lost>/{_ELEMENT})|(?P<pi>\?[A-Za-z])|(?P<comment>!--)"
    rf"|(?P<doctype>!DOCTYPE)|(?P<tag>/?{_NAME}))"
)
_MARKUP: Final = lazy(rf"<(?:(?P<cdata>!\[CDATA\[)|(?P<comment>!--)|(?P<pi>\?[A-Za-z])|(?P<tag>/?(?={_NAME})))")
_INNER: Final = lazy(
    r"</?(?:[\w.-]{1,40}:)?(?:testsuites?|testcase|failure|error|skipped|propert(?:y|ies)|system-(?:out|err))\b"
)
_REFERENCE: Final = lazy(r"&(?:#([0-9]{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z][A-Za-z0-9]{0,31}));")
_FORBIDDEN_ONE: Final = lazy(f"[{_FORBIDDEN}]")
_NEXT: Final = {
    "text": lazy(r"[<&]|\]\]>"),
    "tag": lazy(r"/?>|[\"']"),
    '"': lazy('[<&"]'),
    "'": lazy("[<&']"),
    "cdata": lazy(r"\]\]>"),
    "comment": lazy("-->"),
    "pi": lazy(r"\?>"),
    "doctype": lazy(r"[\[>]"),
    "outside": _OUTSIDE,
}
_DROPPED: Final = frozenset({"outside", "comment", "pi", "doctype"})
_PREDEFINED: Final = frozenset({"amp", "lt", "gt", "quot", "apos"})
_REPLACEMENT: Final = "\ufffd"
_SINGLE_BYTES: Final = "xray-ci-single-bytes"

_JUNK = "text around the document was left out"
_DOCUMENTS = "several documents in one file were taken as one"
_CHARACTERS = "characters that XML forbids were replaced"
_ESCAPED = "& or < that was not escaped"
_ENTITIES = "entities of HTML"
_CDATA = "]]> inside CDATA"
_BYTES = "bytes that are not in the encoding of the file"


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error(_SINGLE_BYTES, _as_windows)


class Mender:
    """A binary stream that reads as the mended document, inside one more root element that no reader knows.

    Mended are: text before and after the document, several documents or roots, characters and references that XML
    forbids, HTML's entities, unescaped & and < (where they cannot begin a tag), `]]>` inside CDATA, and single bytes
    that are no UTF-8. `read` raises Fault for whatever could hide or invent a test: one of JUnit's elements in an odd
    place, tags between an early and the real end of CDATA, tags after the document, a DOCTYPE with declarations.
    """

    def __init__(self, source: XmlSource) -> None:
        self.repairs: Counter[str] = Counter()
        """What was mended, in words, and how often."""
        self._source = source
        self._head = source.read(HEAD)
        self._encoding = encodings.sniff(self._head)
        # Of two or four bytes a character nothing can be told once one byte is wrong.
        self._decoder: codecs.IncrementalDecoder | encodings.Decoder = (
            encodings.Decoder(self._encoding)
            if self._encoding.startswith(("utf-16", "utf-32"))
            else codecs.getincrementaldecoder(self._encoding)("strict")
        )
        self._buffer = ""
        self._out: list[str] = ["<mended>"]
        self._state = "outside"
        self._back = "outside"
        """Where a comment or processing instruction stands."""
        self._tag = "<"
        self._depth = self._roots = self._stray = 0
        self._after_cdata = False
        self._ended = False

    def read(self, _size: int, /) -> bytes:
        """Return the next mended bytes, b"" at the end."""
        while not self._ended:
            raw = self._head or self._source.read(PIECE)
            self._head = b""
            self._ended = not raw
            self._buffer += self._decode(raw)
            self._mend()
            if self.repairs[_ESCAPED] + self.repairs[_CDATA] + self.repairs[_ENTITIES] > _REPAIR_LIMIT:
                raise Fault(BROKEN, "too much of it is not escaped")
            if self._ended and self._roots and self._state == "outside":
                self._out.append("</mended>")
            mended = "".join(self._out).encode("utf-8", "replace")
            self._out.clear()
            if mended:
                return mended
        return b""

    def _decode(self, raw: bytes) -> str:
        if isinstance(self._decoder, encodings.Decoder):
            return self._decoder.decode(raw, final=self._ended)
        before = self._decoder.getstate()
        try:
            return self._decoder.decode(raw, self._ended)
        except UnicodeDecodeError:
            self.repairs[_BYTES] += 1
            lenient = _SINGLE_BYTES if self._encoding == "utf-8" else "replace"
            self._decoder = codecs.getincrementaldecoder(self._encoding)(lenient)
            self._decoder.setstate(before)
            return self._decoder.decode(raw, self._ended)

    def _mend(self) -> None:
        buffer, at = self._buffer, 0
        end = len(buffer) if self._ended else len(buffer) - _LOOKAHEAD
        while at < end:
            found = _NEXT[self._state].search(buffer, at)
            stop = end if found is None or found.start() >= end else found.start()
            self._pass(buffer[at:stop])
            if found is None or stop == end:
                at = stop
                continue
            at = found.end()
            match self._state:
                case "outside":
                    self._in_outside(found)
                case "text" if found[0] == "<":
                    at = self._markup(buffer, stop)
                case "tag" if found[0].endswith(">"):
                    self._end_of_tag(found[0])
                case '"' | "'" | "text" if found[0] == "&":
                    at = self._reference(buffer, stop)
                case _:
                    self._in_between(buffer, found)
        self._buffer = buffer[at:]

    def _pass(self, text: str) -> None:
        if self._state not in _DROPPED:
            clean, count = _FORBIDDEN_ONE.subn(_REPLACEMENT, text)
            if count:
                self.repairs[_CHARACTERS] += count
            self._out.append(clean)
            return
        if self._state == "outside" and text.strip("\ufeff \t\r\n"):
            self.repairs[_JUNK] += 1
        self._out.append("\n" * text.count("\n"))

    def _in_outside(self, found: re.Match[str]) -> None:
        kind = found.lastgroup
        if kind == "root":
            self._roots += 1
            if self._roots > 1:
                self.repairs[_DOCUMENTS] += 1
            self._begin_tag(found[0])
        elif kind == "lost" or (kind == "tag" and (self._roots or self._stray >= _STRAY_TAGS)):
            raise Fault(BROKEN, "tags stand outside of its document")
        elif kind == "tag":
            self._stray += 1
            self.repairs[_JUNK] += 1
        else:
            self._back, self._state = "outside", str(kind)

    def _begin_tag(self, text: str) -> None:
        self._out.append(text)
        self._state, self._tag = "tag", text
        self._after_cdata = False

    def _end_of_tag(self, text: str) -> None:
        self._out.append(text)
        if self._tag.startswith("</"):
            self._depth -= 1
        elif text == ">":
            self._depth += 1
        self._state = "text" if self._depth > 0 else "outside"

    def _markup(self, buffer: str, at: int) -> int:
        """Go on after a < in text: what follows says whether it is one."""
        found = _MARKUP.match(buffer, at)
        if found is None:
            self.repairs[_ESCAPED] += 1
            self._out.append("&lt;")
            return at + 1
        if found.lastgroup == "tag":
            self._begin_tag(found[0])
        else:
            self._back, self._state = "text", str(found.lastgroup)
            self._out.append(found[0] if self._state == "cdata" else "")
        return found.end()

    def _reference(self, buffer: str, at: int) -> int:
        found = _REFERENCE.match(buffer, at)
        if found is None:
            self.repairs[_ESCAPED] += 1
            self._out.append("&amp;")
            return at + 1
        decimal, hexadecimal, name = found.groups()
        if name is None:
            code = int(decimal) if decimal else int(hexadecimal, 16)
            legal = code <= sys.maxunicode and not _FORBIDDEN_ONE.match(chr(code))
            if not legal:
                self.repairs[_CHARACTERS] += 1
            self._out.append(found[0] if legal else _REPLACEMENT)
        elif name in _PREDEFINED:
            self._out.append(found[0])
        elif text := html5.get(f"{name};"):
            self.repairs[_ENTITIES] += 1
            self._out.append(html.escape(text))
        else:
            self.repairs[_ESCAPED] += 1
            self._out.append(f"&amp;{name};")
        return found.end()

    def _in_between(self, buffer: str, found: re.Match[str]) -> None:
        """Deal with the end of something, a quote, or a < that must not stand there."""
        text, state = found[0], self._state
        if state in {"tag", text}:
            self._state = text if state == "tag" else "tag"
            self._out.append(text)
        elif state == "cdata":
            self._state, self._after_cdata = "text", True
            self._out.append(text)
        elif state == "text":
            # Only where nothing but text came since a CDATA section ended can that end have been meant as text.
            if not self._after_cdata:
                raise Fault(BROKEN, "]]> stands in a text, and what it ends is not clear")
            self.repairs[_CDATA] += 1
            self._out.append("]]&gt;")
        elif text == "<":
            if _INNER.match(buffer, found.start()):
                raise Fault(BROKEN, "an attribute holds tags of a report: its end is not clear")
            self.repairs[_ESCAPED] += 1
            self._out.append("&lt;")
        elif text == "[":
            raise Fault(BROKEN, "its DOCTYPE declares something")
        else:
            self._state = self._back
