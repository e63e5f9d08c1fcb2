"""TestStand's XML report. Knows its properties (`Prop`); knows nothing of Xray, files or settings.

A case is a sequence that ran: the main one, and each that a step called. Its name is that step's (the main sequence's
own), its class the main sequence's file and the sequences around it, as in ATML. Its steps are those with a verdict:
`Done` is none. Serial number and station are properties, for rules, and never identity.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Outcome, Step
from xray_ci.reports import elements, members, texts, words, xml
from xray_ci.reports.notices import NOT_A_REPORT, Fault
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pyexpat import XMLParserType

    from xray_ci.model import Problem

STEP_LIMIT: Final = 2_000
"""Steps kept of one sequence."""
STATUS: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "error": Outcome.ERROR,
    "terminated": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
}
NO_VERDICT: Final = frozenset({"done", ""})
_RESULT: Final = frozenset(
    {
        "Status",
        "ReportText",
        "Error/Msg",
        "Numeric",
        "Limits/Low",
        "Limits/High",
        "TS/StepName",
        "TS/TotalTime",
        "TS/SequenceCall/Sequence",
        "TS/SequenceCall/SequenceFile",
    }
)
"""Paths of properties kept of a result."""
_CLOCK: Final = tuple(
    f"{part}/{name}"
    for part, names in (("StartDate", ("Year", "Month", "MonthDay")), ("StartTime", ("Hours", "Minutes", "Seconds")))
    for name in names
)
_OF_UNIT: Final = {"UUT/SerialNumber": "serial number", "StationInfo/StationID": "station"}
_REPORT: Final = frozenset({*_CLOCK, *_OF_UNIT})


@dataclass(slots=True)
class _Part:
    """A report, or a result in it, that is open."""

    depth: int
    line: int
    said: dict[str, str] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    called: bool = False
    """Whether it is a sequence, which holds results of others."""
    state: str = ""


def read(source: xml.XmlSource) -> Iterator[Case | Problem]:
    """Yield each sequence when it ends, called ones before their callers; durations are seconds, times local.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    readable, encoding = xml.opened(source, source.read(xml.HEAD))
    parser = xml.guarded(encoding)
    reader = _Reader(parser)
    for _ in xml.feed(readable, parser):
        yield from reader.done
        reader.done.clear()
        reader.listener.merge()
    yield from reader.last_words()


class _Reader(elements.TreeReader):
    """Follows properties within properties: a value is text or holds more of them, which only its content says."""

    def __init__(self, parser: XMLParserType) -> None:
        super().__init__()
        self._parser = parser
        self.listener = xml.TextListener(parser)
        self._names: list[str] = []
        """Of all open elements; "" for what is no named property."""
        self._parts: list[_Part] = []
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.listener.listening:
            self.listener.take()
        tag = xml.local(tag)
        if not self._names and tag not in {"Reports", "Report"}:
            raise Fault(NOT_A_REPORT, f"its root element is {tag[:80]!r} and not Reports")
        if len(self._names) > xml.DEPTH_LIMIT:
            raise xml.too_deep(self._parser)
        self._names.append(attributes.get("Name", "")[:200] if tag == "Prop" else "")
        if tag == "Report" or (self._parts and attributes.get("Type") == "TEResult"):
            if tag != "Report":
                self._parts[-1].called = True
            self._parts.append(
                _Part(len(self._names), self._parser.CurrentLineNumber, state=attributes.get("UUTResult", ""))
            )
        elif tag == "Value" and self._parts and self._path() in (_RESULT if len(self._parts) > 1 else _REPORT):
            self.listener.listen(TEXT_LIMIT)

    def _end(self, tag: str) -> None:
        if self.listener.listening and xml.local(tag) == "Value":
            self._parts[-1].said[self._path()] = texts.cut(self.listener.take().strip())
        if self._parts and self._parts[-1].depth == len(self._names):
            part = self._parts.pop()
            if not self._parts:
                self._unit_ended(part)
            else:
                self._ended_result(part)
        self._names.pop()

    def _path(self) -> str:
        return "/".join(filter(None, self._names[self._parts[-1].depth :]))

    def _unit_ended(self, part: _Part) -> None:
        if words.outcome(part.state, STATUS) in words.FAILURES:
            self.stated.add(1)

    def _ended_result(self, part: _Part) -> None:
        status = part.said.get("Status", "")
        outcome = words.outcome(status, STATUS)
        called = part.called or "TS/SequenceCall/Sequence" in part.said
        above = [each.said for each in self._parts[1:]]
        name = (part.said.get("TS/StepName") if above else None) or _sequence(part.said)
        if called:
            self.add(self._case(part, name, outcome, above))
        if above and status.lower() not in NO_VERDICT:
            caller = self._parts[-1]
            if len(caller.steps) >= STEP_LIMIT:
                self.left_out += 1
            else:
                comment = None if outcome is Outcome.PASSED else _reason(part.said)
                caller.steps.append(Step(action=texts.cut(name) or "(step)", outcome=outcome, comment=comment))

    def _case(self, part: _Part, name: str, outcome: Outcome, above: list[dict[str, str]]) -> Case:
        around = _around(above)
        failed = next((step for step in part.steps if step.outcome in words.FAILURES), None)
        unit = self._parts[0].said
        message = None
        if outcome is not Outcome.PASSED:
            message = _reason(part.said) or (f"{failed.action}: {failed.comment or 'failed'}" if failed else None)
        return Case(
            suite=tuple(around),
            classname=members.joined(*around) or file_of(part.said.get("TS/SequenceCall/SequenceFile", "")) or None,
            name=name,
            outcome=outcome,
            seconds=seconds(part.said.get("TS/TotalTime")),
            started=_moment(unit) if not above else None,
            message=texts.cut(message) if message else None,
            steps=tuple(part.steps),
            properties=tuple((told, unit[path]) for path, told in _OF_UNIT.items() if unit.get(path)),
            line=part.line,
        )


def file_of(path: str) -> str:
    """Return the name of a sequence's file: its folder is that of the station."""
    return members.file_label(path)


def _sequence(said: dict[str, str]) -> str:
    return said.get("TS/SequenceCall/Sequence") or said.get("TS/StepName") or ""


def _around(above: list[dict[str, str]]) -> list[str]:
    """Return the file of the main sequence, it, and the steps that called those between."""
    if not above:
        return []
    main, *called = above
    file = file_of(main.get("TS/SequenceCall/SequenceFile", ""))
    return [part for part in (file, _sequence(main), *(each.get("TS/StepName", "") for each in called)) if part]


def _reason(said: dict[str, str]) -> str | None:
    measured = said.get("Numeric")
    limits = " … ".join(said[name] for name in ("Limits/Low", "Limits/High") if said.get(name))
    told = f"{measured} (limits {limits})" if measured and limits else measured
    return texts.cut("; ".join(filter(None, (said.get("ReportText"), told, said.get("Error/Msg"))))) or None


def _moment(said: dict[str, str]) -> datetime | None:
    """Return the local time at which the unit's test began, None where a part of it is missing."""
    parts = [said.get(name, "") for name in _CLOCK]
    if not all(part.isdecimal() and len(part) < 5 for part in parts):  # noqa: PLR2004 - a year has four digits
        return None
    try:
        found = datetime(*map(int, parts))  # type: ignore[arg-type]  # noqa: DTZ001 - the report gives no offset
    except ValueError:
        return None
    return found if found.year > 1970 else None  # noqa: PLR2004 - "not set"
