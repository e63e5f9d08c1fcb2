"""Mocha's JSON (`--reporter json`). Knows the lists of the document; what a test of them is, is in `mocha_case`.

The lists `passes`, `pending` and `failures` say the outcome and are read; `tests` holds the same tests once more and is passed
over. Failing hooks are notices. Tests that never ran because of one are in no list.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome, Problem
from xray_ci.reports import members
from xray_ci.reports.after_log import AfterLog
from xray_ci.reports.fault import BROKEN, Fault
from xray_ci.reports.json_stream import Window
from xray_ci.reports.mocha_case import hook, is_hook, to_case
from xray_ci.reports.remarks import Outside, no_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

_LISTS: Final = {"passes": Outcome.PASSED, "pending": Outcome.SKIPPED, "failures": Outcome.FAILED}


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test of the three lists, in their order, then notices.

    Durations are milliseconds; tests have no times. What tests printed before the document is passed over. Raises Fault where the
    document is broken, cut off or lacks a list.
    """
    clean = AfterLog(source)
    window = Window(clean)
    outside = Outside()
    count = 0
    seen: set[str] = set()
    if window.peek() != "{":
        raise Fault(BROKEN, "Mocha's JSON is one object with `stats` and lists of tests")
    for name in window.members():
        if name not in _LISTS or window.peek() != "[":
            members.scalar(window)
            continue
        seen.add(name)
        for index, _ in enumerate(window.elements()):
            path = f"{name}[{index}]"
            test = members.fields(window.value(), path)
            if name == "failures" and is_hook(test):
                yield from hook(test, outside)
            else:
                count += 1
                yield to_case(test, _LISTS[name], path, count)
    window.finish()
    if missing := sorted(_LISTS.keys() - seen):
        raise Fault(BROKEN, f"it lacks the lists {', '.join(missing)}")
    yield from clean.notices()
    yield from outside.rest()
    if not count:
        yield no_cases()
