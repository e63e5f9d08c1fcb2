"""GoogleTest's JSON (`--gtest_output=json`). Knows suites, tests and recorded properties.

Identity: the suite (`classname`) is the class name, the test's name with its parameter's number (`Even/0`) is the name:
as in GoogleTest's JUnit XML, so that both give the same Tests. What the test was given is kept as an iteration. What
`RecordProperty` recorded counts where it is named like one of JUnit's properties (`test_key`, `requirements` …).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import Case, Iteration, Mark, Outcome, Problem
from xray_ci.reports import author_marks, members, texts
from xray_ci.reports.json_stream import Window
from xray_ci.reports.notices import BROKEN, Fault, Stated, no_cases
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

_PARAMETERS: Final = ("type_param", "value_param")
_NOT_RUN: Final = frozenset({"SKIPPED", "SUPPRESSED"})


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test in order, then notices.

    Durations are texts with a unit, times have an offset or are naive. Raises Fault where the document is broken or cut
    off.
    """
    window = Window(source)
    stated = Stated()
    count = 0
    if window.peek() != "{":
        raise Fault(BROKEN, "GoogleTest's JSON is one object with `testsuites`")
    for name in window.members():
        if name == "testsuites" and window.peek() == "[":
            for index, _ in enumerate(window.elements()):
                for case in _suite(window, f"testsuites[{index}]"):
                    count += 1
                    stated.see(case)
                    yield case
        else:
            value = members.scalar(window)
            if name in {"failures", "errors"}:
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
        if name == "testsuite" and window.peek() == "[":
            for index, test in enumerate(window.values()):
                here = f"{path}.testsuite[{index}]"
                yield _case(members.fields(test, here), suite, here, window.line)
        else:
            value = members.scalar(window)
            if name == "name" and isinstance(value, str):
                suite = texts.cut(value, members.NAME_LIMIT)


def _case(test: dict[str, Any], suite: str, path: str, number: int) -> Case:
    name = members.demanded(test, "name", path)
    kind = message = trace = None
    said = [members.text(failure, "failure") or "" for failure in members.objects(test, "failures")]
    outcome = Outcome.PASSED
    if said:
        outcome, trace = Outcome.FAILED, texts.cut("\n\n".join(said)) or None
        message = _without_place(said[0]) or None
        kind = members.text(members.objects(test, "failures")[0], "type", members.NAME_LIMIT)
    else:
        result = members.text(test, "result") or ("" if "result" in test else None)
        outcome = _outcome(members.text(test, "status"), result)
    if outcome is Outcome.SKIPPED:
        reason = next((members.text(reason, "message") for reason in members.objects(test, "skipped")), None)
        message = _without_place(reason) if reason else None
    marks: list[Mark] = []
    for member, value in test.items():
        if isinstance(value, str) and value.strip() and author_marks.is_property(member):
            marks += author_marks.of_property(member, value.strip())
    given = tuple(
        (member, value) for member in _PARAMETERS if (value := members.text(test, member, members.NAME_LIMIT))
    )
    started = members.moment(test, "timestamp")
    took = seconds(members.text(test, "time"))
    return Case(
        suite=(suite,) if suite else (),
        classname=members.text(test, "classname", members.NAME_LIMIT) or suite or None,
        name=name,
        outcome=outcome,
        seconds=took,
        started=started,
        finished=members.later(started, took),
        kind=kind,
        message=message,
        trace=trace,
        marks=tuple(marks),
        iterations=(Iteration(outcome=outcome, name=name, parameters=given),) if given else (),
        line=number,
    )


def _outcome(status: str | None, result: str | None) -> Outcome:
    """Return what a test without failures came to; versions before 1.10 have no `result`."""
    if status == "NOTRUN" or result in _NOT_RUN:
        return Outcome.SKIPPED
    if status in {"RUN", None} and (status if result is None else result) in {"COMPLETED", "RUN"}:
        return Outcome.PASSED
    return texts.unknown(result if status == "RUN" else status)


def _without_place(said: str) -> str:
    """Return a text without its first line, the place in the source, where there is more."""
    return said.partition("\n")[2] or said
