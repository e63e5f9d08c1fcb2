"""Playwright's JSON report. Knows suites, specs, projects and attempts; knows nothing of Xray.

One case a spec and project. Its class name is made of the file and the `describe` titles, joined by ` > `, its name is
the title: runs in several projects (browsers) are results of one Test, and the project is the case's outermost suite.
Of several attempts the last one counts; a flaky test passed, and a test that failed as it was expected to passed too.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.model import Attempt, Case, Mark, MarkKind, Outcome, Step
from xray_ci.reports import author_marks, members, notices, texts
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.members import NESTING_LIMIT, Members
from xray_ci.reports.notices import BROKEN, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Attachment, Problem

MILLISECONDS: Final = 1e-3
STEP_LIMIT: Final = 2_000
"""Steps kept of one attempt."""
ATTEMPT_LIMIT: Final = 100
"""Attempts kept of one test."""
_OUTCOMES: Final = {
    "expected": Outcome.PASSED,
    "flaky": Outcome.PASSED,
    "unexpected": Outcome.FAILED,
    "skipped": Outcome.SKIPPED,
}
_RESULTS: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "timedOut": Outcome.FAILED,
    "interrupted": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
}
_TAG_IN_TITLE: Final = re.compile(r"(?<!\S)@[\w:.-]{1,100}")


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test of each project, in the order of the report, then notices; errors outside of tests are notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or ends too early;
    what was yielded before must then be dropped.
    """
    reader = _Reader(Window(source))
    yield from reader.document()


class _Reader:
    """One document while it streams by.

    Nothing larger than a spec is held, unless a suite's title stands behind its specs.
    """

    def __init__(self, window: Window) -> None:
        self._window = window
        self._count = 0
        self._outside = notices.Outside()
        self._stated = notices.Stated()

    def document(self) -> Iterator[Case | Problem]:
        window = self._window
        if window.peek() not in {"{", ""}:
            raise Fault(BROKEN, "a report of Playwright is one object with `suites`")
        for name in window.members():
            if name == "suites":
                yield from self._suites((), "suites")
            elif name == "errors":
                for error in Members({name: window.value()}, "$").each(name):
                    yield from self._outside.say(
                        "the run", error.text("message") or error.text("stack") or error.text("value")
                    )
            else:
                value = window.value()
                if name == "stats" and isinstance(value, dict):
                    self._stated.add(value.get("unexpected"))
        window.finish()
        yield from self._outside.rest()
        yield from self._stated.rest()
        if not self._count:
            yield notices.no_cases()

    def _suites(self, titles: tuple[str, ...], path: str) -> Iterator[Case]:
        if self._window.peek() != "[":
            if self._window.value() is not None:
                raise Fault(BROKEN, f"{path} is no list")
            return
        if len(titles) > NESTING_LIMIT:
            raise Members({}, path).too_deep()
        for index, _ in enumerate(self._window.elements()):
            yield from self._suite(titles, f"{path}[{index}]")

    def _suite(self, titles: tuple[str, ...], path: str) -> Iterator[Case]:
        window = self._window
        if window.peek() not in {"{", ""}:
            raise Fault(BROKEN, f"{path} is no object")
        own: tuple[str, ...] | None = None
        late: dict[str, object] = {}
        for name in window.members():
            if own is not None and name == "suites":
                yield from self._suites(own, f"{path}.suites")
            elif own is not None and name == "specs" and window.peek() == "[":
                for index, spec in enumerate(window.values()):
                    yield from self._spec(Members(spec, f"{path}.specs", None, index), own, window.line)
            else:
                value = window.value()
                if name == "title":
                    own = (*titles, value) if isinstance(value, str) and value else titles
                elif name in {"specs", "suites", "file"}:
                    late[name] = value
        yield from self._held(Members(late, path), titles if own is None else own)

    def _held(self, suite: Members, titles: tuple[str, ...]) -> Iterator[Case]:
        """Yield the cases of a suite that is in memory."""
        if len(titles) > NESTING_LIMIT:
            raise suite.too_deep()
        for spec in suite.each("specs"):
            yield from self._spec(spec, titles, None)
        for inner in suite.each("suites"):
            yield from self._held(inner, (*titles, inner.text("title") or ""))

    def _spec(self, spec: Members, titles: tuple[str, ...], line: int | None) -> Iterator[Case]:
        for test in spec.each("tests"):
            self._count += 1
            case = case_of(spec, test, titles, line)
            self._stated.see(case)
            yield case


