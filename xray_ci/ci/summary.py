"""The page of a job: what was imported, what failed, what to do next, in Markdown for people in a hurry.

Made from a result alone. Names of tests, messages and paths are strangers' text and go through `markdown`.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, assert_never
from urllib.parse import quote

from xray_ci.ci.result import Change, RunOutcome, RunResult, Trouble
from xray_ci.ci.text import code, inline, link, table, verbatim
from xray_ci.errors import many
from xray_ci.model import Outcome
from xray_ci.safefiles import WriteError, append, write

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.ci.provider import Surroundings
    from xray_ci.ci.result import ChangedTest, FailureRow, Report
    from xray_ci.errors import Failure

LIMIT: Final = 1024 * 1024
"""Bytes that GitHub takes of one step's summary (D)."""
COMMENT_LIMIT: Final = 60_000
"""Bytes of a comment: GitHub takes 65,536 characters, GitLab a million (R)."""
COMMENT_MARK: Final = "<!-- xray-ci -->"
FAILURES_SHOWN: Final = 50
_ROWS_SHOWN: Final = 200
_KEYS_SHOWN: Final = 5
_MESSAGE: Final = 300
_TRACES: Final = 10
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
_SIGN: Final = {"F": "🟥", "P": "🟩", "-": "⬜"}
CHANGES: Final = {
    Change.NEW: ("newly failing", "new"),
    Change.FIXED: ("fixed", "fixed"),
    Change.STILL: ("still failing", "still"),
    Change.NONE: ("flaky", ""),
}
"""How each change is called, and which count of a comparison is its own."""
CHANGES_SHOWN: Final = 20
"""Tests of each change that a page lists."""


def markdown(result: RunResult, *, limit: int = LIMIT) -> str:
    """Return the summary, of at most `limit` bytes: sections lose whole lines at their ends, never parts of one."""
    sections = (
        _headline(result),
        _bar(result),
        _troubles(result),
        _announced(result),
        _compared(result),
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


def of_failure(failure: Failure, around: Surroundings, redact: Callable[[str], str]) -> tuple[str, ...]:
    """Add a failure that came before there were settings, which is where people look for it; return warnings."""
    result = RunResult(
        command="import",
        outcome=RunOutcome.FAILED,
        exit_code=failure.exit_code,
        troubles=Trouble.of(failure),
        surroundings=around,
    )
    return publish(result, summary_file=around.summary_file, redact=redact)


def comment(result: RunResult, path: Path, roots: tuple[Path, ...]) -> tuple[str, ...]:
    """Write the summary as a comment of a pull request; return warnings. `result` is redacted already.

    Its first line, which nobody sees, is the same in each run, so that a job finds its comment and changes that.
    """
    try:
        write(path, f"{COMMENT_MARK}\n{markdown(result, limit=COMMENT_LIMIT)}".encode("utf-8", "replace"), roots)
    except WriteError as error:
        return (f"comment-file could not be written. {error}",)
    return ()


def headline(result: RunResult) -> tuple[str, str]:
    """Return a sign and the plain sentence that says what became of the run."""
    match result.outcome:
        case RunOutcome.IMPORTED:
            told = ("❌" if result.exit_code or result.bad else "✅"), _verdict(result)
        case RunOutcome.PARTLY:
            told = "⚠️", "Only partly imported"
        case RunOutcome.UNKNOWN:
            told = "⚠️", "It is not known whether the results were imported"
        case RunOutcome.PLANNED:
            told = "📝", f"Planned only: {_foreseen(result)}"
        case RunOutcome.NOTHING:
            missed = result.command == "snapshots"
            told = ("⚠️", "No snapshot was triggered") if missed else ("⚪", "There was nothing to import")
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
                f"{many(sum(one.ok for one in result.snapshots), 'snapshot')} triggered",
            )
        case RunOutcome.FAILED:
            told = "❌", "No snapshot was triggered" if result.command == "snapshots" else "Nothing was imported"
        case _:
            assert_never(result.outcome)
    return told


def _foreseen(result: RunResult) -> str:
    """Return what an import would do, as far as that is known."""
    made = result.announcement
    new = "" if made is None or made.new is None else f", {many(made.new, 'new Test')}"
    return f"{many(result.sent, 'result')} would be sent{new}"


def _verdict(result: RunResult) -> str:
    """Return what the tests say, then that it arrived: a reader takes the first words for the verdict."""
    done = "sent" if result.imported is None else "imported"  # nothing was read back, so nothing more is claimed
    counts = result.counts
    if not counts.tests:  # an earlier run read the reports
        return f"{many(result.sent if result.imported is None else result.imported, 'result')} {done}"
    if result.bad:
        told = f"{result.bad:,} of {many(counts.tests, 'test')} failed"
    elif counts.passed == counts.tests:
        told = f"{'All ' if counts.tests > 1 else ''}{many(counts.tests, 'test')} passed"
    else:
        told = f"{counts.passed:,} of {many(counts.tests, 'test')} passed, none failed"
    return f"{told}, {done}"


