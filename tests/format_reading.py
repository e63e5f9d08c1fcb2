"""Reading a small report of any format in tests, without a file and without detection."""

from __future__ import annotations

from io import BytesIO

import pytest

from xray_ci.formats import Reader
from xray_ci.model import Case, Mark, MarkKind, Problem
from xray_ci.reports.notices import Fault


def cases_of(read: Reader, document: str | bytes) -> list[Case]:
    """Return the cases of a whole report."""
    return [item for item in _items(read, document) if isinstance(item, Case)]


def case_of(read: Reader, document: str | bytes) -> Case:
    """Return the only case of a report."""
    (only,) = cases_of(read, document)
    return only


def problems_of(read: Reader, document: str | bytes) -> list[Problem]:
    """Return the problems of a report that is read to its end."""
    return [item for item in _items(read, document) if isinstance(item, Problem)]


def slug_of(read: Reader, document: str | bytes) -> str:
    """Return why a report is refused."""
    with pytest.raises(Fault) as refused:
        list(_items(read, document))
    return refused.value.slug


def values(marks: tuple[Mark, ...], kind: MarkKind) -> list[str]:
    """Return the values of the marks of a kind."""
    return [mark.value for mark in marks if mark.kind is kind]


def _items(read: Reader, document: str | bytes) -> list[Case | Problem]:
    return list(read(BytesIO(document.encode() if isinstance(document, str) else document)))
