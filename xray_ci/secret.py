"""Secrets as a type, and the one place that knows how to cut them out of text.

Lowest room: settings make secrets, services mint more (tokens), every sink of `ci` asks the redactor. Knows nothing of
who uses it. Rule for every user: redact first, cut to length afterwards, or half a secret survives the cut.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, NoReturn, final

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK: Final = "***"
SHORTEST: Final = 4
"""A value of fewer characters is never looked for: it would cut ordinary words out of every line, and guessing it takes
no log. Longer than `MASK`, so that redacting always shortens and therefore ends."""

_PLAIN: Final = re.compile(r"[0-9A-Za-z._-]")
"""Characters that no encoding a secret travels in changes (URL, JSON, HTML, repr)."""
_NAMED: Final = {"<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_SHORT: Final = {"\t": "t", "\b": "b", "\f": "f"}
_RUNS: Final = re.compile(r"[0-9A-Za-z._-]+")
_BASE64: Final = "[0-9A-Za-z+/_-]?"
_NEWLINE: Final = (
    r"(?:\r\n?|\n|\\+r\\+n|\\+[rn]|(?i:%(?:25)*0D%(?:25)*0A|%(?:25)*0[DA]|\\+u000[da]"
    r"|&(?:amp;)*#(?:x0*[da]|0*1[03]);))"
)


@final
class Secret:
    """Text that shows itself only where a header is made; `str`, `repr`, `format`, copying and pickling never do."""

    __slots__ = ("_text",)
    _text: str

    def __init__(self, text: str) -> None:
        object.__setattr__(self, "_text", text)

    def reveal(self) -> str:
        """Return the text. Call it only in the expression that makes a header or a request body."""
        return self._text

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return MASK

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        msg = "a secret never changes"
        raise AttributeError(msg)

    def __reduce__(self) -> NoReturn:
        msg = "a secret is never copied or pickled"
        raise TypeError(msg)

    __getstate__ = __reduce__


LONG: Final = 12
"""Characters from which on a value is replaced in what goes to Xray, too. A shorter one may be a word of the reports: a
password `cart` must not rename every CartTest."""
_TOKEN: Final = re.compile(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[0-9A-Za-z._~+=-]{8,}")


def is_long(value: str) -> bool:
    """Say whether a value is replaced in texts of reports: long enough, or with the shape of a token."""
    return len(value) >= LONG or _TOKEN.fullmatch(value) is not None


class Spotter:
    """Says whether bytes that stream by may hold one of some secrets, in any form; costs a plain search for each.

    Looks for the longest stretch of a secret that no encoding changes, and for its base64. Bytes with zeros in them may
    hold anything (UTF-16), so they count as if they did.
    """

    def __init__(self, values: Iterable[str]) -> None:
        found = {anchor for value in values for anchor in _anchors(value)}
        self._anchors = tuple(sorted(found))
        self._reach = max(map(len, found), default=1) - 1
        self._tail = b""
        self.found = False
        """Whether one was found."""
        self.seen = False
        """Whether there may be one."""

    def look(self, piece: bytes) -> None:
        """Look at the next piece."""
        if self.found or not self._anchors:
            return
        # What a boundary cuts in two is whole in the end of one piece and the beginning of the next.
        joint = self._tail + piece[: self._reach]
        self.found = any(anchor in piece or anchor in joint for anchor in self._anchors)
        self.seen = self.seen or self.found or b"\0" in piece
        self._tail = (self._tail + piece)[-self._reach :] if self._reach else b""


def _anchors(value: str) -> Iterator[bytes]:
    yield max(_RUNS.findall(value), key=len, default=value).encode("utf-8", "surrogatepass")
    raw = _bytes(value)
    for shift in range(3):
        start, end = (0, 2, 3)[shift], (shift + len(raw)) * 8 // 6
        middle = base64.b64encode(b"\0" * shift + raw).decode()[start:end]
        yield max(re.findall(r"[0-9A-Za-z]+", middle), key=len, default=middle).encode()


class Redactor:
    """Replace every known secret, in each form it travels in, by `***`.

    Forms: as it is and each of its lines; each character that an encoding changes may be URL-encoded (once or more),
    escaped as in JSON, in `repr` or in HTML, in any mix; and base64 at all three alignments (the middle that does not
    depend on its neighbours), plain and URL-safe, so that a Basic header is covered too. Secrets that overlap in a text
    vanish together. The result holds none of the forms, and redacting it again changes nothing.
    """

    def __init__(self) -> None:
        self._forms: dict[str, int] = {}
        self._pattern: re.Pattern[str] | None = None
        self.masked: list[str] = []
        """The values as registered, for a CI system that wants to be told (`::add-mask::`)."""

    @property
    def long(self) -> tuple[str, ...]:
        """The values that are replaced in texts of reports, too."""
        return tuple(value for value in self.masked if is_long(value))

    @property
    def short(self) -> tuple[str, ...]:
        """The values that may be words of the reports."""
        return tuple(value for value in self.masked if not is_long(value))

    def register(self, secret: Secret | str) -> bool:
        """Know one more secret from now on; call it before any text that may hold it can be written.

        Blanks around it do not count (no header keeps them). False when what remains is shorter than `SHORTEST`
        characters: it is not looked for.
        """
        text = secret.reveal() if isinstance(secret, Secret) else secret
        values = dict.fromkeys(value for line in (text, *text.splitlines()) if len(value := line.strip()) >= SHORTEST)
        fresh = {form: len(value) for value in values for form in _forms(value) if form not in self._forms}
        if fresh:
            self._forms |= fresh
            # One line each: that is what a runner's mask is compared with.
            self.masked.extend(value for value in values if len(value.splitlines()) == 1 and value not in self.masked)
            self._pattern = None  # compiled when the next text comes: secrets arrive in a row
        return bool(values)

    def __call__(self, text: str) -> str:
        """Return the text without any registered secret."""
        if self._pattern is None:
            if not self._forms:
                return text
            self._pattern = re.compile("|".join(sorted(self._forms, key=lambda form: -self._forms[form])))
        # A mask can complete a secret that itself holds asterisks: look again until nothing is found.
        while found := self._pattern.search(text):
            parts, end = [], 0
            span: re.Match[str] | None = found
            while span is not None:
                if span.start() >= end:  # else it overlaps the one before, and its rest vanishes with it
                    parts += [text[end : span.start()], MASK]
                end = max(end, span.end())
                span = self._pattern.search(text, span.start() + 1)
            text = "".join(parts) + text[end:]
        return text


def _forms(value: str) -> set[str]:
    """Return regular expressions that match one value in every form."""
    if "\n" in value and all(len(line.strip()) >= SHORTEST for line in value.splitlines()):
        return {_pattern(value)}  # a key file: base64 of the whole is base64 of its lines, each known by itself
    # A Basic header holds UTF-8 or, from older clients, Latin-1.
    coded = {_bytes(value)} | ({value.encode("latin-1")} if value.isascii() or max(value) < "\u0100" else set())
    return {_pattern(value)} | {_base64(raw, shift) for raw in coded for shift in range(3)}


def _bytes(value: str) -> bytes:
    try:
        return value.encode("utf-8", "surrogateescape")  # what the environment held before Python decoded it
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _base64(raw: bytes, shift: int) -> str:
    """Return a pattern of what `raw` looks like inside of longer base64 text, `shift` bytes after a multiple of 3.

    Of `SHORTEST` bytes at least that many characters depend on nothing else.
    """
    start, end = (0, 2, 3)[shift], (shift + len(raw)) * 8 // 6
    middle = base64.b64encode(b"\0" * shift + raw).decode()[start:end]
    # A character at either end can hold bits of the secret and of its neighbour: it goes too.
    body = "".join(
        {"+": r"(?:[+-]|(?i:%(?:25)*2B|\\+u002b))", "/": r"(?:\\*/|_|(?i:%(?:25)*2F))"}.get(c, c) for c in middle
    )
    return (_BASE64 if shift else "") + body + (_BASE64 if (shift + len(raw)) % 3 else "")


def _pattern(value: str) -> str:
    """Return a pattern of the value with each character as it is or encoded."""
    parts = re.findall(r"\\+|\r\n?|[^\\\r]", value, re.DOTALL)
    return "".join(
        _run(part) if part[0] == "\\" else _character(part, first=not number) for number, part in enumerate(parts)
    )


def _run(backslashes: str) -> str:
    """Return a pattern of backslashes side by side; as one bounded run, since each alone would be ambiguous."""
    count = len(backslashes)
    return rf"(?:\\{{{count},{4 * count}}}|(?i:%(?:25)*5C|\\u005c|\\x5c|&(?:amp;)*#(?:x0*5c|0*92);){{{count}}})"


def _character(char: str, *, first: bool) -> str:
    if char in {"\r\n", "\r", "\n"}:
        return _NEWLINE
    if _PLAIN.fullmatch(char):
        return re.escape(char)
    code = ord(char)
    percent = "".join(f"%(?:25)*{byte:02X}" for byte in _bytes(char))
    units = _bytes(char).decode("utf-8", "surrogateescape").encode("utf-16-be", "surrogatepass")
    # A run of backslashes is entered at its beginning only: from each of them on, it would be walked again.
    slash = r"(?<!\\)\\+" if first else r"\\+"
    escaped = "".join(
        rf"{slash if not at else chr(92) * 2 + '+'}u{units[at : at + 2].hex()}" for at in range(0, len(units), 2)
    )
    ways = [percent, escaped, rf"{slash}U{code:08x}", rf"&(?:amp;)*#(?:x0*{code:x}|0*{code});"]
    ways += [rf"{slash}x{code:02x}"] if code < 0x100 else []  # noqa: PLR2004 - what fits the two digits
    ways += [f"&(?:amp;)*{_NAMED[char]};"] if char in _NAMED else []
    ways += [rf"{slash}{_SHORT[char]}"] if char in _SHORT else []
    plain = {" ": r"[ +]", "&": "&(?:amp;)*"}.get(char, re.escape(char))
    return rf"(?:(?:{slash})?{plain}|(?i:{'|'.join(ways)}))"
