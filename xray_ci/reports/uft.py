"""UFT One's `run_results.xml`. Knows its report nodes; knows nothing of Xray, files or settings.

A case is the node of type `testrun`, named as the test is and not by a path as in UFT's JUnit XML. Iterations are its
rows, steps its steps, named by the actions around them. A warning passed, as UFT means it; a run that is only `Done`
says nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Iteration, Outcome, Step
from xray_ci.reports import elements, members, texts, words
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

CHILD_LIMIT: Final = 2_000
"""Steps, and rows, kept of one test."""
_SHAPE: Final = elements.Shape(
    roots=("Results",),
    scopes=frozenset({"ReportNode"}),
    units=frozenset({"Data", "GeneralInfo"}),
    inside={
        "Data": frozenset({"Name", "Result", "ErrorText", "StartTime", "Duration"}),
        "GeneralInfo": frozenset({"Timezone"}),
    },
    limits={"Name": 4_096, "Result": 64, "ErrorText": TEXT_LIMIT, "StartTime": 64, "Duration": 64, "Timezone": 64},
)
_RESULTS: Final = {"passed": Outcome.PASSED, "warning": Outcome.PASSED, "failed": Outcome.FAILED}
_NO_VERDICT: Final = frozenset({"done", "information", ""})


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test run when it ends. Durations are seconds.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._zone = ""
        self._steps: list[Step] = []
        self._rows: list[Iteration] = []

    def begin(self, scope: XmlNode, /) -> None:
        if scope.get("type").lower() == "testrun":
            self._steps, self._rows = [], []

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "GeneralInfo":
            self._zone = unit.said("Timezone")
        elif self.scopes and not self.scopes[-1].children:
            self.scopes[-1].children.append(unit)

    def end(self, scope: XmlNode, /) -> None:
        kind = scope.get("type").lower()
        data = scope.first("Data")
        result = data.said("Result") if data is not None else ""
        outcome, name = words.outcome(result, _RESULTS), data.said("Name") if data is not None else ""
        error = data.said("ErrorText") if data is not None else ""
        if kind == "testrun":
            self.add(self._case(scope, data, name, outcome, error))
        elif kind == "iteration":
            if len(self._rows) < CHILD_LIMIT:
                self._rows.append(Iteration(outcome=outcome, name=texts.cut(name, 1_024) or None))
            else:
                self.left_out += 1
        elif kind in {"step", "checkpoint"}:
            above = [
                held.said("Name")
                for each in self.scopes
                if each.get("type").lower() in {"action", "context"} and (held := each.first("Data")) is not None
            ]
            if len(self._steps) < CHILD_LIMIT:
                self._steps.append(
                    Step(
                        action=texts.cut(" > ".join(filter(None, (*above, name)))) or "(step)",
                        outcome=None if result.lower() in _NO_VERDICT else outcome,
                        comment=error or None,
                    )
                )
            else:
                self.left_out += 1

    def _case(self, scope: XmlNode, data: XmlNode | None, name: str, outcome: Outcome, error: str) -> Case:
        failed = next((step for step in self._steps if step.outcome in words.FAILURES), None)
        message = error or (f"{failed.action}: {failed.comment or 'failed'}" if failed else "")
        began = data.said("StartTime") if data is not None else ""
        return Case(
            classname=members.joined(*(held.said("Data", "Name") for held in self.scopes)),
            name=name,
            outcome=outcome,
            seconds=seconds(data.said("Duration")) if data is not None else None,
            started=timestamp(f"{began}{self._zone}") or timestamp(began),
            message=texts.cut(message) or None if outcome is not Outcome.PASSED else None,
            steps=tuple(self._steps),
            iterations=tuple(self._rows) if len(self._rows) > 1 else (),
            line=scope.line,
        )
