"""Allure 2 results: a folder is one report, with one file for each result.

Class name and name are what the same tool writes in JUnit XML, as far as the result says it (labels `testClass` and
`testMethod`, `package#method`), else the full name without the name; without a full name the suite labels, joined by `
> `. Rows of a parametrised test that share a name share that identity, and their parameters are an iteration. Points in
time are milliseconds.

A retried test has one file for each attempt, all with one `historyId`: the last to start counts, the others are its
attempts. They come in the order in which they started, for their names are random. Where no file has a name of Allure's
own making, each is a result besides, as whoever named them counts them; the last to start stands for them all the same.
Errors of fixtures that end no test, and of the run, stand in files of their own and are notices.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import Attempt, Case, Iteration, Mark, MarkKind, Outcome, Step
from xray_ci.reports import author_marks, members, notices, texts
from xray_ci.reports.discover import CONTAINER, GLOBALS, RESULT, belongs, holds_result, is_result
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.members import NESTING_LIMIT, Members
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, Fault
from xray_ci.safefiles import open_place

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Attachment, Place, Problem


STEP_LIMIT: Final = 2_000
"""Steps kept of one result."""
PARAMETER_LIMIT: Final = 200
ATTEMPT_LIMIT: Final = 100
"""Attempts kept of one test."""
_OUTCOMES: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "broken": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
}
_SUITES: Final = ("parentSuite", "suite", "subSuite")
_BEHAVIOURS: Final = frozenset({"epic", "feature", "story"})
_SEPARATORS: Final = "#.:> /\u203a"
_PLACE: Final = re.compile(r":[0-9]{1,9}(?::[0-9]{1,9})?\Z")
"""A line, and perhaps a column, at the end of a full name."""
_LONGEST: Final = 366 * 86_400_000.0


def to_case(result: Members, *, folder: str = "") -> Case:
    """Return the case of a result; `folder`, with a slash at its end, is put before the names of its attachments.

    Raises Fault with the path of a member that should be a list or an object.
    """
    labels = [(label.text("name") or "", label.text("value") or "") for label in result.each("labels")]
    suite = tuple(value for wanted in _SUITES for name, value in labels if name == wanted and value)
    title = result.text("name") or result.text("fullName") or ""
    classname, name = _identity(result, dict(reversed(labels)), suite, title)
    outcome = outcome_of(result)
    message, trace = _details(result) if outcome is not Outcome.PASSED else (None, None)
    steps = tuple(_steps(result))
    start, stop = result.number("start"), result.number("stop")
    seconds = (
        (stop - start) / 1000 if start is not None and stop is not None and 0 <= stop - start <= _LONGEST else None
    )
    marks = _marks(result, labels)
    parameters = tuple(_parameters(result))
    if name != title and not parameters:  # the title of a row of data is not that of its Test
        marks = (*marks, Mark(kind=MarkKind.SUMMARY, value=title))
    rows = (Iteration(outcome=outcome, name=title, parameters=parameters, steps=steps),) if parameters else ()
    return Case(
        suite=suite,
        classname=classname,
        name=name,
        outcome=outcome,
        seconds=seconds,
        started=result.time("start"),
        finished=result.time("stop"),
        kind=members.kind_of(message) or members.kind_of(trace),
        message=message,
        trace=trace,
        attachments=tuple(_attachments(result, folder)),
        marks=tuple(dict.fromkeys(marks)),
        steps=steps,
        iterations=rows,
    )


def outcome_of(result: Members) -> Outcome:
    """Return what became of a result, a step or a fixture."""
    return _OUTCOMES.get(result.text("status") or "") or texts.unknown(result.text("status"))


def _identity(result: Members, labels: dict[str, str], suite: tuple[str, ...], title: str) -> tuple[str | None, str]:
    if (owner := labels.get("testClass")) and (method := labels.get("testMethod")):
        return owner, method
    full = result.text("fullName", limit=members.NAME_LIMIT)
    if not full or full == title:
        return members.joined(*suite), title
    if "#" in full and " " not in full:
        return full.rpartition("#")[0] or None, title
    if _PLACE.search(full):  # a line is no identity: two lines more above a test would make another one
        path = [part for part in (labels.get("titlePath") or "").split(members.SPLIT) if part.strip()]
        return _PLACE.sub("", full) if not path or not path[-1] else _below(_PLACE.sub("", full), path), title
    return (full.removesuffix(title).rstrip(_SEPARATORS) if full.endswith(title) else full) or members.joined(
        *suite
    ), title


def _below(file: str, path: list[str]) -> str:
    """Return a file and the titles below it, of a path of titles that may begin with folders and a project."""
    base = file.replace("\\", "/").rpartition("/")[2]
    start = next((index for index, part in enumerate(path) if part.strip().endswith(base)), len(path) - 1)
    return members.joined(file, *(part.strip() for part in path[start + 1 :])) or file


def _details(result: Members) -> tuple[str | None, str | None]:
    details = result.inner("statusDetails")
    return (details.text("message"), details.text("trace")) if details is not None else (None, None)


def _marks(result: Members, labels: list[tuple[str, str]]) -> tuple[Mark, ...]:
    found: list[Mark] = []
    for link in result.each("links"):
        key = author_marks.key_in(link.text("name") or "") or author_marks.key_in(link.text("url") or "")
        kind = {"tms": MarkKind.TEST_KEY, "issue": MarkKind.DEFECT}.get(link.text("type") or "")
        if key and kind is not None:
            found.append(Mark(kind=kind, value=key))
    for name, value in labels[: author_marks.ANNOTATIONS_LIMIT]:
        if name == "tag":
            found += author_marks.of_tags([value])
        elif name in _BEHAVIOURS:
            key = author_marks.key_in(value)
            found += [Mark(kind=MarkKind.REQUIREMENT, value=key)] if key else []
        else:
            found += author_marks.of_annotation(name, value)
    if description := result.text("description"):
        found.append(Mark(kind=MarkKind.DESCRIPTION, value=description))
    return tuple(found)


def _parameters(result: Members) -> Iterator[tuple[str, str]]:
    for number, parameter in enumerate(result.each("parameters")):
        if number >= PARAMETER_LIMIT:
            return
        if parameter.raw("excluded") is True or parameter.raw("mode") == "hidden":
            continue
        value = "******" if parameter.raw("mode") == "masked" else parameter.text("value") or ""
        yield parameter.text("name") or f"parameter {number + 1}", value


def _steps(result: Members) -> Iterator[Step]:
    """Yield the steps; one within another carries the names of those around it."""
    for names, step in _nested(result):
        outcome = outcome_of(step)
        message, _ = _details(step)
        data = "\n".join(f"{name}: {value}" for name, value in _parameters(step))
        yield Step(
            action=texts.cut(" > ".join(names)),
            data=data or None,
            outcome=outcome,
            comment=message if outcome is not Outcome.PASSED else None,
        )


def _nested(result: Members) -> Iterator[tuple[tuple[str, ...], Members]]:
    around: list[tuple[tuple[str, ...], Iterator[Members]]] = [((), result.each("steps"))]
    count = 0
    while around and count < STEP_LIMIT:
        names, siblings = around[-1]
        step = next(siblings, None)
        if step is None:
            around.pop()
            continue
        if len(around) > NESTING_LIMIT:
            raise step.too_deep()
        count += 1
        names = (*names, step.text("name", limit=500) or "(step)")
        yield names, step
        around.append((names, step.each("steps")))


def _attachments(result: Members, folder: str) -> Iterator[Attachment]:
    """Yield the files of the result and of its steps, which lie beside the result's own."""
    count = 0
    for holder in (result, *(step for _, step in _nested(result))):
        for entry in holder.each("attachments"):
            count += 1
            if (source := entry.text("source", limit=1_000)) and count <= texts.ATTACHMENT_LIMIT:
                yield texts.file(folder + source, entry.text("type"), entry.text("name"))


