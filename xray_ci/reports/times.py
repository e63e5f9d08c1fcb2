"""Durations and timestamps in the spellings of test tools.

What cannot be understood is `None`: never a guess, never now.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from typing import Final

LONGEST: Final = 366 * 86_400.0
"""Seconds; a longer duration is another unit (nanoseconds, say) or rubbish."""
_UNSET_YEAR: Final = 1970
"""Tools write the epoch, or the year 1, for "was not run"."""
_ENDLESS_YEAR: Final = 9_998
"""The end of time of .NET and Java is "not set" too, and nothing could be added to it."""
_UNITS: Final = {
    "": 1.0,
    "s": 1.0,
    "sec": 1.0,
    "secs": 1.0,
    "second": 1.0,
    "seconds": 1.0,
    "ms": 1e-3,
    "msec": 1e-3,
    "millis": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "μs": 1e-6,
    "ns": 1e-9,
    "m": 60.0,
    "min": 60.0,
    "mins": 60.0,
    "h": 3600.0,
    "d": 86_400.0,
}
_NUMBER: Final = re.compile(r"([0-9][0-9.,]{0,40}(?:[eE][+-]?[0-9]{1,3})?)\s{0,3}([a-zA-Zµμ]{0,7})")
_CLOCK: Final = re.compile(r"(?:([0-9]{1,5}):)?([0-9]{1,5}):([0-9]{1,2}(?:[.,][0-9]{1,9})?)")
_ISO: Final = re.compile(r"P(?:([0-9.,]{1,12})D)?T?(?:([0-9.,]{1,12})H)?(?:([0-9.,]{1,12})M)?(?:([0-9.,]{1,20})S)?")
# Offsets of zone names in mail (RFC 5322) and in dates as Java and Unix print them. Ambiguous names are left out on
# purpose.
_ZONES: Final = {
    "Z": 0,
    "UTC": 0,
    "GMT": 0,
    "CET": 60,
    "CEST": 120,
    "EST": -300,
    "EDT": -240,
    "CST": -360,
    "CDT": -300,
    "MST": -420,
    "MDT": -360,
    "PST": -480,
    "PDT": -420,
}
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_WORDS: Final = re.compile(
    r"(?:[A-Za-z]{3},?\s+)?"
    r"(?:(?P<day>\d{1,2})\s+(?P<month>[A-Za-z]{3})\s+(?P<year>\d{4})|(?P<month2>[A-Za-z]{3})\s+(?P<day2>\d{1,2}))"
    r"\s+(?P<hour>\d{2}):(?P<minute>\d{2}):(?P<second>\d{2})(?:\s+(?P<zone>[A-Za-z]{1,"
    r"4}|[+-]\d{4}))?(?:\s+(?P<year2>\d{4}))?"
)
_LONG: Final = 64


def seconds(text: str | None) -> float | None:
    """Return a duration in seconds, or None for none, a negative, an endless, an absurd or an unreadable one."""
    if not text:
        return None
    try:
        value = float(text)
    except ValueError:
        value = _odd_seconds(text.strip())
    return bounded(value)


def bounded(value: float | None) -> float | None:
    """Return a sum or difference of seconds, or None for one that is no duration of a test.

    Negative, endless or absurd.
    """
    return value if value is not None and 0.0 <= value <= LONGEST else None


def _odd_seconds(text: str) -> float:
    if len(text) > _LONG:
        return -1.0
    if found := _NUMBER.fullmatch(text):
        unit = _UNITS.get(found[2].lower())
        return -1.0 if unit is None else _number(found[1]) * unit
    if found := _CLOCK.fullmatch(text):
        return int(found[1] or 0) * 3600 + int(found[2]) * 60 + _number(found[3])
    if len(text) > 2 and (found := _ISO.fullmatch(text)):  # noqa: PLR2004 - "P" and "PT" alone say nothing
        days, hours, minutes, rest = (_number(part or "0") for part in found.groups())
        return ((days * 24 + hours) * 60 + minutes) * 60 + rest
    return -1.0


def _number(text: str) -> float:
    # The last separator is the decimal one; a comma alone is decimal too: tools that group thousands also write
    # decimals.
    if "," in text:
        text = text.replace(",", "") if text.rfind(".") > text.rfind(",") else text.replace(".", "").replace(",", ".")
    try:
        return float(text)
    except ValueError:
        return -1.0


@lru_cache(maxsize=4096)
def timestamp(text: str) -> datetime | None:
    """Return a point in time: aware when the text gives an offset or is a count since the epoch, else naive.

    A date without a time of day, a zone name that is not known, and values that mean "not set" give None.
    """
    if len(text) > _LONG:
        return None
    text = text.strip()
    try:
        found = _epoch(text) if text[:9].isdigit() else _spelt(text)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and _UNSET_YEAR < found.year < _ENDLESS_YEAR else None


def _spelt(text: str) -> datetime | None:
    if found := _WORDS.fullmatch(text):
        return _from_words(found)
    text = re.sub(r"(?<=T)\s+", "", re.sub(r"\s*(?=(?:Z|[+-]\d\d:?\d\d)$)", "", text))
    text = re.sub(r"^(\d{4})(\d{2})(\d{2})\s+", r"\1-\2-\3 ", text)  # Robot's 20261121 20:39:03.136
    return datetime.fromisoformat(text) if ":" in text else None


def _epoch(text: str) -> datetime | None:
    value = float(text)
    for unit in (1.0, 1e3, 1e6, 1e9):  # seconds, milliseconds, microseconds, nanoseconds
        if value / unit < 1e11 / 25:  # until the year 2096, so that the units do not overlap
            return datetime.fromtimestamp(value / unit, UTC)
    return None


def _from_words(found: re.Match[str]) -> datetime | None:
    part = found.groupdict()
    month, year = (part["month"] or part["month2"]).lower(), part["year"] or part["year2"]
    if month not in _MONTHS or year is None:
        return None
    zone = None
    if name := part["zone"]:
        minutes = (
            _ZONES.get(name.upper()) if name.isalpha() else int(name[0] + "1") * (int(name[1:3]) * 60 + int(name[3:]))
        )
        if minutes is None:
            return None
        zone = timezone(timedelta(minutes=minutes))
    return datetime(
        int(year),
        _MONTHS.index(month) + 1,
        int(part["day"] or part["day2"]),
        int(part["hour"]),
        int(part["minute"]),
        int(part["second"]),
        tzinfo=zone,
    )
