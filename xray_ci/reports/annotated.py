"""What an author said of a test by annotations with a type and a description. Knows their names, not which report holds them.

The names are those of Xray's properties in JUnit XML (`test_key`, `requirements`, `test_description`, `tags`, `testrun_comment` …); an
`issue` is a defect where it is, or links to, the key of one. Annotations of other types are notes for readers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Mark, MarkKind
from xray_ci.reports import junit_marks, tag_meaning

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xray_ci.reports.objects import Members

COUNT_LIMIT: Final = 1_000
"""Annotations looked at of one test."""
_ISSUES: Final = frozenset({"issue", "bug", "defect"})


def marks(annotations: Iterable[Members]) -> tuple[Mark, ...]:
    """Return what annotations say, each thing once, in order."""
    found: dict[Mark, None] = {}
    for number, annotation in enumerate(annotations):
        if number >= COUNT_LIMIT:
            break
        for mark in meaning(annotation.text("type") or "", annotation.text("description") or ""):
            found[mark] = None
    return tuple(found)


def meaning(name: str, value: str) -> list[Mark]:
    """Return what one annotation says; its key may be no key at all, nobody has looked."""
    value = value.strip()
    if not value:
        return []
    if name.lower() in _ISSUES:
        key = tag_meaning.key_in(value)
        return [Mark(kind=MarkKind.DEFECT, value=key)] if key is not None else []
    return junit_marks.marks(name, value)
