"""xUnit.net XML, versions 1, 2 and 3. Knows elements and where they stand; knows nothing of Xray, files or settings.

A case's identity is type and method, as Xray derives it, so that the rows of a theory are results of one Test; what a
row was given is kept as an iteration. Keys are in the trait `test`, requirements and labels (blank separated) in
`requirement` and `labels`, tags in `category`.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

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
_RESULTS: Final = {"pass": Outcome.PASSED, "fail": Outcome.FAILED, "skip": Outcome.SKIPPED, "notrun": Outcome.SKIPPED}
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

    def begin(self, scope: XmlNode, /) -> None:
        if scope.tag == "assembly":
            self.stated.add(scope.get("failed"), scope.get("errors"))
            self._stamp = timestamp(scope.get("start-rtf") or f"{scope.get('run-date')} {scope.get('run-time')}")

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "test":
            self.add(_case(unit, tuple(scope.get("name") for scope in self.scopes), self._stamp))
            return
        failure = unit.first("failure") or unit
        self.outside(f"{unit.get('type') or 'failure'} {unit.get('name')!r}", failure.said("message"), unit.line)


def _case(test: XmlNode, suite: tuple[str, ...], stamp: datetime | None) -> Case:
    outcome = _RESULTS.get(test.get("result").replace("-", "").lower()) or texts.unknown(test.get("result"))
    owner, method, shown = test.get("type"), test.get("method"), test.get("name")
    title, parameters = _row(shown, owner, method)
    failure = test.first("failure")
    marks = [mark for held in test.all("traits") for trait in held.all("trait") for mark in _marks(trait)]
    if title and method and not any(mark.kind is MarkKind.SUMMARY for mark in marks):
        marks.append(Mark(kind=MarkKind.SUMMARY, value=title))
    if not method and shown:
        marks.append(Mark(kind=MarkKind.DEFINITION, value=shown))
    passed = outcome is Outcome.PASSED
    message = failure.said("message") if failure is not None else test.said("reason")
    iterations = (Iteration(outcome=outcome, name=shown, parameters=parameters),) if parameters else ()
    warnings = [f"warning: {warning.text.strip()}" for held in test.all("warnings") for warning in held.all("warning")]
    return Case(
        suite=suite,
        name=method or shown,
        classname=owner or None,
        outcome=outcome,
        seconds=seconds(test.get("time-rtf") or test.get("time")),
        started=timestamp(test.get("start-rtf")) or stamp,
        finished=timestamp(test.get("finish-rtf")),
        kind=failure.get("exception-type") or None if failure is not None else None,
        message=message or None,
        trace=failure.said("stack-trace") or None if failure is not None else None,
        output=None if passed else texts.tail("\n".join(filter(None, (test.said("output"), *warnings)))) or None,
        attachments=tuple(_attachments(test)),
        marks=tuple(dict.fromkeys(marks)),
        iterations=iterations,
        line=test.line,
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
