"""Names of the files in a folder of Allure 2 results. Other files are looked into only to see whether they are results.

Patterns to the report files that they name, in a stable order. Knows where files lie.
"""

# ruff: noqa: PTH208 - paths are text where files are looked for
# ruff: noqa: PTH100, PTH112, PTH116, PTH206, PTH118, PTH119, PTH120 - paths are text here: pathlib costs ten times as much a file

from __future__ import annotations

import os
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from xray_ci.errors import ConfigurationError
from xray_ci.formats import is_allure, names
from xray_ci.model import Place, Problem, Severity
from xray_ci.patterns import lazy
from xray_ci.reports.detect import HEAD, look
from xray_ci.reports.globs import Rest, Walk, expanded, parts, plain
from xray_ci.safefiles import is_system, open_place, open_regular

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence


FORMAT: Final = "allure2-dir"
RESULT: Final = "-result.json"
CONTAINER: Final = "-container.json"
GLOBALS: Final = "-globals.json"
_LOOKED_INTO: Final = 20
"""Files of a folder that are looked into to see whether it is one of Allure."""
_ID: Final = r"[0-9A-Fa-f]{8}-?(?:[0-9A-Fa-f]{4}-?){3}[0-9A-Fa-f]{12}"
_RESULT: Final = lazy(rf"{_ID}-(?:result|container|globals)\.json")
_BELONGS: Final = lazy(
    rf"{_ID}-(?:result|container|globals|attachment)\b.*|(?:categories|executor|history|testrun)\.json|"
    r"environment\.(?:properties|xml)|.*-attachment\..*"
)


def is_result(name: str) -> bool:
    """Say whether a file is one of those that Allure writes for a result.

    Named by a random id, so that no other tool's is.
    """
    return _RESULT.fullmatch(name) is not None


def belongs(name: str) -> bool:
    """Say whether a file in a folder of results is part of that report.

    A result, an attachment, or what describes the run.
    """
    return _BELONGS.fullmatch(name) is not None


def is_folder(path: str) -> bool:
    """Say whether a folder holds results of Allure, by the names in it, or by what is in files named nearly so."""
    try:
        names = os.listdir(path)
    except OSError:
        return False
    if any(is_result(name) for name in names):
        return True
    ending = ".json" if "allure" in os.path.basename(path).lower() else RESULT
    alike = sorted(name for name in names if name.endswith(ending))[:_LOOKED_INTO]
    return any(holds_result(os.path.join(path, name)) for name in alike)


def holds_result(path: str) -> bool:
    """Say whether a file, whatever its name, is a result of Allure."""
    try:
        with open_regular(Path(path), links=False) as source:
            return is_allure(look(source.read(HEAD)))
    except OSError:
        return False


_DRIVE: Final = lazy(r"^[A-Za-z]:/")
_NUMBERS: Final = lazy(r"(\d+)")
_COMPANION: Final = lazy(r"(?:open-test-report|junit-platform-events).*\.xml")
"""What JUnit writes beside the reports of the build tool: the same results in another format."""
_MAIN: Final = lazy(r"TEST-.+\.xml")
_SONAR: Final = lazy(r"(?i).*sonar.*\.xml|(?:test[-_]report|ut[-_]report|test[-_]executions)\.xml")
"""What the writers of SonarQube's test executions call them by default; only those are looked into."""
_SONAR_ROOT: Final = lazy(rb"<(?:testExecutions|unitTest)[\s>]")
_ROOT_REACH: Final = 4_096


class FoundReport(Struct, frozen=True, kw_only=True):
    """A report file, and the format that its line of `reports` fixes (key or family), if it does."""

    place: Place
    format: str | None = None
    wide: bool = False
    """Whether only wildcards found it, so that nobody said that it is a report."""


class Discovery(Struct, frozen=True, kw_only=True):
    """What the patterns name."""

    files: tuple[FoundReport, ...]
    searched: tuple[str, ...]
    """For each pattern, in words: where it was looked for, how far that folder exists, and how many files were seen."""
    problems: tuple[Problem, ...] = ()


class _Line(Struct, frozen=True):
    """One pattern without braces."""

    text: str
    format: str | None
    base: str
    """Absolute folder below which the rest is matched: all plain names at the beginning of the pattern."""
    rest: Rest
    root: str
    """Resolved folder that no link on the way to a report may leave."""


