"""Boost.Test's XML, report (`TestResult`) and log (`TestLog`).

Knows elements; knows nothing of Xray, files or settings.

A case's identity is the suites around it joined by " > ", a point, and its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome
from xray_ci.reports import texts, units
from xray_ci.reports.times import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.units import XmlNode

_FAILURES: Final = {"Exception": Outcome.ERROR, "FatalError": Outcome.FAILED, "Error": Outcome.FAILED}
_NOTES: Final = ("Message", "Info", "Warning")
_SHAPE: Final = units.Shape(
    roots=("TestResult", "TestLog"),
    scopes=frozenset({"TestSuite"}),
    units=frozenset({"TestCase"}),
    inside={
        "TestCase": frozenset({*_FAILURES, *_NOTES, "TestingTime", "SystemErr", "TestSuite", "TestCase"}),
        "TestSuite": frozenset({"TestSuite", "TestCase"}),
    },
    lines=frozenset({"Frame", "LastCheckpoint"}),
    limits={**dict.fromkeys(_FAILURES, TEXT_LIMIT), **dict.fromkeys(_NOTES, 4_096), "TestingTime": 64},
)
_RESULTS: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "aborted": Outcome.ERROR,
    "timed-out": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test case once. The report has no messages and no times, the log has microseconds.

    Raises Fault where the document is broken, hostile or of another tool.
    """
    yield from units.read(source, _SHAPE, _Reader())


class _Reader(units.TreeReader):
    def unit(self, unit: XmlNode, /) -> None:
        self._add(unit, tuple(scope.get("name") for scope in self.scopes))

    def _add(self, unit: XmlNode, suite: tuple[str, ...]) -> None:
        """Add a test case, and those of suites that it registered itself."""
        self.add(_case(unit, suite))
        waiting = [(child, (*suite, unit.get("name"))) for child in unit.all("TestSuite", "TestCase")]
        while waiting:
            node, around = waiting.pop(0)
            if node.tag == "TestCase":
                self.add(_case(node, around))
            waiting += [(child, (*around, node.get("name"))) for child in node.all("TestSuite", "TestCase")]


def _case(test: XmlNode, suite: tuple[str, ...]) -> Case:
    failures = list(test.all(*_FAILURES))
    if result := test.get("result"):
        outcome = Outcome.PASSED if result.startswith("passed") else _RESULTS.get(result, Outcome.OTHER)
    elif test.get("skipped") == "yes":
        outcome = Outcome.SKIPPED
    elif any(failure.tag == "Exception" for failure in failures):
        outcome = Outcome.ERROR
    else:
        outcome = Outcome.FAILED if failures else Outcome.PASSED
        if outcome is Outcome.PASSED and "assertions_passed" in test.attributes:  # a report says the result of each
            outcome = Outcome.OTHER
    messages = [failure.text.strip() for failure in failures]
    printed = [] if outcome is Outcome.PASSED else [note.text.strip() for note in test.all(*_NOTES)]
    said = [f"{failure.get('file')}:{failure.get('line')}: {failure.text.strip()}" for failure in failures]
    return Case(
        suite=suite,
        classname=" > ".join(filter(None, suite)) or None,
        name=test.get("name"),
        outcome=outcome,
        seconds=seconds(f"{test.said('TestingTime')}us"),
        message=messages[0].partition("\n")[0] if messages else test.get("reason") or None,
        output=texts.tail("\n".join(printed)) or None,
        trace=texts.cut("\n".join(said)) or None,
        line=test.line,
    )
