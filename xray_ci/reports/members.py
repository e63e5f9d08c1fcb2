"""Members of JSON that reports hold, each of the type that is wanted, with the path to it.

What decides about a result (its name, its status) is demanded: of another type it raises a Fault with its path, as does
a structure that is wrong, since results would be lost. All else that is of another type counts as not said.

Knows no format of reports.
"""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import TEXT_LIMIT, Attachment
from xray_ci.reports import texts
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.notices import BROKEN, UNSAFE, Fault
from xray_ci.reports.texts import LONGEST, timestamp

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime


NESTING_LIMIT: Final = 200
"""Suites or steps inside of one another."""
_NUMBER_LIMIT: Final = 64
_SMALL: Final = 10**15
_NONE: Final[Iterator[Members]] = iter(())


class Members:
    """One object of a document, and where it stands."""

    __slots__ = ("_above", "_at", "_index", "_members")

    def __init__(self, value: object, at: str, above: Members | None = None, index: int | None = None) -> None:
        """`index`: its place, where it is of a list `at`."""
        self._above = above
        self._at = at
        self._index = index
        if not isinstance(value, dict):
            raise Fault(BROKEN, f"{self.path} is {kind(value)}, not an object")
        self._members: Mapping[str, Any] = value

    @property
    def path(self) -> str:
        """Return where it stands in the document, like `[3].elements[0]`."""
        at = self._at if self._index is None else f"{self._at}[{self._index}]"
        return at if self._above is None else f"{self._above.path}.{at}"

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def within(self, names: frozenset[str]) -> bool:
        """Say whether it has no members besides these."""
        return self._members.keys() <= names

    def without(self, names: frozenset[str]) -> bool:
        """Say whether it has none of these members."""
        return names.isdisjoint(self._members)

    def raw(self, name: str) -> Any:
        """Return a member as it is."""
        return self._members.get(name)

    def text(self, name: str, *, limit: int | None = TEXT_LIMIT) -> str | None:
        """Return a text, or a number as text; lines where it is a list of them. None for "" too."""
        value = self._members.get(name)
        if value is None:
            return None
        if type(value) is str and 0 < len(value) <= (TEXT_LIMIT if limit is None else limit):  # nearly always
            return value
        if isinstance(value, list):
            value = "\n".join(line for line in value if isinstance(line, str))
        text = value if isinstance(value, str) else said(value)
        return (text if limit is None or len(text) <= limit else texts.cut(text, limit)) or None

    def texts(self, name: str) -> list[str]:
        """Return the texts of a list, or the only one in its place; what is no text is left out."""
        value = self._members.get(name)
        found = value if isinstance(value, list) else [value]
        return [texts.cut(text) for text in found if isinstance(text, str) and text]

    def number(self, name: str) -> float | None:
        """Return a finite number, also where it is written as text."""
        value = self._members.get(name)
        if type(value) is int and -_SMALL < value < _SMALL:
            return float(value)
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return None
        try:
            found = float(value) if isinstance(value, float) or len(str(value)) <= _NUMBER_LIMIT else None
        except (ValueError, OverflowError):
            return None
        return found if found is not None and math.isfinite(found) else None

    def seconds(self, name: str, unit: float = 1.0) -> float | None:
        """Return a duration, `unit` being that of the report in seconds; None for a negative, endless or absurd one."""
        value = self._members.get(name)
        if type(value) is not int or not 0 <= value < _SMALL:
            value = self.number(name)
        return value * unit if value is not None and 0.0 <= value * unit <= LONGEST else None

    def time(self, name: str) -> datetime | None:
        """Return a point in time: text in any spelling, or a count since 1970 of whichever unit."""
        value = self._members.get(name)
        if value is None or isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return None
        return timestamp(
            value if isinstance(value, str) else f"{value:.6f}" if isinstance(value, float) else said(value)
        )

    def inner(self, name: str) -> Members | None:
        """Return an object, None where there is none."""
        value = self._members.get(name)
        return None if value is None else Members(value, name, self)

    def each(self, name: str) -> Iterator[Members]:
        """Return the objects of a list, in order, one by one."""
        value = self._members.get(name)
        if not value and (value is None or isinstance(value, list)):
            return _NONE
        if not isinstance(value, list):
            raise Fault(BROKEN, f"{self.path}.{name} is {kind(value)}, not a list")
        return (Members(item, name, self, index) for index, item in enumerate(value))

    def too_deep(self) -> Fault:
        """Return the fault of what nests beyond every real report."""
        return Fault(UNSAFE, f"{self.path[:200]} nests more than {NESTING_LIMIT} deep")


