"""Where a failure says that it happened: places in source files, read out of messages and stack traces of any language.

Pure, and in time linear in the text, which is a stranger's. Says what is written; whether such a file exists is asked
elsewhere.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

_LINES: Final = 400
_WIDTH: Final = 500
FRAMES_LIMIT: Final = 40
_PYTHON: Final = re.compile(r'File "([^"]+)", line (\d{1,7})')
_DOTNET: Final = re.compile(r" in (\S[^:]*(?::[\\/][^:]*)?):line (\d{1,7})$")
_WORD: Final = re.compile(r"[^\s\"'`()<>|*?\[\],;]+")
_SUFFIX: Final = re.compile(r"\.[A-Za-z]\w{0,9}$")
_SCHEME: Final = re.compile(r"^(?:file://|webpack(?:-internal)?://[^/]*/)(?:\./)?")
_DRIVE: Final = re.compile(r"^[A-Za-z]:[\\/]")
_OF_JVM: Final = (".java", ".kt", ".groovy", ".scala")
_PARTS: Final = 40


class Frame(NamedTuple):
    """One place: parts of a path and a line, counted from 1."""

    parts: tuple[str, ...]
    line: int
    absolute: bool
    package: bool = False
    """Whether the folders are those of a package, below a source root that nobody names."""


def frames(text: str) -> list[Frame]:
    """Return the places that a text names, the one where it failed first; at most `FRAMES_LIMIT`."""
    found: list[Frame] = []
    for line in text.split("\n", _LINES)[:_LINES]:
        found += _of_line(line[:_WIDTH].rstrip())
    # Python tells its calls oldest first, everybody else newest first.
    if any(frame.parts[-1].endswith(".py") for frame in found):
        found.reverse()
    return list(dict.fromkeys(found))[:FRAMES_LIMIT]


def _of_line(line: str) -> Iterator[Frame]:
    if match := _PYTHON.search(line) or _DOTNET.search(line):
        yield from _frame(match[1], match[2])
        return
    before = ""
    for word in _WORD.findall(line):
        path, number = _placed(_SCHEME.sub("", word))
        if path:
            yield from _frame(path, number, before)
        before = word


def _placed(word: str) -> tuple[str, str]:
    """Return path and line of `path:12`, `path:12:5` and `path:12:in`; empty texts for any other word."""
    start = 2 if _DRIVE.match(word) else 0
    at = word.find(":", start)
    number = word[at + 1 :].partition(":")[0] if at > 0 else ""
    return (word[:at], number) if number.isascii() and number.isdigit() and _SUFFIX.search(word[:at]) else ("", "")


def _frame(path: str, number: str, before: str = "") -> Iterator[Frame]:
    """Give the place of a path; `before` is what stands before it, in traces of the JVM the method with its package."""
    absolute = path.startswith(("/", "\\")) or _DRIVE.match(path) is not None
    parts = tuple(part for part in _DRIVE.sub("", path).replace("\\", "/").split("/") if part not in ("", "."))
    line = int(number[:7])
    if not parts or ".." in parts or len(parts) > _PARTS or line < 1:
        return
    package = len(parts) == 1 and parts[0].endswith(_OF_JVM)
    if package:
        folders = before.rpartition("/")[2].split(".")[:-2]
        parts = (*folders, *parts) if all(folders) and len(folders) < _PARTS else parts
    yield Frame(parts, line, absolute, package)
