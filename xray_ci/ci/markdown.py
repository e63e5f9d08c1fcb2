"""Strangers' text put into Markdown so that it stays text: no columns, links, images, mentions or HTML of its own.

Pure. Knows GitHub's Markdown; knows nothing of results.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from xray_ci.ci.text import one_line

if TYPE_CHECKING:
    from collections.abc import Iterable

_MARKUP: Final = re.compile(r"[!-+/:-@\[-`{-~]|(?<=[Ww]{3})\.")
"""ASCII punctuation but `, - .`, and the dot that makes an address of `www.`. As a character reference none of it can
structure anything: neither inline, nor as the end of a table's cell (CommonMark 2.5, GFM tables)."""
_MENTION: Final = re.compile(r"(&#64;)(?=\w)")


def inline(text: str, limit: int = 200) -> str:
    """Return any text as one line of plain Markdown text; at most `limit` characters of it."""
    escaped = _MARKUP.sub(lambda found: f"&#{ord(found[0])};", one_line(text, limit))
    # GitHub looks for mentions after Markdown is done: only an invisible character keeps a name from being called.
    return _MENTION.sub("\\1\u200b", escaped)


def code(text: str, limit: int = 200) -> str:
    """Return any text as code that can stand in a table, where backticks cannot hold everything."""
    return f"<code>{inline(text, limit)}</code>" if text.strip() else ""


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
    return [row(title for title, _ in columns), row("--:" if numbers else "---" for _, numbers in columns), *map(row, rows)]
