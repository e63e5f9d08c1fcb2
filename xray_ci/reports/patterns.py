"""Glob patterns of report files. Knows text only: no file system, no formats.

`**` is any number of folders, `*`, `?` and `[a-z]` match inside one name, `{a,b}` is either. Both slashes separate.
"""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from operator import methodcaller
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

MAGIC: Final = re.compile(r"[*?\[{]")
_BRACES: Final = re.compile(r"\{([^{}]*,[^{}]*)\}")
_CHOICES: Final = 256
"""Patterns that one line with braces may become."""

Match = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Part:
    """One name of a path in a pattern."""

    text: str
    match: Match | None
    """None for a literal name and for `**`."""

    @property
    def any_depth(self) -> bool:
        """Say whether it is `**`."""
        return self.text == "**"

    @property
    def literal(self) -> bool:
        """Say whether it is a plain name."""
        return self.match is None and not self.any_depth

    def fits(self, name: str) -> bool:
        """Say whether a name of a file or folder fits; `**` fits none by itself."""
        return self.text == name if self.match is None else bool(self.match(name))


def expanded(pattern: str) -> tuple[str, ...]:
    """Return the patterns without braces that one with braces stands for."""
    done: list[str] = []
    waiting = [pattern]
    while waiting:
        current = waiting.pop(0)
        found = _BRACES.search(current)
        if found is None or len(waiting) + len(done) > _CHOICES:
            done.append(current)
            continue
        waiting += [current[:found.start()] + choice + current[found.end():] for choice in found[1].split(",")]
    return tuple(dict.fromkeys(done))


def parts(pattern: str) -> tuple[Part, ...]:
    """Split a pattern (with / only) into its parts; doubled separators and `.` do not count, nor does `**` after `**`."""
    made = [_part(text) for text in pattern.split("/") if text not in {"", "."}]
    return tuple(part for before, part in pairwise([None, *made])
                 if part is not None and not (before is not None and before.any_depth and part.any_depth))


def plain(texts: Iterable[str]) -> tuple[Part, ...]:
    """Return plain names as parts, whatever characters they have."""
    return tuple(Part(text, None) for text in texts)


def _part(text: str) -> Part:
    if text == "**" or not MAGIC.search(text):
        return Part(text, None)
    return Part(text, _matcher(text))


def _matcher(text: str) -> Match:
    # Called for every file of a workspace: both of these run without Python code of ours.
    if text.startswith("*") and not MAGIC.search(text[1:]):
        return methodcaller("endswith", text[1:])
    while "**" in text:  # inside a name it means no more than *
        text = text.replace("**", "*")
    return re.compile(fnmatch.translate(text)).match


def fits(pattern: str, path: str) -> bool:
    """Say whether a path fits a pattern as a whole; both slashes separate in the pattern, `/` alone in the path."""
    names = [name for name in path.split("/") if name not in {"", "."}]
    return any(_all_fit(parts(one), names) for one in expanded(pattern.replace("\\", "/")))


def _all_fit(wanted: tuple[Part, ...], names: list[str]) -> bool:
    # Every number of parts that may be used up so far: linear in the path, however many `**` there are.
    used = {0}
    for name in names:
        used = _open_ended(wanted, used)
        used = {at for at in used if at < len(wanted) and wanted[at].any_depth} | {
            at + 1 for at in used if at < len(wanted) and wanted[at].fits(name) and not wanted[at].any_depth}
    return len(wanted) in _open_ended(wanted, used)


def _open_ended(wanted: tuple[Part, ...], used: set[int]) -> set[int]:
    """Return the positions with those behind a `**` that stands for no folder."""
    return used | {at + 1 for at in used if at < len(wanted) and wanted[at].any_depth}
