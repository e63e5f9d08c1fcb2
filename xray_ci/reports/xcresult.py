"""JSON of Xcode's `xcresulttool get test-results tests`.

Knows its kinds of nodes; knows nothing of Xray, files or settings.

A case is a Test Case: its class is the bundle and the suites around it, joined by points as Swift writes a class.
Repetitions before the last are attempts, arguments are iterations, and a test that ran on several devices or
configurations has a result of each.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Attempt, Case, Iteration, Mark, MarkKind, Outcome
from xray_ci.reports import author_marks, notices, texts, words
from xray_ci.reports.members import NESTING_LIMIT, Members, picked
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source

ROW_LIMIT: Final = 1_000
"""Repetitions or arguments kept of one test."""
_RESULTS: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "skipped": Outcome.SKIPPED,
    "expected failure": Outcome.PASSED,
}
_PLACES: Final = frozenset({"Device", "Test Plan Configuration"})
_RUNS: Final = frozenset({"Repetition", "Test Case Run"})


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test, on each device and configuration.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    count = 0
    for number, (_, value) in enumerate(picked(source, "testNodes[]", lists=("testNodes",))):
        for case in _tests(Members(value, f"testNodes[{number}]"), (), 0):
            count += 1
            yield case
    if not count:
        yield notices.no_cases()


def _tests(node: Members, above: tuple[str, ...], depth: int) -> Iterator[Case]:
    if depth > NESTING_LIMIT:
        raise node.too_deep()
    kind, name = node.text("nodeType"), node.text("name") or ""
    if kind == "Test Case":
        places = [child for child in node.each("children") if child.text("nodeType") in _PLACES]
        for place in places or [node]:
            yield _case(node, place, above)
        return
    inner = above if kind == "Test Plan" or kind in _PLACES else (*above, name)
    for child in node.each("children"):
        yield from _tests(child, inner, depth + 1)


def _case(test: Members, ran: Members, suite: tuple[str, ...]) -> Case:
    outcome = words.outcome(ran.text("result"), _RESULTS)
    runs = [child for child in ran.each("children") if child.text("nodeType") in _RUNS][:ROW_LIMIT]
    failures = (
        [] if outcome is Outcome.PASSED else [*_messages(ran), *(text for run in runs[-1:] for text in _messages(run))]
    )
    marks = [*author_marks.of_tags(test.texts("tags"))]
    if ran is not test and (place := ran.text("name", limit=255)):
        marks.append(Mark(kind=MarkKind.ENVIRONMENT, value=place))
    return Case(
        suite=suite,
        classname=".".join(filter(None, suite)) or None,
        name=test.text("name") or "",
        outcome=outcome,
        seconds=_took(ran),
        message=failures[0] if failures else None,
        trace=texts.cut("\n\n".join(failures)) or None,
        marks=tuple(marks),
        iterations=tuple(_rows(ran)),
        attempts=tuple(
            Attempt(
                outcome=words.outcome(run.text("result"), _RESULTS), message="\n".join(_messages(run))[:4_096] or None
            )
            for run in runs[:-1]
        ),
    )


def _took(node: Members) -> float | None:
    exact = node.seconds("durationInSeconds")
    if exact is not None:
        return exact
    parts = [seconds(part) for part in (node.text("duration", limit=64) or "").split()]
    known = [part for part in parts if part is not None]
    return sum(known) if known and len(known) == len(parts) else None


def _messages(node: Members) -> list[str]:
    """Return the failures, or the reason for skipping, that stand directly in a node.

    A place of the source follows the text.
    """
    return [
        child.text("name") or ""
        for child in node.each("children")
        if child.text("nodeType") in {"Failure Message", "Skip Message"}
    ]


def _rows(node: Members) -> Iterator[Iteration]:
    found = (child for child in node.each("children") if child.text("nodeType") == "Arguments")
    for _, row in zip(range(ROW_LIMIT), found, strict=False):
        said = row.text("name", limit=1_024) or ""
        yield Iteration(
            outcome=words.outcome(row.text("result"), _RESULTS), name=said, parameters=(("arguments", said),)
        )
