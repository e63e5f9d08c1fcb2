"""CTRF, the Common Test Report Format, of every tool that writes it.

Knows its members in all versions of its specification.

One case an element of `results.tests`; the summary is never trusted. The class name is made of `suite`, joined by ` >
`, and is missing where the report gives none. Durations are milliseconds; points in time are milliseconds, or seconds
as some tools write. Keys and requirements come from tags, from `extra` and its annotations, and from `labels`; what a
test was given (`parameters`) is kept as an iteration.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import Attempt, Case, Iteration, Outcome, Step
from xray_ci.patterns import remembered
from xray_ci.reports import author_marks, members, notices, texts
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.members import Members, said
from xray_ci.reports.notices import BROKEN, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Attachment, Mark, Problem

MILLISECONDS: Final = 1e-3
STEP_LIMIT: Final = 2_000
"""Steps kept of one test."""
ATTEMPT_LIMIT: Final = 100
"""Attempts kept of one test."""
PARAMETER_LIMIT: Final = 100
"""Parameters kept of one test."""
_OUTCOMES: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "skipped": Outcome.SKIPPED,
    "pending": Outcome.SKIPPED,
}
_PASSED: Final = Outcome.PASSED
_MORE: Final = frozenset(
    {"attachments", "extra", "labels", "parameters", "retries", "retryAttempts", "screenshot", "steps", "tags"}
)
"""A test that passed and has none of these members has nothing but its names and times."""


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test, in the order of the report, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or ends too early;
    what was yielded before must then be dropped.
    """
    window = Window(source)
    if window.peek() not in {"{", ""}:
        raise Fault(BROKEN, "CTRF is one object with `results`")
    stated = notices.Stated()
    count = 0
    listed = False
    for name in window.members():
        if name != "results" or window.peek() != "{":
            window.value()
            continue
        for member in window.members():
            if member != "tests":
                value = window.value()
                if member == "summary" and isinstance(value, dict):
                    stated.add(value.get("failed"))
            elif window.peek() not in {"[", ""}:
                raise Fault(BROKEN, "results.tests is no list")
            else:
                listed = True
                for count, test in enumerate(window.values(), 1):
                    case = _case(Members(test, "results.tests", None, count - 1), window.line)
                    stated.see(case)
                    yield case
    window.finish()
    if not listed:
        raise Fault(BROKEN, "it has no `results.tests`")
    yield from stated.rest()
    if not count:
        yield notices.no_cases()


def _case(test: Members, number: int) -> Case:
    word = test.text("status") or ""
    outcome = _OUTCOMES.get(word) or _OUTCOMES.get(word.lower()) or texts.unknown(word)
    suite, classname = _suite(test)
    name, seconds = test.text("name") or "", test.seconds("duration", MILLISECONDS)
    started, finished = test.time("start"), test.time("stop")
    case = Case(
        suite=suite,
        classname=classname,
        name=name,
        outcome=outcome,
        seconds=seconds,
        started=started,
        finished=finished,
        line=number,
    )
    if outcome is _PASSED and test.without(_MORE):
        return case
    message = trace = output = None
    if outcome is not _PASSED:
        message, trace = test.text("message"), test.text("trace")
        snippet = test.text("snippet")
        if snippet and snippet.strip() not in (trace or message or ""):
            trace = texts.cut("\n\n".join(filter(None, (trace, snippet))))
        lines = [line.rstrip("\n") for line in (*test.texts("stdout"), *test.texts("stderr"))]
        output = texts.tail("\n".join(lines)) or None if lines else None
    parameters = tuple(_parameters(test))
    return msgspec.structs.replace(
        case,
        kind=members.kind_of(message) or members.kind_of(trace),
        message=message,
        trace=trace,
        output=output,
        attachments=tuple(_attachments(test)),
        marks=_marks(test),
        steps=tuple(_steps(test)),
        iterations=(Iteration(outcome=outcome, name=name, parameters=parameters),) if parameters else (),
        attempts=tuple(_attempts(test)),
    )


def _suite(test: Members) -> tuple[tuple[str, ...], str | None]:
    """Return the suites, which are a list since version 1 and were one text with ` > ` before, and the class name."""
    found = test.raw("suite")
    return _split(found) if isinstance(found, str) else _named(tuple(test.texts("suite")))


@remembered
def _split(text: str) -> tuple[tuple[str, ...], str | None]:
    return _named(tuple(part for part in text[: members.NAME_LIMIT].split(members.SPLIT) if part))


def _named(suite: tuple[str, ...]) -> tuple[tuple[str, ...], str | None]:
    return suite, members.joined(*suite)


def _marks(test: Members) -> tuple[Mark, ...]:
    found = list(author_marks.of_tags(test.texts("tags")))
    for holder in ("extra", "labels"):
        if not isinstance(test.raw(holder), dict):
            continue
        said_of = Members(test.raw(holder), holder, test)
        if isinstance(said_of.raw("annotations"), list):
            found += author_marks.of_annotations(note for note in said_of.each("annotations"))
        for name in said_of:
            value = said_of.raw(name)
            for each in value if isinstance(value, list) else [value]:
                found += author_marks.of_annotation(name, said(each))
    return tuple(dict.fromkeys(found))


def _parameters(test: Members) -> Iterator[tuple[str, str]]:
    if isinstance(test.raw("parameters"), dict):
        given = Members(test.raw("parameters"), "parameters", test)
        for _, name in zip(range(PARAMETER_LIMIT), given, strict=False):
            yield texts.cut(name, members.NAME_LIMIT), texts.cut(said(given.raw(name)), 1_024)


def _steps(test: Members) -> Iterator[Step]:
    for number, step in enumerate(test.each("steps")):
        if number >= STEP_LIMIT:
            return
        yield Step(
            action=step.text("name") or "(step)",
            outcome=_OUTCOMES.get((step.text("status") or "").lower(), Outcome.OTHER),
        )


def _attempts(test: Members) -> Iterator[Attempt]:
    for number, attempt in enumerate(test.each("retryAttempts")):
        if number >= ATTEMPT_LIMIT:
            return
        outcome = _OUTCOMES.get((attempt.text("status") or "").lower(), Outcome.OTHER)
        yield Attempt(outcome=outcome, message=attempt.text("message"), trace=attempt.text("trace"))
    if not test.raw("retryAttempts"):  # before version 1 retries were only counted
        yield from (Attempt(outcome=Outcome.FAILED),) * int(min(test.number("retries") or 0, ATTEMPT_LIMIT))


def _attachments(test: Members) -> Iterator[Attachment]:
    holders = [test, *(test.each("retryAttempts"))]
    count = 0
    for holder in holders:
        for entry in holder.each("attachments"):
            count += 1
            if (path := entry.text("path")) and count <= texts.ATTACHMENT_LIMIT:
                yield texts.file(path, entry.text("contentType"))
    shot = test.text("screenshot", limit=None)
    if shot:
        found = texts.attachment(shot.partition("base64,")[2] or shot, "image/png", "screenshot", 1, encoded=True)
        if found is not None:
            yield found
