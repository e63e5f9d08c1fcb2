"""Text of a report on its way out: cleaned, cut, and unable to become markup or a mention; and the comment made of it.

The comment of a Test Run says what failed and why. Knows Jira's wiki markup as far as it can be broken out of, and the
parts of a case that say why; nothing of files, statuses, keys or deployments.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Final

from xray_ci.model import CUT, Case, Mark, MarkKind, Outcome, Step
from xray_ci.patterns import lazy, remembered

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_UNWANTED: Final = lazy("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""Controls but tab and line feed, halves of surrogate pairs, and non-characters; Jira stores none of them."""
_ILLEGAL: Final = lazy("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""What no XML report can hold, so that leaving it out changes no identity that Xray's own import of XML ever gave."""
_CONTROLS: Final = bytes((*range(9), *range(11, 32), 127))
_SURROGATE: Final = lazy("[\ud800-\udfff]")
_ANSI: Final = lazy(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-Z\\^_])|\x9b[0-?]*[ -/]*[@-~]")
_BREAK: Final = lazy(r"\r\n?")
_NOFORMAT: Final = lazy(r"\{(?=noformat)", re.IGNORECASE)
_WRAPPED: Final = lazy(r"\s*\{noformat(?::[^}]*)?\}\n?(.*?)\n?\{noformat\}\s*", re.DOTALL)
_MACRO: Final = lazy(r"\{(?=[A-Za-z])")
_LOADED: Final = lazy(r"!(?=\w{2,9}:|//)")
_PICTURE: Final = lazy(r"!(?=\S)")
_ANCHOR: Final = lazy(r"\[(?=[#^])")
_FENCE: Final = "{noformat}"
_DIGEST_CHARACTERS: Final = 8


def clean(text: str) -> str:
    """Return the text without colour codes, control characters and broken surrogates; line ends become line feeds."""
    if text.isprintable():  # ends at the first line feed
        return text
    if text.isascii():
        # Five times as fast as the pattern, for what nearly every trace is.
        if len(text.encode().translate(None, _CONTROLS)) == len(text):
            return text
    elif _UNWANTED.search(text) is None:
        return text
    text = _BREAK.sub("\n", _ANSI.sub("", text))
    return _UNWANTED.sub("", _SURROGATE.sub("\ufffd", text))


def storable(text: str) -> str:
    """Return the text with as little left out as can be: only what no XML document could have held."""
    return _ILLEGAL.sub("", _SURROGATE.sub("\ufffd", text))


def cut(text: str, limit: int) -> str:
    """Return at most `limit` characters.

    A shortened text ends with the mark that says so, where there is room for it.
    """
    if len(text) <= limit:
        return text
    kept = limit - len(CUT)
    return text[:kept] + CUT if kept > 0 else text[:limit]


