"""The report of the plugin pytest-json-report. Knows its members; what a pytest test is stands in `pytest_case`.

One case an element of `tests`; the summary is never trusted. The report gives durations and no points in time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Outcome
from xray_ci.reports import remarks
from xray_ci.reports.fault import BROKEN, Fault
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.objects import Members
from xray_ci.reports.pytest_case import Phase, Running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Case, Problem

_OUTCOMES: Final = {"passed": Outcome.PASSED, "xpassed": Outcome.PASSED, "failed": Outcome.FAILED, "error": Outcome.ERROR,
                    "skipped": Outcome.SKIPPED, "xfailed": Outcome.SKIPPED}
_STREAMS: Final = ("stdout", "stderr")
_BROKE_OFF: Final = {2: "it was interrupted", 3: "pytest failed itself", 4: "pytest was called wrongly"}


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test, in the order of the report, then notices; what could not be collected is a notice.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or ends too early; what was
    yielded before must then be dropped.
    """
    window = Window(source)
    if window.peek() not in {"{", ""}:
        raise Fault(BROKEN, "a report of pytest-json-report is one object")
    count = 0
    outside = remarks.Outside()
    for name in window.members():
        if name in {"tests", "collectors"} and window.peek() == "[":
            for index, _ in enumerate(window.elements()):
                element = Members(window.value(), f"{name}[{index}]")
                if name == "tests":
                    count += 1
                    yield _case(element, count)
                elif element.text("outcome") in {"failed", "error"}:
                    yield from outside.say(element.text("nodeid") or "the collection", _last_line(element.text("longrepr")))
        elif name == "tests" and window.peek():
            raise Fault(BROKEN, "tests is no list")
        else:
            value = window.value()
            if name == "exitcode" and isinstance(value, int) and value in _BROKE_OFF:
                yield remarks.broken_run(_BROKE_OFF[value])
    window.finish()
    yield from outside.rest()
    if not count:
        yield remarks.no_cases()


def _case(element: Members, number: int) -> Case:
    test = Running(node=element.text("nodeid") or "", line=number)
    for name in ("setup", "call", "teardown"):
        phase = element.inner(name)
        if phase is not None:
            test.spend(phase.seconds("duration"))
            test.add(_phase(name, phase))
    for holder in ("user_properties", "metadata"):
        properties = element.raw(holder)
        for entry in properties if isinstance(properties, list) else [properties]:
            if isinstance(entry, dict):
                for name, value in entry.items():
                    test.note(name, value)
            elif isinstance(entry, list) and len(entry) == 2:  # noqa: PLR2004 - name and value
                test.note(*entry)
    word = element.text("outcome") or ""
    if word == "rerun":
        test.phases = [phase for phase in test.phases if phase.outcome != "rerun"]
    return test.case(_OUTCOMES.get(word))


def _phase(name: str, phase: Members) -> Phase:
    crash = phase.inner("crash")
    trace = list(phase.each("traceback"))[-1:] if isinstance(phase.raw("traceback"), list) else []
    kind = trace[0].text("message") if trace else None
    output = [text for stream in _STREAMS if (text := phase.text(stream))]
    return Phase(when=name, outcome=phase.text("outcome") or "", message=crash.text("message") if crash is not None else None,
                 trace=phase.text("longrepr"), kind=kind if kind and kind.isidentifier() else None, output=tuple(output))


def _last_line(text: str | None) -> str | None:
    return text.strip().rpartition("\n")[2] if text else None
