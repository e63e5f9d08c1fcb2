"""What reports write as text: what is kept of it, the files it names or holds as base64, durations and timestamps.

What cannot be understood is `None`: never a guess, never now. Knows no format of reports.
"""

from __future__ import annotations

import base64
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

from xray_ci.model import CUT, TEXT_LIMIT, Attachment, Outcome
from xray_ci.patterns import lazy, remembered

OUTPUT_LIMIT: Final = 4_096
"""Characters kept of the end of a case's output: what was printed last says most about a failure."""
MARKER_COUNT_LIMIT: Final = 1_000
"""Markers that are looked at in one text."""
CUT_BEFORE: Final = CUT.strip() + "\n"

FILE_MARK: Final = "[[ATTACHMENT"
PROPERTY_MARK: Final = "[[PROPERTY"
"""How markers begin; looking for these is three times as fast as for two brackets."""
# Jenkins' and GitLab's way to name a file in the output. Bounded, so that scanning is linear whatever the text.
_ATTACHMENT: Final = lazy(r"\[\[ATTACHMENT[|:]([^\]\r\n]{1,1000})\]\]")
_PROPERTY: Final = lazy(r"\[\[PROPERTY[|:]([^=\]\r\n]{1,100})=([^\]\r\n]{0,1000})\]\]")
_MAGIC: Final = (
    ("iVBORw0KGgo", ".png"),
    ("/9j/", ".jpg"),
    ("R0lGOD", ".gif"),
    ("JVBERi", ".pdf"),
    ("UEsDB", ".zip"),
    ("H4sI", ".gz"),
    ("PHN2Zy", ".svg"),
)


def cut(text: str, limit: int = TEXT_LIMIT) -> str:
    """Return the beginning of a text, marked where something is missing."""
    return text if len(text) <= limit else text[: limit - len(CUT)] + CUT


def last(text: str) -> str:
    """Return a little more of the end of an output than is kept, so that `tail` still sees that it was longer."""
    return text if len(text) <= OUTPUT_LIMIT else text[-OUTPUT_LIMIT - 1 :]


def tail(text: str) -> str:
    """Return the end of an output, marked where something is missing."""
    text = text.strip("\r\n")
    return text if len(text) <= OUTPUT_LIMIT else CUT_BEFORE + text[len(CUT_BEFORE) - OUTPUT_LIMIT :]


def markers(text: str) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the paths and the (name, value) properties in a text: `[[ATTACHMENT|path]]`, `[[PROPERTY|name=value]]`."""
    paths = dict.fromkeys(path.strip() for path in _ATTACHMENT.findall(text))
    return list(paths)[:MARKER_COUNT_LIMIT], _PROPERTY.findall(text)[
        :MARKER_COUNT_LIMIT
    ] if PROPERTY_MARK in text else []


def named_file(path: str) -> Attachment:
    """Return the attachment of a path as the report writes it, with either slash."""
    return Attachment(name=re.split(r"[\\/]", path.rstrip("\\/"))[-1] or path, path=path)


def nameless(number: int, base64: str) -> str:
    """Invent a file name for evidence that has none: by its place, and its ending by its first bytes."""
    return f"evidence-{number}" + next((ending for start, ending in _MAGIC if base64.startswith(start)), "")


def without_blanks(text: str) -> str:
    """Return base64 text without white space."""
    parts = text.split()
    return parts[0] if len(parts) == 1 else "".join(parts)


ATTACHMENT_LIMIT: Final = 1_000
"""Files kept of one case."""
DEFAULT: Final = "application/octet-stream"
LOG: Final = "text/x.cucumber.log+plain"
"""Lines that a test logged: output, no file."""
_LINKS: Final = "text/uri-list"
_BASE64: Final = lazy(r"[A-Za-z0-9+/]*={0,2}")
_ENDINGS: Final = {
    "text/plain": "txt",
    "text/markdown": "md",
    "image/jpeg": "jpg",
    "image/svg+xml": "svg",
    "application/octet-stream": "bin",
    "text/x.cucumber.log+plain": "log",
    "text/uri-list": "txt",
    "application/x-zip-compressed": "zip",
}
_SUBTYPE: Final = lazy(r"[a-z0-9]{1,8}")


def ending(media_type: str | None) -> str:
    """Return the ending of file names of a media type, without a dot."""
    plain = (media_type or DEFAULT).partition(";")[0].strip().lower()
    subtype = plain.rpartition("/")[2].rpartition("+")[2]
    return _ENDINGS.get(plain) or (subtype if _SUBTYPE.fullmatch(subtype) else "bin")


def named(name: str | None, media_type: str | None, number: int, *, stem: str = "attachment") -> str:
    """Return a file name: the report's own, with an ending where it has none, else one by its number."""
    own = re.split(r"[\\/]", (name or "").strip().rstrip("\\/"))[-1][:200]
    if not own:
        return f"{stem}-{number}.{ending(media_type)}"
    return own if "." in own[1:] else f"{own}.{ending(media_type)}"