def discover(
    patterns: Sequence[str],
    root: Path,
    *,
    default_format: str = "auto",
    temp: str | None = None,
    confined: bool = False,
) -> Discovery:
    """Return the files below `root`, or wherever a pattern points, that the lines of `reports` name, without doubles.

    A pattern names what it trusts: the workspace `root`, the runner's folder `temp`, else its own plain beginning. No
    link on the way from there to a report leaves that folder; what is behind one is left out with a notice. Links in
    the plain beginning of an absolute pattern are followed: whoever set it named them. `confined`: the patterns may be
    a stranger's, so none may name another folder than the workspace. Raises ConfigurationError for a pattern that does,
    or that stands for too many.

    `!pattern` excludes files, and folders with all that is in them, wherever the line stands. `FORMAT=pattern` fixes
    the format, of several such lines the first; `default_format` is that of all other lines. Sorted by path, numbers in
    names by value. Links to folders are followed only where a pattern names them, and `.git` is entered only there.
    """
    here = os.path.abspath(root)
    trusted = tuple(os.path.realpath(folder) for folder in (here, temp) if folder)
    texts = [text.strip() for text in patterns if text.strip()]
    includes = [
        line for text in texts if not text.startswith("!") for line in _lines(text, here, trusted, confined=confined)
    ]
    excludes = [
        (*plain(Path(line.base).parts[1:]), *line.rest)
        for text in texts
        if text.startswith("!")
        for line in _lines(text[1:].strip(), here, trusted, confined=confined)
    ]
    walked = _walked(includes, excludes)
    default = None if default_format == "auto" else default_format
    named = [
        *(
            (path, root, _fixed(includes, numbers) or default, _wide(includes, numbers))
            for (path, root), numbers in walked.hits.items()
        ),
        *((path, root, default, False) for path, root in (*walked.folders, *walked.alike) if is_folder(path)),
    ]
    found = (
        FoundReport(place=_place(path, here, root, walked.inner[path, root]), format=fixed, wide=wide)
        for path, root, fixed, wide in named
    )
    files = sorted(_together(found, here), key=_natural)
    companions = dict.fromkeys(_companions(files))
    return Discovery(
        files=tuple(_single([found for found in files if found not in companions])),
        problems=(
            *(_companion_problem(found) for found in companions),
            *(_folder_problem(path, here) for path, _ in walked.folders if not is_folder(path)),
            *(_closed_problem(path, here) for path in sorted(walked.closed)),
            *_some(walked.broken, here, _broken_problem, "reports-unreadable"),
            *_some(walked.outside, here, _outside_problem, "report-outside"),
        ),
        searched=tuple(_searched(line, here, walked.seen[line.base]) for line in includes),
    )


def named(patterns: Sequence[str], root: Path, *, setting: str) -> tuple[tuple[Place, ...], tuple[Problem, ...]]:
    """Return the files below `root` that the lines of another setting name, whatever they are; none is looked into.

    Links are those of reports: none leads out, and what is behind one is told. Raises ConfigurationError likewise.
    """
    here = os.path.abspath(root)
    trusted = (os.path.realpath(here),)
    lines = {
        sign: [
            line
            for text in patterns
            if text.startswith("!") is sign
            for line in _lines(text.removeprefix("!").strip(), here, trusted, confined=False, setting=setting)
        ]
        for sign in (False, True)
    }
    walked = _walked(lines[False], [(*plain(Path(line.base).parts[1:]), *line.rest) for line in lines[True]])
    found = (FoundReport(place=_place(path, here, inside, walked.inner[path, inside])) for path, inside in walked.hits)
    return (
        tuple(each.place for each in sorted(found, key=_natural)),
        (
            *(_closed_problem(path, here) for path in sorted(walked.closed)),
            *_some(walked.broken, here, _broken_problem, "reports-unreadable"),
            *_some(walked.outside, here, _outside_problem, "report-outside"),
        ),
    )