def case_of(spec: Members, test: Members, titles: tuple[str, ...], line: int | None) -> Case:
    """Return the result of a test in a project; `titles` are those of the suites around it."""
    results = list(test.each("results"))
    last = results[-1] if results else Members({}, "results", test)
    status = test.text("status")
    outcome = _OUTCOMES.get(status or "") or _RESULTS.get(last.text("status") or "") or texts.unknown(status)
    if outcome is Outcome.PASSED and status and status not in _OUTCOMES:
        outcome = texts.unknown(status)
    message = trace = output = None
    steps: tuple[Step, ...] = ()
    if outcome is Outcome.SKIPPED:
        message = next(
            (
                why
                for note in test.each("annotations")
                if note.text("type") in {"skip", "fixme"} and (why := note.text("description"))
            ),
            None,
        )
    elif outcome is not Outcome.PASSED:
        message, trace = _errors(last)
        if message is None and last.raw("status") == "passed":
            message = "it was expected to fail, but passed"
        elif message is None:
            message = last.text("status")
        output = _output(last)
    steps = tuple(_steps(last))
    project = test.text("projectName") or test.text("projectId")
    name = spec.text("title") or ""
    started = last.time("startTime")
    seconds = last.seconds("duration", MILLISECONDS)
    return Case(
        suite=(project, *titles) if project else titles,
        classname=members.joined(*titles),
        name=name,
        outcome=outcome,
        seconds=seconds,
        started=started,
        finished=members.later(started, seconds),
        kind=members.kind_of(message),
        message=message,
        trace=trace,
        output=output,
        marks=_marks(spec, test, results, name)
        + ((Mark(kind=MarkKind.ENVIRONMENT, value=project),) if project else ()),
        attachments=tuple(_attachments(results)),
        steps=steps,
        attempts=_attempts(test, results[:-1][:ATTEMPT_LIMIT]),
        line=line,
    )


def _marks(spec: Members, test: Members, results: list[Members], name: str) -> tuple[Mark, ...]:
    notes = [*test.each("annotations"), *(note for result in results[-1:] for note in result.each("annotations"))]
    found = author_marks.of_annotations(notes) + author_marks.of_tags(
        [*spec.texts("tags"), *_TAG_IN_TITLE.findall(name)]
    )
    return tuple(dict.fromkeys(found))


def _attempts(test: Members, earlier: list[Members]) -> tuple[Attempt, ...]:
    expected = test.text("expectedStatus")
    found = []
    for result in earlier:
        status = result.text("status") or ""
        outcome = _RESULTS.get(status, Outcome.OTHER)
        if expected == "failed" and status in {"failed", "passed"}:
            outcome = Outcome.PASSED if status == expected else Outcome.FAILED
        message, trace = _errors(result)
        found.append(Attempt(outcome=outcome, message=message, trace=trace))
    return tuple(found)


def _errors(result: Members) -> tuple[str | None, str | None]:
    """Return the messages of all errors of an attempt, and the stack of the one that ended it."""
    said = [text for error in result.each("errors") if (text := error.text("message") or error.text("value"))]
    error = result.inner("error")
    if error is None:
        return texts.cut("\n\n".join(said)) or None, None
    message = error.text("message") or error.text("value")
    if message and not any(message in text for text in said):
        said.append(message)
    return texts.cut("\n\n".join(said)) or None, error.text("stack")


def _output(result: Members) -> str | None:
    parts = [text for name in ("stdout", "stderr") for entry in result.each(name) if (text := entry.text("text"))]
    return texts.tail("".join(parts)) or None


def _steps(result: Members) -> Iterator[Step]:
    """Yield the steps of an attempt; a step within another carries the names of those around it."""
    open_: list[tuple[tuple[str, ...], Iterator[Members]]] = [((), result.each("steps"))]
    count = 0
    while open_ and count < STEP_LIMIT:
        around, siblings = open_[-1]
        step = next(siblings, None)
        if step is None:
            open_.pop()
            continue
        if len(open_) > NESTING_LIMIT:
            raise step.too_deep()
        count += 1
        names = (*around, step.text("title", limit=500) or "(step)")
        error = step.inner("error")
        comment = error.text("message") or error.text("value") or "failed" if error is not None else None
        yield Step(
            action=texts.cut(" > ".join(names)),
            outcome=Outcome.PASSED if error is None else Outcome.FAILED,
            comment=comment,
        )
        open_.append((names, step.each("steps")))


def _attachments(results: list[Members]) -> Iterator[Attachment]:
    """Yield the files of all attempts: a trace is often that of the first retry alone."""
    count = 0
    for result in results:
        for entry in result.each("attachments"):
            count += 1
            if count > texts.ATTACHMENT_LIMIT:
                return
            media, path, body = entry.text("contentType"), entry.text("path"), entry.text("body", limit=None)
            if path:
                yield texts.file(path, media)
            elif body and (found := texts.attachment(body, media, entry.text("name"), count, encoded=True)) is not None:
                yield found
