"""The page of a job: what was imported, what failed, what to do next, in Markdown for people in a hurry.

Made from a result alone. Names of tests, messages and paths are strangers' text and go through `markdown`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import quote

from xray_ci.ci.result import RunOutcome
from xray_ci.ci.text import code, inline, link, table
from xray_ci.model import Outcome
from xray_ci.safefiles import WriteError, append

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.ci.provider import Surroundings
    from xray_ci.ci.result import FailureRow, Report, RunResult

LIMIT: Final = 1024 * 1024
"""Bytes that GitHub takes of one step's summary (D)."""
FAILURES_SHOWN: Final = 50
_ROWS_SHOWN: Final = 200
_KEYS_SHOWN: Final = 5
_MESSAGE: Final = 300
_ALIKE: Final = 3
"""Failures with the same message that are told as one cause, and causes that are."""
_BLOCKS: Final = 24
_BLOCK: Final = {
    Outcome.PASSED: "🟩",
    Outcome.FAILED: "🟥",
    Outcome.ERROR: "🟧",
    Outcome.SKIPPED: "⬜",
    Outcome.OTHER: "🟦",
}
_MARGIN: Final = 200


def markdown(result: RunResult, *, limit: int = LIMIT) -> str:
    """Return the summary, of at most `limit` bytes: sections lose whole lines at their ends, never parts of one."""
    sections = (
        _headline(result),
        _bar(result),
        _troubles(result),
        _failures(result),
        _reports(result),
        _snapshots(result),
        _notices(result),
    )
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
        case RunOutcome.SKIPPED:
            told = (
                "⏭️",
                (
                    f"Not imported: {result.surroundings.outsider if result.surroundings else 'this run'} gets no "
                    f"secrets "
                    "here"
                ),
            )
        case RunOutcome.TRIGGERED:
            told = (
                ("❌" if result.exit_code else "🔄"),
                f"{_many(sum(one.ok for one in result.snapshots), 'snapshot')} triggered",
            )
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
    if result.outcome is RunOutcome.SKIPPED and result.surroundings is not None:
        lines += ["", f"The reports were read and nothing was sent. {inline(result.surroundings.provider.remedy, 500)}"]
    return [
        *lines,
        *(line for told in (facts, _context(result.surroundings)) if told for line in ("", " · ".join(told))),
    ]


def _context(around: Surroundings | None) -> list[str]:
    """Return what the results are of; the page may hang on another run than the tests'."""
    if around is None:
        return []
    told = []
    if around.pull_request:
        repository = _repository(around)
        told.append(
            link(
                f"pull request #{around.pull_request}",
                f"{repository}/pull/{around.pull_request}" if repository else None,
            )
            + (f" {inline(around.pull_request_title, 100)}" if around.pull_request_title else "")
        )
    told += [code(around.branch or around.tag or "")] if around.branch or around.tag else []
    told += [code(around.commit[:8])] if around.commit else []
    run = " ".join(part for part in (around.workflow, f"#{around.run_number}" if around.run_number else None) if part)
    return [*told, link(run, around.run_url)] if run else told


def _repository(around: Surroundings | None) -> str | None:
    """Return the address of the repository on GitHub, the one system whose addresses below it are known here."""
    address, found, _ = (around.run_url or "").partition("/actions/runs/") if around is not None else ("", "", "")
    return address if found else None


def _bar(result: RunResult) -> list[str]:
    if not result.counts.tests:
        return []
    counts = [(outcome, result.counts.of(outcome)) for outcome in Outcome]
    heads = (("tests", True), *((f"{_BLOCK[outcome]} {outcome.value}", True) for outcome, _ in counts))
    lines = [bar(result), "", *table(heads, [[f"{result.counts.tests:,}", *(f"{count:,}" for _, count in counts)]])]
    if result.balance is not None:
        lines += ["", f"{'' if result.balance.holds else '⚠️ '}{result.balance.line()}"]
    return lines


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
        lines += (
            [f"  <br>{inline(one.service or 'The service')} answered: {code(one.answer, 500)}"] if one.answer else []
        )
        lines += [f"  <br>Next: {inline(one.next, 500)}"] if one.next else []
    return lines