class _Walked:
    """What was met while looking for the files of all patterns."""

    def __init__(self) -> None:
        self.hits: dict[tuple[str, str], list[int]] = defaultdict(list)
        """Numbers of the patterns that match a path, by path and root."""
        self.inner: dict[tuple[str, str], tuple[str, ...]] = {}
        """Names from a root to a path."""
        self.seen: dict[str, int] = defaultdict(int)
        self.folders: list[tuple[str, str]] = []
        self.alike: list[tuple[str, str]] = []
        self.closed: set[str] = set()
        self.broken: dict[str, str] = {}
        self.outside: dict[str, str] = {}


def _walked(includes: Sequence[_Line], excludes: Sequence[Rest]) -> _Walked:
    walked = _Walked()
    by_base: dict[tuple[str, str], list[int]] = defaultdict(list)
    for number, line in enumerate(includes):
        by_base[line.base, line.root].append(number)
    for (base, root), numbers in by_base.items():
        real = os.path.realpath(base)
        if not _inside(real, root) or is_system(real):
            rest = "/".join(part.text for part in includes[numbers[0]].rest)
            walked.outside[base] = f"{real}/{rest}"
            continue
        walk, begun, length = Walk(excludes), Path(os.path.relpath(real, root)).parts, len(base.rstrip(os.sep)) + 1
        for path, matched in walk.below(base, [includes[number].rest for number in numbers], root):
            walked.hits[path, root] += [numbers[index] for index in matched]
            walked.inner[path, root] = (*begun, *path[length:].split(os.sep))
        for path in (*walk.folders, *walk.alike):
            walked.inner[path, root] = (*begun, *path[length:].split(os.sep))
        walked.seen[base] += walk.looked_at
        walked.folders += ((path, root) for path in walk.folders)
        walked.alike += ((path, root) for path in walk.alike)
        walked.closed.update(walk.closed)
        walked.broken |= walk.broken
        walked.outside |= walk.outside
    return walked


