"""A shell script → its simple commands, with variables as references and what was assigned before put in their place.

Nothing is executed. Quotes decide what is a variable, so words are read here: `shlex` forgets the quotes. Bounded by
one pass over the text, nesting and the length of a value. Knows nothing of curl or Xray.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.migrate.step import Refs

_DEEPEST: Final = 10
_LONGEST: Final = 4_000
_MOST_SPENT: Final = 1_000_000
"""Characters that values of variables may add to a script."""
_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_BRACED: Final = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)(?:[:#%/^,-][^{}\n]{0,200})?\}")
_VARIABLE: Final = re.compile(r"\$(?:\{([A-Za-z_][A-Za-z0-9_]*)\}|([A-Za-z_][A-Za-z0-9_]*))")
_ASSIGNED: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=")
_BEFORE: Final = frozenset(
    {
        "if",
        "then",
        "else",
        "elif",
        "do",
        "while",
        "until",
        "!",
        "time",
        "sudo",
        "exec",
        "export",
        "local",
        "readonly",
        "declare",
        "{",
    }
)
"""Words that may stand before a command or an assignment."""


class ShellCommand(NamedTuple):
    """One simple command; its words are without quotes."""

    words: tuple[str, ...]
    line: int
    body: str = ""
    """Of its here-document."""


def commands(script: str, line: int, known: dict[str, str], refs: Refs) -> Iterator[ShellCommand]:
    """Yield every command of a script, those inside `$(…)` before the one around them.

    `script` may hold references already; `line` is that of its beginning. `known` has the values of variables and
    learns those that the script assigns; a `for` loop assigns all its words, one a line.
    """
    for command in _Lexer(script, line, known, refs).read():
        words = command.words
        while words and words[0] in _BEFORE:
            words = words[1:]
        if len(words) > 2 and words[0] == "for" and words[2] == "in":  # noqa: PLR2004  # for NAME in …
            known[words[1]] = "\n".join(words[3:])[:_LONGEST]
            continue
        while words and (found := _ASSIGNED.match(words[0])):
            value = words[0][found.end() :]
            known[found[1]] = value if len(value) <= _LONGEST else refs.computed()
            words = words[1:]
        if words:
            yield command._replace(words=words)


class _Lexer:
    """One pass over the text."""

    def __init__(self, text: str, line: int, known: dict[str, str], refs: Refs) -> None:
        self.text = text
        self.at = 0
        self.line = line
        self.known = known
        self.refs = refs
        self.depth = 0
        self.spent = 0
        self.heredocs: list[str] = []
        self.inner: list[ShellCommand] = []

    def read(self, until: str = "") -> Iterator[ShellCommand]:
        """Yield commands up to the end, or to the closing character, which is consumed."""
        words: list[str] = []
        word: list[str] | None = None
        begin = self.line
        while True:
            char = self.text[self.at : self.at + 1]
            if char and char not in " \t\n;&|()<>" and char != until and not (char == "#" and word is None):
                if not words and word is None:
                    begin = self.line
                word = [] if word is None else word
                word.append(self.piece(char))
                continue
            if word is not None:
                words.append("".join(word)[:_LONGEST])
                word = None
            self.at += 1
            if char in ("<", ">"):
                self.redirection(char)
            elif char == "#":
                self.at = self.line_end()
            elif char in ("\n", ";", "&", "|", "(", ")", "", until):
                body = self.new_line() if char == "\n" else ""
                yield from self.inner
                self.inner.clear()
                if words:
                    yield ShellCommand(tuple(words), begin, body)
                words = []
                if char in ("", until):
                    return

    def piece(self, char: str) -> str:
        """Read a quoted or unquoted piece of a word, or a reference."""
        self.at += 1
        if char == "\\":
            return self.escaped()
        if char == "'":
            return self.quoted()
        if char == '"':
            return self.double()
        if char in ("$", "`"):
            return self.dollar(char)
        return char

    def escaped(self) -> str:
        char = self.text[self.at : self.at + 1]
        self.at += 1
        if char == "\n":
            self.line += 1
            return ""
        if char == "\r" and self.text[self.at : self.at + 1] == "\n":
            return self.escaped()
        return char

    def quoted(self) -> str:
        end = self.text.find("'", self.at)
        end = len(self.text) if end < 0 else end
        piece = self.text[self.at : end]
        self.at = end + 1
        self.line += piece.count("\n")
        return piece

    def double(self) -> str:
        pieces: list[str] = []
        while (char := self.text[self.at : self.at + 1]) not in ('"', ""):
            self.at += 1
            if char == "\\":
                ahead = self.text[self.at : self.at + 1]
                pieces.append(self.escaped() if ahead in ('"', "\\", "$", "`", "\n") else char)
            elif char in ("$", "`"):
                pieces.append(self.dollar(char))
            else:
                self.line += char == "\n"
                pieces.append(char)
        self.at += 1
        return "".join(pieces)

    def dollar(self, char: str) -> str:
        ahead = self.text[self.at : self.at + 1]
        if char == "`" or ahead == "(":
            self.at += char == "$"
            return self.substitution("`" if char == "`" else ")")
        if ahead == "'":
            self.at += 1
            return self.quoted()
        if found := _BRACED.match(self.text, self.at) or _NAME.match(self.text, self.at):
            self.at = found.end()
            return self.expanded(found[1] if found.re is _BRACED else found[0])
        if ahead == "{":
            end = self.text.find("}", self.at, self.at + 300)
            self.at = end + 1 if end > 0 else self.at + 1
            return self.refs.computed()
        if ahead and ahead in "0123456789@*#?":
            self.at += 1
            return self.refs.computed()
        return "$"

    def substitution(self, closing: str) -> str:
        """Read the commands of `$(…)`; their output is unknown."""
        if self.depth < _DEEPEST:
            self.depth += 1
            around, self.inner = self.inner, []
            found = list(self.read(closing))
            self.inner = [*around, *found]
            self.depth -= 1
        return self.refs.computed()

    def redirection(self, char: str) -> None:
        """Skip the sign; remember a here-document, whose lines are no commands."""
        found = (
            re.compile(r"<-?[ \t]*['\"]?([A-Za-z_]\w{0,60})['\"]?").match(self.text, self.at) if char == "<" else None
        )
        if found is not None:
            self.at = found.end()
            self.heredocs.append(found[1])

    def new_line(self) -> str:
        """Go to the next line, beyond here-documents; returns the text of these."""
        self.line += 1
        rows = []
        for word in self.heredocs:
            while self.at < len(self.text):
                end = self.line_end()
                row = self.text[self.at : end].strip()
                self.at = end + 1
                self.line += 1
                if row == word:
                    break
                rows.append(_VARIABLE.sub(self._value, row))
        self.heredocs.clear()
        return "\n".join(rows)

    def _value(self, found: re.Match[str]) -> str:
        return self.expanded(found[1] or found[2])

    def expanded(self, name: str) -> str:
        """Return the value of a variable, or a reference to it; computed once all values together are too long."""
        value = self.known.get(name) or self.refs.variable(name)
        self.spent += len(value)
        return value if self.spent <= _MOST_SPENT else self.refs.computed()

    def line_end(self) -> int:
        end = self.text.find("\n", self.at)
        return len(self.text) if end < 0 else end
