"""Values that hold references: an expression, a variable or a credential inside a text stands there as one character.

So a text can be cut, searched and decoded like any other, and a printer writes each reference in the way its pipeline reads it.
The characters are those of a private plane; what an input has of them itself is replaced. Knows nothing of settings.
"""

from __future__ import annotations

import enum
import re
from typing import Final, NamedTuple

from xray_ci.ci.text import clean, harmless

_FIRST: Final = 0xF0000
_MOST: Final = 10_000
_PLACE: Final = re.compile("[\U000f0000-\U000ffffd]")
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_GROOVY: Final = re.compile(r"[A-Za-z_][\w.]{0,99}", re.ASCII)
_EXPRESSION: Final = re.compile(r"[^{}\n]{1,200}")
_GITHUB: Final = re.compile(r"\$\{\{([^{}\n]{0,200})\}\}")


class RefKind(enum.Enum):
    """What a reference is; the value is the word in a reason."""

    EXPRESSION = "an expression of GitHub"
    VARIABLE = "a variable"
    GROOVY = "an expression of Groovy"
    CREDENTIAL = "a credential of Jenkins"
    COMPUTED = "computed while the old step runs"


class Ref(NamedTuple):
    """One reference."""

    kind: RefKind
    name: str


class Refs:
    """The references of one run and their characters."""

    def __init__(self) -> None:
        self._all: list[Ref] = []
        self._places: dict[Ref, str] = {}

    def variable(self, name: str) -> str:
        """Return the character of a shell or CI variable; a positional or special one is computed."""
        return self._add(RefKind.VARIABLE if _NAME.fullmatch(name) else RefKind.COMPUTED, name)

    def groovy(self, code: str) -> str:
        """Return the character of an expression in a Groovy string; only names and their members are kept."""
        if code.startswith("env.") and _NAME.fullmatch(code[4:]):
            return self.variable(code[4:])
        return self._add(RefKind.GROOVY if _GROOVY.fullmatch(code) else RefKind.COMPUTED, code)

    def credential(self, name: str) -> str:
        """Return the character of Jenkins's `credentials('…')`."""
        return self._add(RefKind.CREDENTIAL if re.fullmatch(r"[\w.-]{1,100}", name, re.ASCII) else RefKind.COMPUTED, name)

    def expression(self, code: str) -> str:
        """Return the character of GitHub's `${{ … }}`."""
        quiet = harmless(clean(code)) == code
        return self._add(RefKind.EXPRESSION if quiet and _EXPRESSION.fullmatch(code) else RefKind.COMPUTED, code.strip())

    def computed(self) -> str:
        """Return the character of what only the old step's own run would know."""
        return self._add(RefKind.COMPUTED, "")

    def expressions(self, text: str) -> str:
        """Return a text of a workflow with its `${{ … }}` as references."""
        return _GITHUB.sub(lambda found: self.expression(found[1]), self.clean(text))

    @staticmethod
    def clean(text: str) -> str:
        """Return a text of the input without characters that would be taken for references."""
        return _PLACE.sub("\ufffd", text)

    def split(self, text: str) -> list[str | Ref]:
        """Return a text as its literal parts and its references."""
        parts: list[str | Ref] = []
        end = 0
        for found in _PLACE.finditer(text):
            if found.start() > end:
                parts.append(text[end:found.start()])
            parts.append(self._all[ord(found[0]) - _FIRST])
            end = found.end()
        return [*parts, text[end:]] if end < len(text) else parts

    def place(self, ref: Ref) -> str:
        """Return the character of a reference that is known."""
        return self._places[ref]

    def inside(self, text: str) -> tuple[Ref, ...]:
        """Return the references of a text, in order."""
        return tuple(part for part in self.split(text) if isinstance(part, Ref))

    def alone(self, text: str) -> Ref | None:
        """Return the reference that a text is, None when it is or holds anything else."""
        parts = self.split(text.strip())
        return parts[0] if len(parts) == 1 and isinstance(parts[0], Ref) else None

    def _add(self, kind: RefKind, name: str) -> str:
        ref = Ref(kind, "" if kind is RefKind.COMPUTED else name)
        if ref not in self._places:
            if len(self._all) >= _MOST:
                return self.computed() if Ref(RefKind.COMPUTED, "") in self._places else "\ufffd"
            self._places[ref] = chr(_FIRST + len(self._all))
            self._all.append(ref)
        return self._places[ref]