def _inside(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _place(path: str, here: str, root: str, inner: tuple[str, ...]) -> Place:
    return Place(path=Path(path), shown=_shown(path, here), root=root, inner=inner)


def _root(base: str, here: str, trusted: tuple[str, ...], *, absolute: bool) -> str:
    """Return the folder that a pattern trusts: one of those around it, else its own plain beginning."""
    real = os.path.realpath(base)
    if absolute:
        return next((folder for folder in trusted if _inside(real, folder)), real)
    written = os.path.normpath(os.path.join(trusted[0], os.path.relpath(base, here)))
    return next((folder for folder in trusted if _inside(written, folder)), written)


def _lines(
    text: str, here: str, trusted: tuple[str, ...], *, confined: bool, setting: str = "reports"
) -> Iterator[_Line]:
    name, equals, pattern = text.partition("=")
    fixed = name.strip().lower() if equals and name.strip().lower() in names() else None
    try:
        several = expanded((pattern if fixed else text).strip().replace("\\", "/"))
    except ValueError as error:
        raise ConfigurationError(
            f"`{text[:80]}`: {error}", where=setting, advice="Write several lines, or fewer choices in braces."
        ) from None
    for one in several:
        made = parts(one)
        # The last part is looked for, even when it is a plain name; the plain names before are where.
        length = next((index for index, part in enumerate(made[:-1]) if not part.literal), max(len(made) - 1, 0))
        start = os.sep if one.startswith("/") else "" if _DRIVE.match(one) else here
        base = os.path.normpath(os.path.join(start, *(part.text for part in made[:length])))
        if not made:  # a folder itself: `.` or `/`
            base, made, length = os.path.dirname(base), plain([os.path.basename(base)]), 0
        if confined and (start != here or ".." in one.split("/")):
            raise ConfigurationError(
                f"`{text[:80]}` leads out of the workspace, in a config file that was only found there",
                where="reports",
                slug="untrusted-setting",
                advice="A pull request could change it. Set `reports` by a flag or variable, or name the file.",
            )
        yield _Line(text, fixed, base, made[length:], _root(base, here, trusted, absolute=start != here))


def _fixed(includes: list[_Line], numbers: list[int]) -> str | None:
    return next((includes[number].format for number in sorted(numbers) if includes[number].format), None)


def _together(files: Iterator[FoundReport], here: str) -> Iterator[FoundReport]:
    """Give the files of a folder of Allure results as that folder: one of them alone is no report.

    A result under a name that Allure does not give stands for itself where it is the only one that was found there.
    """
    held = list(files)
    folders = {os.path.dirname(found.place.path) for found in held if is_result(found.place.path.name)}
    folders |= {str(found.place.path) for found in held if os.path.isdir(found.place.path)}
    renamed = _renamed(held)
    folders |= {folder for folder, paths in renamed.items() if len(paths) > 1}
    for found in held:
        path = str(found.place.path)
        folder = os.path.dirname(path)
        if path not in folders and not (
            folder in folders and (belongs(found.place.path.name) or path in renamed.get(folder, ()))
        ):
            yield found
    if not folders:
        return
    ways = {os.path.dirname(found.place.path): (found.place.root, found.place.inner[:-1]) for found in held}
    ways |= {str(found.place.path): (found.place.root, found.place.inner) for found in held}
    for path in folders:
        root, inner = ways[path]
        yield FoundReport(place=_place(path, here, root or path, inner), format=FORMAT)


def _wide(includes: list[_Line], numbers: list[int]) -> bool:
    return all(any(not part.literal for part in includes[number].rest) for number in numbers)


def _renamed(held: list[FoundReport]) -> dict[str, set[str]]:
    """Return by folder the files that are results of Allure under other names, where some of the first ones are."""
    alike: dict[str, list[str]] = defaultdict(list)
    for found in held:
        name = found.place.path.name
        if name.endswith(".json") and not belongs(name) and found.format in (None, FORMAT, "allure"):
            alike[os.path.dirname(found.place.path)].append(str(found.place.path))
    renamed: dict[str, set[str]] = {}
    for folder, paths in alike.items():
        if any(holds_result(path) for path in paths[:_LOOKED_INTO]):
            renamed[folder] = {path for path in paths if holds_result(path)}
    return renamed


def _companions(files: list[FoundReport]) -> list[FoundReport]:
    """Return the files that hold the results of others beside them, unless somebody says that they are to be read."""
    free = [one for one in files if one.format is None]
    found = [one for one in free if _COMPANION.fullmatch(one.place.path.name)]
    if found:
        folders = {one.place.path.parent for one in files if _MAIN.fullmatch(one.place.path.name)}
        found = [one for one in found if one.place.path.parent in folders]
    if sonar := {one for one in free if _SONAR.fullmatch(one.place.path.name) and _is_sonar(one.place)}:
        folders = {one.place.path.parent for one in files if one not in sonar}
        found += [one for one in files if one in sonar and not folders.isdisjoint(one.place.path.parents[:2])]
    return found


def _is_sonar(place: Place) -> bool:
    try:
        with open_place(place) as source:
            return _SONAR_ROOT.search(source.read(_ROOT_REACH)) is not None
    except OSError:  # reading says so
        return False


def _companion_problem(found: FoundReport) -> Problem:
    sonar = not _COMPANION.fullmatch(found.place.path.name)
    key = "sonar-xml" if sonar else "open-test-reporting"
    others = "reports beside it, for SonarQube and with less detail" if sonar else "`TEST-….xml` beside it"
    return Problem(
        severity=Severity.NOTICE,
        slug="companion-report",
        path=found.place.shown,
        cause=f"it is not read: it holds the results of the {others}{'' if sonar else ' in another format'}",
        advice=f"To read it instead, name it as `{key}={found.place.shown}` and leave the others out.",
    )


def _single(files: list[FoundReport]) -> Iterator[FoundReport]:
    """Leave out a file that is there under another name already, by a link: its results would count twice."""
    seen = set()
    for found in files:
        try:
            status = os.stat(found.place.path)
        except OSError:  # gone already: reading says so
            yield found
            continue
        if (identity := (status.st_dev, status.st_ino)) not in seen:
            seen.add(identity)
            yield found


def _shown(path: str, here: str) -> str:
    inner = os.path.relpath(path, here)
    shown = path if inner.startswith(os.pardir) else inner
    # Names that are no UTF-8 come as halves of surrogate pairs, which nothing can print.
    return _printable(shown.replace(os.sep, "/"))


def _natural(found: FoundReport) -> tuple[list[tuple[int, int, str]], str]:
    shown = found.place.shown
    return [
        (0, int(part), "") if part.isdecimal() and len(part) < 100 else (1, 0, part)  # noqa: PLR2004 - no quadratic int()
        for part in _NUMBERS.split(shown)
        if part
    ], shown


def _searched(line: _Line, here: str, seen: int) -> str:
    folder = _shown(line.base, here)
    where = "the workspace" if folder == "." else f"`{folder}`"
    if os.path.isdir(line.base):
        if not os.access(line.base, os.R_OK | os.X_OK):
            return f"`{line.text}`: this user may not read {where}"
        return f"`{line.text}`: {seen} {'file' if seen == 1 else 'files'} looked at in {where}"
    nearest = line.base
    while not os.path.isdir(nearest) and nearest != os.path.dirname(nearest):
        nearest = os.path.dirname(nearest)
    last = _shown(nearest, here)
    if not os.access(nearest, os.X_OK):
        return f"`{line.text}`: this user may not enter {'the workspace' if last == '.' else f'`{last}`'}"
    missing = os.path.relpath(line.base, nearest).split(os.sep)[0]
    has = f"{'the workspace' if last == '.' else f'`{last}`'} has no folder `{missing}`"
    return f"`{line.text}`: {has}{_alike(nearest, missing, here)}"


def _alike(folder: str, missing: str, here: str) -> str:
    """Return the folder that was probably meant, as the end of a message; empty where none is alike."""
    from difflib import get_close_matches  # noqa: PLC0415  # only a mistake pays

    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry, _ in zip(entries, range(_MOST_NAMES), strict=False) if entry.is_dir()]
    except OSError:
        return ""
    close = get_close_matches(missing, names, 1)
    return f" (it has `{_shown(os.path.join(folder, close[0]), here)}`)" if close else ""


