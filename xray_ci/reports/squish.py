"""Squish's XML report (`xml3`). Knows its elements; knows nothing of Xray, files or settings.

A case is a test of type `testcase`: its class the suites around it. Sections, features, scenarios and steps in it are
its steps, its outcome the worst verification or message in it, at any depth; without an end it was cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome, Step
from xray_ci.reports import elements, members, texts, words
from xray_ci.reports.texts import bounded, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

STEP_LIMIT: Final = 2_000
FAILURE_LIMIT: Final = 100
"""Failures kept of one test case or step."""
_RESULTS: Final = frozenset(
    f"{kind}VerificationResult" for kind in ("scripted", "property", "screenshot", "table", "visual")
)
_PLACE: Final = frozenset({"uri", "lineNo"})
_SHAPE: Final = elements.Shape(
    roots=("SquishReport",),
    scopes=frozenset({"test"}),
    units=frozenset({"prolog", "epilog", "verification", "message"}),
    inside={
        "prolog": frozenset({"name"}),
        "verification": _RESULTS | {"location"},
        "location": _PLACE,
        "message": frozenset({"text", "detail", "location"}),
        **dict.fromkeys(_RESULTS, frozenset({"text", "detail"})),
    },
    limits={"name": 4_096, "uri": 4_096, "lineNo": 64, "text": TEXT_LIMIT, "detail": TEXT_LIMIT},
)
_TYPES: Final = {
    "pass": Outcome.PASSED,
    "xfail": Outcome.PASSED,
    "log": Outcome.PASSED,
    "warning": Outcome.PASSED,
    "fail": Outcome.FAILED,
    "upass": Outcome.FAILED,
    "xpass": Outcome.FAILED,
    "error": Outcome.ERROR,
    "fatal": Outcome.ERROR,
    "skip": Outcome.SKIPPED,
    "skipped": Outcome.SKIPPED,
}
_WORST: Final = (Outcome.ERROR, Outcome.FAILED, Outcome.OTHER, Outcome.SKIPPED, Outcome.PASSED)


@dataclass(slots=True)
class _Open:
    """A test that is open: what its prolog and epilog say, and what went wrong in it so far."""

    line: int
    name: str = ""
    begun: str = ""
    ended: str | None = None
    outcome: Outcome = Outcome.PASSED
    failures: list[tuple[str, str]] = field(default_factory=list)
    """Message and place of each."""
    steps: list[Step] = field(default_factory=list)

    def see(self, outcome: Outcome, failures: list[tuple[str, str]]) -> None:
        """Take the worst."""
        self.outcome = min(self.outcome, outcome, key=_WORST.index)
        self.failures += failures[: FAILURE_LIMIT - len(self.failures)]


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test case when it ends.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._open: list[_Open] = []

    def begin(self, scope: XmlNode, /) -> None:
        self._open.append(_Open(scope.line))

    def unit(self, unit: XmlNode, /) -> None:
        if not self._open:
            return
        held = self._open[-1]
        if unit.tag == "prolog":
            held.name, held.begun = unit.said("name"), unit.get("time")
        elif unit.tag == "epilog":
            held.ended = unit.get("time")
        else:
            for result in [unit] if unit.tag == "message" else unit.all(*_RESULTS):
                held.see(*_seen(result, unit))

    def end(self, scope: XmlNode, /) -> None:
        held, kind = self._open.pop(), scope.get("type")
        if held.ended is None:
            held.see(Outcome.ERROR, [(f"{held.name or 'it'} began and never ended", "")])
        if kind == "testcase":
            self.add(_case(held, tuple(each.name for each in self._open)))
        elif kind == "testsuite":
            for message, place in held.failures:
                self.outside(held.name, f"{message} {place}", held.line)
        elif self._open:
            above = self._open[-1]
            above.see(held.outcome, held.failures)
            comment = texts.cut("\n".join(message for message, _ in held.failures))
            if len(above.steps) + len(held.steps) < STEP_LIMIT:
                above.steps.append(Step(action=held.name or "(section)", outcome=held.outcome, comment=comment or None))
                above.steps += held.steps
            else:
                self.left_out += 1


def _seen(result: XmlNode, unit: XmlNode) -> tuple[Outcome, list[tuple[str, str]]]:
    outcome = words.outcome(result.get("type"), _TYPES)
    if outcome is Outcome.PASSED:
        return outcome, []
    place = unit.first("location")
    where = f"{place.said('uri')}:{place.said('lineNo')}" if place is not None else ""
    return outcome, [(": ".join(filter(None, (result.said("text"), result.said("detail")))), where)]


def _case(held: _Open, suite: tuple[str, ...]) -> Case:
    started, finished = timestamp(held.begun), timestamp(held.ended or "")
    took = None
    if started is not None and finished is not None and (started.tzinfo is None) is (finished.tzinfo is None):
        took = bounded((finished - started).total_seconds())
    said = [f"{place}: {message}" if place else message for message, place in held.failures]
    return Case(
        suite=suite,
        classname=members.joined(*suite),
        name=held.name,
        outcome=held.outcome,
        seconds=took,
        started=started,
        finished=finished,
        message=texts.cut(held.failures[0][0]) if held.failures else None,
        trace=texts.cut("\n".join(said)) or None,
        steps=tuple(held.steps),
        line=held.line,
    )