def one_line(text: str, limit: int, *, distinct: bool = False) -> str:
    """Return the text as one line of at most `limit` characters, which may be empty.

    `distinct` ends a shortened line with a digest of the whole, so that long names with a common start stay apart where
    the line is what finds the Test.
    """
    if len(text) <= limit and text.isprintable():
        return text
    line = " ".join(clean(text).split())
    if len(line) <= limit:
        return line
    if not distinct:
        return line[: limit - 1] + "…"
    digest = hashlib.blake2b(line.encode(), digest_size=_DIGEST_CHARACTERS // 2).hexdigest()
    return f"{line[: limit - _DIGEST_CHARACTERS - 2]}… {digest}"


def label(text: str, limit: int = 255) -> str:
    """Return the text as a Jira label, which has no white space; may be empty."""
    return "_".join(clean(text).replace("\ufeff", " ").split())[:limit]


def without_mentions(text: str) -> str:
    """Return the text in which `[~name]` notifies nobody."""
    # Looking for one character first is many times as fast as for two.
    return text.replace("[~", "[ ~") if "~" in text else text


def quoted(text: str) -> str:
    """Return a text without control characters as JSON has it between quotes."""
    return text.replace("\\", "\\\\").replace('"', '\\"')


def inline(text: str) -> str:
    """Return a text for the middle of wiki text: it notifies nobody and makes no macro, picture or link."""
    text = _PICTURE.sub("! ", _MACRO.sub("{ ", without_mentions(text)))
    return text.replace("[", "[ ") if "|" in text or ":" in text else _ANCHOR.sub("[ ", text)


def readable(text: str) -> str:
    """Return an author's own wiki text that notifies nobody, opens no macro and loads no picture; bold stays bold."""
    return _LOADED.sub("! ", _MACRO.sub("{ ", without_mentions(text)))


def description(text: str, limit: int) -> str:
    """Return an author's description of a Test, of at most `limit` characters."""
    return cut(readable(clean(text)), limit)


def verbatim(text: str, limit: int) -> str:
    """Return the text as one wiki block that shows it as it is: nothing in it ends the block, mentions or formats.

    A text that is such a block already is not wrapped twice. At most `limit` characters, the fences included.
    """
    inside = without_mentions(text)
    if "{" in inside:
        wrapped = _WRAPPED.fullmatch(text)
        inside = _NOFORMAT.sub("{ ", without_mentions(wrapped[1] if wrapped else text))
    return f"{_FENCE}\n{cut(inside, limit - 2 * len(_FENCE) - 2)}\n{_FENCE}"


RESERVE: Final = 200
"""Characters of a comment kept free for the line that `repeats` adds."""
_ATTEMPT: Final = 1_000
_STEP: Final = 200
_STEPS: Final = 50
_OUTPUT: Final = 2_000
_FENCES: Final = 22
_CUT_BEFORE: Final = CUT.strip() + "\n"
_BAD: Final = frozenset({Outcome.FAILED, Outcome.ERROR})
_TRACEBACK: Final = "Traceback (most recent call last)"
_PREFORMATTED: Final = lazy(r"^[ \t]+\S|\{(?:noformat|code)", re.IGNORECASE | re.MULTILINE)
_ERROR_CODE: Final = lazy(r" \[[A-Z][A-Z0-9_]{2,40}\](?=:)")
"""Node's code in the first line of a trace, which the message of the same error has not."""
_CODE: Final = " ["
"""How it begins: looking for that first is many times as fast as the pattern."""
_BLAMED: Final = "E   "
"""Before what pytest says of the failure, in the trace only."""


def whole_comment(
    case: Case, marks: Sequence[Mark], *, failure: bool, steps: bool, wiki: bool, limit: int
) -> str | None:
    """Return all of a Test Run's comment, the author's own first; None when there is nothing to say.

    The arguments are those of `comment`. On Server/Data Center an author's own comment stays text that is read as its
    author wrote it, in front of the block with the rest, because Xray's own import of XML shows it so (A). What is laid
    out already (an indented line, a block of code) goes into the block: many tools that write Xray JSON put a trace
    into the comment (O).
    """
    said = [mark for mark in marks if mark.kind is MarkKind.COMMENT] if wiki and marks else []
    if not said:
        return comment(case, marks, failure=failure, steps=steps, wiki=wiki, limit=limit)
    free = [mark for mark in said if _PREFORMATTED.search(clean(mark.value).strip()) is None]
    text = "\n\n".join(filter(None, (clean(mark.value).strip() for mark in free)))
    if not text:
        return comment(case, marks, failure=failure, steps=steps, wiki=wiki, limit=limit)
    text = readable(text)
    kept = [mark for mark in said if mark not in free]
    block = comment(
        case, kept, failure=failure, steps=steps, wiki=wiki, limit=limit - min(len(text), (limit - RESERVE) // 2) - 2
    )
    if block is None:
        return cut(text, limit - RESERVE)
    return f"{cut(text, limit - RESERVE - len(block) - 2)}\n\n{block}"


def comment(case: Case, marks: Sequence[Mark], *, failure: bool, steps: bool, wiki: bool, limit: int) -> str | None:
    """Return what the marks and the case say as one text, on Server/Data Center one block.

    None when there is nothing to say.

    `failure` adds the failure's text and the end of the output, without it there is one line for a result that needs a
    reason: a skipped one, one of no known outcome, one that passed at a later attempt. `steps` adds the outcome of each
    step and iteration, with why a step failed (for a Test that takes none of them).
    """
    parts = [text for mark in marks if mark.kind is MarkKind.COMMENT and (text := _framed(mark.value))]
    if failure:
        parts += _failure(case)
        if steps and case.iterations and (rows := list(_iteration_lines(case))):
            parts.append("\n".join(rows))
        if steps and case.steps:
            parts.append("\n".join(_step_lines(case.steps)))
    elif reason := _reason(case):
        parts.append(reason)
    text = "\n\n".join(parts)
    if failure and case.output:
        text = _with_output(text, case.output, limit - RESERVE - (_FENCES if wiki else 0))
    return safe(text, wiki=wiki, limit=limit - RESERVE) if text else None


def safe(text: str, *, wiki: bool, limit: int) -> str:
    """Return cleaned text that notifies nobody and, where comments are wiki text, formats nothing."""
    return verbatim(text, limit) if wiki else cut(without_mentions(text), limit)


def with_repeats(old: str | None, counts: Mapping[Outcome, int], kept: str) -> str:
    """Return a comment with the line that says which results of the Test it stands for.

    The line comes after any wiki block, and holds nothing from a report.
    """
    found = ", ".join(f"{count} {_WORDS[outcome]}" for outcome, count in counts.items() if count)
    line = f"{sum(counts.values())} results of this Test: {found}. Shown: {kept}."
    return f"{old}\n{line}" if old else line


_WORDS: Final = {
    Outcome.PASSED: "passed",
    Outcome.FAILED: "failed",
    Outcome.ERROR: "with errors",
    Outcome.SKIPPED: "skipped",
    Outcome.OTHER: "other",
}


def _framed(text: str | None) -> str:
    """Return cleaned text without blank lines around it; its first line keeps its indentation."""
    if not text:
        return ""
    text = clean(text).rstrip()
    return text[text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1 :] if text[:1].isspace() else text


def _reason(case: Case) -> str:
    """Return why a result that did not fail is worth a line; empty for most."""
    if case.outcome is not Outcome.PASSED:
        return _headline(case.message or "") or _headline(case.trace or "")
    bad = [attempt for attempt in case.attempts if attempt.outcome in _BAD]
    if not bad:
        return ""
    number = len(case.attempts) + 1
    first = next(filter(None, (_headline(attempt.message or attempt.trace or "") for attempt in bad)), "")
    return f"passed at attempt {number} of {number}" + (f"; earlier: {first}" if first else "")


@remembered
def _kind(text: str) -> str:
    return one_line(text, _STEP).strip()


def _failure(case: Case) -> list[str]:
    """Return the message with its kind, the trace, and what earlier attempts said."""
    kind = _kind(case.kind) if case.kind else ""
    message, trace = _once(
        _framed(case.message),
        _framed(case.trace),
        kind,
        tuple([f"{row.name}: " for row in case.iterations[:_STEPS] if row.name]) if case.iterations else (),
    )
    if kind and (kind in message or kind in trace):
        kind = ""
    head = f"{kind}: {message}" if kind and message else kind or message
    parts = [part for part in (head, trace) if part]
    for number, attempt in enumerate(case.attempts, 1):
        said = cut(_framed(attempt.message) or _framed(attempt.trace), _ATTEMPT)
        parts.append(f"attempt {number}: {_WORDS[attempt.outcome]}" + (f": {said}" if said else ""))
    return parts


def _once(message: str, trace: str, kind: str, rows: tuple[str, ...]) -> tuple[str, str]:
    """Return message and trace so that neither repeats the other, compared by lines.

    The message goes where the trace says all of it; else the trace loses the lines at its start that the message says.
    `rows` are what a tool puts before the message of a data row.
    """
    if not message or not trace or message.strip() in trace:
        return "" if trace else message, trace
    said = _bare_lines(message)
    shown: set[str] = set()
    for line in _bare_lines(trace):
        # What comes after the place or the class of the error is the same line, too.
        shown |= {line, line.partition(": ")[2]}
    first = next((said[0][len(row) :] for row in rows if said[0].startswith(row)), said[0])
    if shown.issuperset((first, *said[1:])):
        return "", trace
    told = {"", f"{kind}: {said[0]}", *said}
    lines = trace.split("\n")
    start = next((number for number, line in enumerate(lines) if _bare(line) not in told), len(lines))
    return message, "\n".join(lines[start:])


def _bare_lines(text: str) -> list[str]:
    return [line for line in map(_bare, text.split("\n")) if line]


def _bare(line: str) -> str:
    """Return a line without what only its place in a trace adds to it."""
    line = line.strip().removeprefix(_BLAMED).lstrip()
    return _ERROR_CODE.sub("", line) if _CODE in line else line


def _with_output(text: str, output: str, room: int) -> str:
    """Return the text, cut where it has to be, and the end of what the case printed.

    Output that it holds already is not told again.
    """
    end = _framed(output)
    if not end or _says(text, _bare_lines(end)):
        return text
    limit = min(_OUTPUT, room // 4)
    if len(end) > limit:
        end = _CUT_BEFORE + end[len(_CUT_BEFORE) - limit :] if limit > len(_CUT_BEFORE) else ""
    part = f"output:\n{end}"
    return f"{cut(text, room - len(part) - 2)}\n\n{part}" if text else part


def _says(text: str, lines: list[str]) -> bool:
    """Say whether a text has all of these lines; most often it has not even the words of the first."""
    if _CODE not in text and not all(line in text for line in lines):
        return False
    return set(_bare_lines(text)).issuperset(lines)


def _iteration_lines(case: Case) -> Iterator[str]:
    """Yield one line an iteration, with what it ran with.

    A single one has no number, and no line without anything to say.
    """
    rows = case.iterations
    for number, row in enumerate(rows[:_STEPS], 1):
        given = one_line(", ".join(f"{name}={value}" for name, value in row.parameters[:_STEPS]), _STEP * 2)
        named = one_line(row.name, _STEP) if row.name and not given and row.name != case.name else ""
        if len(rows) > 1:
            yield f"iteration {number}: {_WORDS[row.outcome]}" + _ran(given, named)
        elif given or named:
            yield "ran" + _ran(given, named)
    if len(rows) > _STEPS:
        yield f"… and {len(rows) - _STEPS} iterations more"


def _ran(given: str, named: str) -> str:
    if given:
        return f" with {given}"
    return f" as {named}" if named else ""


def _step_lines(steps: Sequence[Step]) -> Iterator[str]:
    """Yield one line a step, and below one that failed what it said itself."""
    for number, step in enumerate(steps[:_STEPS], 1):
        outcome = _WORDS[step.outcome] if step.outcome else "no result"
        said = one_line(step.action or step.comment or "", _STEP)
        yield f"step {number}: {outcome}" + (f": {said}" if said else "")
        if step.action and step.comment and step.outcome in _BAD and (reason := _headline(step.comment)):
            yield f"    {reason}"
    if len(steps) > _STEPS:
        yield f"… and {len(steps) - _STEPS} steps more"


def _headline(text: str) -> str:
    """Return the line that says what happened: the first with a word in it, of a Python traceback the last."""
    lines = [line for line in clean(text).splitlines() if line.strip()]
    if not lines:
        return ""
    return one_line(lines[-1 if lines[0].startswith(_TRACEBACK) else 0], _STEP).strip()