def content(data: str, media_type: str | None, *, encoded: bool | None = None) -> str:
    """Return base64 of what a report holds; `encoded` says whether it is that already, None that nobody knows."""
    if encoded is None:
        encoded = not (media_type or "").startswith(("text/", "application/json")) or _looks_encoded(data)
    return without_blanks(data) if encoded else base64.b64encode(data.encode("utf-8", "replace")).decode("ascii")


def file(path: str, media_type: str | None, name: str | None = None) -> Attachment:
    """Return the file at a path as the report writes it, under the report's name for it or that of the path."""
    found = named_file(path)
    return Attachment(name=named(name, media_type, 1) if name else found.name, media_type=media_type, path=path)


def attachment(
    data: str,
    media_type: str | None,
    name: str | None,
    number: int,
    *,
    encoded: bool | None = None,
    stem: str = "attachment",
) -> Attachment | None:
    """Return the file that a report holds, None for an empty one."""
    base64_text = content(data, media_type, encoded=encoded)
    if not base64_text:
        return None
    return Attachment(name=named(name, media_type, number, stem=stem), media_type=media_type, base64=base64_text)


def log_line(data: str, media_type: str | None, *, encoded: bool | None = None) -> str | None:
    """Return the text of what is output rather than a file (logged lines, links), None for a file."""
    if media_type not in {LOG, _LINKS}:
        return None
    if encoded is None:
        encoded = _looks_encoded(data)
    if not encoded:
        return data
    try:
        return base64.b64decode(data).decode("utf-8", "replace")
    except ValueError:
        return data


def _looks_encoded(data: str) -> bool:
    packed = without_blanks(data) if data.strip() else ""
    return bool(packed) and len(packed) % 4 == 0 and _BASE64.fullmatch(packed) is not None


_BROKEN_OFF: Final = ("timeout", "timedout", "crash", "abort")


def unknown(word: str | None) -> Outcome:
    """Return the outcome of a word that a format does not have: never passed, and an error where it says so."""
    bare = "".join(filter(str.isalpha, (word or "").lower()))
    return Outcome.ERROR if any(each in bare for each in _BROKEN_OFF) else Outcome.OTHER


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
_NUMBER: Final = lazy(r"([0-9][0-9.,]{0,40}(?:[eE][+-]?[0-9]{1,3})?)\s{0,3}([a-zA-Zµμ]{0,7})")
_CLOCK: Final = lazy(r"(?:([0-9]{1,5}):)?([0-9]{1,5}):([0-9]{1,2}(?:[.,][0-9]{1,9})?)")
_ISO: Final = lazy(r"P(?:([0-9.,]{1,12})D)?T?(?:([0-9.,]{1,12})H)?(?:([0-9.,]{1,12})M)?(?:([0-9.,]{1,20})S)?")
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
_WORDS: Final = lazy(
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
        value = _odd_seconds(text.strip()) if ":" in text else float(text)
    except ValueError:
        value = _odd_seconds(text.strip())
    return value if 0.0 <= value <= LONGEST else None


def bounded(value: float | None) -> float | None:
    """Return a sum or difference of seconds, or None for one that is no duration of a test.

    Negative, endless or absurd.
    """
    return value if value is not None and 0.0 <= value <= LONGEST else None


def _odd_seconds(text: str) -> float:
    if len(text) > _LONG:
        return -1.0
    if ":" in text:
        found = _CLOCK.fullmatch(text)
        return int(found[1] or 0) * 3600 + int(found[2]) * 60 + _number(found[3]) if found else -1.0
    if found := _NUMBER.fullmatch(text):
        unit = _UNITS.get(found[2].lower())
        return -1.0 if unit is None else _number(found[1]) * unit
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


@remembered
def timestamp(text: str) -> datetime | None:
    """Return a point in time: aware when the text gives an offset or is a count since the epoch, else naive.

    A date without a time of day, a zone name that is not known, and values that mean "not set" give None.
    """
    if len(text) > _LONG:
        return None
    text = text.strip()
    try:
        found = _epoch(text) if text[:9].isdigit() else _iso(text) or _spelt(text)
    except (ValueError, OverflowError):
        return None
    return found if found is not None and _UNSET_YEAR < found.year < _ENDLESS_YEAR else None


def _iso(text: str) -> datetime | None:
    """Return what is in the calendar's own form, as nearly all are; None where another look is needed."""
    if text[4:5] != "-" or text[13:14] != ":":
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


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
