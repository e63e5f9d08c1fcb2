"""Glob patterns of report files, and walking folders with those that can still match in each.

`**` is any number of folders, `*`, `?` and `[a-z]` match inside one name, `{a,b}` is either. Both slashes separate.

Knows patterns and the file system; knows no format of reports.
"""

# ruff: noqa: PTH116, PTH118 - paths are text here: pathlib costs ten times as much a file

from __future__ import annotations

import fnmatch
import os
import re
import stat
from collections.abc import Callable
from itertools import pairwise
from operator import methodcaller
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from xray_ci.errors import exhausted
from xray_ci.patterns import lazy

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


MAGIC: Final = lazy(r"[*?\[{]")
_BRACES: Final = lazy(r"\{([^{}]*,[^{}]*)\}")
CHOICES_LIMIT: Final = 256
"""Patterns that one with braces may stand for."""
_EXPANDED: Final = 262_144
"""Characters of all of them."""
"""Patterns that one line with braces may become."""

Match = Callable[[str], object]


class PatternPart(Struct, frozen=True):
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
    """Return the patterns without braces that one with braces stands for.

    Raises ValueError when there are more than `CHOICES_LIMIT`, or when they are long together.
    """
    waiting = {pattern: None}
    while any(_BRACES.search(one) for one in waiting):
        longer: dict[str, None] = {}
        size = 0
        for one in waiting:
            found = _BRACES.search(one)
            choices = [one] if found is None else found[1].split(",")
            size += sum(map(len, choices)) + len(one) * len(choices)
            if len(longer) + len(choices) > CHOICES_LIMIT or size > _EXPANDED:
                raise ValueError(f"its braces stand for more than {CHOICES_LIMIT} patterns")
            for choice in choices:
                longer[one if found is None else one[: found.start()] + choice + one[found.end() :]] = None
        waiting = longer
    return tuple(waiting)


def parts(pattern: str) -> tuple[PatternPart, ...]:
    """Split a pattern (with / only) into its parts.

    Doubled separators and `.` do not count, nor does `**` after `**`.
    """
    made = [_part(text) for text in pattern.split("/") if text not in {"", "."}]
    return tuple(
        part
        for before, part in pairwise([None, *made])
        if part is not None and not (before is not None and before.any_depth and part.any_depth)
    )


def plain(texts: Iterable[str]) -> tuple[PatternPart, ...]:
    """Return plain names as parts, whatever characters they have."""
    return tuple(PatternPart(text, None) for text in texts)


def _part(text: str) -> PatternPart:
    if text == "**" or not MAGIC.search(text):
        return PatternPart(text, None)
    return PatternPart(text, _matcher(text))


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
    try:
        wanted = expanded(pattern.replace("\\", "/"))
    except ValueError:  # settings refuse such a pattern
        return False
    return any(_all_fit(parts(one), names) for one in wanted)


def _all_fit(wanted: tuple[PatternPart, ...], names: list[str]) -> bool:
    # Every number of parts that may be used up so far: linear in the path, however many `**` there are.
    used = {0}
    for name in names:
        used = _open_ended(wanted, used)
        used = {at for at in used if at < len(wanted) and wanted[at].any_depth} | {
            at + 1 for at in used if at < len(wanted) and wanted[at].fits(name) and not wanted[at].any_depth
        }
    return len(wanted) in _open_ended(wanted, used)


def _open_ended(wanted: tuple[PatternPart, ...], used: set[int]) -> set[int]:
    """Return the positions with those behind a `**` that stands for no folder."""
    return used | {at + 1 for at in used if at < len(wanted) and wanted[at].any_depth}


Rest = tuple[PatternPart, ...]
State = tuple[int, Rest]
"""The number of a pattern, and what of it is still to be matched; never empty."""

_NEVER: Final = frozenset({".git"})
"""Folders that `**` does not enter."""


class _Level(Struct, frozen=True):
    """What the patterns that reach a folder want of it."""

    files: tuple[tuple[int, PatternPart], ...]
    """Patterns whose last part is due."""
    steps: tuple[tuple[int, PatternPart, Rest], ...]
    """Patterns of which a folder that fits the part leads on to the rest."""
    depths: tuple[State, ...]
    """Patterns at `**`: they stay as they are in every folder."""
    names: tuple[str, ...] | None
    """All names that matter when only plain names do, so that the folder need not be listed."""

    @property
    def wanted(self) -> Callable[[str], object]:
        """Return the fastest way to ask `takes`."""
        matchers = [part.match or part.text.__eq__ for _, part in self.files]
        if len(matchers) == 1 and not self.files[0][1].any_depth:
            return matchers[0]
        if any(part.any_depth for _, part in self.files):
            return self.takes

        def wanted(name: str) -> bool:
            for match in matchers:  # a loop: `any` with a generator costs three times as much  # noqa: SIM110
                if match(name):
                    return True
            return False

        return wanted

    def inside(self, name: str) -> tuple[State, ...]:
        """Return what is still to be matched in a folder of that name."""
        stay = () if name in _NEVER else self.depths
        if not self.steps:
            return stay
        return tuple(dict.fromkeys((*stay, *((number, rest) for number, part, rest in self.steps if part.fits(name)))))

    def takes(self, name: str) -> bool:
        """Say whether a file of that name is matched."""
        return any(part.any_depth or part.fits(name) for _, part in self.files)

    def takes_all_in(self, name: str) -> bool:
        """Say whether a folder of that name is matched, or everything in it."""
        return self.takes(name) or any(
            len(rest) == 1 and rest[0].any_depth and part.fits(name) for _, part, rest in self.steps
        )


