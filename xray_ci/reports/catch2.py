"""XML of Catch2 (version 2 and 3) and of doctest.

Knows elements and where they stand; knows nothing of Xray, files or settings.

A case's identity is the suites around it joined by " > " (the name of the test program for Catch2, which has no
suites), a point, and its name. Tags that are Test keys name the Test. Sections and subcases are steps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome, Step
from xray_ci.reports import author_marks, elements, texts
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

STEP_LIMIT: Final = 1_000
_SECTIONS: Final = ("Section", "SubCase")
_FAILURES: Final = ("Expression", "Exception", "FatalErrorCondition", "Failure", "Message")
_NOTES: Final = ("Info", "Warning")
_TOTALS: Final = ("OverallResultsCases", "OverallResultsTestCases")
_IN_CASE: Final = frozenset(
    {*_SECTIONS, *_FAILURES, *_NOTES, "Skip", "OverallResult", "OverallResults", "OverallResultsAsserts"}
)
_SHAPE: Final = elements.Shape(
    roots=("Catch", "Catch2TestRun", "doctest"),
    scopes=frozenset({"Catch", "Catch2TestRun", "TestSuite"}),
    units=frozenset({"TestCase", *_TOTALS}),
    inside={
        **dict.fromkeys(("TestCase", *_SECTIONS), _IN_CASE),
        "Expression": frozenset({"Original", "Expanded", "Exception"}),
        "Message": frozenset({"Text"}),
        "OverallResult": frozenset({"StdOut", "StdErr"}),
    },
    limits={
        "Original": 4_096,
        "Expanded": 4_096,
        "Exception": 4_096,
        "FatalErrorCondition": 4_096,
        "Failure": 4_096,
        "Text": 4_096,
        "Info": 4_096,
        "Warning": 4_096,
        "Skip": 4_096,
        "StdOut": elements.TAIL,
        "StdErr": elements.TAIL,
    },
)


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test case once; durations are seconds where they were asked for.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    _failed: str | None = None
    """Failed test cases of the whole run, which are told last; groups of Catch2 2 have totals of their own before."""

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag in _TOTALS:
            self._failed = unit.get("failures")
            return
        self.add(_case(unit, tuple(scope.get("name") for scope in self.scopes)))

    def last_words(self) -> Iterator[Case | Problem]:
        self.stated.add(self._failed)
        yield from super().last_words()


def _case(test: XmlNode, suite: tuple[str, ...]) -> Case:
    result = test.first("OverallResult") or test.first("OverallResultsAsserts")
    outcome = _outcome(test, result)
    failures = [] if outcome is Outcome.PASSED else list(_failures(test))
    reason = next((text for text in _notes(test, ("Skip",))), None) if outcome is Outcome.SKIPPED else None
    notes = [] if outcome is Outcome.PASSED else list(_notes(test, _NOTES))
    printed = (
        [result.said(name) for name in ("StdOut", "StdErr")]
        if result is not None and outcome is not Outcome.PASSED
        else []
    )
    time = (result.get("durationInSeconds") or result.get("duration")) if result is not None else ""
    return Case(
        suite=suite,
        classname=" > ".join(filter(None, suite)) or None,
        name=test.get("name"),
        outcome=outcome,
        seconds=seconds(time),
        message=failures[0] if failures else reason,
        trace=texts.cut("\n\n".join(failures)) or None,
        output=texts.tail("\n".join(texts.tail(text) for text in (*notes, *printed) if text)) or None,
        marks=author_marks.of_tags(part.strip("[ ") for part in test.get("tags").split("]")),
        steps=tuple(_steps(test))[:STEP_LIMIT],
        line=test.line,
    )


def _outcome(test: XmlNode, result: XmlNode | None) -> Outcome:
    if test.get("skipped") == "true":
        return Outcome.SKIPPED
    if result is None:
        return Outcome.ERROR
    if "false" in {result.get("success"), result.get("test_case_success")}:
        return Outcome.FAILED
    if result.get("skips") not in {"", "0"}:
        return Outcome.SKIPPED
    said = result.get("success") or result.get("test_case_success")
    return Outcome.PASSED if said == "true" else texts.unknown(said)


def _failures(node: XmlNode) -> Iterator[str]:
    """Yield the words of each failure, at every depth; that is bounded with the document's."""
    for child in node.children:
        if child.tag in _SECTIONS:
            yield from _failures(child)
        elif _failed(child):
            yield texts.cut(_words(child))


def _notes(node: XmlNode, tags: tuple[str, ...]) -> Iterator[str]:
    """Yield what notes of some kinds say, at every depth."""
    for child in node.children:
        if child.tag in _SECTIONS:
            yield from _notes(child, tags)
        elif child.tag in tags and (text := child.text.strip()):
            yield text


def _failed(node: XmlNode) -> bool:
    return node.tag in _FAILURES and node.get("success") != "true" and node.get("type") != "WARNING"


def _words(failure: XmlNode) -> str:
    where = f"{failure.get('filename')}:{failure.get('line')}: " if failure.get("filename") else ""
    if failure.tag != "Expression":
        return f"{where}{failure.tag}: {failure.text.strip() or failure.said('Text')}"
    said = f"{where}{failure.get('type')}( {failure.said('Original')} ) with expansion: {failure.said('Expanded')}"
    return f"{said}\n{failure.said('Exception')}".rstrip()


def _steps(node: XmlNode, above: str = "") -> Iterator[Step]:
    for section in node.all(*_SECTIONS):
        name = texts.cut(f"{above} > {section.get('name')}" if above else section.get("name"), 1_024)
        inner = list(_steps(section, name))
        own = [_words(child) for child in section.children if _failed(child)]
        result = section.first("OverallResults")
        failed = bool(own) or (result is not None and result.get("failures") not in {"", "0"} and not inner)
        skips = [child.text.strip() for child in section.all("Skip")]
        outcome = Outcome.FAILED if failed else Outcome.SKIPPED if skips else Outcome.PASSED
        yield Step(action=name, outcome=outcome, comment=texts.cut("\n".join((*own, *filter(None, skips)))) or None)
        yield from inner
