"""Secrets as a type, and the one place that knows how to cut them out of text.

Lowest room: settings make secrets, services mint more (tokens), every sink of `ci` asks the redactor. Knows nothing of
who uses it. Rule for every user: redact first, cut to length afterwards, or half a secret survives the cut.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Final, NoReturn, final

from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Iterator

MASK: Final = "***"
SHORTEST: Final = 4
"""A value of fewer characters is never looked for: it would cut ordinary words out of every line, and guessing it takes
no log. Longer than `MASK`, so that redacting always shortens and therefore ends."""

_PLAIN: Final = lazy(r"[0-9A-Za-z._-]")
"""Characters that no encoding a secret travels in changes (URL, JSON, HTML, repr)."""
_NAMED: Final = {"<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_SHORT: Final = {"\t": "t", "\b": "b", "\f": "f"}
_RUNS: Final = lazy(r"[0-9A-Za-z._-]+")
_TELLING: Final = 3
"""Characters of a stretch that is worth a search: shorter ones stand everywhere."""
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
_TOKEN: Final = lazy(r"(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])[0-9A-Za-z._~+=-]{8,}")


def is_long(value: str) -> bool:
    """Say whether a value is replaced in texts of reports: long enough, or with the shape of a token."""
    return len(value) >= LONG or _TOKEN.fullmatch(value) is not None


class Spotter:
    """Says whether bytes that stream by may hold one of some secrets, in any form; costs a plain search for each.

    Looks for the longest stretch of a secret that no encoding changes, and for its base64. Where a secret has no such
    stretch, and where texts are not their plain bytes (a zero says so), there may always be one.
    """

    def __init__(self, redactor: Redactor, *, exact: bool = False) -> None:
        """`exact`: where there may be one, say also whether there is."""
        found = {anchor.encode() for anchor in redactor.anchors}
        self._everywhere = any(len(anchor) < _TELLING for anchor in found)
        self._anchors = tuple(sorted(found))
        self._redactor = redactor if exact else None
        # An encoding makes up to some 16 bytes of a character.
        self._reach = 16 * max(map(len, redactor.values)) if exact and found else max(map(len, found), default=1) - 1
        self._tail = b""
        self.found = False
        """Whether there is one; known when `exact`, but for texts that are not UTF-8 or UTF-16."""
        self.seen = False
        """Whether there may be one."""

    def look(self, piece: bytes) -> None:
        """Look at the next piece."""
        if not self._anchors or self.found or (self.seen and self._redactor is None):
            return
        self.seen = self.seen or b"\0" in piece
        # What a boundary cuts in two is whole with the end of the piece before; UTF-16 without zeros is ASCII.
        text = piece.replace(b"\0", b"")
        before, reach = self._tail, self._reach
        seam = before + text[:reach]
        self._tail = (text if len(text) >= reach else seam)[-reach:] if reach else b""
        if self._everywhere or any(anchor in text or anchor in seam for anchor in self._anchors):
            self.seen = True
            self.found = self._redactor is not None and self._redactor.holds(
                (before + text).decode("utf-8", "surrogateescape")
            )


def _anchors(value: str) -> Iterator[bytes]:
    """Yield for each form of a value what always stands in it; little or nothing where an encoding may change all."""
    yield max(_RUNS.findall(value), key=len, default="").encode()
    for raw, shift in _coded(value):
        # Of these two characters there are other ones in the alphabet for URLs.
        yield max(_middle(raw, shift).translate({43: " ", 47: " "}).split(), key=len, default="").encode()


class Redactor:
    """Replace every known secret, in each form it travels in, by `***`.

    Forms: as it is and each of its lines; each character that an encoding changes may be URL-encoded (once or more),
    escaped as in JSON, in `repr` or in HTML, in any mix; and base64 at all three alignments (the middle that does not
    depend on its neighbours), plain and URL-safe, so that a Basic header is covered too. Secrets that overlap in a text
    vanish together. The result holds none of the forms, and redacting it again changes nothing.
    """

    def __init__(self) -> None:
        self.anchors: set[str] = set()
        """A text without any of them holds no secret: mostly that is all there is to look for."""
        self._pattern: re.Pattern[str] | None = None
        self.values: list[str] = []
        """The values and each of their lines, as they are looked for."""
        self.masked: list[str] = []
        """Those of one line, for a CI system that wants to be told (`::add-mask::`)."""

    def split(self) -> tuple[Redactor, Redactor]:
        """Return one of the values that are replaced in reports, too, and one of those that may be words of reports."""
        long, short = Redactor(), Redactor()
        for value in self.values:
            (long if is_long(value) else short).register(value)
        return long, short

    def holds(self, text: str) -> bool:
        """Say whether a text holds a registered secret."""
        return self._may_be_in(text) and self._compiled().search(text) is not None

    def register(self, secret: Secret | str) -> bool:
        """Know one more secret from now on; call it before any text that may hold it can be written.

        Blanks around it do not count (no header keeps them). False when what remains is shorter than `SHORTEST`
        characters: it is not looked for.
        """
        text = secret.reveal() if isinstance(secret, Secret) else secret
        values = dict.fromkeys(value for line in (text, *text.splitlines()) if len(value := line.strip()) >= SHORTEST)
        fresh = [value for value in values if value not in self.values]
        if fresh:
            self.anchors |= {anchor.decode() for value in fresh for anchor in _anchors(value)}
            self.values.extend(fresh)
            # One line each: that is what a runner's mask is compared with.
            self.masked.extend(value for value in fresh if len(value.splitlines()) == 1)
            self._pattern = None  # compiled when a text comes that may hold one
        return bool(values)

    def __call__(self, text: str) -> str:
        """Return the text without any registered secret."""
        if not self._may_be_in(text):
            return text
        pattern = self._compiled()
        # A mask can complete a secret that itself holds asterisks: look again until nothing is found.
        while found := pattern.search(text):
            parts, end = [], 0
            span: re.Match[str] | None = found
            while span is not None:
                if span.start() >= end:  # else it overlaps the one before, and its rest vanishes with it
                    parts += [text[end : span.start()], MASK]
                end = max(end, span.end())
                span = pattern.search(text, span.start() + 1)
            text = "".join(parts) + text[end:]
        return text

    def _may_be_in(self, text: str) -> bool:
        return any(anchor in text for anchor in self.anchors)

    def _compiled(self) -> re.Pattern[str]:
        if self._pattern is None:
            forms = dict.fromkeys(
                form for value in sorted(self.values, key=len, reverse=True) for form in _forms(value)
            )
            self._pattern = re.compile("|".join(forms))
        return self._pattern


def _forms(value: str) -> set[str]:
    """Return regular expressions that match one value in every form."""
    if "\n" in value and all(len(line.strip()) >= SHORTEST for line in value.splitlines()):
        return {_pattern(value)}  # a key file: base64 of the whole is base64 of its lines, each known by itself
    return {_pattern(value)} | {_base64(raw, shift) for raw, shift in _coded(value)}


def _coded(value: str) -> set[tuple[bytes, int]]:
    """Return what base64 is made of, at each alignment: a Basic header holds UTF-8 or, from older clients, Latin-1."""
    latin = {value.encode("latin-1")} if value.isascii() or max(value) < "\u0100" else set()
    return {(raw, shift) for raw in {_bytes(value)} | latin for shift in range(3)}


def _bytes(value: str) -> bytes:
    try:
        return value.encode("utf-8", "surrogateescape")  # what the environment held before Python decoded it
    except UnicodeEncodeError:
        return value.encode("utf-8", "surrogatepass")


def _base64(raw: bytes, shift: int) -> str:
    """Return a pattern of what `raw` looks like inside of longer base64 text, `shift` bytes after a multiple of 3.

    Of `SHORTEST` bytes at least that many characters depend on nothing else.
    """
    middle = _middle(raw, shift)
    # A character at either end can hold bits of the secret and of its neighbour: it goes too.
    body = "".join(
        {"+": r"(?:[+-]|(?i:%(?:25)*2B|\\+u002b))", "/": r"(?:\\*/|_|(?i:%(?:25)*2F))"}.get(c, c) for c in middle
    )
    return (_BASE64 if shift else "") + body + (_BASE64 if (shift + len(raw)) % 3 else "")


def _middle(raw: bytes, shift: int) -> str:
    """Return the part of the base64 that depends on nothing but `raw`."""
    return base64.b64encode(b"\0" * shift + raw).decode()[(0, 2, 3)[shift] : (shift + len(raw)) * 8 // 6]


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
