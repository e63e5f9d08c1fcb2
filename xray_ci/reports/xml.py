"""Hardened streaming XML in any encoding: nothing fetched, everything bounded.

Bounds are our own and do not lean on the expat at hand: entities are short, flat and internal (so nothing grows more
than `ENTITY_LIMIT / 4` fold), elements nest at most `DEPTH_LIMIT` deep, one tag has at most `TAG_LIMIT` bytes; the text
of an element is kept while it streams by, in bounded memory.

Knows expat and character encodings; knows no format of reports.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol
from xml.parsers import expat

from xray_ci.patterns import lazy
from xray_ci.reports.notices import BROKEN, TRUNCATED, UNSAFE, Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pyexpat import XMLParserType
    from typing import Any


_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_FIRSTS: Final = ((b"\0\0\0", "utf-32-be"), (b"\0", "utf-16-be"))
_LASTS: Final = ((b"\0\0\0", "utf-32-le"), (b"\0", "utf-16-le"))
_DECLARED: Final = lazy(rb"""<\?xml[^>]{0,200}?\bencoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["']""")
# Text codecs that are no character sets of files, or that cost more than linear time on unsafe bytes.
_NEVER: Final = frozenset(
    {"idna", "punycode", "unicode-escape", "raw-unicode-escape", "utf-7", "undefined", "mbcs", "oem"}
)


def sniff(head: bytes) -> str:
    """Return the name of the encoding by byte order mark, by zero bytes around the first character.

    Or as declared in XML.

    UTF-8 where nothing speaks. A declared UTF-16 over single bytes is wrong (.NET writes that) and passes for UTF-8.
    Raises Fault for a declared encoding that nobody knows.
    """
    for mark, name in _BOMS:
        if head.startswith(mark):
            return name
    for zeros, name in _FIRSTS:
        if head.startswith(zeros) and head[len(zeros) : len(zeros) + 1] in {b"<", b"{", b"["}:
            return name
    for zeros, name in _LASTS:
        if head[1 : 1 + len(zeros)] == zeros and head[:1] in {b"<", b"{", b"["}:
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


class Decoder:
    """Decodes a stream piece by piece.

    What stands before a wrong byte is returned first, so that it makes no difference into which pieces a stream is cut.
    """

    def __init__(self, encoding: str) -> None:
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)("strict")
        self._wrong: Fault | None = None

    def decode(self, raw: bytes, *, final: bool = False) -> str:
        """Return the text of the next bytes; `final` says that none follow.

        Raises Fault for a wrong byte, once the text before it was returned.
        """
        if self._wrong is not None:
            raise self._wrong
        before = self._decoder.getstate()
        try:
            return self._decoder.decode(raw, final)
        except UnicodeDecodeError as error:
            self._wrong = Fault(
                TRUNCATED if final else BROKEN,
                f"bytes that are no {self._encoding} ({error.reason})",
                mendable=not final,
            )
            # The error counts from the bytes of earlier pieces that wait for the rest of their character.
            good = raw[: max(0, error.start - (len(error.object) - len(raw)))]
        self._decoder.setstate(before)
        if text := self._decoder.decode(good):
            return text
        raise self._wrong


class Recoded:
    """A binary stream of another encoding, read as UTF-8; a wrong byte is a Fault. Memory: one piece."""

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._decoder = Decoder(encoding)

    def read(self, size: int, /) -> bytes:
        """Return the next bytes, b"" at the end."""
        while raw := self._source.read(size):
            if text := self._decoder.decode(raw):
                return text.encode("utf-8", "replace")
        return self._decoder.decode(b"", final=True).encode("utf-8", "replace")


PIECE: Final = 262_144
"""Bytes fed at once; smaller pieces are quadratic on large attributes with expat before 2.6."""
DEPTH_LIMIT: Final = 500
TAG_LIMIT: Final = 41_943_040
ATTRIBUTE_LIMIT: Final = 10_000
"""Attributes of one tag."""
ENTITY_LIMIT: Final = 256
"""Characters of one internal entity."""
ENTITY_COUNT_LIMIT: Final = 1_000
TEXT_BUFFER: Final = 65_536
HEAD: Final = 65_536

_NATIVE: Final = frozenset({"utf-8", "ascii", "iso8859-1"})
_CUT_SHORT: Final = frozenset({3, 5, 6, 20})  # no element, unclosed token, partial character, unclosed CDATA section
_MENDABLE: Final = frozenset({2, 4, 9, 11, 14, 17})
"""Syntax error, invalid token, junk after the root, undefined entity, bad character reference, late declaration."""
_AMPLIFIED: Final = 43
_HANDLERS: Final = (
    "StartElementHandler",
    "EndElementHandler",
    "CharacterDataHandler",
    "EntityDeclHandler",
    "SkippedEntityHandler",
)


class XmlSource(Protocol):
    """Bytes to read."""

    def read(self, size: int, /) -> bytes:
        """Return at most about `size` bytes, b"" at the end."""


class Handlers(Protocol):
    """Who listens to a document. Text is had by setting `parser.CharacterDataHandler`, and only while it is wanted."""

    def start(self, tag: str, attributes: dict[str, str], /) -> object:
        """See an element begin; the tag keeps its prefix."""

    def end(self, tag: str, /) -> object:
        """See an element end."""


def local(tag: str) -> str:
    """Return a tag without its prefix."""
    return tag.rpartition(":")[2]


def opened(source: XmlSource, head: bytes) -> tuple[XmlSource, str]:
    """Return a source that expat can read, and the name of its encoding; `head` are its first bytes, already read.

    Raises Fault for an unknown encoding.
    """
    encoding = sniff(head)
    whole = _Again(head, source)
    if encoding in _NATIVE:
        return whole, encoding
    return Recoded(whole, encoding), "utf-8"  # type: ignore[arg-type]  # reads like a file, which is all that is needed


