"""The page of a job: what was imported, what failed, what to do next, in Markdown for people in a hurry.

Made from a result alone. Names of tests, messages and paths are strangers' text and go through `markdown`.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never

from xray_ci.ci.files import WriteError, append
from xray_ci.ci.markdown import code, inline, link, table
from xray_ci.ci.result import RunOutcome
from xray_ci.model import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.ci.result import Report, RunResult

LIMIT: Final = 1024 * 1024
"""Bytes that GitHub takes of one step's summary (D)."""
FAILURES_SHOWN: Final = 50
_ROWS_SHOWN: Final = 200
_KEYS_SHOWN: Final = 5
_MESSAGE: Final = 300
_BLOCKS: Final = 24
_BLOCK: Final = {Outcome.PASSED: "🟩", Outcome.FAILED: "🟥", Outcome.ERROR: "🟧", Outcome.SKIPPED: "⬜", Outcome.OTHER: "🟦"}
_MARGIN: Final = 200


def markdown(result: RunResult, *, limit: int = LIMIT) -> str:
    """Return the summary, of at most `limit` bytes: sections lose whole lines at their ends, never parts of one."""
    sections = (_headline(result), _bar(result), _troubles(result), _failures(result), _reports(result), _snapshots(result),
                _notices(result))
    lines = [line for section in sections if section for line in (*section, "")]
    size = sum(len(line.encode("utf-8", "replace")) + 1 for line in lines)
    if size > limit:
        lines = _cut(lines, limit)
    return "\n".join(lines)


def publish(result: RunResult, *, summary_file: str | None, redact: Callable[[str], str]) -> tuple[str, ...]:
    """Add the summary to the file that the CI system named, if it named one; return warnings."""
    if not summary_file:
        return ()
    try:
        append(Path(summary_file), markdown(result.redacted(redact)).encode("utf-8", "replace"), limit=LIMIT)
    except WriteError as error:
        return (f"The job summary could not be written. {error}",)
    return ()


def headline(result: RunResult) -> tuple[str, str]:
    """Return a sign and the plain sentence that says what became of the run."""
    match result.outcome:
        case RunOutcome.IMPORTED:
            told = ("❌" if result.exit_code else "✅"), _stored(result)
        case RunOutcome.PARTLY:
            told = "⚠️", "Only partly imported"
        case RunOutcome.UNKNOWN:
            told = "⚠️", "It is not known whether the results were imported"
        case RunOutcome.PLANNED:
            told = "📝", f"Planned only: {_many(result.sent, 'result')} would be sent"
        case RunOutcome.NOTHING:
            told = "⚪", "There was nothing to import"
        case RunOutcome.TRIGGERED:
            told = ("❌" if result.exit_code else "🔄"), f"{_many(sum(one.ok for one in result.snapshots), 'snapshot')} triggered"
        case RunOutcome.FAILED:
            told = "❌", "Nothing was imported"
        case _:
            assert_never(result.outcome)
    return told


def _stored(result: RunResult) -> str:
    if result.imported is None:  # nothing was read back, so nothing more is claimed
        return f"{_many(result.sent, 'result')} sent"
    return f"{_many(result.imported, 'result')} imported"