_NOTHING: Final = _Level((), (), (), ())


class Walk:
    """One walk below several folders; `excludes` are whole patterns from the root of the file system on."""

    def __init__(self, excludes: Sequence[Rest]) -> None:
        self._excludes = tuple(enumerate(excludes))
        self._levels: dict[tuple[State, ...], _Level] = {(): _NOTHING}
        self.looked_at = 0
        """Files that were seen."""
        self.folders: list[str] = []
        """Folders that a pattern names like a file."""
        self.alike: list[str] = []
        """Folders whose names fit the end of a pattern: perhaps reports of several files."""
        self.closed: list[str] = []
        """Folders that this user may not list."""
        self.broken: dict[str, str] = {}
        """Paths that the system cannot look at, and why."""
        self.outside: dict[str, str] = {}
        """Links that lead out of the root, and where to; nothing behind them is found."""

    def below(self, base: str, rests: Iterable[Rest], root: str) -> Iterator[tuple[str, list[int]]]:
        """Yield each file below an absolute folder that patterns match, with the numbers of these patterns.

        `root` is the resolved folder that no link below `base` may leave.
        """
        excluded: tuple[State, ...] = self._excludes
        for name in Path(base).parts[1:]:
            if self._level(excluded).takes_all_in(name):
                return
            excluded = self._level(excluded).inside(name)
        waiting = [(base, tuple(enumerate(rests)), excluded)]
        while waiting:
            folder, states, excluded = waiting.pop()
            level, without = self._level(states), self._level(excluded)
            follow, wanted = level.names is not None, level.wanted
            for entry in self._listed(folder) if level.names is None else _picked(folder, level.names):
                name = entry.name
                try:
                    if entry.is_dir(follow_symlinks=follow):
                        if not (excluded and without.takes_all_in(name)) and self._may_enter(entry, root):
                            self._enter(entry, level, without, waiting)
                        continue
                    self.looked_at += 1
                    if (
                        wanted(name)
                        and not (excluded and without.takes(name))
                        and entry.is_file()
                        and self._may_enter(entry, root)
                    ):
                        yield entry.path, [number for number, part in level.files if part.any_depth or part.fits(name)]
                except OSError as error:  # of this entry: all others are looked at
                    self._break(entry.path, error)

    def _enter(
        self,
        entry: os.DirEntry[str] | _Picked,
        level: _Level,
        without: _Level,
        waiting: list[tuple[str, tuple[State, ...], tuple[State, ...]]],
    ) -> None:
        """Note a folder that has to be looked into, or that a pattern names like a file."""
        name = entry.name
        if inner := level.inside(name):
            waiting.append((entry.path, inner, without.inside(name)))
        if any(part.literal and part.text == name for _, part in level.files):
            self.folders.append(entry.path)
            return
        if any(not part.any_depth and part.fits(name) for _, part in level.files):
            self.alike.append(entry.path)

    def _may_enter(self, entry: os.DirEntry[str] | _Picked, root: str) -> bool:
        return not entry.is_symlink() or not self._leads_out(entry.path, root)

    def _leads_out(self, path: str, root: str) -> bool:
        target = os.path.realpath(path)
        if target == root or target.startswith(root.rstrip(os.sep) + os.sep):
            return False
        self.outside[path] = target
        return True

    def _break(self, path: str, error: OSError) -> None:
        if (failure := exhausted(error, path)) is not None:
            raise failure from error
        self.broken[path] = error.strerror or str(error)

    def _listed(self, folder: str) -> list[os.DirEntry[str]]:
        try:
            with os.scandir(folder) as entries:
                return list(entries)
        except PermissionError:
            self.closed.append(folder)
        except (FileNotFoundError, NotADirectoryError):  # nothing of it can be found
            pass
        except OSError as error:
            self._break(folder, error)
        return []

    def _level(self, states: tuple[State, ...]) -> _Level:
        found = self._levels.get(states)
        if found is None:
            found = self._levels[states] = _level(states)
        return found


def _level(states: tuple[State, ...]) -> _Level:
    # `**` also stands for no folder at all: what follows it is due here too.
    due = dict.fromkeys(states)
    for number, rest in states:
        if rest[0].any_depth and len(rest) > 1:
            due[number, rest[1:]] = None
    plain = all(rest[0].literal for _, rest in due)
    return _Level(
        files=tuple((number, rest[0]) for number, rest in due if len(rest) == 1),
        steps=tuple((number, rest[0], rest[1:]) for number, rest in due if len(rest) > 1 and not rest[0].any_depth),
        depths=tuple((number, rest) for number, rest in due if rest[0].any_depth),
        names=tuple(dict.fromkeys(rest[0].text for _, rest in due)) if plain else None,
    )


class _Picked(Struct, frozen=True):
    """A file or folder that was asked for by name; looks like an entry of `os.scandir`."""

    name: str
    path: str

    def is_dir(self, *, follow_symlinks: bool = True) -> bool:
        return self._kind(stat.S_ISDIR, follow_symlinks=follow_symlinks)

    def is_file(self) -> bool:
        return self._kind(stat.S_ISREG, follow_symlinks=True)

    def is_symlink(self) -> bool:
        return self._kind(stat.S_ISLNK, follow_symlinks=False)

    def _kind(self, kind: Callable[[int], bool], *, follow_symlinks: bool) -> bool:
        try:
            return kind(os.stat(self.path, follow_symlinks=follow_symlinks).st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False


def _picked(folder: str, names: Iterable[str]) -> list[_Picked]:
    paths = ((name, os.path.join(folder, name)) for name in names)
    return [_Picked(name, path) for name, path in paths if os.path.lexists(path)]
