"""The comment of a Test Run: what failed and why, in text that cannot become markup.

Knows the parts of a case that say why. Knows nothing of statuses, keys or JSON.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Iteration, Mark, MarkKind, Outcome, Step
from xray_ci.xray import hostile

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RESERVE: Final = 200
"""Characters of a comment kept free for the line that `repeats` adds."""
_ATTEMPT: Final = 1_000
_STEP: Final = 200
_STEPS: Final = 50
_BAD: Final = frozenset({Outcome.FAILED, Outcome.ERROR})
_TRACEBACK: Final = "Traceback (most recent call last)"


def comment(case: Case, marks: Sequence[Mark], *, failure: bool, steps: bool, wiki: bool, limit: int) -> str | None:
    """Return the comment of a case, or None when there is nothing to say.

    `failure` adds the failure's text, `steps` the outcome of each step and iteration, with why a step failed (for
    a Test that takes none of them).
    """
    parts = [text for mark in marks if mark.kind is MarkKind.COMMENT and (text := hostile.clean(mark.value).strip())]
    if failure:
        parts += _failure(case)
        if steps and case.iterations:
            parts.append("\n".join(_iteration_lines(case.iterations)))
        if steps and case.steps:
            parts.append("\n".join(_step_lines(case.steps)))
    if not parts:
        return None
    return safe("\n\n".join(parts), wiki=wiki, limit=limit - RESERVE)


def safe(text: str, *, wiki: bool, limit: int) -> str:
    """Return cleaned text that notifies nobody and, where comments are wiki text, formats nothing."""
    return hostile.verbatim(text, limit) if wiki else hostile.cut(hostile.without_mentions(text), limit)


def with_repeats(old: str | None, counts: Mapping[Outcome, int], kept: str) -> str:
    """Return a comment with the line that says which results of the Test it stands for.

    The line comes after any wiki block, and holds nothing from a report.
    """
    found = ", ".join(f"{count} {_WORDS[outcome]}" for outcome, count in counts.items() if count)
    line = f"{sum(counts.values())} results of this Test: {found}. Shown: {kept}."
    return f"{old}\n{line}" if old else line


_WORDS: Final = {Outcome.PASSED: "passed", Outcome.FAILED: "failed", Outcome.ERROR: "with errors",
                 Outcome.SKIPPED: "skipped", Outcome.OTHER: "other"}


def _failure(case: Case) -> Iterator[str]:
    """Yield the message with its kind, the trace, and what earlier attempts said."""
    message = hostile.clean(case.message).strip() if case.message else ""
    trace = hostile.clean(case.trace).strip() if case.trace else ""
    kind = hostile.one_line(case.kind, _STEP).strip() if case.kind else ""
    if message and message in trace:
        message = ""
    if kind and (kind in message or kind in trace):
        kind = ""
    head = ": ".join(part for part in (kind, message) if part)
    if head:
        yield head
    if trace:
        yield trace
    for number, attempt in enumerate(case.attempts, 1):
        said = hostile.cut(hostile.clean(attempt.message or attempt.trace or "").strip(), _ATTEMPT)
        yield f"attempt {number}: {_WORDS[attempt.outcome]}" + (f": {said}" if said else "")


def _iteration_lines(rows: Sequence[Iteration]) -> Iterator[str]:
    """Yield one line an iteration, with what it ran with."""
    for number, row in enumerate(rows[:_STEPS], 1):
        given = hostile.one_line(", ".join(f"{name}={value}" for name, value in row.parameters[:_STEPS]), _STEP * 2)
        yield f"iteration {number}: {_WORDS[row.outcome]}" + (f" with {given}" if given else "")
    if len(rows) > _STEPS:
        yield f"… and {len(rows) - _STEPS} iterations more"


def _step_lines(steps: Sequence[Step]) -> Iterator[str]:
    """Yield one line a step, and below one that failed what it said itself."""
    for number, step in enumerate(steps[:_STEPS], 1):
        outcome = _WORDS[step.outcome] if step.outcome else "no result"
        said = hostile.one_line(step.action or step.comment or "", _STEP)
        yield f"step {number}: {outcome}" + (f": {said}" if said else "")
        if step.action and step.comment and step.outcome in _BAD and (reason := _headline(step.comment)):
            yield f"    {reason}"
    if len(steps) > _STEPS:
        yield f"… and {len(steps) - _STEPS} steps more"


def _headline(text: str) -> str:
    """Return the line that says what happened: the first with a word in it, of a Python traceback the last."""
    lines = [line for line in hostile.clean(text).splitlines() if line.strip()]
    if not lines:
        return ""
    return hostile.one_line(lines[-1 if lines[0].startswith(_TRACEBACK) else 0], _STEP).strip()
