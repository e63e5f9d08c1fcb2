"""JSON read element by element over a window of text: memory does not grow with the document. Knows nothing of reports.

Stricter than Python's own reader (NaN and Infinity are refused), and one element has at most `ELEMENT_LIMIT`
characters.
"""

from __future__ import annotations

import json
from json.scanner import make_scanner
from typing import TYPE_CHECKING, Final, Protocol

from xray_ci.patterns import lazy
from xray_ci.reports.notices import BROKEN, TRUNCATED, UNSAFE, Fault
from xray_ci.reports.xml import Decoder, sniff

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

PIECE: Final = 262_144
ELEMENT_LIMIT: Final = 67_108_864
_NEAR: Final = 16
"""A fault this close to the end of the window may be no fault when more is read."""
_EXPONENT: Final = 2
"""Characters of a number that are none of it before its next digit is read: `1e+` is 1."""
_TOO_DEEP: Final = "its values nest too deep"
_SPACE: Final = lazy(r"[ \t\n\r]*")
_COMMA: Final = lazy(r"[ \t\n\r]*,[ \t\n\r]*")
_SURROGATE: Final = lazy(r"\\u[dD][89a-fA-F]")
_LONE: Final = lazy("[\ud800-\udfff]")


class Source(Protocol):
    """Bytes to read."""

    def read(self, size: int, /) -> bytes:
        """Return at most `size` bytes, b"" at the end."""


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


