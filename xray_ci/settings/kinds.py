"""One function a kind: what was written → a value of its type, or what is wrong with it.

Knows nothing of other settings.

A value is shown in an error only where it cannot be or hold a secret: never of secret kinds, never of URLs and headers.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from xray_ci.patterns import lazy
from xray_ci.secret import Secret
from xray_ci.settings import texts
from xray_ci.settings import texts as urls
from xray_ci.settings.problems import WrongValueError, nearest, shown
from xray_ci.settings.table import PREVIOUS, SCOPES, Kind, Row
from xray_ci.settings.texts import SCOPE_PLACEHOLDERS, check, names
from xray_ci.settings.values import MappingRules

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from xray_ci.settings.problems import Raw

_SIZE: Final = lazy(r"([0-9]{1,15})(?:\.([0-9]{1,9}))?\s*([a-z]{0,3})")
_UNITS: Final = {"": 1, "b": 1, "kb": 1000, "mb": 1000**2, "gb": 1000**3, "kib": 1024, "mib": 1024**2, "gib": 1024**3}
_SECONDS: Final = lazy(r"[0-9]{1,9}(\.[0-9]{1,6})?")
_NUMBER: Final = lazy(r"[0-9]{1,9}")
_PAGE: Final = lazy(r"[0-9]{1,20}")
_MATRIX_KEY: Final = lazy(r"[A-Za-z_][A-Za-z0-9_-]{0,99}")
_LONGEST_CONTEXT: Final = 131_072
"""Characters; no variable of Linux is longer."""
_SURROGATE: Final = lazy("[\ud800-\udfff]")
_LONGEST_TIME: Final = 86_400
_CANNOT_RESOLVE: Final = 1921
"""How Windows says that links lead in a circle."""


class ValueContext(NamedTuple):
    """What a value can depend on besides its text."""

    workspace: Path
    temp: tuple[Path, ...]
    """Temp folders of the runner."""
    env: Mapping[str, str]


def parse(row: Row, raw: Raw, around: ValueContext) -> Any:
    """Return the value of a setting as `Settings` holds it; raises WrongValueError."""
    if not _is_unicode(raw):
        raise WrongValueError("It is not UTF-8")
    return _PARSERS[row.kind](row, raw, around)


def _is_unicode(raw: Raw) -> bool:
    """Say whether a variable or flag was decoded without loss; Python keeps other bytes as lone surrogates."""
    texts = (raw.value,) if isinstance(raw.value, str) else raw.value if isinstance(raw.value, tuple) else ()
    return all(text.isascii() or not _SURROGATE.search(text) for text in texts)


def empty(row: Row) -> Any:
    """Return what `Settings` holds when nothing was said and there is no default."""
    if row.kind is Kind.STATUSES:
        return {}
    if row.kind is Kind.MAPPING:
        return MappingRules()
    if row.kind is Kind.CHOICES:
        return frozenset()
    listed = row.kind in _LISTED
    return () if listed else None


def choice(row: Row, text: str) -> str:
    """Return the one of a row's choices that a text names, by itself or an accepted name; any case."""
    word = dict(row.also).get(text.lower(), text.lower())
    if word in row.choices:
        return word
    near = nearest(text, [*row.choices, *dict(row.also)])
    raise WrongValueError(
        f"{shown(text)} is none of {', '.join(row.choices)}", f"Did you mean `{near}`?" if near else ""
    )


def _choice(row: Row, raw: Raw, _: ValueContext) -> str:
    return choice(row, raw.text())


def _choices(row: Row, raw: Raw, _: ValueContext) -> frozenset[str]:
    words = raw.lines()
    return frozenset() if words == ("none",) else frozenset(choice(row, word) for word in words)


def _text(_: Row, raw: Raw, __: ValueContext) -> str:
    return texts.one_line(raw.text())


def _issue_key(_: Row, raw: Raw, __: ValueContext) -> str:
    return texts.issue_key(raw.text())


