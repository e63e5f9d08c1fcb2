"""Karate's own JSON of a feature (`*.karate-json.txt`). Knows its members; knows nothing of Xray, files or settings.

One case a scenario; its class is the feature's path from the class path, as in the Cucumber JSON that Karate writes.
Rows of an outline are results of one Test. Members come in any order, so the document is read twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Iteration, Outcome, Step
from xray_ci.reports import author_marks, members, notices, texts, words
from xray_ci.reports.members import Members, picked, said

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Attachment, Problem

MILLISECONDS: Final = 1e-3
STEP_LIMIT: Final = 2_000
"""Steps kept of one scenario."""
_STATUS: Final = {"passed": Outcome.PASSED, "failed": Outcome.FAILED, "skipped": Outcome.SKIPPED}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each scenario, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    head = Members(dict(picked(source, "name", "relativePath", "prefixedPath", "failedCount")), "")
    source.seek(0)
    feature = (
        head.text("relativePath")
        or (head.text("prefixedPath") or "").removeprefix("classpath:")
        or head.text("name")
        or ""
    )
    found = enumerate(picked(source, "scenarioResults[]", lists=("scenarioResults",)))
    stated = [head.number("failedCount")]
    count = 0
    for item in words.against(
        (
            _case(Members(value, f"scenarioResults[{number}]"), feature, head.text("name") or "")
            for number, (_, value) in found
        ),
        stated,
    ):
        count += 1
        yield item
    if not count:
        yield notices.no_cases()


def _case(test: Members, feature: str, title: str) -> Case:
    results = [step for step in test.each("stepResults") if step.raw("hidden") is not True]
    outcome = _outcome(test, results)
    error = (
        None
        if outcome is Outcome.PASSED
        else test.text("error")
        or next(
            (text for step in results if (result := step.inner("result")) and (text := result.text("errorMessage"))),
            None,
        )
    )
    row = tuple((texts.cut(name, 1_024), texts.cut(said(value), 1_024)) for name, value in _row(test))
    files = [file for step in results for file in _files(step)][: texts.ATTACHMENT_LIMIT]
    return Case(
        suite=(title or feature,),
        classname=feature[: members.NAME_LIMIT] or None,
        name=test.text("name") or "",
        outcome=outcome,
        seconds=test.seconds("durationMillis", MILLISECONDS),
        started=test.time("startTime"),
        finished=test.time("endTime"),
        kind=members.kind_of(error),
        message=error,
        output=None
        if outcome is Outcome.PASSED
        else texts.tail("\n".join(step.text("stepLog") or "" for step in results)) or None,
        marks=author_marks.of_tags(test.texts("tags")),
        steps=tuple(_step(step) for step in results[:STEP_LIMIT]),
        attachments=tuple(files),
        iterations=(Iteration(outcome=outcome, parameters=row),) if row else (),
    )


def _outcome(test: Members, results: list[Members]) -> Outcome:
    """Return the verdict: `failed` says it alone, and a scenario passed only where its steps say so."""
    if test.raw("failed") is True:
        return Outcome.FAILED
    if test.raw("failed") is not False:
        return Outcome.OTHER
    told = {_result(step) for step in results}
    if told & words.FAILURES:
        return Outcome.FAILED
    return Outcome.PASSED if Outcome.PASSED in told else Outcome.SKIPPED if told == {Outcome.SKIPPED} else Outcome.OTHER


def _result(step: Members) -> Outcome:
    result = step.inner("result")
    return words.outcome(result.text("status") if result else None, _STATUS)


def _row(test: Members) -> list[tuple[str, object]]:
    data = test.raw("exampleData")
    return list(data.items())[:100] if isinstance(data, dict) else []


def _step(held: Members) -> Step:
    step, result = held.inner("step"), held.inner("result")
    action = f"{step.text('prefix') or ''} {step.text('text') or ''}".strip() if step else ""
    return Step(
        action=texts.cut(action) or "(step)",
        data=step.text("docString") if step else None,
        outcome=_result(held),
        comment=result.text("errorMessage") if result else None,
    )


def _files(step: Members) -> Iterator[Attachment]:
    for number, file in enumerate(step.each("embeds"), start=1):
        media = file.text("mimeType", limit=200)
        if path := file.text("file"):
            yield texts.file(path, media)
        elif (data := file.text("data", limit=None)) and (found := texts.attachment(data, media, None, number)):
            yield found
