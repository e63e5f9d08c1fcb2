"""Ginkgo's JSON (`--json-report`). Knows its members; knows nothing of Xray, files or settings.

One case an `It`: its class is the suite's description and its name the texts of the containers and its own, as in
Ginkgo's JUnit XML without the marker `[It]` and labels. Other nodes (BeforeSuite …) are no tests: those that failed are
notices. Labels are tags, entries of a spec that are named like JUnit's properties are marks, `By` is a step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Attempt, Case, Outcome, Step
from xray_ci.reports import author_marks, members, notices, texts, words
from xray_ci.reports.members import Members, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Mark, Problem
    from xray_ci.reports.json_stream import Source

NANOSECONDS: Final = 1e-9
STEP_LIMIT: Final = 1_000
ATTEMPT_LIMIT: Final = 100
_STATES: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "panicked": Outcome.ERROR,
    "interrupted": Outcome.ERROR,
    "aborted": Outcome.ERROR,
    "timedout": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "pending": Outcome.SKIPPED,
}
_SUITE: Final = (
    "[].SuitePath",
    "[].SuiteDescription",
    "[].SuiteLabels",
    "[].SuiteSucceeded",
    "[].SpecialSuiteFailureReasons",
)


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each spec of each suite, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    outside = notices.Outside()
    suite: dict[str, object] = {}
    count = failed = 0
    for path, value in picked(source, *_SUITE, "[].SpecReports[]", lists=("",)):
        if path == _SUITE[0]:  # the first member of each suite
            yield from _missed(suite, failed)
            suite, failed = {}, 0
        if path in _SUITE:
            suite[path.removeprefix("[].")] = value
            continue
        held, spec = Members(suite, "[]"), Members(value, "[].SpecReports[]")
        case = _case(spec, held)
        failed += case.outcome in words.FAILURES
        if spec.text("LeafNodeType") in {"It", None}:
            count += 1
            yield case
        elif case.outcome in words.FAILURES:
            yield from outside.say(f"{spec.text('LeafNodeType')} of {held.text('SuiteDescription')}", case.message)
    yield from _missed(suite, failed)
    yield from outside.rest()
    if not count:
        yield notices.no_cases()


def _missed(suite: dict[str, object], failed: int) -> Iterator[Problem]:
    """Yield the notice of a suite that did not succeed for a reason that is no spec's."""
    if suite.get("SuiteSucceeded") is False and not failed:
        held = Members(suite, "[]")
        yield notices.notice(
            "stated-failures",
            f"the suite {held.text('SuiteDescription')!r} did not succeed, but no spec of it failed: "
            f"{'; '.join(held.texts('SpecialSuiteFailureReasons'))[:300] or 'no reason is given'}",
        )


def _case(spec: Members, suite: Members) -> Case:
    outcome = words.outcome(spec.text("State"), _STATES)
    failure = spec.inner("Failure") if outcome is not Outcome.PASSED and isinstance(spec.raw("Failure"), dict) else None
    place = failure.inner("Location") if failure and isinstance(failure.raw("Location"), dict) else None
    containers = spec.texts("ContainerHierarchyTexts")
    title = suite.text("SuiteDescription") or ""
    printed = (
        [] if outcome is Outcome.PASSED else [spec.text("CapturedGinkgoWriterOutput"), spec.text("CapturedStdOutErr")]
    )
    message = failure.text("Message") if failure else None
    panic = failure.text("ForwardedPanic") if failure else None
    tries = spec.number("NumAttempts") or 1
    flaky = (spec.number("MaxFlakeAttempts") or 0) > 1
    return Case(
        suite=(title, *containers),
        classname=title[: members.NAME_LIMIT] or None,
        name=" ".join(filter(None, (*containers, spec.text("LeafNodeText")))),
        outcome=outcome,
        seconds=spec.seconds("RunTime", NANOSECONDS),
        started=spec.time("StartTime"),
        finished=spec.time("EndTime"),
        message=texts.cut("\n".join(filter(None, (message, panic)))) or None,
        trace=place.text("FullStackTrace") if place else None,
        output=texts.tail("\n".join(filter(None, printed))) or None,
        marks=_marks(spec, suite),
        steps=tuple(_steps(spec)),
        attempts=(Attempt(outcome=Outcome.FAILED),) * int(min(max(tries - 1, 0), ATTEMPT_LIMIT)) if flaky else (),
    )


def _marks(spec: Members, suite: Members) -> tuple[Mark, ...]:
    containers = spec.raw("ContainerHierarchyLabels")
    labels = [
        *suite.texts("SuiteLabels"),
        *(
            label
            for each in (containers if isinstance(containers, list) else [])
            if isinstance(each, list)
            for label in each
            if isinstance(label, str)
        ),
        *spec.texts("LeafNodeLabels"),
    ]
    found = list(author_marks.of_tags(labels))
    for _, entry in zip(range(author_marks.ANNOTATIONS_LIMIT), spec.each("ReportEntries"), strict=False):
        value = entry.inner("Value") if isinstance(entry.raw("Value"), dict) else None
        found += author_marks.of_annotation(
            entry.text("Name") or "",
            (value.text("Representation") or value.text("AsJSON") or "").strip('"') if value else "",
        )
    return tuple(dict.fromkeys(found))


def _steps(spec: Members) -> Iterator[Step]:
    events = (event for event in spec.each("SpecEvents") if event.text("SpecEventType") == "By")
    for _, event in zip(range(STEP_LIMIT), events, strict=False):
        yield Step(action=event.text("Message") or "(step)")
