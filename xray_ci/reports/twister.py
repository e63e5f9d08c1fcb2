"""Zephyr's `twister.json`. Knows its members; knows nothing of Xray, files or settings.

One case a test case of each platform: named as in Twister's JUnit XML, its class the first two parts of its identifier.
The platform is the environment of its result, so results of many boards are results of one Test.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Attempt, Case, Mark, MarkKind, Outcome
from xray_ci.reports import members, notices, texts, words
from xray_ci.reports.members import Members, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source

ATTEMPT_LIMIT: Final = 100
_STATUS: Final = {
    "passed": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "error": Outcome.ERROR,
    "blocked": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "filtered": Outcome.SKIPPED,
    "not run": Outcome.SKIPPED,
    "notrun": Outcome.SKIPPED,
}


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test case on each platform, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    outside = notices.Outside()
    count = 0
    for number, (_, value) in enumerate(picked(source, "testsuites[]", lists=("testsuites",))):
        suite = Members(value, f"testsuites[{number}]")
        cases = [_case(test, suite) for test in suite.each("testcases")]
        count += len(cases)
        yield from cases
        told = words.outcome(suite.text("status"), _STATUS)
        if told in words.FAILURES and not any(case.outcome in words.FAILURES for case in cases):
            yield from outside.say(
                f"{suite.text('name')} on {suite.text('platform')}", suite.text("reason") or suite.text("status")
            )
    yield from outside.rest()
    if not count:
        yield notices.no_cases()


def _case(test: Members, suite: Members) -> Case:
    outcome = words.outcome(test.text("status"), _STATUS)
    name = test.text("identifier") or ""
    passed = outcome is Outcome.PASSED
    reason = None if passed else test.text("reason") or suite.text("reason")
    output = None if passed else test.text("log", limit=None) or suite.text("log", limit=None)
    platform = suite.text("platform", limit=255)
    tries = int(min(suite.number("retries") or 0, ATTEMPT_LIMIT))
    return Case(
        suite=tuple(filter(None, (suite.text("name"),))),
        classname=".".join(name.split(".")[:2])[: members.NAME_LIMIT] or None,
        name=name,
        outcome=outcome,
        seconds=test.seconds("execution_time"),
        message=reason,
        output=texts.tail(output) if output else None,
        marks=(Mark(kind=MarkKind.ENVIRONMENT, value=platform),) if platform else (),
        attempts=(Attempt(outcome=Outcome.FAILED),) * max(tries, 0),
    )
