"""A sample of each format with its results over and over again: as large a report of any tool as a test wants."""

from __future__ import annotations

import json
import re
from pathlib import Path

from xray_ci.formats import FORMATS, Format
from xray_ci.model import Case, Place, Problem, Severity
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import identify, read

DATA = Path(__file__).resolve().parent / "data"
_EXPECTED = (".cases.json", ".cloud.json", ".server.json")
ONE_DOCUMENT = {"serenity-json", "k6-summary", "jmeter-jtl"}
"""Formats of which a report holds one test, or totals of a run or of each label: samples again make no more results."""
READERS = sorted(
    {row.key for row in FORMATS if row.reader is not None and row.medium in ("xml", "json", "lines", "text")}
    - ONE_DOCUMENT
)


def sample(key: str) -> str:
    """Return a rich sample of a format, else the first of the collected ones that is read without a problem."""
    rich = [
        path
        for path in sorted((DATA / "golden" / key).glob("*"))
        if path.is_file() and not path.name.endswith(_EXPECTED)
    ]
    return next(
        path for path in (*rich, *sorted((DATA / "reports").rglob("*"))) if path.is_file() and _is(path, key)
    ).read_text("utf-8")


def _is(path: Path, key: str) -> bool:
    found = FoundReport(place=Place(path=path, shown=path.name))
    row = identify(found)
    items = list(read(found)) if isinstance(row, Format) and row.key == key else []
    return any(isinstance(item, Case) for item in items) and not any(
        isinstance(item, Problem) and item.severity is Severity.ERROR for item in items
    )


def repeated(text: str, times: int) -> str:
    """Return a report with what it holds several times.

    Lines, the children of an XML root, or the list with the most text in a JSON document.
    """
    if text.lstrip().startswith("<"):
        head, inner, tail = re.fullmatch(r"((?:\s*<[?!][^>]*>)*\s*<[^>]*>)(.*)(</[^<]*>\s*)", text, re.DOTALL).groups()  # type: ignore[union-attr]
        return f"{head}{inner * times}{tail}"
    try:
        document = json.loads(text)
    except ValueError:
        return (text if text.endswith("\n") else f"{text}\n") * times
    held = max(_lists(document), key=lambda each: len(json.dumps(each)))
    held[:] = [item for _ in range(times) for item in held]
    return json.dumps(document)


def _lists(value: object) -> list[list[object]]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if isinstance(value, list) else []), *(found for each in inner for found in _lists(each))]
