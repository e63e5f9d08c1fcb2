"""ATML test results (IEEE 1636.1 of 2007, 2011 and 2013), as TestStand and others write them. Knows elements alone.

A case is a result set (the main sequence) or a test group, with the tests directly in it as its steps; a group is a
step of what is around it, too. Names are those of TestStand's own XML, so that both give one Test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome, Step
from xray_ci.reports import elements, members, texts, words
from xray_ci.reports.teststand import STEP_LIMIT, file_of
from xray_ci.reports.texts import bounded, seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_SCOPES: Final = frozenset({"ResultSet", "TestGroup"})
_LIMIT: Final = frozenset({"Limit", "Datum"})
_SHAPE: Final = elements.Shape(
    roots=("TestResultsCollection", "TestResults"),
    scopes=_SCOPES,
    units=frozenset({"Test", "Outcome", "Extension"}),
    dropped=frozenset({"SessionAction"}),
    inside={
        "Test": frozenset({"Outcome", "TestResult", "Extension", "Description"}),
        "TestResult": frozenset({"TestData", "TestLimits"}),
        "TestData": frozenset({"Datum"}),
        "TestLimits": frozenset({"Limits"}),
        "Limits": frozenset({"LimitPair", "SingleLimit", "Expected"}),
        **dict.fromkeys(("LimitPair", "SingleLimit", "Expected"), _LIMIT),
        "Limit": frozenset({"Datum"}),
        "Extension": frozenset({"TSStepProperties"}),
        "TSStepProperties": frozenset({"ReportText", "TotalTime"}),
    },
    limits={"ReportText": TEXT_LIMIT, "Description": 4_096},
)
_OUTCOMES: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "aborted": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "notstarted": Outcome.SKIPPED,
    "error": Outcome.ERROR,
    "terminated": Outcome.ERROR,
}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each group when it ends, then its result set. Durations come of begin and end.

    Raises Fault where the document is broken, unsafe or no ATML.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._steps: list[list[Step]] = []
        """Of each open scope."""

    def begin(self, _scope: XmlNode, /) -> None:
        self._steps.append([])

    def unit(self, unit: XmlNode, /) -> None:
        if not self.scopes:
            return
        if unit.tag == "Test":
            self._step(_step(unit))
        elif len(self.scopes[-1].children) < STEP_LIMIT:
            self.scopes[-1].children.append(unit)

    def end(self, scope: XmlNode, /) -> None:
        case = _case(scope, [each.attributes for each in self.scopes], self._steps.pop())
        self.add(case)
        if self._steps:
            self._step(Step(action=texts.cut(case.name) or "(group)", outcome=case.outcome, comment=case.message))

    def _step(self, step: Step) -> None:
        held = self._steps[-1]
        if len(held) < STEP_LIMIT:
            held.append(step)
        else:
            self.left_out += 1


def _outcome(node: XmlNode) -> Outcome:
    said = node.first("Outcome")
    if said is None:
        return Outcome.OTHER
    value = said.get("value")
    return words.outcome(said.get("qualifier") if value == "UserDefined" else value, _OUTCOMES)


def _case(scope: XmlNode, above: list[dict[str, str]], steps: list[Step]) -> Case:
    outcome = _outcome(scope)
    file, _, sequence = (above[0] if above else scope.attributes).get("name", "").rpartition("#")
    around = [file_of(file)]
    name = sequence
    if above:
        around += [sequence, *(each.get("callerName") or each.get("name", "") for each in above[1:])]
        name = scope.get("callerName") or scope.get("name")
    failed = next((step for step in steps if step.outcome in words.FAILURES), None)
    message = None if outcome is Outcome.PASSED else _reason(scope)
    if message is None and failed is not None and outcome is not Outcome.PASSED:
        message = f"{failed.action}: {failed.comment or 'failed'}"
    started, finished = timestamp(scope.get("startDateTime")), timestamp(scope.get("endDateTime"))
    took = None
    if started is not None and finished is not None and (started.tzinfo is None) is (finished.tzinfo is None):
        took = bounded((finished - started).total_seconds())
    return Case(
        suite=tuple(filter(None, around)) if above else (),
        classname=members.joined(*around),
        name=name,
        outcome=outcome,
        seconds=took if took is not None else _total(scope),
        started=started,
        finished=finished,
        message=texts.cut(message) if message else None,
        steps=tuple(steps),
        line=scope.line,
    )


def _total(node: XmlNode) -> float | None:
    told = node.first("Extension", "TSStepProperties", "TotalTime")
    return seconds(told.get("value")) if told is not None else None


def _step(test: XmlNode) -> Step:
    outcome = _outcome(test)
    return Step(
        action=texts.cut(test.get("name")) or "(test)",
        outcome=outcome,
        actual=_measured(test),
        comment=None if outcome is Outcome.PASSED else _reason(test),
    )


def _reason(node: XmlNode) -> str | None:
    told = [*(node.said("Extension", "TSStepProperties", "ReportText"),), *_limits(node)]
    return texts.cut("; ".join(filter(None, told))) or None


def _measured(test: XmlNode) -> str | None:
    found = [
        " ".join(filter(None, (datum.get("value"), datum.get("nonStandardUnit") or datum.get("standardUnit"))))
        for result in test.all("TestResult")
        for data in result.all("TestData")
        for datum in data.all("Datum")
    ]
    return texts.cut("; ".join(filter(None, found))) or None


def _limits(test: XmlNode) -> Iterator[str]:
    """Yield the limits of a test, such as `GE 0.9, LE 1.1`."""
    for held in test.all("TestResult"):
        for limits in (each for around in held.all("TestLimits") for each in around.all("Limits")):
            said = [
                f"{limit.get('comparator')} {datum.get('value')}"
                for kind in limits.children
                for limit in (kind, *kind.all("Limit"))
                for datum in limit.all("Datum")
            ]
            yield ", ".join(said)
