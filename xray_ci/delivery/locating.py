"""Find or create: which Test Execution a run's mark means. An empty answer counts only after the index had time to know better.

Knows marks and stored issues; sends no result. A lookup that fails raises: it is never "not found".
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.delivery.marker import jql
from xray_ci.delivery.progress import Found, Made, Making, Removed
from xray_ci.errors import Failure, Interrupted, NotAuthorised, Refused, UnknownDelivery, Unreachable
from xray_ci.services.stored import StoredExecution

if TYPE_CHECKING:
    from xray_ci.delivery.means import Means
    from xray_ci.delivery.plan import PlannedExecution

TRIES: Final = 3
"""How often one request is sent when it is not known whether it was done, and then found not to be."""


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
    progress = means.progress
    found: StoredExecution | None = None
    if execution.id not in progress.made:
        found = _look(execution, means, certain=execution.id in progress.making) or _made(execution, means)
    if found is None:
        found = _oldest(execution, progress.made[execution.id], means)
    means.note(Found(execution=execution.id, key=found.key, number=found.id))
    tidied(execution, means, last=False)
    return found.key


def _made(execution: PlannedExecution, means: Means) -> StoredExecution | None:
    """Make an empty one and note it; return one that was found meanwhile, because what became of ours was not known."""
    lost: UnknownDelivery | None = None
    for _ in range(TRIES):
        means.note(Making(execution=execution.id))
        try:
            own = means.store.create_execution(execution.blank or {})
        except UnknownDelivery as failure:
            means.tell("the answer to making an empty Test Execution was lost: looking for it")
            lost = failure
        else:
            means.note(Made(execution=execution.id, key=own.key, number=own.id))
            return None
        if (found := _look(execution, means, certain=True)) is not None:
            return found
    assert lost is not None  # noqa: S101  # only a lost answer leads to another try
    raise lost


def _oldest(execution: PlannedExecution, own: Made, means: Means) -> StoredExecution:
    """Return the oldest marked one once the index knows ours: what was made before ours it then knows, too (A)."""
    waited = 0.0
    while True:
        found = _marked(execution, means)
        if any(each.id == own.number for each in found):
            return found[0]
        if waited >= means.patience.lag or not means.wait(means.patience.pause):
            raise Unreachable("the index of Jira does not show the empty Test Execution that was made", where=own.key,
                              advice="Run `xray-ci resume` later: it goes on from here.")
        waited += means.patience.pause


def tidied(execution: PlannedExecution, means: Means, *, last: bool) -> None:
    """Remove the empty one that we made where another one is used.

    Many users may not delete issues, and that is no reason to lose results: then it stays. What may work later is left to be done,
    and raises Failure when this was the `last` time.
    """
    own = means.progress.surplus.get(execution.id)
    if own is None:
        return
    issue = StoredExecution(id=own.number, key=own.key)
    try:
        means.store.delete_execution(issue)
        _gone(issue, means)
    except Failure as failure:
        if not _is_no(failure):
            if last or isinstance(failure, Interrupted):
                raise
            return
        means.tell(f"the empty {own.key}, which is not needed, could not be removed: {failure.what}")
    else:
        means.tell(f"the empty {own.key}, which is not needed, was removed")
    means.note(Removed(execution=execution.id))


def _gone(issue: StoredExecution, means: Means) -> None:
    """Believe only of two different requests that one is gone: something else than the service may have answered; raises Failure."""
    try:
        tuple(means.store.runs(issue))
    except Refused:
        return
    raise Unreachable(f"{issue.key} was said to be gone, and it is there", where=issue.key)


def _is_no(failure: Failure) -> bool:
    """Say whether it is an answer about this request, and not one about credentials or the way there."""
    return isinstance(failure, Refused) or type(failure) is NotAuthorised
