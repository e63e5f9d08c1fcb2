"""XML of Vector CANoe and CANalyzer (test modules and test units). Knows elements; knows nothing of Xray or settings.

A case is a `testcase`: its class the titles of the groups around it, its name its title; a key in `ident` names the
Test. Its verdict decides, never its steps. A `skipped` element is a case that did not run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Mark, MarkKind, Outcome, Step
from xray_ci.reports import author_marks, elements, members, words
from xray_ci.reports.texts import bounded, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

STEP_LIMIT: Final = 2_000
_STEPS: Final = frozenset({"teststep", "testpattern", "preparation", "completion"})
_SHAPE: Final = elements.Shape(
    roots=("testmodule", "testunit"),
    scopes=frozenset({"testmodule", "testunit", "testgroup", "testfixture"}),
    units=frozenset({"title", "testcase", "skipped", "verdict", "preparation", "completion"}),
    dropped=frozenset({"testsetup", "engineer", "hardware", "sut"}),
    inside={
        "testcase": frozenset({"ident", "title", "description", "verdict"}) | _STEPS,
        "skipped": frozenset({"ident", "title", "description"}),
        **dict.fromkeys(("testpattern", "preparation", "completion"), _STEPS),
    },
    limits={"title": 4_096, "ident": 1_024, "description": TEXT_LIMIT, "teststep": 4_096},
)
_VERDICTS: Final = {
    "pass": Outcome.PASSED,
    "fail": Outcome.FAILED,
    "error": Outcome.ERROR,
    "inconclusive": Outcome.OTHER,
    "none": Outcome.OTHER,
}
_NO_VERDICT: Final = frozenset({"", "na", "none"})


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test case once; times are the station's, durations seconds of the measurement.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "title":
            if self.scopes:
                self.scopes[-1].text = unit.text.strip()
        elif unit.tag == "verdict":
            if len(self.scopes) == 1 and words.outcome(unit.get("result"), _VERDICTS) in words.FAILURES:
                self.stated.add(1)
        elif unit.tag in {"preparation", "completion"}:
            for step in _steps(unit):
                if step.outcome in words.FAILURES:
                    self.outside(f"{unit.tag} of {(*self._titles(), 'the module')[0]}", step.action or "", unit.line)
        else:
            self.add(_case(unit, self._titles()))

    def _titles(self) -> tuple[str, ...]:
        return tuple(scope.text for scope in self.scopes if scope.text)


def _case(test: XmlNode, suite: tuple[str, ...]) -> Case:
    verdict = test.first("verdict")
    steps = tuple(_steps(test))
    if test.tag == "skipped":
        outcome = Outcome.SKIPPED
    elif verdict is not None:
        outcome = words.outcome(verdict.get("result"), _VERDICTS)
    else:
        outcome = Outcome.ERROR
    failed = next((step.action for step in steps if step.outcome in words.FAILURES), None)
    if verdict is None and test.tag == "testcase":
        failed = "it began and has no verdict"
    ident = test.said("ident")
    key = author_marks.key_in(ident)
    marks = [Mark(kind=MarkKind.TEST_KEY, value=key)] if key else []
    if description := test.said("description"):
        marks.append(Mark(kind=MarkKind.DESCRIPTION, value=description))
    return Case(
        suite=suite,
        classname=members.joined(*suite),
        name=test.said("title"),
        outcome=outcome,
        seconds=_took(test, verdict),
        started=timestamp(test.get("starttime")),
        finished=timestamp(verdict.get("endtime")) if verdict is not None else None,
        message=None if outcome is Outcome.PASSED else failed,
        marks=tuple(marks),
        steps=steps[:STEP_LIMIT],
        properties=(("ident", ident),) if ident and not key else (),
        line=test.line,
    )


def _took(test: XmlNode, verdict: XmlNode | None) -> float | None:
    try:
        took = float(verdict.get("endtimestamp")) - float(test.get("timestamp")) if verdict else -1.0
    except ValueError:
        return None
    return bounded(round(took, 6))


def _steps(node: XmlNode) -> Iterator[Step]:
    """Yield the steps of a test case and of what is in it; `na` and `none` are no verdicts."""
    for child in node.all(*_STEPS):
        if child.tag == "teststep":
            result = child.get("result").lower()
            yield Step(
                action=child.text.strip() or "(step)",
                outcome=None if result in _NO_VERDICT else words.outcome(result, _VERDICTS),
            )
        else:
            yield from _steps(child)
