"""One Allure 2 result file to a case. Knows its members; knows nothing of folders.

Class name and name are what the same tool writes in JUnit XML, as far as the result says it (labels `testClass` and `testMethod`,
`package#method`), else the full name without the name; without a full name the suite labels, joined by ` > `. Rows of a
parametrised test that share a name share that identity, and their parameters are an iteration. Points in time are milliseconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Iteration, Mark, MarkKind, Outcome, Step
from xray_ci.reports import annotated, embedded, members, tag_meaning, texts
from xray_ci.reports.objects import NESTING_LIMIT, Members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Attachment

STEP_LIMIT: Final = 2_000
"""Steps kept of one result."""
PARAMETER_LIMIT: Final = 200
_OUTCOMES: Final = {"passed": Outcome.PASSED, "failed": Outcome.FAILED, "broken": Outcome.ERROR, "skipped": Outcome.SKIPPED}
_SUITES: Final = ("parentSuite", "suite", "subSuite")
_BEHAVIOURS: Final = frozenset({"epic", "feature", "story"})
_SEPARATORS: Final = "#.:> /"
_LONGEST: Final = 366 * 86_400_000.0


def to_case(result: Members, number: int, *, folder: str = "") -> Case:
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
    seconds = (stop - start) / 1000 if start is not None and stop is not None and 0 <= stop - start <= _LONGEST else None
    marks = _marks(result, labels)
    parameters = tuple(_parameters(result))
    if name != title and not parameters:  # the title of a row of data is not that of its Test
        marks = (*marks, Mark(kind=MarkKind.SUMMARY, value=title))
    rows = (Iteration(outcome=outcome, name=title, parameters=parameters, steps=steps),) if parameters else ()
    return Case(suite=suite, classname=classname, name=name, outcome=outcome, seconds=seconds, started=result.time("start"),
                finished=result.time("stop"), kind=members.kind_of(message) or members.kind_of(trace), message=message, trace=trace,
                attachments=tuple(_attachments(result, folder)), marks=tuple(dict.fromkeys(marks)), steps=steps, iterations=rows,
                line=number)


def outcome_of(result: Members) -> Outcome:
    """Return what became of a result, a step or a fixture."""
    return _OUTCOMES.get(result.text("status") or "", Outcome.OTHER)


def _identity(result: Members, labels: dict[str, str], suite: tuple[str, ...], title: str) -> tuple[str | None, str]:
    if (owner := labels.get("testClass")) and (method := labels.get("testMethod")):
        return owner, method
    full = result.text("fullName", limit=members.NAME_LIMIT)
    if not full or full == title:
        return members.joined(*suite), title
    if "#" in full and " " not in full:
        return full.rpartition("#")[0] or None, title
    return (full.removesuffix(title).rstrip(_SEPARATORS) if full.endswith(title) else full) or members.joined(*suite), title


def _details(result: Members) -> tuple[str | None, str | None]:
    details = result.inner("statusDetails")
    return (details.text("message"), details.text("trace")) if details is not None else (None, None)


def _marks(result: Members, labels: list[tuple[str, str]]) -> tuple[Mark, ...]:
    found: list[Mark] = []
    for link in result.each("links"):
        key = tag_meaning.key_in(link.text("name") or "") or tag_meaning.key_in(link.text("url") or "")
        kind = {"tms": MarkKind.TEST_KEY, "issue": MarkKind.DEFECT}.get(link.text("type") or "")
        if key and kind is not None:
            found.append(Mark(kind=kind, value=key))
    for name, value in labels[:annotated.COUNT_LIMIT]:
        if name == "tag":
            found += tag_meaning.marks([value])
        elif name in _BEHAVIOURS:
            key = tag_meaning.key_in(value)
            found += [Mark(kind=MarkKind.REQUIREMENT, value=key)] if key else []
        else:
            found += annotated.meaning(name, value)
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
        yield Step(action=texts.cut(" > ".join(names)), data=data or None, outcome=outcome,
                   comment=message if outcome is not Outcome.PASSED else None)


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
            if (source := entry.text("source", limit=1_000)) and count <= embedded.ATTACHMENT_LIMIT:
                yield embedded.file(folder + source, entry.text("type"), entry.text("name"))
