"""NUnit XML, version 2 and 3, whoever writes it.

Knows elements and where they stand; knows nothing of Xray, files or settings.

A case's identity is its full name, as Xray derives it: `fullname`, or `name` in version 2. Keys are in the properties
`test`, `testkey` and `test_key` of a case, requirements in `requirement` and `requirements` of a case or of a suite
around it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Mark, MarkKind, Outcome
from xray_ci.reports import elements, texts
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import BinaryIO

    from xray_ci.model import Attachment, Problem
    from xray_ci.reports.elements import XmlNode

_PROPERTIES: Final = {"properties": frozenset({"property"}), "categories": frozenset({"category"})}
_SHAPE: Final = elements.Shape(
    roots=("test-run", "test-results", "test-suite"),
    scopes=frozenset({"test-run", "test-results", "test-suite"}),
    units=frozenset({"test-case", "properties", "categories", "failure"}),
    outputs=frozenset({"output"}),
    inside={
        **_PROPERTIES,
        "test-case": frozenset(
            {"properties", "categories", "failure", "reason", "assertions", "output", "attachments"}
        ),
        "failure": frozenset({"message", "stack-trace"}),
        "reason": frozenset({"message", "stack-trace"}),
        "assertions": frozenset({"assertion"}),
        "assertion": frozenset({"message", "stack-trace"}),
        "attachments": frozenset({"attachment"}),
        "attachment": frozenset({"filePath", "description"}),
    },
    limits={
        "message": TEXT_LIMIT,
        "stack-trace": TEXT_LIMIT,
        "output": elements.TAIL,
        "filePath": 4_096,
        "description": 1_024,
    },
)
_RESULTS: Final = {
    "passed": Outcome.PASSED,
    "success": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "failure": Outcome.FAILED,
    "error": Outcome.ERROR,
    "cancelled": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "ignored": Outcome.SKIPPED,
}
_QUIET: Final = frozenset({"Passed", "Success"})
"""Results as the tools write them, of tests whose output nobody asks for."""
_ERRORS: Final = frozenset({"error", "invalid", "cancelled"})
"""Labels of version 3 that make a failure an error; any other label (a time-out's text) does not."""
INHERITED_LIMIT: Final = 100
"""Requirements, categories and keys that a case takes over from the suites around it."""
_GIVEN: Final = frozenset({MarkKind.REQUIREMENT, MarkKind.TAG, MarkKind.TEST_KEY})
"""What a fixture says of its cases, and a method of its rows: NUnit writes it on the suite alone."""
_SAYING: Final = ("failure", "reason")
_KEYS: Final = frozenset({"test", "testkey", "test_key"})
_LISTS: Final = {"requirement": MarkKind.REQUIREMENT, "requirements": MarkKind.REQUIREMENT, "category": MarkKind.TAG}
_THROWN: Final = re.compile(r"\s*([A-Za-z_][\w.+`]{0,200}(?:Exception|Error)) : ")
"""How a message begins when an exception that the test did not expect ended it."""
_OWN_SITES: Final = frozenset({"SetUp", "TearDown"})
"""Where a suite of version 3 failed by itself and not by its children or its parent."""


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test-case once, at every depth.

    Durations are seconds; version 2 gives the time of the run only, which stands for that of its cases. Failures of a
    suite's own set-up and tear-down are notices. Raises Fault where the document is broken, unsafe or no NUnit report.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._inherited: list[tuple[Mark, ...]] = []
        self._suite: tuple[str, ...] = ()
        self._date = ""

    def begin(self, scope: XmlNode, /) -> None:
        self._inherited.append(self._inherited[-1] if self._inherited else ())
        if scope.tag == "test-suite":
            self._suite = (*self._suite, scope.get("name"))
        if scope.tag == "test-run":
            self.stated.add(scope.get("failed"))
        if scope.tag == "test-results":
            self.stated.add(scope.get("failures"), scope.get("errors"))
            self._date = f"{scope.get('date')} {scope.get('time')}"

    def end(self, scope: XmlNode, /) -> None:
        self._inherited.pop()
        if scope.tag == "test-suite":
            self._suite = self._suite[:-1]

    def quiet(self, unit: XmlNode, /) -> bool:
        return unit.get("result") in _QUIET

    def unit(self, unit: XmlNode, /) -> None:
        match unit.tag:
            case "test-case":
                self.add(self._case(unit))
            case "failure":
                suite = self.scopes[-1]
                if suite.get("site") in _OWN_SITES:
                    self.outside(f"the {suite.get('site')} of {suite.get('name')!r}", unit.said("message"), unit.line)
            case _:
                passed_on = [mark for mark in _marks([unit]) if mark.kind in _GIVEN]
                self._inherited[-1] = _under(self._inherited[-1], passed_on)[:INHERITED_LIMIT]

    def _case(self, case: XmlNode) -> Case:
        get, held = case.attributes.get, case.children
        outcome = _outcome(case)
        name = get("name", "")
        classname, name, marks = _identity(name, get("fullname") or name, get("classname", ""))
        if own := _marks(held) if held else []:
            marks = (*own, *marks)
        marks = tuple(dict.fromkeys(_under(self._inherited[-1], marks)))
        if description := get("description"):
            described = Mark(kind=MarkKind.DESCRIPTION, value=texts.cut(description))
            marks = marks if described in marks else (*marks, described)
        message, trace = _words(case) if held else (None, None)
        passed = outcome is Outcome.PASSED
        thrown = _THROWN.match(message) if message and outcome in {Outcome.FAILED, Outcome.ERROR} else None
        return Case(
            suite=self._suite,
            name=name,
            classname=classname,
            outcome=outcome,
            seconds=seconds(get("duration") or get("time")),
            started=timestamp(get("start-time") or self._date),
            finished=timestamp(get("end-time", "")),
            kind=thrown[1] if thrown else None,
            message=message,
            trace=trace,
            output=None if passed else texts.tail(case.said("output")) or None,
            attachments=_attachments(case) if held else (),
            marks=marks,
            line=case.line,
        )


def _under(above: tuple[Mark, ...], own: Sequence[Mark]) -> tuple[Mark, ...]:
    """Return what is said of something below a suite: its own keys win over those of the suite."""
    if above and any(mark.kind is MarkKind.TEST_KEY for mark in own):
        above = tuple(mark for mark in above if mark.kind is not MarkKind.TEST_KEY)
    return (*above, *own)


def _identity(name: str, whole: str, classname: str) -> tuple[str | None, str, tuple[Mark, ...]]:
    """Return class name, name, and a mark for an identity that is not both with a point between."""
    if classname and whole.startswith(f"{classname}."):
        return classname, whole[len(classname) + 1 :], ()
    if name and whole.endswith(f".{name}"):
        return whole[: -len(name) - 1] or None, name, ()
    head, parenthesis, arguments = whole.partition("(")
    group, dot, method = head.rpartition(".")
    if dot and group and method:
        return group, f"{method}{parenthesis}{arguments}", ()
    return None, name, (Mark(kind=MarkKind.DEFINITION, value=whole),) if whole else ()


def _outcome(case: XmlNode) -> Outcome:
    result = case.get("result").lower()
    if result:
        if case.get("label").lower() in _ERRORS and result == "failed":
            return Outcome.ERROR
        return _RESULTS.get(result) or texts.unknown(result)
    if case.get("executed").lower() == "false":  # before 2.5 there was no result
        return Outcome.SKIPPED
    said = {"false": Outcome.FAILED, "true": Outcome.PASSED}
    return said.get(case.get("success").lower(), Outcome.OTHER)


def _marks(holders: list[XmlNode]) -> list[Mark]:
    """Return what the properties and categories in these elements say."""
    marks: list[Mark] = []
    for each in [each for holder in holders if holder.tag in _PROPERTIES for each in holder.children]:
        if each.tag == "category":
            name, value = "category", each.get("name")
        else:
            name, value = each.get("name").lower(), each.get("value")
        value = texts.cut(value.strip())
        if not value:
            continue
        if name in _KEYS:
            marks.append(Mark(kind=MarkKind.TEST_KEY, value=value))
        elif kind := _LISTS.get(name):
            marks += [Mark(kind=kind, value=part) for part in map(str.strip, value.split(",")) if part]
        elif name == "description":
            marks.append(Mark(kind=MarkKind.DESCRIPTION, value=value))
    return marks


def _words(case: XmlNode) -> tuple[str | None, str | None]:
    """Return the first message, and the traces of all failures."""
    said = [held for held in case.children if held.tag in _SAYING]
    said += [assertion for held in case.all("assertions") for assertion in held.children] if not said else []
    if not said:
        return None, None
    messages = [each.said("message") for each in said]
    traces = [each.said("stack-trace") for each in said[:1]]
    for each, message in zip(said[1:], messages[1:], strict=True):
        traces.append("\n".join(filter(None, (message, each.said("stack-trace")))))
    return next(filter(None, messages), None), texts.cut("\n\n".join(filter(None, traces))) or None


def _attachments(case: XmlNode) -> tuple[Attachment, ...]:
    return tuple(
        texts.named_file(path)
        for held in case.all("attachments")
        for each in held.all("attachment")
        if (path := each.said("filePath"))
    )
