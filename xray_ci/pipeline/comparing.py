"""A run against an earlier one: its result file, or the previous Test Execution of the same job and branch.

Reads, tells and counts; what cannot be compared is said and changes no verdict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.ci.result import Change, compared
from xray_ci.errors import BaselineUnusable, Failure, Interrupted
from xray_ci.safefiles import open_regular
from xray_ci.settings.problems import is_token, shown
from xray_ci.settings.table import PREVIOUS

if TYPE_CHECKING:
    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.progress import Context
    from xray_ci.pipeline.job import Job, Tally

_LISTED: Final = 10
_TOLD: Final = {Change.NEW: "newly failing", Change.FIXED: "fixed", Change.NONE: "flaky"}
"""Changes whose tests the log names, and their words."""


def begin(job: Job, tally: Tally) -> None:
    """Read the result file that `baseline` names, before it is written anew."""
    path = job.settings.baseline
    if job.history is None or path is None or path == PREVIOUS:
        return
    name = _name(job)
    try:
        with open_regular(job.settings.workspace / path, links=False) as file:
            job.history.read(file, name)
            tally.against = name
    except FileNotFoundError:
        tally.note(f"{name} is not there: this run is compared with nothing (`baseline`)")
    except BaselineUnusable as failure:
        tally.warn(failure)
    except OSError as error:
        tally.warn(BaselineUnusable(f"it cannot be read: {error.strerror or error}", where=name))


def _name(job: Job) -> str:
    """Return the path, below the workspace without that; what looks like a secret is not shown."""
    path, workspace = job.settings.workspace / str(job.settings.baseline), job.settings.workspace
    named = str(path.relative_to(workspace) if path.is_relative_to(workspace) else path)
    return shown(named) if is_token(named) else named


def ended(job: Job, tally: Tally) -> None:
    """Keep and tell what changed, now that all reports are read and sent."""
    if job.history is not None:
        if job.history.lost:
            tally.note(f"no room for the names of failed tests: they are not compared ({job.history.lost})")
        elif tally.against is not None and tally.counts.tests:
            tally.comparison = compared(tally.against, job.history.tests())
    found = tally.comparison
    if found is not None:
        job.console.info(f"compared with {found.against}: {found.line()}")
        for change, word in _TOLD.items():
            tests = found.of(change)
            for one in tests[:_LISTED]:
                flaky = f" (flaky: {one.runs})" if one.flaky and change is not Change.NONE else ""
                key = f"{one.key} " if one.key and one.key != one.name else ""
                job.console.info(f"  {word}: {key}{one.name}{flaky}")
            if len(tests) > _LISTED:
                job.console.info(f"  and more that are {word}: `result-file` names them")


def previous(job: Job, tally: Tally, plan: Plan, context: Context) -> None:
    """Compare what Xray stores of this run with the Test Execution before, where `baseline` says `previous`."""
    if job.settings.baseline != PREVIOUS:
        return
    from xray_ci.delivery.previous import NotComparable, against_previous  # noqa: PLC0415

    statuses = plan.deployment.dialect.statuses
    words = {outcome: job.settings.statuses.get(outcome.value, word) for outcome, word in statuses.items()}
    try:
        keys, tests = against_previous(plan, context, words)
    except NotComparable as reason:
        tally.note(f"{reason}: this run is compared with nothing (`baseline: previous`)")
    except Interrupted as failure:
        tally.fail(failure)
    except Failure as failure:
        failure.what = f"all results were sent; comparing with the previous Test Execution: {failure.what}"
        tally.warn(failure)
    else:
        tally.comparison = compared(", ".join(keys), tests)