def _headline(result: RunResult) -> list[str]:
    sign, sentence = headline(result)
    links = [link(one.key, one.url) for one in result.executions[:_KEYS_SHOWN]]
    links += ["…"] if len(result.executions) > _KEYS_SHOWN else []
    facts = [f"tests took {_took(result.counts.seconds)}"] if result.counts.seconds else []
    facts += [result.comparison.line()] if result.comparison else []
    facts += [f"{result.counts.flaky:,} passed after another attempt"] if result.counts.flaky else []
    new = f" ({many(result.created_tests, 'new Test')})" if result.created_tests else ""
    facts += [f"{many(result.merged, 'repeat')} merged"] if result.merged else []
    facts += [f"{result.unmapped:,} without Test key"] if result.unmapped else []
    facts += [f"{many(result.requests, 'request')} in {result.seconds:.1f} s"] if result.requests else []
    facts += [f"exit code {result.exit_code}"] if result.exit_code else []
    lines = [f"## {sign} {inline(sentence)}{' into ' if links else ''}{', '.join(links)}{new}"]
    if result.outcome is RunOutcome.SKIPPED and result.surroundings is not None:
        lines += ["", f"The reports were read and nothing was sent. {inline(result.surroundings.provider.remedy, 500)}"]
    return [
        *lines,
        *(line for told in (facts, _context(result.surroundings)) if told for line in ("", " · ".join(told))),
    ]


def _took(seconds: float) -> str:
    """Return a duration as people say it."""
    if seconds < 60:  # noqa: PLR2004
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


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


def _announced(result: RunResult) -> list[str]:
    """Return what an import would create and send, and where its settings come from."""
    made = result.announcement
    if made is None:
        return []
    lines = [
        "### What an import would do",
        "",
        *([] if made.asked else ["The site was not asked: which Tests would be created is not known.", ""]),
        *table((("Tests", False), ("", True)), [[group.title, f"{group.count:,}"] for group in made.groups]),
    ]
    for group in made.groups:
        rows = [
            [code(one.key or ""), code(one.definition or one.name), inline(one.by), code(one.like or "")]
            for one in group.first
        ]
        heads = (("key", False), ("Test", False), ("decided by", False), ("looks like, renamed", False))
        left = group.count - len(group.first)
        lines += ["", f"<details><summary>{inline(group.title)}: {group.count:,}</summary>", "", *table(heads, rows)]
        lines += [*([] if left <= 0 else ["", f"and {left:,} more."]), "", "</details>"]
    lines += ["", *(inline(one, _MESSAGE) for one in made.requests[:_ROWS_SHOWN])]
    rows = [[code(name), code(value), code(origin)] for name, value, origin in made.settings]
    columns = (("setting", False), ("value", False), ("from", False))
    return [*lines, "", "<details><summary>Settings</summary>", "", *table(columns, rows), "", "</details>"]


def _compared(result: RunResult) -> list[str]:
    """Return what an earlier run had otherwise."""
    found = result.comparison
    if found is None:
        return []
    base, rows, left = result.issues_at, list[list[str]](), list[str]()
    for change, (word, count) in CHANGES.items():
        shown = found.of(change)[:CHANGES_SHOWN]
        for one in shown:
            name = _named(one, base) if one.key != one.name else link(one.key, f"{base}{one.key}" if base else None)
            rows.append([word + (", flaky" if one.flaky and word != "flaky" else ""), name, history(one)])
        if (more := (getattr(found, count) if count else len(found.of(change))) - len(shown)) > 0:
            left.append(f"{more:,} more {word}")
    lines = [f"### Compared with {inline(found.against)}", "", found.line()]
    lines += ["", *table((("", False), ("test", False), ("last runs", False)), rows)] if rows else []
    return [*lines, *(["", f"and {', '.join(left)}."] if left else [])]


def history(one: ChangedTest) -> str:
    """Return the last runs of a test as a row of blocks, this run last."""
    return "".join(_SIGN[sign] for sign in one.runs)


def _failures(result: RunResult) -> list[str]:
    if not result.failures:
        return []
    shown, base = result.failures[:FAILURES_SHOWN], result.issues_at
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
    lines += ["", f"and {left:,} more."] if left > 0 else []
    traced = [one for one in shown if one.trace][:_TRACES]
    return [*lines, *(line for one in traced for line in ("", _trace(one)))]


def _trace(one: FailureRow) -> str:
    """Return the trace of a failure, to be opened; on one line, as a blank one would end the HTML."""
    return f"<details><summary>{code(one.name)}</summary><pre>{verbatim(one.trace or '')}</pre></details>"


def _named(one: FailureRow | ChangedTest, base: str | None) -> str:
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
