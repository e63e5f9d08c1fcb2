"""CppUnit's XML. Knows elements; knows nothing of Xray, files or settings.

The list around a test says what came of it (`FailedTests`), whatever the test's own element is called. A
case's identity is its fixture's name, a point, and its own; `::` parts the two in the report.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome
from xray_ci.reports import elements

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_TEST: Final = frozenset({"Name", "FailureType", "Location", "Message"})
_SHAPE: Final = elements.Shape(
    roots=("TestRun",),
    scopes=frozenset({"FailedTests", "SuccessfulTests", "IgnoredTests"}),
    units=frozenset({"FailedTest", "Test", "Statistics"}),
    inside={
        "Statistics": frozenset({"FailuresTotal"}),
        "FailedTest": _TEST,
        "Test": _TEST,
        "Location": frozenset({"File", "Line"}),
    },
    limits={"Name": 4_096, "FailureType": 256, "Message": TEXT_LIMIT, "File": 4_096, "Line": 64, "FailuresTotal": 64},
)

_LISTS: Final = {"FailedTests": Outcome.FAILED, "SuccessfulTests": Outcome.PASSED, "IgnoredTests": Outcome.SKIPPED}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test once, those that failed first, as the report has them; it has no times.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "Statistics":
            self.stated.add(unit.said("FailuresTotal"))
            return
        owner, _, name = unit.said("Name").rpartition("::")
        kind = unit.said("FailureType")
        outcome = _LISTS.get(self.scopes[-1].tag, Outcome.OTHER) if self.scopes else Outcome.OTHER
        if unit.tag == "FailedTest" and outcome in {Outcome.PASSED, Outcome.OTHER}:
            outcome = Outcome.FAILED
        if outcome is Outcome.FAILED and kind.lower() == "error":
            outcome = Outcome.ERROR
        place = unit.first("Location")
        self.add(
            Case(
                suite=(owner,) if owner else (),
                classname=owner or None,
                name=name,
                outcome=outcome,
                kind=kind or None,
                message=unit.said("Message") or None,
                trace=f"{place.said('File')}:{place.said('Line')}" if place is not None else None,
                line=unit.line,
            )
        )
