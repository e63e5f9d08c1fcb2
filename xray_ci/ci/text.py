"""Strangers' text made harmless: in a log, where it could command a runner, and in Markdown, where it could be markup.

A log gets nothing that fools a terminal or a reader's eye, a page no columns, links, images, mentions or HTML.

Pure. Knows how runners look for commands, and GitHub's Markdown; knows nothing of streams, secrets or results.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable


_ANSI: Final = lazy("(?:\x1b\\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\\][^\x07\x1b\n]*(?:\x07|\x1b\\\\)")
_JOINING: Final = "\u200c\u200d\ufe00-\ufe0f"
"""Invisible, yet part of ordinary words and emoji: left alone, but never believed to separate anything."""
_INVISIBLE: Final = (
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\ufffb\U000e0000-\U000e0fff"
)
"""What Unicode calls default ignorable (bidirectional overrides among it)."""
_STRANGE: Final = lazy(f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{_INVISIBLE}]")
_COMMAND: Final = lazy(rf"^((?:[^\S\n]|[{_JOINING}])*:)(?=[{_JOINING}]*:)", re.MULTILINE)
_LIKE_COMMAND: Final = lazy(r"(?<![\w)>\]]):(?=:[A-Za-z])")
"""The same further on in a line: no runner takes it there, yet a line may be cut or wrapped by whoever passes it on.
The `::` of C++ and Rust names stays."""
_HASH_COMMAND: Final = lazy(rf"#(?=[{_JOINING}]*#[\w.{_JOINING}-]*\[)")


def clean(text: str) -> str:
    r"""Return the text in lines that end in line feeds, without control characters but tabs, and without tricks.

    Colour sequences and control characters vanish. Characters that show nothing but move, hide or break what is around
    them (bidirectional overrides, zero-width, line separators, lone surrogates) are shown as `\u202e`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return _STRANGE.sub(_shown, _ANSI.sub("", text))


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0xA0 and code != 0x85:  # noqa: PLR2004 - the control characters, but for the next-line one
        return ""
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"  # noqa: PLR2004 - the basic plane


def harmless(text: str) -> str:
    """Return cleaned text in which no runner finds a command.

    GitHub takes `::name::` at the start of a line after any blanks, and `##[name]` anywhere in it, and compares without
    looking at invisible characters; Azure takes `##vso[` and `##[` anywhere, TeamCity `##teamcity[` (O: their sources).
    A backslash, being visible, breaks what a zero-width space would not.
    """
    return _HASH_COMMAND.sub(r"#\\", _LIKE_COMMAND.sub(r":\\", _COMMAND.sub(r"\1\\", text)))


def one_line(text: str, limit: int) -> str:
    """Return cleaned text as one line of at most `limit` characters, blanks in a row as one."""
    head = text[: limit * 20]  # a failure's output can be long, and most of it would be cleaned for nothing
    return cut(" ".join(clean(head).split()) + ("…" if len(head) < len(text) else ""), limit)


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters; what is cut ends in `…`. Redact before, never after."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


_MARKUP: Final = lazy(r"[!-+/:-@\[-`{-~]|(?<=[Ww]{3})\.")
"""ASCII punctuation but `, - .`, and the dot that makes an address of `www.`. As a character reference none of it can
structure anything: neither inline, nor as the end of a table's cell (CommonMark 2.5, GFM tables)."""
_MENTION: Final = lazy(r"(&#64;)(?=\w)")


def inline(text: str, limit: int = 200) -> str:
    """Return any text as one line of plain Markdown text; at most `limit` characters of it."""
    escaped = _MARKUP.sub(lambda found: f"&#{ord(found[0])};", one_line(text, limit))
    # GitHub looks for mentions after Markdown is done: only an invisible character keeps a name from being called.
    return _MENTION.sub("\\1\u200b", escaped)


def code(text: str, limit: int = 200) -> str:
    """Return any text as code that can stand in a table, where backticks cannot hold everything."""
    return f"<code>{inline(text, limit)}</code>" if text.strip() else ""


def verbatim(text: str) -> str:
    """Return any text as it is, its lines kept, for between `<pre>` and `</pre>` on one line of Markdown."""
    lines = clean(text).replace("\t", "    ").strip("\n").split("\n")
    return "&#10;".join(
        f"{' ' * (len(line) - len(line.lstrip(' ')))}{inline(line, len(line) + 1)}" for line in map(str.rstrip, lines)
    )


def link(text: str, url: str | None) -> str:
    """Return a link where the address is one of the web; else only its text."""
    shown = inline(text)
    if not url or urlsplit(url).scheme not in {"http", "https"}:
        return shown
    return f"[{shown}](<{quote(url, safe='%/:=&?~#+!$,;@._-', errors='replace')}>)"


def row(cells: Iterable[str]) -> str:
    """Return a row of a table; cells are finished Markdown."""
    return f"| {' | '.join(cells)} |"


def table(columns: tuple[tuple[str, bool], ...], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table; a column is its title and whether it holds numbers."""
    return [
        row(title for title, _ in columns),
        row("--:" if numbers else "---" for _, numbers in columns),
        *map(row, rows),
    ]
