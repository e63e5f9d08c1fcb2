"""Secrets as a type, and the one place that knows how to cut them out of text.

Lowest room: settings make secrets, services mint more (tokens), every sink of `ci` asks the redactor. Knows nothing of
who uses it.
"""

from __future__ import annotations

import base64
import re
from typing import Final, final
from urllib.parse import quote, quote_plus

MASK: Final = "***"
_SHORTEST: Final = 4
"""Shorter values would cut ordinary words out of every line; a secret of fewer characters is no secret."""


@final
class Secret:
    """Text that shows itself only where a header is made; `str`, `repr`, `format` and pickling never do."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """Return the text. Call it only in the expression that makes a header or a request body."""
        return self._text

    def __str__(self) -> str:
        return MASK

    __repr__ = __str__

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        msg = "a secret is never pickled"
        raise TypeError(msg)


class Redactor:
    """Replace every known secret, and the forms it travels in, by `***`.

    Forms: as it is, each of its lines, URL-encoded, JSON-escaped, and base64 at all three alignments (the middle that
    does not depend on its neighbours), plain and URL-safe, so that a Basic header is covered too.
    """

    def __init__(self) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.masked: list[str] = []
        """The values as registered, for a CI system that wants to be told (`::add-mask::`)."""

    def register(self, secret: Secret | str) -> None:
        """Know one more secret from now on; call it before any text that may hold it can be written."""
        text = secret.reveal() if isinstance(secret, Secret) else secret
        lines = [text, *text.splitlines()]
        fresh = {form for line in lines for form in _forms(line.strip())} - self._forms
        if fresh:
            self._forms |= fresh
            self.masked.extend(line.strip() for line in lines if len(line.strip()) >= _SHORTEST)
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)))

    def __call__(self, text: str) -> str:
        """Return the text without any registered secret."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(text: str) -> set[str]:
    if len(text) < _SHORTEST:
        return set()
    raw = text.encode()
    forms = {text, quote(text, safe=""), quote(text), quote_plus(text), text.replace("\\", "\\\\").replace('"', '\\"')}
    for shift in range(3):
        # What comes before shifts the alignment; what depends on the neighbours at both ends is cut off.
        coded = base64.b64encode(b"\0" * shift + raw).decode()
        start = (0, 2, 3)[shift]
        end = len(coded) if (shift + len(raw)) % 3 == 0 else -4
        middle = coded[start:end]
        if len(middle) >= _SHORTEST * 2:
            forms |= {middle, middle.replace("+", "-").replace("/", "_")}
    return forms
