"""Find or create: which Test Execution a run's mark means. An empty answer counts only after the index had time to know better.

Knows marks and stored issues; sends no result. A lookup that fails raises: it is never "not found".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.delivery.marker import jql
from xray_ci.delivery.progress import Found, Making
from xray_ci.errors import Failure, Interrupted, UnknownDelivery, Unreachable

if TYPE_CHECKING:
    from xray_ci.delivery.means import Means
    from xray_ci.delivery.plan import PlannedExecution
    from xray_ci.services.stored import StoredExecution


def located(execution: PlannedExecution, means: Means, *, ask: bool = False) -> str | None:
    """Return the key of the Test Execution that holds, or is to hold, a run's results; None when the first import shall make it.

    Asks only where one may exist: on a re-run, among runs that race, when a request's end is not known, and with `ask`. Raises Failure.
    """
    marker, progress = execution.marker, means.progress
    if marker is None:
        return None
    if marker.race:
        return _converged(execution, means)
    under_way = any(call.id in progress.begun for call in execution.calls)
    if not marker.look and not under_way and not ask:
        return None
    found = _look(execution, means, certain=under_way)
    if found is not None:
        means.tell(f"{found.key} has the mark of this run")
        means.note(Found(execution=execution.id, key=found.key, number=found.id))
    return found.key if found else None


def _look(execution: PlannedExecution, means: Means, *, certain: bool) -> StoredExecution | None:
    """Return the oldest marked Test Execution; with `certain`, None only when the index had all the time it may need.

    Raises Unreachable when the time budget does not allow that wait.
    """
    waited = 0.0
    while not (found := _marked(execution, means)) and certain and waited < means.patience.lag:
        if not means.wait(means.patience.pause):
            raise Unreachable("the time budget is spent before it is known whether a Test Execution was made",
                              advice="Run `xray-ci resume`, or again with more `time-budget`.")
        waited += means.patience.pause
    if len(found) > 1:
        means.tell(f"{len(found)} Test Executions have the mark of this run: the oldest, {found[0].key}, is used")
    return found[0] if found else None


def _marked(execution: PlannedExecution, means: Means) -> list[StoredExecution]:
    assert execution.marker is not None  # noqa: S101  # asked only of marked ones
    return sorted(means.store.executions(jql(execution.marker, execution.project)), key=lambda each: each.age)


def _converged(execution: PlannedExecution, means: Means) -> str:
    """Return the one Test Execution of runs that race: each makes an empty one, waits for the index, and the oldest stays."""
    own: StoredExecution | None = None
    found = _look(execution, means, certain=execution.id in means.progress.making)
    if found is None:
        means.note(Making(execution=execution.id))
        try:
            own = means.store.create_execution(execution.blank or {})
        except UnknownDelivery:
            means.tell("the answer to making an empty Test Execution was lost: looking for it")
        found = _oldest(execution, own, means)
    means.note(Found(execution=execution.id, key=found.key, number=found.id))
    if own is not None and own.id != found.id:
        _remove(own, found, means)
    return found.key


def _remove(own: StoredExecution, found: StoredExecution, means: Means) -> None:
    """Remove our own empty one; many users may not delete issues, and that is no reason to lose results."""
    try:
        means.store.delete_execution(own)
    except Interrupted:
        raise
    except Failure as failure:
        means.tell(f"{found.key} was made first, and the empty {own.key} could not be removed: {failure.what}")
    else:
        means.tell(f"{found.key} was made first: the empty {own.key} was removed")


def _oldest(execution: PlannedExecution, own: StoredExecution | None, means: Means) -> StoredExecution:
    """Return the oldest marked one once the index knows ours: what was made before ours it then knows, too (A)."""
    waited = 0.0
    while True:
        found = _marked(execution, means)
        if found and (own is None or any(each.id == own.id for each in found)):
            return found[0]
        if waited >= means.patience.lag or not means.wait(means.patience.pause):
            raise Unreachable("the index of Jira does not show the empty Test Execution that was made",
                              where=own.key if own else None, advice="Run `xray-ci resume` later: it goes on from here.")
        waited += means.patience.pause
