"""A Jenkinsfile → its tokens: strings with their expressions as references, words and signs; comments are gone.

Nothing is executed; each pattern takes every character once. Knows nothing of Jenkins's steps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from xray_ci.migrate.refs import Refs

_TOKEN: Final = re.compile(r"""
    (?P<space>[ \t\r\f]+) | (?P<line>\n)
  | (?P<comment>//[^\n]* | /\*(?:[^*]|\*(?!/))*(?:\*/)?)
  | (?P<string>'''(?:[^\\']|\\.|'(?!''))*(?:''')? | \"\"\"(?:[^\\"]|\\.|"(?!""))*(?:\"\"\")? | '(?:[^\\'\n]|\\.)*'? | "(?:[^\\"\n]|\\.)*"?)
  | (?P<word>[A-Za-z0-9_$][\w.$]*)
  | (?P<sign>.)
""", re.VERBOSE | re.DOTALL)
_IN_DOUBLE: Final = re.compile(r"\\(?P<escaped>.)|\$\{(?P<code>[^{}\n]{0,200})\}|\$(?P<name>[A-Za-z_][\w.]{0,100})", re.DOTALL)
_IN_SINGLE: Final = re.compile(r"\\(?P<escaped>.)", re.DOTALL)
_MOST_PIECES: Final = 200
"""Of one concatenation."""
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "\n": ""}


class Token(NamedTuple):
    """A string (its text), a word or a sign."""

    kind: str
    text: str
    line: int


def tokens(text: str, refs: Refs) -> list[Token]:
    """Return the tokens of a Jenkinsfile, or of anything: what is no Groovy gives signs."""
    found = []
    line = 1
    for match in _TOKEN.finditer(refs.clean(text)):
        kind = match.lastgroup or ""
        if kind in ("string", "word", "sign"):
            found.append(Token(kind, _string(match[0], refs) if kind == "string" else match[0], line))
        line += match[0].count("\n")
    return found


def _string(written: str, refs: Refs) -> str:
    size = 3 if written[:3] in ("'''", '"""') else 1
    mark = written[:size]
    inner = written[size:-size] if written.endswith(mark) and len(written) >= 2 * size else written[size:]

    def piece(found: re.Match[str]) -> str:
        if (escaped := found["escaped"]) is not None:
            return _ESCAPES.get(escaped, escaped)
        return refs.groovy((found["code"] if found["code"] is not None else found["name"]).strip())

    return (_IN_DOUBLE if mark[0] == '"' else _IN_SINGLE).sub(piece, inner)


def value(found: Sequence[Token], at: int, known: dict[str, str], refs: Refs) -> tuple[str, int]:
    """Return the text of the expression that begins at a token, and where what follows it begins."""
    pieces: list[str] = []
    while at < len(found) and found[at].kind != "sign" and len(pieces) < _MOST_PIECES:
        token = found[at]
        at += 1
        if token.kind == "string":
            pieces.append("".join(_resolved(token.text, known, refs)))
        elif token.text == "credentials" and at + 1 < len(found) and found[at].text == "(":
            pieces.append(refs.credential(found[at + 1].text))
            at += 3
        elif at < len(found) and found[at].text in ("(", "["):
            return refs.computed(), at
        else:
            name = token.text.removeprefix("env.")
            pieces.append(known.get(name) or (token.text if token.text in ("true", "false") or token.text[0].isdigit()
                                              else refs.groovy(token.text)))
        if at >= len(found) or found[at].text != "+":
            break
        at += 1
    text = "".join(pieces)
    return (text if len(text) <= 10_000 else refs.computed()), at  # noqa: PLR2004  # no value of a pipeline is longer


def _resolved(text: str, known: dict[str, str], refs: Refs) -> Iterator[str]:
    for part in refs.split(text):
        if isinstance(part, str):
            yield part
        else:
            place = refs.place(part)
            yield known.get(part.name, place) if len(text) <= 10_000 else place  # noqa: PLR2004  # as above