def _failures(result: RunResult) -> list[str]:
    if not result.failures:
        return []
    shown = result.failures[:FAILURES_SHOWN]
    base = next(
        (
            one.url.removesuffix(one.key)
            for one in result.executions
            if one.url and one.url.endswith(f"/browse/{one.key}")
        ),
        None,
    )
    rows = [
        [
            _BLOCK[one.outcome],
            _named(one, base),
            inline(_first_line(one.message), _MESSAGE),
            _placed(one, result.surroundings),
        ]
        for one in shown
    ]
    lines = [
        "### Failed tests",
        "",
        *_causes(result),
        *table((("", False), ("test", False), ("message", False), ("where", False)), rows),
    ]
    left = max(result.bad, len(result.failures)) - len(shown)
    return [*lines, "", f"and {left:,} more."] if left > 0 else lines


def _named(one: FailureRow, base: str | None) -> str:
    """Return the key of a Test, which leads to it, and the name of its result."""
    return f"{link(one.key, f'{base}{one.key}' if base else None)} {code(one.name)}" if one.key else code(one.name)


def _placed(one: FailureRow, around: Surroundings | None) -> str:
    """Return the file and line in which a test failed, at the commit where that has an address.

    Else those of its report.
    """
    if one.file is None:
        return code(f"{one.report or ''}{f':{one.line}' if one.line else ''}")
    repository, line = _repository(around), f"{one.file_line}" if one.file_line else ""
    place = f"{one.file}:{line}" if line else one.file
    if repository is None or around is None or around.commit is None:
        return code(place)
    return link(
        place, f"{repository}/blob/{around.commit}/{quote(one.file, errors='replace')}{f'#L{line}' if line else ''}"
    )


def _causes(result: RunResult) -> list[str]:
    """Return the messages that many failures share: three hundred of them often have one cause."""
    if len(result.failures) <= FAILURES_SHOWN:
        return []
    counted = Counter(_first_line(one.message) for one in result.failures)
    told = [
        f"- {count:,} times: {inline(message, _MESSAGE)}"
        for message, count in counted.most_common(_ALIKE)
        if message and count >= _ALIKE
    ]
    return [f"The same message, in the first {len(result.failures):,}:", "", *told, ""] if told else []


def _first_line(message: str | None) -> str:
    return next((line for line in (message or "").splitlines() if line.strip()), "")


def _reports(result: RunResult) -> list[str]:
    if not result.reports:
        return []
    refused = [one for one in result.reports if one.counts is None]
    read = [one for one in result.reports if one.counts is not None]
    heads = (
        ("report", False),
        ("format", False),
        *((name, True) for name in ("tests", "passed", "failed", "skipped", "other")),
        ("problem", False),
    )
    shown = [*refused, *read][:_ROWS_SHOWN]  # what went wrong is never what is cut
    lines = [
        "<details><summary>Reports: "
        f"{len(read):,} read" + (f", {len(refused):,} refused" if refused else "") + "</summary>",
        "",
        *table(heads, map(_report, shown)),
    ]
    left = len(result.reports) - len(shown)
    return [*lines, *(["", f"and {left:,} more."] if left else []), "", "</details>"]


def _report(one: Report) -> list[str]:
    counts = one.counts
    numbers = (
        [counts.tests, counts.passed, counts.failed + counts.errors, counts.skipped, counts.other]
        if counts
        else [None] * 5
    )
    problem = one.problems[0] if one.problems else None
    more = f" (and {len(one.problems) - 1} more)" if len(one.problems) > 1 else ""
    told = f"{f'line {problem.line}: ' if problem.line else ''}{problem.cause}{more}" if problem else ""
    return [
        code(one.path),
        inline(one.format or "?"),
        *("-" if number is None else f"{number:,}" for number in numbers),
        inline(told, _MESSAGE),
    ]


def _snapshots(result: RunResult) -> list[str]:
    if not result.snapshots:
        return []
    rows = [
        [
            "✅" if one.ok else "❌",
            code(one.name),
            "" if one.status is None else str(one.status),
            inline(one.message or "", _MESSAGE),
        ]
        for one in result.snapshots[:_ROWS_SHOWN]
    ]
    return ["### Snapshots", "", *table((("", False), ("snapshot", False), ("status", True), ("answer", False)), rows)]


def _notices(result: RunResult) -> list[str]:
    if not result.notices:
        return []
    lines = [
        f"- {inline(one.text, _MESSAGE)}{f' ({one.count:,} times)' if one.count > 1 else ''}"
        for one in result.notices[:_ROWS_SHOWN]
    ]
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
