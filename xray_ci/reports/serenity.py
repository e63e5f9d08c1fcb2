"""JSON of one test that Serenity BDD and Serenity/JS write.

Knows its members; knows nothing of Xray, files or settings.

A document is a case: its class is the story it belongs to, its name its title. Rows of its table of data are
iterations, steps keep their results, screenshots are evidence. A tag of type `issue` or a listed issue is a
requirement, as Serenity means it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Iteration, Mark, MarkKind, Outcome, Step
from xray_ci.reports import author_marks, members, notices, texts, words
from xray_ci.reports.members import NESTING_LIMIT, Members, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Attachment, Problem
    from xray_ci.reports.json_stream import Source

MILLISECONDS: Final = 1e-3
STEP_LIMIT: Final = 2_000
ROW_LIMIT: Final = 1_000
FRAME_LIMIT: Final = 200
_RESULTS: Final = {
    "success": Outcome.PASSED,
    "failure": Outcome.FAILED,
    "error": Outcome.ERROR,
    "compromised": Outcome.ERROR,
    "aborted": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "ignored": Outcome.SKIPPED,
    "pending": Outcome.OTHER,
    "undefined": Outcome.OTHER,
    "unsuccessful": Outcome.OTHER,
}
_HEAD: Final = (
    "name",
    "title",
    "result",
    "duration",
    "startTime",
    "userStory",
    "tags",
    "issues",
    "additionalIssues",
    "testFailureCause",
    "testFailureMessage",
    "testFailureClassname",
    "description",
    "dataTable",
    "manual",
    "context",
)


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield the test of a document.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    head: dict[str, object] = {}
    steps: list[Step] = []
    for path, value in picked(source, *_HEAD, "testSteps[]"):
        if path in _HEAD:
            head[path] = value
        else:
            for step in _steps(Members(value, path), "", 0):
                if len(steps) < STEP_LIMIT:
                    steps.append(step)
    test = Members(head, "")
    if not (test.text("title") or test.text("name")):
        yield notices.no_cases()
        return
    yield _case(test, tuple(steps))


def _case(test: Members, steps: tuple[Step, ...]) -> Case:
    outcome = words.outcome(test.text("result"), _RESULTS)
    story = test.inner("userStory") if isinstance(test.raw("userStory"), dict) else None
    title = (story.text("storyName") if story else None) or ""
    cause = (
        test.inner("testFailureCause")
        if outcome is not Outcome.PASSED and isinstance(test.raw("testFailureCause"), dict)
        else None
    )
    message = (
        None
        if outcome is Outcome.PASSED
        else test.text("testFailureMessage") or (cause.text("message") if cause else None)
    )
    return Case(
        suite=(title,) if title else (),
        classname=title[: members.NAME_LIMIT] or None,
        name=test.text("title") or test.text("name") or "",
        outcome=outcome,
        seconds=test.seconds("duration", MILLISECONDS),
        started=test.time("startTime"),
        kind=(cause.text("errorType", limit=300) if cause else None) or test.text("testFailureClassname", limit=300),
        message=message,
        trace=_trace(cause) if cause else None,
        marks=_marks(test),
        steps=steps,
        iterations=tuple(_rows(test)),
    )


def _marks(test: Members) -> tuple[Mark, ...]:
    found: list[Mark] = []
    for tag in test.each("tags"):
        name, kind = tag.text("name", limit=255) or "", tag.text("type")
        if kind == "issue" and (key := author_marks.key_in(name.removeprefix("#"))):
            found.append(Mark(kind=MarkKind.REQUIREMENT, value=key))
        elif kind in {"tag", None}:
            found += author_marks.of_tags([name])
    found += [
        Mark(kind=MarkKind.REQUIREMENT, value=key)
        for name in ("issues", "additionalIssues")
        for text in test.texts(name)
        if (key := author_marks.key_in(text.removeprefix("#")))
    ]
    return tuple(dict.fromkeys(found))[: author_marks.TAGS_LIMIT]


def _trace(cause: Members) -> str | None:
    frames = [
        f"\tat {frame.text('declaringClass')}.{frame.text('methodName')}"
        f"({frame.text('fileName')}:{frame.text('lineNumber')})"
        for _, frame in zip(range(FRAME_LIMIT), cause.each("stackTrace"), strict=False)
    ]
    head = f"{cause.text('errorType') or ''}: {cause.text('message') or ''}".strip(": ")
    return texts.cut("\n".join((head, *frames))) if frames else None


def _rows(test: Members) -> Iterator[Iteration]:
    table = test.inner("dataTable") if isinstance(test.raw("dataTable"), dict) else None
    if table is None:
        return
    headers = table.texts("headers")
    for _, row in zip(range(ROW_LIMIT), table.each("rows"), strict=False):
        values = row.raw("values")
        cells = [text if isinstance(text, str) else "" for text in values] if isinstance(values, list) else []
        yield Iteration(
            outcome=words.outcome(row.text("result"), _RESULTS),
            parameters=tuple(
                (head[:1_024], texts.cut(cell, 1_024)) for head, cell in zip(headers, cells, strict=False)
            ),
        )


def _steps(step: Members, above: str, depth: int) -> Iterator[Step]:
    """Yield a step and those in it, each named by the way to it."""
    if depth > NESTING_LIMIT:
        raise step.too_deep()
    name = texts.cut(
        f"{above} > {step.text('description') or '(step)'}" if above else step.text("description") or "(step)", 1_024
    )
    cause = step.inner("exception") if isinstance(step.raw("exception"), dict) else None
    outcome = words.outcome(step.text("result"), _RESULTS)
    yield Step(
        action=name,
        outcome=outcome,
        comment=cause.text("message") if cause and outcome is not Outcome.PASSED else None,
        attachments=tuple(_files(step)),
    )
    for child in step.each("children"):
        yield from _steps(child, name, depth + 1)


def _files(step: Members) -> Iterator[Attachment]:
    found = [shot.text("screenshot") for shot in step.each("screenshots")]
    found += [data.text("path") for data in step.each("reportData") if data.raw("isEvidence") is True]
    yield from (texts.file(path, None) for path in found[: texts.ATTACHMENT_LIMIT] if path)
