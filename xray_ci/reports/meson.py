"""Meson's `testlog.json`: one test a line. Knows its members; knows nothing of Xray, files or settings.

A case is a test: its class is the project and its name all that Meson writes (`suites - project:test`), as in Meson's
JUnit XML. The environment of a test stands in the report, too, with whatever the job holds: it is never read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome
from xray_ci.reports import members, notices, texts, words
from xray_ci.reports.lines import Documents
from xray_ci.reports.members import Members
from xray_ci.reports.notices import NOT_A_REPORT, Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source

_RESULTS: Final = {
    "ok": Outcome.PASSED,
    "expectedfail": Outcome.PASSED,
    "fail": Outcome.FAILED,
    "unexpectedpass": Outcome.FAILED,
    "error": Outcome.ERROR,
    "timeout": Outcome.ERROR,
    "interrupt": Outcome.ERROR,
    "skip": Outcome.SKIPPED,
    "ignored": Outcome.SKIPPED,
}


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test, then notices; durations are seconds.

    Raises Fault where a line is broken or of another tool; of a file whose last line is cut the whole lines count.
    """
    tests = Documents(source)
    count = 0
    for value in tests:
        count += 1
        yield _case(_test(value, tests.number), tests.number)
    yield from notices.cut_off(tests, None)
    yield from notices.noise(tests)
    if not count:
        yield notices.no_cases()


def _test(value: object, line: int) -> Members:
    test = Members(value, f"line {line}")
    if "result" not in test and "returncode" not in test:
        raise Fault(NOT_A_REPORT, "it has no `result` of Meson", line=line)
    return test


def _case(test: Members, line: int) -> Case:
    word = test.text("result")
    outcome = words.outcome(word, _RESULTS)
    name = test.text("name") or ""
    suites, _, project = name.partition(":")[0].rpartition(" - ")
    passed = outcome is Outcome.PASSED
    printed = [] if passed else [test.text("stdout", limit=None), test.text("stderr", limit=None)]
    code = test.text("returncode", limit=64)
    return Case(
        suite=tuple(filter(None, (project if ":" in name else "", *suites.split("+")))),
        classname=(project if ":" in name else "")[: members.NAME_LIMIT] or None,
        name=name,
        outcome=outcome,
        seconds=test.seconds("duration"),
        started=test.time("starttime"),
        message=None if passed else f"{(word or 'no result')[:100]}, exit code {code}" if code else None,
        output=texts.tail("\n".join(filter(None, printed))) or None,
        line=line,
    )
