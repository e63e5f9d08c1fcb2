"""Criterion's JSON (the C and C++ test framework). Knows its members.

Identity: the suite is the class name, the test's name is the name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Case, Outcome, Problem
from xray_ci.reports import members, texts
from xray_ci.reports.json_stream import Window
from xray_ci.reports.notices import BROKEN, Fault, Stated, no_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

_OUTCOMES: Final = {
    "PASSED": Outcome.PASSED,
    "FAILED": Outcome.FAILED,
    "ERRORED": Outcome.ERROR,
    "SKIPPED": Outcome.SKIPPED,
}


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test in order, then notices.

    The report has no durations and no times. Raises Fault where the document is broken or cut off, or a test lacks its
    name or status.
    """
    window = Window(source)
    stated = Stated()
    count = 0
    if window.peek() != "{":
        raise Fault(BROKEN, "Criterion's JSON is one object with `test_suites`")
    for name in window.members():
        if name == "test_suites" and window.peek() == "[":
            for index, _ in enumerate(window.elements()):
                for case in _suite(window, f"test_suites[{index}]"):
                    count += 1
                    stated.see(case)
                    yield case
        else:
            value = members.scalar(window)
            if name == "failed":  # errors are among them
                stated.add(value)
    window.finish()
    yield from stated.rest()
    if not count:
        yield no_cases()


def _suite(window: Window, path: str) -> Iterator[Case]:
    """Yield the tests of one suite, whose name stands before them."""
    if window.peek() not in {"{", ""}:
        raise Fault(BROKEN, f"{path} is no object")
    suite = ""
    for name in window.members():
        if name == "tests" and window.peek() == "[":
            for index, test in enumerate(window.values()):
                here = f"{path}.tests[{index}]"
                yield _case(members.fields(test, here), suite, here, window.line)
        else:
            value = members.scalar(window)
            if name == "name" and isinstance(value, str):
                suite = texts.cut(value, members.NAME_LIMIT)


def _case(test: dict[str, Any], suite: str, path: str, number: int) -> Case:
    outcome = _OUTCOMES.get(status := members.demanded(test, "status", path)) or texts.unknown(status)
    said = members.long_texts(test, "messages") if outcome is not Outcome.PASSED else ()
    return Case(
        suite=(suite,) if suite else (),
        classname=suite or None,
        name=members.demanded(test, "name", path),
        outcome=outcome,
        message=said[0] if said else None,
        trace=texts.cut("\n".join(said)) if len(said) > 1 else None,
        line=number,
    )
