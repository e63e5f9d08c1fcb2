"""SonarQube's generic test execution XML. Knows its four elements; knows nothing of Xray, files or settings.

A case is a test case of a file, which is its class; it passed where nothing in it says otherwise. Tools write this for
SonarQube beside a report that says more: it is read where it stands alone, or where it is named.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome
from xray_ci.reports import elements, members, texts
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_OUTCOMES: Final = {"error": Outcome.ERROR, "failure": Outcome.FAILED, "skipped": Outcome.SKIPPED}
_SHAPE: Final = elements.Shape(
    roots=("testExecutions", "unitTest"),
    scopes=frozenset({"file"}),
    units=frozenset({"testCase"}),
    inside={"testCase": frozenset(_OUTCOMES)},
    limits=dict.fromkeys(_OUTCOMES, TEXT_LIMIT),
)


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test case once; durations are milliseconds.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def unit(self, unit: XmlNode, /) -> None:
        path = self.scopes[-1].get("path") if self.scopes else ""
        told = next((each for tag in _OUTCOMES for each in unit.all(tag)), None)
        said = told.text.strip() if told is not None else ""
        message = (told.get("message") if told is not None else "") or said.partition("\n")[0]
        self.add(
            Case(
                suite=(path,) if path else (),
                classname=path or None,
                name=unit.get("name"),
                outcome=_OUTCOMES[told.tag] if told is not None else Outcome.PASSED,
                seconds=seconds(f"{unit.get('duration')}ms"),
                kind=members.kind_of(said),
                message=texts.cut(message) or None,
                trace=said or None,
                line=unit.line,
            )
        )
