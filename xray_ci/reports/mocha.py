"""Mocha's reporters: JSON (`--reporter json`) and the JSON stream (`--reporter json-stream`).

Identity: the titles around a test, which are its full title without its own, are the class name (the name of its file
for a test that stands alone, as far as it is told); its own title is the name. Files do not matter otherwise, for old
versions leave them out.

In the document the lists `passes`, `pending` and `failures` say the outcome and are read; `tests` holds the same tests
once more and is ignored. Failing hooks are notices. Tests that never ran because of one are in no list.

The stream is one `[event, test]` a line. Pending tests have no line, only a number at the end: they are told in a
notice. Failing hooks are `fail` lines like those of tests and cases like them, for nothing else says that they failed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Attempt, Case, Outcome, Problem
from xray_ci.reports import members, texts
from xray_ci.reports.json_stream import Window
from xray_ci.reports.lines import AfterLog, Documents
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, Fault, Outside, Stated, cut_off, no_cases, noise, notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source


_ATTEMPTS: Final = 100
_MILLISECOND: Final = 1e-3
_STACK: Final = "\n    at "
_HOOK: Final = re.compile(r'"(?:before|after) (?:all|each)" hook\b')


def is_hook(test: dict[str, Any]) -> bool:
    """Say whether what failed is a hook: no test, though Mocha lists it among the failures."""
    title = test.get("title")
    return isinstance(title, str) and bool(_HOOK.match(title))


def hook(test: dict[str, Any], outside: Outside) -> Iterator[Problem]:
    """Yield what a failing hook says."""
    error = test.get("err")
    said = members.text(error, "message") if isinstance(error, dict) else members.text(test, "err")
    yield from outside.say(members.text(test, "fullTitle") or members.text(test, "title") or "a hook", said)


def to_case(test: dict[str, Any], outcome: Outcome, path: str, number: int) -> Case:
    """Return the case of one test; `path` leads to it in the document, `number` its line.

    Raises Fault where it has no title.
    """
    title = members.demanded(test, "title", path)
    full = members.text(test, "fullTitle", members.NAME_LIMIT) or title
    around = full[: -len(title)].strip() if title and full.endswith(title) and full != title else ""
    file = members.file_label(members.text(test, "file", members.NAME_LIMIT) or "")
    kind = message = trace = None
    if outcome is not Outcome.PASSED:
        kind, message, trace = failure(test)
    tries = members.number(test, "currentRetry") or 0
    return Case(
        suite=tuple(part for part in (file, around) if part),
        classname=around or file or None,
        name=title,
        outcome=outcome,
        seconds=members.seconds(test, "duration", _MILLISECOND),
        kind=kind,
        message=message,
        trace=trace,
        attempts=(Attempt(outcome=Outcome.FAILED),) * int(min(tries, _ATTEMPTS)),
        line=number,
    )


def failure(test: dict[str, Any]) -> tuple[str | None, str | None, str | None]:
    """Return kind, message and trace of a test's error, in the spellings of the three reporters."""
    error = test.get("err")
    if not isinstance(error, dict):
        trace, message = members.text(test, "stack"), members.text(test, "err")
        return members.kind_of(trace), message, trace
    trace = members.text(error, "stack") or members.text(error, "estack")
    message = members.text(error, "message")
    if message is None and trace is not None:
        message = trace.split(_STACK)[0]
    kind = members.text(error, "name", members.NAME_LIMIT) or members.kind_of(trace) or members.kind_of(message)
    if trace is not None and (shown := members.text(error, "diff")) and shown.strip() not in trace:
        trace = texts.cut(f"{trace}\n\n{shown}")
    return kind, message, trace


def read_stream(source: Source) -> Iterator[Case | Problem]:
    """Yield each test that passed or failed, then notices.

    Durations are milliseconds. Lines that tests print in between are ignored; without the `end` line the run was
    cut off, and is told. Raises Fault where a line is broken.
    """
    events = Documents(source, first='["')
    stated = Stated()
    count = 0
    begun = ended = False
    pending = 0.0
    for event in events:
        match event:
            case ["start", dict()]:
                begun = True
            case ["pass" | "fail" as word, dict() as test]:
                count += 1
                outcome = Outcome.PASSED if word == "pass" else Outcome.FAILED
                stated.read += outcome is Outcome.FAILED
                yield to_case(test, outcome, f"line {events.number}", events.number)
            case ["pass" | "fail" as word, *_]:
                raise Fault(BROKEN, f"`{word}` without a test", line=events.number)
            case ["end", dict() as stats]:
                ended = True
                pending = members.number(stats, "pending") or 0
                stated.add(members.number(stats, "failures"))
            case _:
                pass
    if not begun and not count:
        raise Fault(NOT_A_REPORT, "it has no event of Mocha's JSON stream")
    yield from cut_off(events, None if ended else "its `end` line is missing")
    yield from noise(events)
    yield from stated.rest()
    if pending:
        yield notice(
            "perhaps-incomplete",
            f"{pending:g} pending tests are only counted in this format, and left out",
            advice="Use Mocha's `json` reporter, which names them.",
        )
    if not count:
        yield no_cases()


_LISTS: Final = {"passes": Outcome.PASSED, "pending": Outcome.SKIPPED, "failures": Outcome.FAILED}


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test of the three lists, in their order, then notices.

    Durations are milliseconds; tests have no times. What tests printed before the document is ignored. Raises Fault
    where the document is broken, cut off or lacks a list.
    """
    clean = AfterLog(source)
    window = Window(clean)
    outside, stated = Outside(), Stated()
    count = 0
    seen: set[str] = set()
    if window.peek() != "{":
        raise Fault(BROKEN, "Mocha's JSON is one object with `stats` and lists of tests")
    for name in window.members():
        if name == "stats" and window.peek() == "{":
            stated.add(members.number(members.fields(window.value(), name), "failures"))
            continue
        if name not in _LISTS or window.peek() != "[":
            members.scalar(window)
            continue
        seen.add(name)
        for index, value in enumerate(window.values()):
            path = f"{name}[{index}]"
            test = members.fields(value, path)
            if name == "failures" and is_hook(test):
                stated.read += 1
                yield from hook(test, outside)
            else:
                count += 1
                case = to_case(test, _LISTS[name], path, window.line)
                stated.see(case)
                yield case
    window.finish()
    if missing := sorted(_LISTS.keys() - seen):
        raise Fault(BROKEN, f"it lacks the lists {', '.join(missing)}")
    yield from clean.notices()
    yield from outside.rest()
    yield from stated.rest()
    if not count:
        yield no_cases()
