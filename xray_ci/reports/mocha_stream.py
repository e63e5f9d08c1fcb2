"""Mocha's JSON stream (`--reporter json-stream`): one `[event, test]` a line. Knows the events; tests are read by `mocha_case`.

Pending tests have no line, only a number at the end: they are told in a notice. Failing hooks are `fail` lines like those of
tests and cases like them, for nothing else in the stream says that they failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.model import Case, Outcome, Problem
from xray_ci.reports import members
from xray_ci.reports.fault import BROKEN, NOT_A_REPORT, TRUNCATED, Fault
from xray_ci.reports.lines import Documents
from xray_ci.reports.mocha_case import to_case
from xray_ci.reports.remarks import no_cases, noise, notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test that passed or failed, then notices.

    Durations are milliseconds. Lines that tests print in between are passed over. Raises Fault where a line is broken and where the
    `end` line is missing.
    """
    events = Documents(source, first='["')
    count = 0
    begun = ended = False
    pending = 0.0
    for event in events:
        match event:
            case ["start", dict()]:
                begun = True
            case ["pass" | "fail" as word, dict() as test]:
                count += 1
                yield to_case(test, Outcome.PASSED if word == "pass" else Outcome.FAILED, f"line {events.number}", count)
            case ["pass" | "fail" as word, *_]:
                raise Fault(BROKEN, f"`{word}` without a test", line=events.number)
            case ["end", dict() as stats]:
                ended = True
                pending = members.number(stats, "pending") or 0
            case _:
                pass
    if not begun and not count:
        raise Fault(NOT_A_REPORT, "it has no event of Mocha's JSON stream")
    if not ended:
        raise Fault(TRUNCATED, "its `end` line is missing", line=events.number)
    yield from noise(events)
    if pending:
        yield notice("perhaps-incomplete", f"{pending:g} pending tests are only counted in this format, and left out",
                     advice="Use Mocha's `json` reporter, which names them.")
    if not count:
        yield no_cases()
