"""xUnit.net XML, versions 1, 2 and 3. Knows elements and where they stand; knows nothing of Xray, files or settings.

A case's identity is type and method, as Xray derives it, so that the rows of a theory are results of one Test; what a
row was given is kept as an iteration. Keys are in the trait `test`, requirements and labels (blank separated) in
`requirement` and `labels`, tags in `category`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import TEXT_LIMIT, Case, Iteration, Mark, MarkKind, Outcome
from xray_ci.reports import elements, texts
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import BinaryIO

    from xray_ci.model import Attachment, Problem
    from xray_ci.reports.elements import XmlNode

EVIDENCE_LIMIT: Final = 33_554_432
"""Characters of base64 kept of one attachment."""
_SHAPE: Final = elements.Shape(
    roots=("assemblies", "assembly"),
    scopes=frozenset({"assembly", "class", "collection"}),
    units=frozenset({"test", "error", "failure"}),
    inside={
        "test": frozenset({"failure", "reason", "output", "traits", "warnings", "attachments"}),
        "error": frozenset({"failure"}),
        "failure": frozenset({"message", "stack-trace"}),
        "traits": frozenset({"trait"}),
        "warnings": frozenset({"warning"}),
        "attachments": frozenset({"attachment"}),
    },
    limits={
        "message": TEXT_LIMIT,
        "stack-trace": TEXT_LIMIT,
        "reason": TEXT_LIMIT,
        "warning": 4_096,
        "output": elements.TAIL,
        "attachment": EVIDENCE_LIMIT,
    },
)
_RESULTS: Final = {
    "Pass": Outcome.PASSED,
    "Fail": Outcome.FAILED,
    "Skip": Outcome.SKIPPED,  # as the tool writes them
    "pass": Outcome.PASSED,
    "fail": Outcome.FAILED,
    "skip": Outcome.SKIPPED,
    "notrun": Outcome.SKIPPED,
}
_BLANK_LISTS: Final = {
    "requirement": MarkKind.REQUIREMENT,
    "requirements": MarkKind.REQUIREMENT,
    "labels": MarkKind.TAG,
}
_KEYS: Final = frozenset({"test", "test_key", "testkey"})
_NEXT_ARGUMENT: Final = re.compile(r", (?=[A-Za-z_]\w{0,200}: )")
_ARGUMENTS: Final = re.compile(r"\((?=[A-Za-z_]\w{0,200}: )")
_ARGUMENT_LIMIT: Final = 100


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test once.

    Durations are seconds; a test of version 3 may have its own start and end, others that of their assembly. Errors
    that stand in an assembly (clean-up, fixtures) are notices. Raises Fault where the document is broken, unsafe or no
    xUnit.net report.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._stamp: datetime | None = None
        self._suite: tuple[str, ...] = ()

    def begin(self, scope: XmlNode, /) -> None:
        self._suite = (*self._suite, scope.get("name"))
        if scope.tag == "assembly":
            self.stated.add(scope.get("failed"), scope.get("errors"))
            self._stamp = timestamp(scope.get("start-rtf") or f"{scope.get('run-date')} {scope.get('run-time')}")

    def end(self, _scope: XmlNode, /) -> None:
        self._suite = self._suite[:-1]

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "test":
            self.add(_case(unit, self._suite, self._stamp))
            return
        failure = unit.first("failure") or unit
        self.outside(f"{unit.get('type') or 'failure'} {unit.get('name')!r}", failure.said("message"), unit.line)


def _case(test: XmlNode, suite: tuple[str, ...], stamp: datetime | None) -> Case:
    get = test.attributes.get
    result, shown, owner, method = get("result", ""), get("name", ""), get("type", ""), get("method", "")
    outcome = _RESULTS.get(result) or _RESULTS.get(result.replace("-", "").lower()) or texts.unknown(result)
    title, parameters = (None, ()) if shown == f"{owner}.{method}" else _row(shown, owner, method)
    marks: tuple[Mark, ...] = ()
    if title or test.children or not method:
        marks = _all_marks(test, title if method else None, shown if not method else None)
    started, finished = get("start-rtf"), get("finish-rtf")
    case = Case(
        suite=suite,
        name=method or shown,
        classname=owner or None,
        outcome=outcome,
        seconds=seconds(get("time-rtf") or get("time")),
        started=timestamp(started) or stamp if started else stamp,
        finished=timestamp(finished) if finished else None,
        marks=marks,
        iterations=(Iteration(outcome=outcome, name=shown, parameters=parameters),) if parameters else (),
        line=test.line,
    )
    return _detailed(case, test) if test.children else case


def _all_marks(test: XmlNode, title: str | None, definition: str | None) -> tuple[Mark, ...]:
    marks = [mark for held in test.all("traits") for trait in held.all("trait") for mark in _marks(trait)]
    if title and not any(mark.kind is MarkKind.SUMMARY for mark in marks):
        marks.append(Mark(kind=MarkKind.SUMMARY, value=title))
    if definition:
        marks.append(Mark(kind=MarkKind.DEFINITION, value=definition))
    return tuple(dict.fromkeys(marks))


def _detailed(case: Case, test: XmlNode) -> Case:
    """Return a case with what stands in its element."""
    failure = test.first("failure")
    message = failure.said("message") if failure is not None else test.said("reason")
    output = None
    if case.outcome is not Outcome.PASSED:
        warnings = [f"warning: {one.text.strip()}" for held in test.all("warnings") for one in held.all("warning")]
        output = texts.tail("\n".join(filter(None, (test.said("output"), *warnings)))) or None
    return msgspec.structs.replace(
        case,
        kind=failure.get("exception-type") or None if failure is not None else None,
        message=message or None,
        trace=failure.said("stack-trace") or None if failure is not None else None,
        output=output,
        attachments=tuple(_attachments(test)),
    )


def _row(shown: str, owner: str, method: str) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """Return a title that the author gave the test, and what a theory's row was given."""
    whole = f"{owner}.{method}"
    if shown in {whole, method, ""}:
        return None, ()
    if shown.startswith(f"{whole}("):
        title, start = None, len(whole) + 1
    elif (found := _ARGUMENTS.search(shown)) and shown.endswith(")"):
        title, start = shown[: found.start()].strip() or None, found.end()
    else:
        return shown, ()
    parts = _NEXT_ARGUMENT.split(shown[start:].removesuffix(")"), maxsplit=_ARGUMENT_LIMIT)
    named = (part.partition(": ") for part in parts)
    return title, tuple((name, texts.cut(value, 1_024)) for name, colon, value in named if colon)


def _marks(trait: XmlNode) -> Iterator[Mark]:
    name, value = trait.get("name").lower(), texts.cut(trait.get("value").strip())
    if not value:
        return
    if name in _KEYS:
        yield Mark(kind=MarkKind.TEST_KEY, value=value)
    elif kind := _BLANK_LISTS.get(name):
        yield from (Mark(kind=kind, value=part) for part in value.replace(",", " ").split())
    elif name == "category":
        yield Mark(kind=MarkKind.TAG, value=value)


def _attachments(test: XmlNode) -> Iterator[Attachment]:
    """Yield what version 3 attaches: base64 where it has a media type, else a text."""
    for number, each in enumerate((each for held in test.all("attachments") for each in held.all("attachment")), 1):
        media = each.get("media-type")
        if len(each.text) < EVIDENCE_LIMIT and (
            found := texts.attachment(
                each.text, media or "text/plain", each.get("name"), number, encoded=bool(media), stem="evidence"
            )
        ):
            yield found