class _Again:
    """A stream whose first bytes were read already."""

    def __init__(self, head: bytes, rest: XmlSource) -> None:
        self._head = head
        self._rest = rest

    def read(self, size: int, /) -> bytes:
        """Return the head first."""
        if self._head:
            head, self._head = self._head, b""
            return head
        return self._rest.read(size)


def guarded(encoding: str) -> XMLParserType:
    """Make a parser without namespaces (prefixes stay in the tags) that refuses what no test tool writes."""
    parser = expat.ParserCreate(encoding)
    parser.buffer_text = True
    parser.buffer_size = TEXT_BUFFER
    parser.specified_attributes = True  # a DOCTYPE's default attributes would multiply themselves
    count = 0

    def entity_declared(name: str, is_parameter: bool, value: str | None, *_: Any) -> None:  # noqa: FBT001 - expat calls it
        nonlocal count
        count += 1
        if is_parameter or value is None:
            kind = "parameter" if is_parameter else "external"
            raise Fault(
                UNSAFE,
                f"its DOCTYPE declares the {kind} entity {name[:80]!r}; nothing is ever fetched or expanded "
                "for a report",
                line=parser.CurrentLineNumber,
            )
        if len(value) > ENTITY_LIMIT or "&" in value or count > ENTITY_COUNT_LIMIT:
            raise Fault(
                UNSAFE,
                f"its DOCTYPE declares the entity {name[:80]!r}, which is long or holds other entities",
                line=parser.CurrentLineNumber,
            )

    def skipped(name: str, is_parameter: bool) -> None:  # noqa: FBT001 - expat calls it
        if not is_parameter:
            raise Fault(BROKEN, f"undefined entity {name[:80]!r}", line=parser.CurrentLineNumber, mendable=True)

    parser.EntityDeclHandler = entity_declared
    parser.SkippedEntityHandler = skipped
    return parser


def feed(source: XmlSource, parser: XMLParserType) -> Iterator[None]:
    """Read a document to its end, pausing after each piece so that the caller can hand on what came of it.

    Raises Fault with line and column; only a normal end means that the whole document was seen.
    """
    try:
        yield from _fed(source, parser)
    finally:
        # Handlers know their parser and the parser knows them: a circle that only the collector of garbage would undo.
        for name in _HANDLERS:
            setattr(parser, name, None)


def _fed(source: XmlSource, parser: XMLParserType) -> Iterator[None]:
    parse = parser.Parse
    size, fed = PIECE, 0
    while True:
        piece = source.read(size)
        try:
            parse(piece, not piece)
        except expat.ExpatError as error:
            raise _fault(error) from None
        yield
        if not piece:
            return
        fed += len(piece)
        waiting = fed - parser.CurrentByteIndex
        if waiting > TAG_LIMIT or (waiting > PIECE and piece.count(b"=") > ATTRIBUTE_LIMIT):
            raise Fault(
                UNSAFE,
                f"one tag of more than {TAG_LIMIT >> 20} MiB or {ATTRIBUTE_LIMIT} attributes",
                line=parser.CurrentLineNumber,
            )
        # A tag longer than a piece is read anew by older expat each time: growing pieces keep that linear.
        size = max(PIECE, waiting)


def check(source: XmlSource) -> None:
    """Read a document to its end and throw it away.

    Raises Fault where it is broken, cut off or unsafe.
    """
    readable, encoding = opened(source, source.read(HEAD))
    parser = guarded(encoding)
    depth = 0

    def start(_tag: str, _attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEPTH_LIMIT:
            raise too_deep(parser)

    def end(_tag: str) -> None:
        nonlocal depth
        depth -= 1

    parser.StartElementHandler = start
    parser.EndElementHandler = end
    for _ in feed(readable, parser):
        pass


def too_deep(parser: XMLParserType) -> Fault:
    """Return the fault of elements that nest beyond every real report."""
    return Fault(UNSAFE, f"elements nest more than {DEPTH_LIMIT} deep", line=parser.CurrentLineNumber)


def _fault(error: expat.ExpatError) -> Fault:
    message = expat.ErrorString(error.code) or "not XML"
    line, column = error.lineno, error.offset + 1
    if error.code in _CUT_SHORT:
        return Fault(TRUNCATED, f"it is cut off ({message}): nothing of it is imported", line=line, column=column)
    if error.code == _AMPLIFIED:
        return Fault(UNSAFE, f"its entities grow beyond all reason ({message})", line=line, column=column)
    return Fault(BROKEN, f"its XML is broken ({message})", mendable=error.code in _MENDABLE, line=line, column=column)


_OVERLAP: Final = 8_192
"""Characters of an output that stay behind when its beginning is dropped, so that no marker is cut in two."""


class TextListener:
    """Hears the text of one element at a time; deaf otherwise, which is what makes reading fast.

    The handler is the `append` of a list, with no Python in between. `fold` must be called after each piece that the
    parser was fed: within a piece text cannot grow beyond bounds.
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

    def merge(self) -> None:
        """Bring what is kept back to its bound."""
        if not self.listening or self._deaf or sum(map(len, self._parts)) <= self._limit + _OVERLAP:
            return
        text = "".join(self._parts)
        self.overflowed = True
        if self._scan is None:
            kept = text[: self._limit + 1]
            self._deaf = True
            self._parser.CharacterDataHandler = None
        else:
            self._scan(text)
            # What was scanned must not be seen twice, except for a marker that is not complete yet.
            start = text.rfind("[[", -_OVERLAP)
            kept = (
                text[-self._limit :]
                if start < 0 or "]]" in text[start:]
                else text[min(start, len(text) - self._limit) :]
            )
        self._parts[:] = [kept]