class Window:
    """A moving window over a JSON document.

    Every method raises Fault where the document is broken or ends too early.
    """

    def __init__(self, source: Source) -> None:
        head = source.read(PIECE)
        self._decoder = Decoder(sniff(head))
        self._source = source
        decoder = json.JSONDecoder(parse_constant=_no_constant)
        self._scan = decoder.raw_decode
        self._scan_once = make_scanner(decoder)  # type: ignore[arg-type]  # as `JSONDecoder` itself calls it
        self._at = self._line = 0
        self.line = 1
        """The line on which the value begins that was taken last."""
        self._column = 0
        self._seen = self._newlines = 0
        """How much of the text was searched for ends of lines, and how many are in it."""
        self._ended = not head
        self._text = ""
        self._halves = False
        """Whether the text may hold the escapes of surrogates."""
        self._show(self._decoder.decode(head, final=self._ended).removeprefix("\ufeff"))

    def peek(self) -> str:
        """Return the next character that is no space, without taking it; "" at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]  # matches always
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more(PIECE)

    def take(self, wanted: str) -> str:
        """Take the next character, which must be one of `wanted`."""
        found = self.peek()
        if not found or found not in wanted:
            raise self._fault(f"expected {' or '.join(wanted)}")
        self._at += 1
        return found

    def value(self) -> Any:
        """Take one whole value."""
        self.peek()
        self._begin()
        size = PIECE
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except json.JSONDecodeError as error:
                unfinished = error.pos >= len(self._text) - _NEAR or error.msg.startswith("Unterminated string")
                if self._ended or not unfinished:
                    self._at = error.pos
                    raise self._fault(error.msg) from None
            except RecursionError:
                raise Fault(UNSAFE, _TOO_DEEP) from None
            except ValueError as error:
                raise self._fault(str(error)) from None
            else:
                if self._ended or self._is_whole(value, end):
                    return self._taken(value, end)
            if len(self._text) - self._at > ELEMENT_LIMIT:
                raise Fault(UNSAFE, f"one value of more than {ELEMENT_LIMIT >> 20} MiB")
            # Growing pieces keep reading a large value anew linear.
            self._more(size)
            size = min(size * 2, ELEMENT_LIMIT // 2)

    def values(self) -> Iterator[Any]:
        """Take each element of the array that begins here."""
        between = ""
        for _ in self.elements():
            yield self.value()
            # What stands between two elements is mostly the same each time: it is compared and not looked through.
            while between and self._text.startswith(between, self._at):
                start = self._at + len(between)
                try:
                    value, end = self._scan_once(self._text, start)
                except (StopIteration, ValueError, RecursionError):
                    value, end = None, len(self._text)
                if not self._is_whole(value, end):  # or the long way knows what is wrong
                    if not self._ended and len(self._text) - start < PIECE:
                        self._more(PIECE)
                    break
                self._at = start
                self._begin()
                yield self._taken(value, end)
            between = self._between()

    def members(self) -> Iterator[str]:
        """Yield the name of each member of the object that begins here.

        The caller takes its value before it goes on.
        """
        self.take("{")
        if self.peek() == "}":
            self.take("}")
            return
        while True:
            if self.peek() != '"':
                raise self._fault("expected a member's name")
            name = str(self.value())
            self.take(":")
            yield name
            if self.take(",}") == "}":
                return

    def elements(self) -> Iterator[None]:
        """Yield before each element of the array that begins here; the caller takes it before it goes on."""
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            yield
            if self.take(",]") == "]":
                return

    def finish(self) -> None:
        """Make sure that nothing follows."""
        if self.peek():
            raise self._fault("something follows the end of the document")

    def _is_whole(self, value: Any, end: int) -> bool:
        """Say whether a value cannot go on where it ended: a number can, after as much as `e+`."""
        left = len(self._text) - end
        return left > _EXPONENT or (left > 0 and not isinstance(value, int | float))

    def _between(self) -> str:
        """Return what stands before the next element of an array; "" where that is none, or not read yet."""
        found = _COMMA.match(self._text, self._at)
        return found[0] if found and found.end() < len(self._text) else ""

    def _begin(self) -> None:
        """Count the lines up to the value that begins here."""
        self._newlines += self._text.count("\n", self._seen, self._at)
        self._seen = self._at
        self.line = self._line + self._newlines + 1

    def _taken(self, value: Any, end: int) -> Any:
        hit = _SURROGATE.search(self._text, self._at, end) if self._halves else None
        self._at = end
        if hit is None:
            return value
        try:
            return _without_surrogates(value)
        except RecursionError:
            raise Fault(UNSAFE, _TOO_DEEP) from None

    def _more(self, size: int) -> None:
        raw = self._source.read(size)
        self._ended = not raw
        gone = self._text[: self._at]
        if newlines := gone.count("\n"):
            self._line += newlines
            self._column = len(gone) - gone.rfind("\n") - 1
        else:
            self._column += len(gone)
        self._show(self._text[self._at :] + self._decoder.decode(raw, final=self._ended))
        self._at = self._seen = self._newlines = 0

    def _show(self, text: str) -> None:
        self._text = text
        self._halves = "\\u" in text and _SURROGATE.search(text) is not None

    def _fault(self, message: str) -> Fault:
        gone = self._text[: self._at]
        newlines = gone.count("\n")
        column = len(gone) - gone.rfind("\n") if newlines else self._column + len(gone) + 1
        line = self._line + newlines + 1
        if (self._ended and self._at >= len(self._text.rstrip())) or message.startswith("Unterminated string"):
            return Fault(TRUNCATED, f"it is cut off ({message}): nothing of it is imported", line=line, column=column)
        return Fault(BROKEN, f"its JSON is broken ({message})", line=line, column=column)


def _without_surrogates(value: Any) -> Any:
    """Replace halves of surrogate pairs, which no UTF-8 can hold.

    Raises RecursionError: from Python 3.12 on JSON may nest deeper.
    """
    if isinstance(value, str):
        return _LONE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(name): _without_surrogates(item) for name, item in value.items()}
    return value


def check(source: Source) -> None:
    """Read a document to its end and throw it away.

    Raises Fault where it is broken or cut off. Memory is that of the largest element of the arrays in its root.
    """
    window = Window(source)
    if window.peek() == "[":
        for _ in window.elements():
            window.value()
    elif window.peek() == "{":
        for _ in window.members():
            if window.peek() == "[":
                for _ in window.elements():
                    window.value()
            else:
                window.value()
    else:
        window.value()
    window.finish()
