"""Boost.Test's XML, report (`TestResult`) and log (`TestLog`).

Knows elements; knows nothing of Xray, files or settings.

A case may hold suites with cases of their own, each of which is a result. A case's
identity is the suites around it joined by " > ", a point, and its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome
from xray_ci.reports import elements, texts
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_FAILURES: Final = {"Exception": Outcome.ERROR, "FatalError": Outcome.FAILED, "Error": Outcome.FAILED}
_NOTES: Final = ("Message", "Info", "Warning")
_SHAPE: Final = elements.Shape(
    roots=("TestResult", "TestLog"),
    scopes=frozenset({"TestResult", "TestSuite", "TestCase"}),
    units=frozenset({*_FAILURES, *_NOTES, "TestingTime"}),
    lines=frozenset({"Frame", "LastCheckpoint"}),
    limits={**dict.fromkeys(_FAILURES, TEXT_LIMIT), **dict.fromkeys(_NOTES, 4_096), "TestingTime": 64},
)
_RESULTS: Final = {
    "passed": Outcome.PASSED,
    "passed with warnings": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "aborted": Outcome.ERROR,
    "timed-out": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
}

CHILD_LIMIT: Final = 1_000
"""Messages kept of one case, and as many failures more."""


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test case once. The report has no messages and no times, the log has microseconds.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def begin(self, scope: XmlNode, /) -> None:
        if [each.tag for each in self.scopes] == ["TestResult", "TestSuite"]:  # those inside count what it counts
            self.stated.add(scope.get("test_cases_failed"))

    def unit(self, unit: XmlNode, /) -> None:
        held = self.scopes[-1].children if self.scopes and self.scopes[-1].tag == "TestCase" else None
        if held is None:
            return
        if len(held) < (2 * CHILD_LIMIT if unit.tag in _FAILURES else CHILD_LIMIT):
            held.append(unit)
        else:
            self.left_out += 1

    def end(self, scope: XmlNode, /) -> None:
        if scope.tag == "TestCase":
            report = bool(self.scopes) and self.scopes[0].tag == "TestResult"
            names = tuple(around.get("name") for around in self.scopes if around.tag != "TestResult")
            self.add(_case(scope, names, report=report))


def _case(test: XmlNode, suite: tuple[str, ...], *, report: bool) -> Case:
    failures = list(test.all(*_FAILURES))
    if result := test.get("result"):
        outcome = _RESULTS.get(result) or texts.unknown(result)
    elif test.get("skipped") == "yes":
        outcome = Outcome.SKIPPED
    elif any(failure.tag == "Exception" for failure in failures):
        outcome = Outcome.ERROR
    elif failures:
        outcome = Outcome.FAILED
    else:
        outcome = Outcome.OTHER if report else Outcome.PASSED  # a log names only what went wrong, a report every result
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
