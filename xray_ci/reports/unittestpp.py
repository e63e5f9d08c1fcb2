"""UnitTest++'s XML. Knows elements; knows nothing of Xray, files or settings.

A case is a test of a suite; it passed where it holds no failure, which is all that the format says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome
from xray_ci.reports import elements, texts
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_SHAPE: Final = elements.Shape(
    roots=("unittest-results",),
    scopes=frozenset({"unittest-results"}),
    units=frozenset({"test"}),
    inside={"test": frozenset({"failure"})},
)


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test once; durations are seconds.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def begin(self, scope: XmlNode, /) -> None:
        self.stated.add(scope.get("failedtests"))

    def unit(self, unit: XmlNode, /) -> None:
        suite = unit.get("suite")
        failures = [failure.get("message") for failure in unit.all("failure")]
        self.add(
            Case(
                suite=(suite,) if suite else (),
                classname=suite or None,
                name=unit.get("name"),
                outcome=Outcome.FAILED if failures else Outcome.PASSED,
                seconds=seconds(unit.get("time")),
                message=texts.cut(failures[0]) or None if failures else None,
                trace=texts.cut("\n".join(failures)) or None,
                line=unit.line,
            )
        )
