"""CUnit's XML (`…-Results.xml`). Knows elements; knows nothing of Xray, files or settings.

A case is a test of a suite, both named without the blanks that CUnit writes around names; it has no times. Each failed
assertion is a record of its own: those of one test are one result. A suite that failed to begin is a notice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome
from xray_ci.reports import elements, texts

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

FAILURE_LIMIT: Final = 100
"""Failed assertions kept of one test."""
_PASSED: Final = "CUNIT_RUN_TEST_SUCCESS"
_FAILED: Final = "CUNIT_RUN_TEST_FAILURE"
_BROKEN: Final = "CUNIT_RUN_SUITE_FAILURE"
_SUMMARY: Final = "CUNIT_RUN_SUMMARY_RECORD"
_SHAPE: Final = elements.Shape(
    roots=("CUNIT_TEST_RUN_REPORT",),
    scopes=frozenset({"CUNIT_RUN_SUITE"}),
    units=frozenset({"SUITE_NAME", "CUNIT_RUN_TEST_RECORD", _BROKEN, _SUMMARY}),
    inside={
        "CUNIT_RUN_TEST_RECORD": frozenset({_PASSED, _FAILED}),
        _PASSED: frozenset({"TEST_NAME"}),
        _FAILED: frozenset({"TEST_NAME", "FILE_NAME", "LINE_NUMBER", "CONDITION"}),
        _BROKEN: frozenset({"SUITE_NAME", "FAILURE_REASON"}),
        _SUMMARY: frozenset({"TYPE", "FAILED"}),
    },
    limits={
        **dict.fromkeys(("SUITE_NAME", "TEST_NAME", "FILE_NAME"), 4_096),
        **dict.fromkeys(("CONDITION", "FAILURE_REASON"), TEXT_LIMIT),
        **dict.fromkeys(("LINE_NUMBER", "TYPE", "FAILED"), 64),
    },
)


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test once, when the next one begins.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._suite = ""
        self._name: str | None = None
        """Of the test whose records come."""
        self._line = 0
        self._failures: list[XmlNode] = []
        self._said = False
        """Whether a record of it says what became of it."""

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "SUITE_NAME":
            self._suite = unit.text.strip()
        elif unit.tag == _BROKEN:
            self.outside(f"the suite {unit.said('SUITE_NAME')}", unit.said("FAILURE_REASON"), unit.line)
        elif unit.tag == _SUMMARY:
            if unit.said("TYPE").lower() == "test cases":
                self.stated.add(unit.said("FAILED"))
        else:
            self._record(unit)

    def end(self, _scope: XmlNode, /) -> None:
        self._ended()
        self._suite = ""

    def _record(self, record: XmlNode) -> None:
        said = record.first(_FAILED) or record.first(_PASSED)
        name = said.said("TEST_NAME") if said is not None else ""
        if name != self._name or said is None or said.tag == _PASSED:
            self._ended()
            self._name, self._line = name, record.line
        self._said = said is not None
        if said is not None and said.tag == _FAILED and len(self._failures) < FAILURE_LIMIT:
            self._failures.append(said)

    def _ended(self) -> None:
        if self._name is None:
            return
        failed = [
            (each.said("CONDITION"), f"{each.said('FILE_NAME')}:{each.said('LINE_NUMBER')}") for each in self._failures
        ]
        outcome = Outcome.FAILED if failed else Outcome.PASSED if self._said else Outcome.OTHER
        self.add(
            Case(
                suite=(self._suite,) if self._suite else (),
                classname=self._suite or None,
                name=self._name,
                outcome=outcome,
                message=failed[0][0] or None if failed else None,
                trace=texts.cut("\n".join(f"{place}: {condition}" for condition, place in failed)) or None,
                line=self._line,
            )
        )
        self._name, self._failures, self._said = None, [], False