_BAD: Final = frozenset({Outcome.FAILED, Outcome.ERROR})


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield the case of a single result file; its attachments lie beside it.

    Raises Fault where the document is broken, or holds no result.
    """
    result = Members(_document(source), "$")
    if not {"status", "stage"} & set(result):
        raise Fault(NOT_A_REPORT, "it is no result of Allure")
    yield to_case(result)


def read_folder(place: Place) -> Iterator[Case | Problem]:
    """Yield each result in the folder by the time of its start, then notices.

    Attachments are named relative to the folder's parent.

    Raises Fault that names the file which is broken or ends too early, or when the folder holds nothing of Allure; what
    was yielded before must then be dropped. Raises OSError where a file cannot be read.
    """
    with os.scandir(place.path) as entries:
        all_names = sorted(entry.name for entry in entries if entry.name.endswith(".json"))
    others = [name for name in all_names if name.endswith((CONTAINER, GLOBALS))]
    found = [name for name in all_names if name.endswith(RESULT)]
    renamed = not any(map(is_result, found))
    found += [
        name
        for name in all_names
        if not name.endswith((RESULT, CONTAINER, GLOBALS))
        and not belongs(name)
        and holds_result(str(place.path / name))
    ]
    if not found and not others:
        raise Fault(NOT_A_REPORT, "it is a folder without results of Allure")
    results = sorted((*_known(place, name), name) for name in found)
    last = {history: name for _, history, name in results if history}
    earlier: dict[str, list[str]] = {}
    folder = f"{place.path.name}/" if place.path.name else ""
    for _, history, name in results:
        if history and last[history] != name:
            earlier.setdefault(history, []).append(name)
            continue
        result = _file(place, name)
        try:
            case = to_case(result, folder=folder)
            if renamed:
                for each in earlier.get(history, []):
                    early = to_case(_file(place, each), folder=folder)
                    yield msgspec.structs.replace(early, retried=True)
            tries = tuple(_attempt(place, each) for each in earlier.pop(history, [])[-ATTEMPT_LIMIT:])
            yield msgspec.structs.replace(case, attempts=tries) if tries else case
        except Fault as fault:
            raise _within(name, fault) from None
    outside = notices.Outside()
    for name in others:
        yield from _aside(outside, _file(place, name))
    yield from outside.rest()
    if not results:
        yield notices.no_cases()


def _known(place: Place, name: str) -> tuple[float, str]:
    """Return when a result began, and what all attempts of a test have in common."""
    result = _file(place, name)
    return result.number("start") or 0.0, result.text("historyId", limit=members.NAME_LIMIT) or ""


def _attempt(place: Place, name: str) -> Attempt:
    result = _file(place, name)
    message, trace = _details(result)
    return Attempt(outcome=outcome_of(result), message=message, trace=trace)


def _aside(outside: notices.Outside, document: Members) -> Iterator[Problem]:
    """Tell of what failed outside of results: clean-ups, preparations without a test, and the run itself."""
    fixtures = [*document.each("afters"), *(document.each("befores") if not document.raw("children") else ())]
    for fixture in fixtures:
        if outcome_of(fixture) in _BAD:
            details = fixture.inner("statusDetails")
            yield from outside.say(
                f"the fixture {fixture.text('name', limit=200) or 'without a name'}",
                details.text("message") if details is not None else None,
            )
    for error in document.each("errors"):
        yield from outside.say("the run", error.text("message"))


def _file(place: Place, name: str) -> Members:
    try:
        with open_place(place, name) as source:
            return Members(_document(source), name)
    except OSError as error:
        raise Fault(BROKEN, f"{name}: it cannot be read ({error.strerror or error})") from None
    except Fault as fault:
        raise _within(name, fault) from None


def _within(name: str, fault: Fault) -> Fault:
    cause = fault.cause if fault.cause.startswith(name) else f"{name}: {fault.cause}"
    return Fault(fault.slug, cause, line=fault.line, column=fault.column, advice=fault.advice)


def _document(source: Source) -> object:
    window = Window(source)
    if window.peek() != "{":
        window.take("{")
    value = window.value()
    window.finish()
    return value
