"""The XML log of Check, the framework for C. Knows elements; knows nothing of Xray, files or settings.

A case's identity is the titles of suite and test case joined by " > ", a point, and its name; runs of a loop test are
results of one Test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome
from xray_ci.reports import elements
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_SHAPE: Final = elements.Shape(
    roots=("testsuites",),
    scopes=frozenset({"suite"}),
    units=frozenset({"datetime", "title", "test"}),
    inside={"test": frozenset({"fn", "id", "duration", "description", "message"})},
    limits={
        "datetime": 64,
        "title": 1_024,
        "fn": 4_096,
        "id": 1_024,
        "duration": 64,
        "description": 1_024,
        "message": TEXT_LIMIT,
    },
)
_RESULTS: Final = {"success": Outcome.PASSED, "failure": Outcome.FAILED, "error": Outcome.ERROR}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each run of each test once. Durations are seconds, the time is that of the run.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._title = ""
        self._stamp: datetime | None = None

    def begin(self, _scope: XmlNode, /) -> None:
        self._title = ""

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "title":
            self._title = unit.text.strip()
        elif unit.tag == "datetime":
            self._stamp = timestamp(unit.text)
        else:
            self.add(self._case(unit))

    def _case(self, test: XmlNode) -> Case:
        outcome = _RESULTS.get(test.get("result"), Outcome.OTHER)
        suite = tuple(filter(None, (self._title, test.said("description"))))
        passed = outcome is Outcome.PASSED
        return Case(
            suite=suite,
            classname=" > ".join(suite) or None,
            name=test.said("id"),
            outcome=outcome,
            started=self._stamp,
            seconds=seconds(test.said("duration")),
            message=None if passed else test.said("message") or None,
            trace=None if passed else test.said("fn") or None,
            line=test.line,
        )
