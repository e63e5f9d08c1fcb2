"""JSON of Salesforce's Apex tests (`sf apex run test --json`, and the file that it writes). Knows its members alone.

One case a test method; its identity is the class, with its namespace where it has one, and the method.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome
from xray_ci.reports import members, notices, words
from xray_ci.reports.members import Members, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source

MILLISECONDS: Final = 1e-3
_OUTCOMES: Final = {
    "pass": Outcome.PASSED,
    "fail": Outcome.FAILED,
    "compilefail": Outcome.ERROR,
    "skip": Outcome.SKIPPED,
}
_LISTS: Final = ("result.tests[]", "tests[]")
_STATED: Final = ("result.summary.failing", "summary.failing")


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test method, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    stated: list[float | None] = []
    count = 0
    for item in words.against(_cases(source, stated), stated):
        count += isinstance(item, Case)
        yield item
    if not count:
        yield notices.no_cases()


def _cases(source: Source, stated: list[float | None]) -> Iterator[Case]:
    for path, value in picked(source, *_LISTS, *_STATED, lists=("result.tests", "tests")):
        if path in _STATED:
            stated.append(Members({"failing": value}, "summary").number("failing"))
        else:
            yield _case(Members(value, path))


def _case(test: Members) -> Case:
    outcome = words.outcome(test.text("Outcome"), _OUTCOMES)
    owner = test.inner("ApexClass") if isinstance(test.raw("ApexClass"), dict) else None
    name = test.text("MethodName") or ""
    classname = ".".join(filter(None, (owner.text("NamespacePrefix"), owner.text("Name")))) if owner else ""
    if not classname:
        classname = (test.text("FullName") or "").removesuffix(f".{name}")
    message = test.text("Message") if outcome is not Outcome.PASSED else None
    return Case(
        suite=(classname,) if classname else (),
        classname=classname[: members.NAME_LIMIT] or None,
        name=name,
        outcome=outcome,
        seconds=test.seconds("RunTime", MILLISECONDS),
        started=test.time("TestTimestamp"),
        kind=members.kind_of((message or "").removeprefix("System.")),
        message=message,
        trace=test.text("StackTrace") if outcome is not Outcome.PASSED else None,
    )
