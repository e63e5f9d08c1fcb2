"""Allure 1's XML (`…-testsuite.xml`). Knows its elements; knows nothing of Xray, files or settings.

A case is a test case: its class the suite's name, as adapters for the JVM write the class there. Labels named like
JUnit's properties, `testId` and `issue` are what the author attached, steps keep their names and results, attachments
lie beside the report. Parameters are the row of a data-driven test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Attachment, Case, Iteration, Mark, MarkKind, Outcome, Step
from xray_ci.reports import author_marks, elements, members, texts, words
from xray_ci.reports.texts import bounded, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

STEP_LIMIT: Final = 2_000
_HELD: Final = frozenset({"name", "title", "steps", "attachments"})
_SHAPE: Final = elements.Shape(
    roots=("test-suite",),
    units=frozenset({"name", "test-case"}),
    dropped=frozenset({"title", "description", "labels"}),
    inside={
        "test-case": _HELD | {"description", "failure", "labels", "parameters"},
        "failure": frozenset({"message", "stack-trace"}),
        "labels": frozenset({"label"}),
        "parameters": frozenset({"parameter"}),
        "steps": frozenset({"step"}),
        "step": _HELD,
        "attachments": frozenset({"attachment"}),
    },
    limits={
        **dict.fromkeys(("name", "title"), 4_096),
        **dict.fromkeys(("description", "message", "stack-trace"), TEXT_LIMIT),
    },
)
_STATUS: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "broken": Outcome.ERROR,
    "canceled": Outcome.SKIPPED,
    "pending": Outcome.SKIPPED,
    "skipped": Outcome.SKIPPED,
}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test case once; times are milliseconds since 1970.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._suite = ""

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "name":
            self._suite = unit.text.strip()
        else:
            self.add(_case(unit, self._suite))


def _case(test: XmlNode, suite: str) -> Case:
    outcome = words.outcome(test.get("status"), _STATUS)
    name, title = test.said("name"), test.said("title")
    message = test.said("failure", "message") if outcome is not Outcome.PASSED else ""
    started, finished = timestamp(test.get("start")), timestamp(test.get("stop"))
    steps = tuple(_steps(test, ""))[:STEP_LIMIT]
    row = tuple(
        (texts.cut(each.get("name"), 1_024), texts.cut(each.get("value"), 1_024))
        for held in test.all("parameters")
        for each in held.all("parameter")
        if each.get("kind").lower() in {"", "argument"}
    )
    marks = [*_marks(test)]
    if title and title != name and not row:
        marks.append(Mark(kind=MarkKind.SUMMARY, value=title))
    return Case(
        suite=(suite,) if suite else (),
        classname=suite or None,
        name=name,
        outcome=outcome,
        seconds=bounded((finished - started).total_seconds()) if started and finished else None,
        started=started,
        finished=finished,
        kind=members.kind_of(message),
        message=message or None,
        trace=test.said("failure", "stack-trace") or None if outcome is not Outcome.PASSED else None,
        attachments=tuple(_files(test))[: texts.ATTACHMENT_LIMIT],
        marks=tuple(dict.fromkeys(marks))[: author_marks.TAGS_LIMIT],
        steps=steps,
        iterations=(Iteration(outcome=outcome, name=title or None, parameters=row, steps=steps),) if row else (),
        line=test.line,
    )


def _marks(test: XmlNode) -> Iterator[Mark]:
    for label in (each for held in test.all("labels") for each in held.all("label")):
        name, value = label.get("name"), texts.cut(label.get("value"))
        if name == "testId":
            key = author_marks.key_in(value)
            yield from [Mark(kind=MarkKind.TEST_KEY, value=key)] if key else []
        elif name == "tag":
            yield from author_marks.of_tags([value])
        else:
            yield from author_marks.of_annotation(name, value)
    if description := test.said("description"):
        yield Mark(kind=MarkKind.DESCRIPTION, value=description)


def _steps(node: XmlNode, above: str) -> Iterator[Step]:
    """Yield the steps; one within another carries the names of those around it."""
    for step in (each for held in node.all("steps") for each in held.all("step")):
        own = step.said("title") or step.said("name") or "(step)"
        name = texts.cut(f"{above} > {own}" if above else own, 4_096)
        yield Step(action=name, outcome=words.outcome(step.get("status"), _STATUS))
        yield from _steps(step, name)


def _files(node: XmlNode) -> Iterator[Attachment]:
    for file in (each for held in node.all("attachments") for each in held.all("attachment")):
        if path := file.get("source")[:1_000]:
            yield texts.file(path, file.get("type")[:200] or None, file.get("title")[:200] or None)
    for held in node.all("steps"):
        for step in held.all("step"):
            yield from _files(step)
