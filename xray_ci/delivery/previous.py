"""The Test Execution before this one of the same job and branch, found by its second mark, and what changed since.

Both are read from Xray, so a Test is the same by its key, however its report names it. Reads only, and no more than
some thousand Test Runs of each.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Final

from xray_ci.ci.result import ChangedTest
from xray_ci.delivery.marker import line_jql
from xray_ci.delivery.reconcile import issue_of
from xray_ci.errors import Refused
from xray_ci.model import Outcome
from xray_ci.services.store import PAGE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.delivery.plan import Plan, PlannedExecution
    from xray_ci.delivery.progress import Context
    from xray_ci.services.store import StoredExecution, StoredRun

EARLIER: Final = 4
"""Test Executions before this one in which flaky Tests are looked for."""
RUNS_LIMIT: Final = 5_000
"""Test Runs that are read of one Test Execution: 50 pages, and Cloud gives 300 calls in five minutes (D)."""
_DAYS: Final = (3, 90)
"""How far back is looked, first and then: JQL that finds more than 100 may be refused on Cloud (D)."""


class NotComparable(Exception):
    """There is nothing to compare with; the text says why."""


def against_previous(
    plan: Plan, context: Context, words: Mapping[Outcome, str]
) -> tuple[tuple[str, ...], list[ChangedTest]]:
    """Return the keys of the Test Executions before, and the Tests that failed in them or fail now.

    `words` are the status words of outcomes. Of `executions` each is compared with its own. Raises NotComparable, and
    Failure when Xray cannot be asked.
    """
    own = {each.key for each in context.progress.ended.values()}
    keys, found = list[str](), list[ChangedTest]()
    if not any(each.marker is not None and each.marker.line for each in plan.executions):
        raise NotComparable("the CI system does not say branch and job, or the Test Execution was not made by xray-ci")
    for execution in plan.executions:
        ended = context.progress.ended.get(execution.calls[0].id)
        issue = issue_of(execution, ended.key, context) if ended is not None else None
        earlier = _earlier(execution, context, own) if issue is not None else []
        if issue is not None and earlier:
            keys.append(earlier[0].key)
            found += _Looked(context, words).changes(issue, earlier)
    if not keys:
        raise NotComparable("there is no earlier Test Execution of this job and branch with a mark")
    return tuple(dict.fromkeys(keys)), _named(found, context)


def _earlier(execution: PlannedExecution, context: Context, own: set[str]) -> list[StoredExecution]:
    """Return the last Test Executions with the second mark that this run did not fill, the latest first."""
    found: list[StoredExecution] = []
    for days in _DAYS if execution.marker is not None and execution.marker.line else ():
        try:
            marked = context.store.executions(line_jql(execution.marker, execution.project, days))  # type: ignore[arg-type]
        except Refused:
            if found:
                break
            raise
        found = sorted((each for each in marked if each.key not in own), key=lambda each: -each.age)[:EARLIER]
        if found:
            break
    return found


class _Looked:
    """Reads what two Test Executions hold; of one that can be counted only what is needed."""

    def __init__(self, context: Context, words: Mapping[Outcome, str]) -> None:
        self._store = context.store
        self._failed = tuple(dict.fromkeys((words[Outcome.FAILED], words[Outcome.ERROR])))
        self._passed = words[Outcome.PASSED]

    def changes(self, own: StoredExecution, earlier: Sequence[StoredExecution]) -> Iterator[ChangedTest]:
        whole = self._store.totals(own, ()) is None  # then every list is a list of all runs
        now, before = (self._all(each) if whole else self._failing(each) for each in (own, earlier[0]))
        keys = [key for key in dict.fromkeys((*now, *before)) if "F" in (now.get(key), before.get(key))]
        looked = set(keys[:PAGE])
        older = [self._of(each, looked, whole=whole) for each in reversed(earlier[1:])] if keys else []
        if not whole:
            now |= self._of(own, [key for key in before if key not in now], whole=False)
            before |= self._of(earlier[0], [key for key in keys[:PAGE] if key not in before], whole=False)
        for key in keys:
            runs = (*older, before, now) if key in looked else (before, now)
            yield ChangedTest(name=key, key=key, runs="".join(run.get(key, "-") for run in runs))

    def _all(self, issue: StoredExecution) -> dict[str, str]:
        return {run.test: self._sign(run.status) for run in _bounded(issue, self._store.runs(issue))}

    def _failing(self, issue: StoredExecution) -> dict[str, str]:
        return {
            run.test: "F" for word in self._failed for run in _bounded(issue, self._store.some_runs(issue, status=word))
        }

    def _of(self, issue: StoredExecution, keys: Sequence[str] | set[str], *, whole: bool) -> dict[str, str]:
        """Return the signs of some Tests, as far as they have a Test Run there."""
        if whole:
            return {key: sign for key, sign in self._all(issue).items() if key in keys}
        asked = list(keys)
        return {
            run.test: self._sign(run.status)
            for start in range(0, len(asked), PAGE)
            for run in self._store.some_runs(issue, keys=asked[start : start + PAGE])
        }

    def _sign(self, status: str) -> str:
        return "F" if status in self._failed else "P" if status == self._passed else "-"


def _bounded(issue: StoredExecution, runs: Iterator[StoredRun]) -> list[StoredRun]:
    """Return Test Runs, all of them or none: half of them would make the others new or fixed."""
    found = list(islice(runs, RUNS_LIMIT + 1))
    if len(found) > RUNS_LIMIT:
        raise NotComparable(f"{issue.key} holds more than the {RUNS_LIMIT:,} Test Runs that are read")
    return found


def _named(tests: list[ChangedTest], context: Context) -> list[ChangedTest]:
    """Return the Tests, the first page of them with their summaries."""
    keys = [each.name for each in tests[:PAGE]]
    summaries = {each.key: each.summary for each in context.store.tests_named(keys)} if keys else {}
    return [ChangedTest(name=summaries.get(each.name) or each.name, key=each.key, runs=each.runs) for each in tests]
