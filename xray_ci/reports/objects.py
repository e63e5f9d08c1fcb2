"""Objects of JSON with the path to each, for formats that nest: typed access to their members. Knows no format of reports.

Where a report's structure is wrong (a list that is none) reading ends with a fault that names the path: results would be lost. A
text or number that is of another type counts as not said.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT
from xray_ci.reports import texts
from xray_ci.reports.fault import BROKEN, HOSTILE, Fault
from xray_ci.reports.times import LONGEST, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime
    from typing import Any

NESTING_LIMIT: Final = 200
"""Suites or steps inside of one another."""
_NUMBER_LIMIT: Final = 64


class Members:
    """One object of a document, and where it stands."""

    __slots__ = ("_above", "_at", "_members")

    def __init__(self, value: object, at: str, above: Members | None = None) -> None:
        self._above = above
        self._at = at
        if not isinstance(value, dict):
            raise Fault(BROKEN, f"{self.path} is {kind(value)}, not an object")
        self._members: Mapping[str, Any] = value

    @property
    def path(self) -> str:
        """Return where it stands in the document, like `[3].elements[0]`."""
        if self._above is None:
            return self._at
        return f"{self._above.path}.{self._at}"

    def __contains__(self, name: str) -> bool:
        return self._members.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._members)

    def raw(self, name: str) -> Any:
        """Return a member as it is."""
        return self._members.get(name)

    def text(self, name: str, *, limit: int | None = TEXT_LIMIT) -> str | None:
        """Return a text, or a number as text; lines where it is a list of them. None for "" too."""
        value = self._members.get(name)
        if value is None:
            return None
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
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return None
        try:
            found = float(value) if isinstance(value, float) or len(str(value)) <= _NUMBER_LIMIT else None
        except (ValueError, OverflowError):
            return None
        return found if found is not None and math.isfinite(found) else None

    def seconds(self, name: str, unit: float = 1.0) -> float | None:
        """Return a duration, `unit` being that of the report in seconds; None for a negative, endless or absurd one."""
        value = self.number(name)
        return value * unit if value is not None and 0.0 <= value * unit <= LONGEST else None

    def time(self, name: str) -> datetime | None:
        """Return a point in time: text in any spelling, or a count since 1970 of whichever unit."""
        value = self._members.get(name)
        if isinstance(value, bool) or not isinstance(value, (int, float, str)):
            return None
        return timestamp(value if isinstance(value, str) else f"{value:.6f}" if isinstance(value, float) else said(value))

    def inner(self, name: str) -> Members | None:
        """Return an object, None where there is none."""
        value = self._members.get(name)
        return None if value is None else Members(value, name, self)

    def each(self, name: str) -> Iterator[Members]:
        """Yield the objects of a list, in order."""
        value = self._members.get(name)
        if value is None:
            return
        if not isinstance(value, list):
            raise Fault(BROKEN, f"{self.path}.{name} is {kind(value)}, not a list")
        for index, item in enumerate(value):
            yield Members(item, f"{name}[{index}]", self)

    def too_deep(self) -> Fault:
        """Return the fault of what nests beyond every real report."""
        return Fault(HOSTILE, f"{self.path[:200]} nests more than {NESTING_LIMIT} deep")


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