def _many(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _headline(result: RunResult) -> list[str]:
    sign, sentence = headline(result)
    links = [link(one.key, one.url) for one in result.executions[:_KEYS_SHOWN]]
    links += ["…"] if len(result.executions) > _KEYS_SHOWN else []
    facts = [f"{_many(result.created_tests, 'Test')} created"] if result.created_tests else []
    facts += [f"{_many(result.folded, 'repeat')} folded"] if result.folded else []
    facts += [f"{result.unmapped:,} without Test key"] if result.unmapped else []
    facts += [f"{_many(result.requests, 'request')} in {result.seconds:.1f} s"] if result.requests else []
    facts += [f"exit code {result.exit_code}"] if result.exit_code else []
    lines = [f"## {sign} {inline(sentence)}{' into ' if links else ''}{', '.join(links)}"]
    return [*lines, "", " · ".join(facts)] if facts else lines


def _bar(result: RunResult) -> list[str]:
    if not result.counts.tests:
        return []
    counts = [(outcome, result.counts.of(outcome)) for outcome in Outcome]
    heads = (("tests", True), *((f"{_BLOCK[outcome]} {outcome.value}", True) for outcome, _ in counts))
    return [bar(result), "", *table(heads, [[f"{result.counts.tests:,}", *(f"{count:,}" for _, count in counts)]])]


def bar(result: RunResult) -> str:
    """Return the outcomes as a row of blocks; what happened at all gets at least one."""
    counts = [(outcome, result.counts.of(outcome)) for outcome in Outcome if result.counts.of(outcome)]
    total = sum(count for _, count in counts) or 1
    blocks = {outcome: max(1, count * _BLOCKS // total) for outcome, count in counts}
    if counts:
        widest = max(blocks, key=lambda outcome: blocks[outcome])
        blocks[widest] += _BLOCKS - sum(blocks.values())
    return "".join(_BLOCK[outcome] * blocks[outcome] for outcome in blocks)


def _troubles(result: RunResult) -> list[str]:
    if not result.troubles:
        return []
    lines = ["### What to do next", ""]
    for one in result.troubles[:_ROWS_SHOWN]:
        where = f" ({code(one.where)})" if one.where else ""
        lines.append(f"- **{inline(one.what)}**{where}")
        lines += [f"  <br>{inline(one.service or 'The service')} answered: {code(one.answer, 500)}"] if one.answer else []
        lines += [f"  <br>Next: {inline(one.next, 500)}"] if one.next else []
    return lines


def _failures(result: RunResult) -> list[str]:
    if not result.failures:
        return []
    shown = result.failures[:FAILURES_SHOWN]
    rows = [[_BLOCK[one.outcome], code(one.name), inline(_first_line(one.message), _MESSAGE),
             code(f"{one.report or ''}{f':{one.line}' if one.line else ''}")] for one in shown]
    lines = ["### Failed tests", "", *table((("", False), ("test", False), ("message", False), ("report", False)), rows)]
    left = max(result.bad, len(result.failures)) - len(shown)
    return [*lines, "", f"and {left:,} more."] if left > 0 else lines


def _first_line(message: str | None) -> str:
    return next((line for line in (message or "").splitlines() if line.strip()), "")


def _reports(result: RunResult) -> list[str]:
    if not result.reports:
        return []
    refused = [one for one in result.reports if one.counts is None]
    read = [one for one in result.reports if one.counts is not None]
    heads = (("report", False), ("format", False), *((name, True) for name in ("tests", "passed", "failed", "skipped", "other")),
             ("problem", False))
    shown = [*refused, *read][:_ROWS_SHOWN]  # what went wrong is never what is cut
    lines = ["<details><summary>Reports: " + f"{len(read):,} read" + (f", {len(refused):,} refused" if refused else "")
             + "</summary>", "", *table(heads, map(_report, shown))]
    left = len(result.reports) - len(shown)
    return [*lines, *(["", f"and {left:,} more."] if left else []), "", "</details>"]


def _report(one: Report) -> list[str]:
    counts = one.counts
    numbers = ([counts.tests, counts.passed, counts.failed + counts.errors, counts.skipped, counts.other] if counts
               else [None] * 5)
    problem = one.problems[0] if one.problems else None
    more = f" (and {len(one.problems) - 1} more)" if len(one.problems) > 1 else ""
    told = f"{f'line {problem.line}: ' if problem.line else ''}{problem.cause}{more}" if problem else ""
    return [code(one.path), inline(one.format or "?"), *("-" if number is None else f"{number:,}" for number in numbers),
            inline(told, _MESSAGE)]


def _snapshots(result: RunResult) -> list[str]:
    if not result.snapshots:
        return []
    rows = [["✅" if one.ok else "❌", code(one.name), "" if one.status is None else str(one.status),
             inline(one.message or "", _MESSAGE)] for one in result.snapshots[:_ROWS_SHOWN]]
    return ["### Snapshots", "", *table((("", False), ("snapshot", False), ("status", True), ("answer", False)), rows)]


def _notices(result: RunResult) -> list[str]:
    if not result.notices:
        return []
    lines = [f"- {inline(one.text, _MESSAGE)}{f' ({one.count:,} times)' if one.count > 1 else ''}"
             for one in result.notices[:_ROWS_SHOWN]]
    return ["<details><summary>Notices</summary>", "", *lines, "", "</details>"]


def _cut(lines: list[str], limit: int) -> list[str]:
    """Return the first lines that fit, what they leave open closed, and a note."""
    kept: list[str] = []
    room, is_open = limit - _MARGIN, False
    for line in lines:
        room -= len(line.encode("utf-8", "replace")) + 1
        if room < 0:
            break
        kept.append(line)
        is_open = line.startswith("<details>") or (is_open and line != "</details>")
    return [*kept, *(["", "</details>"] if is_open else []), "", "The rest is left out: a summary holds 1 MiB.", ""]