def _keys(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    return _unique(texts.issue_key(line) for line in raw.lines())


def _names(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    return _unique(texts.one_line(line) for line in raw.lines())


def _project(_: Row, raw: Raw, __: ValueContext) -> str:
    return texts.matching(raw.text(), texts.PROJECT_KEY, "a project key", "SHOP")


def _projects(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    return _unique(texts.matching(line, texts.PROJECT_KEY, "a project key", "SHOP") for line in raw.lines())


def _unique(items: Any) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(items))


def _url(_: Row, raw: Raw, __: ValueContext) -> str:
    return urls.base(raw.text())


def _url_template(_: Row, raw: Raw, __: ValueContext) -> str:
    return urls.template(raw.text())


def _globs(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    lines = tuple(texts.one_line(line) for line in raw.lines())
    if lines and all(line.startswith("!") for line in lines):
        raise WrongValueError("Every line excludes, none says what to read", "Add a pattern without `!`.")
    return _unique(lines)


def _list(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    # Only `test-environments` is of this kind, and Xray's own import takes them with `;` between (D).
    parts = _unique(texts.one_line(part.strip()) for line in raw.lines() for part in line.split(";") if part.strip())
    for part in parts:
        if "," in part:  # Server/DC would make an environment of that name (O)
            raise WrongValueError(f"{shown(part)} has a comma in it", "Write each by itself, one per line or with `;`.")
    return parts


def _labels(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    return _unique(texts.label(line) for line in raw.lines())


def _pages(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    return _unique(texts.matching(line, _PAGE, "a page id", "123456") for line in raw.lines())


def size(text: str) -> int:
    """Return the bytes a size means: `10 MB` (1000), `10 MiB` (1024), `1.5kB`, `12`.

    Fractions of a byte are dropped.
    """
    match = _SIZE.fullmatch(text.lower())
    if match is None or match[3] not in _UNITS:
        raise WrongValueError(
            f"{shown(text)} is not a size", "Write bytes, or a number with kB, MB, GB, KiB, MiB or GiB."
        )
    fraction = match[2] or ""
    return int(match[1] + fraction) * _UNITS[match[3]] // int(10 ** len(fraction))


def _size(row: Row, raw: Raw, _: ValueContext) -> int:
    return int(_bounded(row, size(raw.text()), 10**18))


def _seconds(row: Row, raw: Raw, _: ValueContext) -> float:
    if not _SECONDS.fullmatch(raw.text()):
        raise WrongValueError(f"{shown(raw.text())} is not a number of seconds", "Write a number such as 30 or 0.5.")
    return _bounded(row, float(raw.text()), _LONGEST_TIME)


def _number(row: Row, raw: Raw, _: ValueContext) -> int:
    if not _NUMBER.fullmatch(raw.text()):
        raise WrongValueError(f"{shown(raw.text())} is not a whole number")
    return int(_bounded(row, int(raw.text()), 10**9))


def _bounded(row: Row, number: float, most: float) -> float:
    if not row.least <= number <= most:
        raise WrongValueError(f"{number:g} is not from {row.least:g} to {most:g}")
    return number


def _flag(_: Row, raw: Raw, __: ValueContext) -> bool:
    return texts.flag(raw.text())


def _path(_: Row, raw: Raw, around: ValueContext) -> Path:
    path = around.workspace / _file_name(raw)
    try:
        readable = path.is_file()
    except (OSError, ValueError):
        readable = False
    if not readable:
        raise WrongValueError(f"There is no file {shown(raw.text())}", "Relative paths start at the workspace.")
    return path


def _target(_: Row, raw: Raw, around: ValueContext) -> Path:
    path = _inside(raw, around)
    if os.path.isdir(path):  # noqa: PTH112  # pathlib raises where it may not look
        raise WrongValueError(f"{shown(raw.text())} is a folder")
    return path


def _baseline(_: Row, raw: Raw, around: ValueContext) -> Path | str:
    """Return the word `previous`, or a path; the first run of a branch finds no file there, and that is no mistake."""
    name = _file_name(raw)
    if name.lower() == PREVIOUS:
        return PREVIOUS
    path = around.workspace / name
    if os.path.isdir(path):  # noqa: PTH112  # pathlib raises where it may not look
        raise WrongValueError(f"{shown(raw.text())} is a folder")
    return path


def _folder(_: Row, raw: Raw, around: ValueContext) -> Path:
    path = _inside(raw, around, itself=around.temp)
    if any(os.path.exists(place) and not os.path.isdir(place) for place in (path, *path.parents)):  # noqa: PTH110, PTH112
        raise WrongValueError(f"{shown(raw.text())} is not a folder, or not below one")
    return path


def _inside(raw: Raw, around: ValueContext, itself: tuple[Path, ...] = ()) -> Path:
    """Return a path that can be written to, wherever links lead.

    Below the workspace or a temp folder, or one of `itself`.
    """
    path = around.workspace / _file_name(raw)
    if _loops(path):
        raise WrongValueError(f"{shown(raw.text())} is a link to itself")
    real = _real(path)
    roots = [_real(root) for root in (around.workspace, *around.temp)]
    below = any(real != root and real.is_relative_to(root) for root in roots)
    if not below and real not in {_real(root) for root in itself}:
        raise WrongValueError(
            f"{shown(raw.text())} is outside of the workspace and the runner's temp folder",
            "Choose a path in one of them; a link does not lead out.",
        )
    return path


def _real(path: Path) -> Path:
    """Return where links lead; unlike `Path.resolve` this raises for no link, on any Python."""
    return Path(os.path.realpath(path))


def _loops(path: Path) -> bool:
    try:
        path.stat()
    except OSError as error:
        return error.errno == errno.ELOOP or getattr(error, "winerror", 0) == _CANNOT_RESOLVE
    return False


def _file_name(raw: Raw) -> str:
    return texts.one_line(raw.text())


def _regex(_: Row, raw: Raw, __: ValueContext) -> str:
    text = raw.text()
    texts.pattern(text)
    return text


def _regexes(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    return _unique(texts.hiding(line, number) for number, line in enumerate(raw.lines(), 1))


def _template(_: Row, raw: Raw, __: ValueContext) -> str:
    return check(raw.text())


def _scope(_: Row, raw: Raw, __: ValueContext) -> str:
    text = texts.one_line(raw.text())
    word = text.lower().replace("_", "-")
    if word in SCOPES:
        return word
    check(text, SCOPE_PLACEHOLDERS)
    if not names(text):
        near = nearest(text, SCOPES)
        # A misspelt word must not become the one Test Execution of every run there will ever be.
        raise WrongValueError(
            f"{shown(text)} is none of {', '.join(SCOPES)}, and as a template it names no placeholder",
            f"Did you mean `{near}`?" if near else "Name one, for example {branch}.",
        )
    return text


def _shards(_: Row, raw: Raw, __: ValueContext) -> tuple[str, ...]:
    lines = _unique(raw.lines())
    words = {line.lower() for line in lines} & {"auto", "none"}
    if words and len(lines) > 1:
        raise WrongValueError(f"`{min(words)}` stands alone", "Write it, or names of matrix keys.")
    return (words.pop(),) if words else _unique(texts.matching(x, _MATRIX_KEY, "a matrix key", "shard") for x in lines)


def _context(_: Row, raw: Raw, __: ValueContext) -> str | None:
    """Return a JSON object in one spelling, whatever its order and blanks.

    None for `null` and an empty one, the empty text for anything else: what it holds is never shown.
    """
    import json  # noqa: PLC0415  # only a job of GitHub pays

    text = raw.text()
    try:
        value = json.loads(text) if len(text) <= _LONGEST_CONTEXT else ""
    except (ValueError, RecursionError):
        return ""
    if not isinstance(value, dict):
        return None if value is None else ""
    return json.dumps(value, sort_keys=True, separators=(",", ":")) if value else None


def _zone(_: Row, raw: Raw, __: ValueContext) -> str:
    name = raw.text()
    if name.upper() in ("UTC", "Z"):
        return "UTC"  # Holds without a time zone database, too.
    import zoneinfo  # noqa: PLC0415  # only a run with a time zone pays

    try:
        zoneinfo.ZoneInfo(name)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        zones = zoneinfo.available_timezones()
        without = "" if zones else " (and there is no database of them here)"
        near = nearest(name, zones)
        advice = f"Did you mean `{near}`?" if near else "Names look like `Europe/Berlin`."
        raise WrongValueError(f"{shown(name)} is not a time zone{without}", advice) from None
    return name


def _secret(_: Row, raw: Raw, __: ValueContext) -> Secret:
    text = raw.verbatim().strip("\r\n")
    if texts.CONTROL.search(text):
        raise WrongValueError("It has a line break or control character inside", "Store the secret again, on one line.")
    if text != text.strip():
        raise WrongValueError("It begins or ends with a blank", "Store the secret again, without it.")
    return Secret(text)


def _secrets(_: Row, raw: Raw, __: ValueContext) -> tuple[Secret, ...]:
    return _unique(Secret(urls.opaque(line)) for line in raw.lines())


# What reads values with a structure of their own is imported for the first of them: few runs have one.


def _headers(_: Row, raw: Raw, __: ValueContext) -> tuple[tuple[str, Secret], ...]:
    from xray_ci.settings import structures  # noqa: PLC0415

    return structures.headers(raw)


def _pem(_: Row, raw: Raw, __: ValueContext) -> Secret:
    from xray_ci.settings import structures  # noqa: PLC0415

    return structures.private_key(raw)


def _fields(_: Row, raw: Raw, __: ValueContext) -> Mapping[str, object]:
    from xray_ci.settings import structures  # noqa: PLC0415

    return structures.fields(raw)


def _statuses(_: Row, raw: Raw, __: ValueContext) -> Mapping[str, str]:
    from xray_ci.settings import structures  # noqa: PLC0415

    return structures.statuses(raw)


def _snapshots(_: Row, raw: Raw, around: ValueContext) -> tuple[Any, ...]:
    from xray_ci.settings import structures  # noqa: PLC0415

    return structures.snapshots(raw, around.env)


def _mapping(_: Row, raw: Raw, __: ValueContext) -> MappingRules:
    from xray_ci.settings import mapping  # noqa: PLC0415

    return mapping.rules(raw)


_LISTED: Final = frozenset(
    {
        Kind.KEYS,
        Kind.NAMES,
        Kind.PROJECTS,
        Kind.GLOBS,
        Kind.LIST,
        Kind.LABELS,
        Kind.PAGES,
        Kind.SECRETS,
        Kind.HEADERS,
        Kind.SNAPSHOTS,
        Kind.REGEXES,
        Kind.SHARDS,
    }
)
_PARSERS: Final[Mapping[Kind, Callable[[Row, Raw, ValueContext], Any]]] = {
    Kind.CHOICE: _choice,
    Kind.CHOICES: _choices,
    Kind.TEXT: _text,
    Kind.KEY: _issue_key,
    Kind.KEYS: _keys,
    Kind.NAMES: _names,
    Kind.PROJECT: _project,
    Kind.PROJECTS: _projects,
    Kind.URL: _url,
    Kind.URL_TEMPLATE: _url_template,
    Kind.GLOBS: _globs,
    Kind.LIST: _list,
    Kind.LABELS: _labels,
    Kind.PAGES: _pages,
    Kind.SIZE: _size,
    Kind.SECONDS: _seconds,
    Kind.NUMBER: _number,
    Kind.FLAG: _flag,
    Kind.PATH: _path,
    Kind.TARGET: _target,
    Kind.BASELINE: _baseline,
    Kind.FOLDER: _folder,
    Kind.SCOPE: _scope,
    Kind.SHARDS: _shards,
    Kind.CONTEXT: _context,
    Kind.REGEX: _regex,
    Kind.TEMPLATE: _template,
    Kind.FIELDS: _fields,
    Kind.STATUSES: _statuses,
    Kind.ZONE: _zone,
    Kind.SECRET: _secret,
    Kind.SECRETS: _secrets,
    Kind.PEM: _pem,
    Kind.HEADERS: _headers,
    Kind.SNAPSHOTS: _snapshots,
    Kind.REGEXES: _regexes,
    Kind.MAPPING: _mapping,
}