def picked(source: Source, *wanted: str, lists: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """Yield what stands at these paths, and each, in the order of the document; all else is ignored piece by piece.

    `result.tests[]` is each element of a list. Raises Fault where none of `lists` is there as a list, and where the
    document is broken or cut off: what was yielded before must then be dropped.
    """
    window = Window(source)
    seen: set[str] = set()
    yield from _picked(window, "", wanted, seen)
    window.finish()
    if lists and seen.isdisjoint(lists):
        raise Fault(BROKEN, f"it has no list `{' or '.join(lists)}`" if any(lists) else "it is no list")


def _picked(window: Window, at: str, wanted: tuple[str, ...], seen: set[str]) -> Iterator[tuple[str, Any]]:
    inside = at not in wanted and any(path.startswith((f"{at}.", f"{at}[]")) if at else True for path in wanted)
    first = window.peek()
    if at in wanted:
        yield at, window.value()
    elif inside and first == "{":
        for name in window.members():
            yield from _picked(window, f"{at}.{name}" if at else name, wanted, seen)
    elif inside and first == "[":
        seen.add(at)
        for _ in window.elements():
            yield from _picked(window, f"{at}[]", wanted, seen)
    else:
        scalar(window)


def said(value: object) -> str:
    """Return a scalar as text; "" for what is none, and for a number nobody would read."""
    if isinstance(value, bool):
        return "true" if value else "false"
    try:
        return str(value) if isinstance(value, (int, float, str)) else ""
    except ValueError:  # more digits than Python turns into text
        return ""


def kind(value: object) -> str:
    """Return what a value is, in words."""
    match value:
        case None:
            return "null"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "an object"


NAME_LIMIT: Final = 4_096
"""Characters kept of a name: enough for any identity, and what is held for many open tests stays small."""
SPLIT: Final = " > "
"""Between the parts of a class name that is made of suites."""
_HUGE: Final = 1e18
_MEDIA: Final = re.compile(r"data:([\w.+/-]{1,100});base64,")
_KIND: Final = re.compile(
    r"(?:Uncaught )?((?:[A-Za-z_$][\w$.]{0,200})?(?:Error|Exception|Failure))\b(?: \[[A-Z_]{1,60}\])?(?::|$)"
)


def scalar(window: Window) -> Any:
    """Take a value and return it; a list or object is ignored piece by piece, and is None."""
    match window.peek():
        case "{":
            for _ in window.members():
                window.value()
        case "[":
            for _ in window.elements():
                window.value()
        case _:
            return window.value()
    return None


def fields(value: object, path: str) -> dict[str, Any]:
    """Return an object, or raise Fault with its path."""
    if not isinstance(value, dict):
        raise Fault(BROKEN, f"{path} is no object")
    return value


def inner(value: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a member that is an object, an empty one in place of anything else."""
    found = value.get(name)
    return found if isinstance(found, dict) else {}


def demanded(value: dict[str, Any], name: str, path: str) -> str:
    """Return a member that is text, or raise Fault with its path."""
    found = value.get(name)
    if not isinstance(found, str):
        raise Fault(BROKEN, f"{path}.{name} is no text")
    return texts.cut(found, NAME_LIMIT)


def text(value: dict[str, Any], name: str, limit: int = TEXT_LIMIT) -> str | None:
    """Return a member that is text and not blank, cut."""
    found = value.get(name)
    return texts.cut(found, limit) if isinstance(found, str) and found and not found.isspace() else None


def names(value: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts of a member that is a list."""
    found = value.get(name)
    return (
        tuple(texts.cut(item, NAME_LIMIT) for item in found if isinstance(item, str)) if isinstance(found, list) else ()
    )


def long_texts(value: dict[str, Any], name: str) -> tuple[str, ...]:
    """Return the texts of a member that is a list and may hold messages; at most 100."""
    found = value.get(name)
    return tuple(texts.cut(item) for item in found[:100] if isinstance(item, str)) if isinstance(found, list) else ()


def objects(value: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return the objects of a member that is a list."""
    found = value.get(name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def number(value: dict[str, Any], name: str) -> float | None:
    """Return a member that is a finite number."""
    found = value.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not -_HUGE < found < _HUGE:
        return None
    return float(found)


def seconds(value: dict[str, Any], name: str, unit: float = 1.0) -> float | None:
    """Return a duration in seconds; `unit` is how many seconds one of the report's units is."""
    found = number(value, name)
    return found * unit if found is not None and 0 <= found <= LONGEST / unit else None


def moment(value: dict[str, Any], name: str) -> datetime | None:
    """Return a point in time that is text, or a count since the epoch."""
    found = value.get(name)
    if isinstance(found, str):
        return timestamp(found)
    count = number(value, name)
    return timestamp(f"{count:f}") if count is not None else None


def later(start: datetime | None, duration: float | None) -> datetime | None:
    """Return the end of what began and took so long."""
    return start + timedelta(seconds=duration) if start is not None and duration is not None else None


def kind_of(said: str | None) -> str | None:
    """Return the class of an exception that begins a message or a stack."""
    found = _KIND.match(said[:400]) if said else None
    return found[1] if found else None


def file_label(path: str) -> str:
    """Return what names a test file in an identity: its name, with the folder before it for an `index` file.

    Whole paths are those of the machine that ran the tests.
    """
    parts = [part for part in re.split(r"[\\/]", path[:NAME_LIMIT]) if part not in {"", "."}]
    if not parts:
        return ""
    return "/".join(parts[-2:]) if parts[-1].lower().startswith("index.") else parts[-1]


def joined(*parts: str) -> str | None:
    """Return parts as one class name; None for none."""
    return texts.cut(SPLIT.join(part for part in parts if part), NAME_LIMIT) or None


def embedded(name: str, url: str) -> Attachment | None:
    """Return the file in a base64 `data:` address."""
    found = _MEDIA.match(url)
    if found is None:
        return None
    kind = found[1].rpartition("/")[2].partition("+")[0]
    return Attachment(
        name=name if "." in name else f"{name}.{kind}",
        media_type=found[1],
        base64=texts.without_blanks(url[found.end() :]),
    )
