"""Parasoft's `report.xml` of SOAtest, C++test, Jtest and dotTEST. Knows elements; knows nothing of Xray or settings.

A case is a `Test`: its class is the file of its id (before `#`: the numbers behind it are internal) and the suites
around it, without the ordinals that SOAtest writes before names (`Test 3: `). Associated artifacts are what the author
attached: `test` is a Test's key, `req` a requirement, `pr` a defect. What went wrong stands in another part of the
report, so results wait on disk for it. The tag of the session is a property, for rules.
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import Case, Iteration, Mark, MarkKind, Outcome
from xray_ci.reports import author_marks, elements, members, texts, words
from xray_ci.reports.notices import NOT_A_REPORT, Fault
from xray_ci.reports.spill import SpilledValues, Waiting
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

ROW_LIMIT: Final = 1_000
"""Rows of data kept of one test."""
_VIOLATIONS: Final = frozenset({"FuncViol", "ExecViol", "UnitViol"})
_SHAPE: Final = elements.Shape(
    roots=("ResultsSession",),
    scopes=frozenset({"ResultsSession", "ExecutedTestsDetails", "Total", "Project", "TestSuite"}),
    units=_VIOLATIONS | {"Test"},
    dropped=frozenset({"CodingStandards", "Coverage", "Metrics"}),
    inside={
        **dict.fromkeys(_VIOLATIONS, frozenset({"Thr"})),
        "Thr": frozenset({"ThrPart"}),
        "Test": frozenset({"assoc", "TestCase"}),
    },
)
_WORDS: Final = {"pass": Outcome.PASSED, "fail": Outcome.FAILED, "err": Outcome.ERROR}
_ASSOCIATED: Final = {"test": MarkKind.TEST_KEY, "req": MarkKind.REQUIREMENT, "pr": MarkKind.DEFECT}
_ORDINAL: Final = re.compile(r"(?:Test Suite|Test|Scenario)(?: [0-9]+)?: ")


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test once, in document order, when the whole document was read.

    Raises Fault where the document is broken, unsafe, of another tool, or tells of no executed tests.
    """
    with closing(Waiting()) as waiting, SpilledValues() as violations:
        yield from elements.read(source, _SHAPE, _Reader(waiting, violations))


class _Reader(elements.TreeReader):
    def __init__(self, waiting: Waiting, violations: SpilledValues) -> None:
        super().__init__()
        self._waiting, self._violations = waiting, violations
        self._executed = False

    def begin(self, scope: XmlNode, /) -> None:
        if scope.tag == "ExecutedTestsDetails":
            self._executed = True
        elif scope.tag == "Total" and self._inside():
            self.stated.add(scope.get("fail"), scope.get("err"))

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag in _VIOLATIONS:
            name = unit.get("testId") or unit.get("testCaseId")
            before = self._violations.get(name) or []
            self._violations.put(name, _said(unit, *before))
        elif self._inside():
            case = _case(unit, self.scopes)
            self.stated.read += max(sum(row.outcome in words.FAILURES for row in case.iterations) - 1, 0)
            self._waiting.add(unit.get("id"), case)

    def last_words(self) -> Iterator[Case | Problem]:
        if not self._executed:
            raise Fault(
                NOT_A_REPORT,
                "it is a report of Parasoft without `ExecutedTestsDetails`: it tells of no executed tests",
                advice="Let the tool report execution details, or leave the file out with `!path`.",
            )
        for name, case in self._waiting.all():
            told = self._violations.get(name) if case.outcome is not Outcome.PASSED else None
            self.add(msgspec.structs.replace(case, message=told[0], trace=told[1]) if told else case)
            yield from self.done
            self.done.clear()
        yield from super().last_words()

    def _inside(self) -> bool:
        return any(scope.tag == "ExecutedTestsDetails" for scope in self.scopes)


def _said(unit: XmlNode, message: str | None = None, trace: str | None = None) -> tuple[str | None, str | None]:
    """Return the message and the details of a violation, behind those of an earlier one of its test."""
    parts = [f"{part.get('type')}: {part.get('msg')}" for thrown in unit.all("Thr") for part in thrown.all("ThrPart")]
    details = [*filter(None, (trace, unit.get("violationDetails"))), *parts]
    own = unit.get("msg") or next(iter(parts), "")
    return (texts.cut("\n".join(filter(None, (message, own)))) or None, texts.cut("\n".join(details)) or None)


def _case(test: XmlNode, scopes: list[XmlNode]) -> Case:
    outcome = _outcome(test)
    ident = test.get("id")
    path = ident.partition("#")[0].rpartition("://")[2].strip("/") if "#" in ident else ""
    suites = [scope for scope in scopes if scope.tag == "TestSuite" and (not path or "#" in scope.get("id"))]
    names = [_ORDINAL.sub("", scope.get("name"), count=1) for scope in suites]
    name = _ORDINAL.sub("", test.get("name"), count=1)
    if names:
        name = name.removeprefix(f"{names[-1]}::")
    tag = scopes[0].get("tag")
    marks = (
        Mark(kind=kind, value=key)
        for held in test.all("assoc")
        if (kind := _ASSOCIATED.get(held.get("tag"))) and (key := author_marks.key_in(held.get("id")))
    )
    return Case(
        suite=tuple(filter(None, (path, *names))),
        classname=members.joined(path, *names),
        name=name,
        outcome=outcome,
        seconds=seconds(test.get("time")),
        started=timestamp(test.get("startTime")),
        marks=tuple(dict.fromkeys(marks))[: author_marks.TAGS_LIMIT],
        iterations=tuple(_rows(test))[:ROW_LIMIT],
        properties=(("tag", texts.cut(tag, 1_024)),) if tag else (),
        line=test.line,
    )


def _outcome(node: XmlNode) -> Outcome:
    """Return what became of a test or a row: its word, in older reports its counts."""
    if "status" in node.attributes:
        return words.outcome(node.get("status"), _WORDS)
    counts = {word: node.get(word).strip("0 ") for word in ("err", "fail", "pass")}
    return next((_WORDS[word] for word, count in counts.items() if count), Outcome.OTHER)


def _rows(test: XmlNode) -> Iterator[Iteration]:
    for row in test.all("TestCase"):
        said = texts.cut(row.get("params"), 1_024)
        yield Iteration(
            outcome=_outcome(row),
            name=texts.cut(row.get("name") or said, 1_024) or None,
            parameters=(("params", said),) if said else (),
        )