def _folder_problem(path: str, here: str) -> Problem:
    shown = _shown(path, here)
    return Problem(
        severity=Severity.ERROR,
        slug="report-is-a-folder",
        cause="it is a folder",
        path=shown,
        advice=f"Say which files in it: `{shown}/**/*.xml`.",
    )


_MOST_NAMES: Final = 1000
"""Of folders that are looked at for one that was probably meant."""
_PROBLEMS: Final = 20
"""Paths of one kind that are named one by one; more are only counted."""


def _some(paths: Mapping[str, str], here: str, problem: Callable[[str, str], Problem], slug: str) -> Iterator[Problem]:
    for path in sorted(paths)[:_PROBLEMS]:
        yield problem(_shown(path, here), paths[path])
    if len(paths) > _PROBLEMS:
        yield Problem(severity=Severity.NOTICE, slug=slug, cause=f"{len(paths) - _PROBLEMS} more paths are left out")


def _broken_problem(shown: str, why: str) -> Problem:
    return Problem(
        severity=Severity.NOTICE,
        slug="reports-unreadable",
        cause=f"it cannot be looked at ({why}) and is left out",
        path=shown,
        advice="Remove it, or exclude it with `!`; all other reports are read.",
    )


def _outside_problem(shown: str, target: str) -> Problem:
    # A folder that a pattern begins with comes with the rest of that pattern.
    rest = "/**/*.xml" if os.path.isdir(target) else ""
    while not os.path.lexists(target) and target != os.path.dirname(target):
        target, rest = os.path.dirname(target), f"/{os.path.basename(target)}{rest}"
    if is_system(target):
        return Problem(
            severity=Severity.NOTICE,
            slug="report-outside",
            cause=f"it leads to {_printable(target)}; nothing in /proc, /sys or /dev is a report. Whoever put it "
            f"there may "
            "want to read the job's secrets",
            path=shown,
        )
    return Problem(
        severity=Severity.NOTICE,
        slug="report-outside",
        cause=f"it is a link that leads out of the folder where reports are looked for, to {_printable(target)}, and "
        f"is "
        f"left out; if it is yours, name where it leads: `$(readlink -f {shown}){rest}`",
        path=shown,
    )


def _printable(path: str) -> str:
    return path if path.isascii() else path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _closed_problem(path: str, here: str) -> Problem:
    return Problem(
        severity=Severity.NOTICE,
        slug="closed-folder",
        cause="this user may not list the folder; reports in it are not found",
        path=_shown(path, here),
        advice="Run as the owner of the workspace, or exclude the folder with `!`.",
    )
