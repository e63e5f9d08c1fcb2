"""When snapshots are triggered, and what their failures mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.ci.result import SnapshotRow

if TYPE_CHECKING:
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.tally import Tally


def after_import(job: Job, tally: Tally) -> bool:
    """Trigger after the last successful import, as `snapshots-when` says, once its data had time to settle; once a run.

    Return whether nothing is left to do: a snapshot that may fail without failing the run is not tried again.
    """
    settings = job.settings
    if not settings.snapshots or tally.refreshed:
        return not tally.snapshots_left
    if tally.stopped:
        return False
    tally.refreshed = True
    if not _wanted(job, tally):
        job.console.info(f"snapshots are not triggered (`snapshots-when: {settings.snapshots_when}`)")
        return True
    if tally.executions and settings.snapshots_delay > 0:
        # A snapshot is a search in Jira, and Jira's index lags behind writes (D).
        job.console.progress(f"waiting {settings.snapshots_delay:g} s before the snapshots, so that Jira's search knows the results")
        job.sleep(settings.snapshots_delay)
    trigger(job, tally)
    return not tally.snapshots_left


def trigger(job: Job, tally: Tally) -> None:
    """Trigger every configured snapshot; one that fails stops no other, and fails the run only under `fail-on`."""
    from xray_ci.pipeline.connecting import caller_of  # noqa: PLC0415
    from xray_ci.services.snapshots import trigger_all  # noqa: PLC0415

    def observe(text: str) -> None:
        tally.requests += 1
        job.console.debug(text)

    settings = job.settings
    fatal = "snapshots" in settings.fail_on
    with caller_of(job, observe) as caller:
        results = trigger_all(caller, settings.snapshots, template=settings.snapshots_url)
    for result in results:
        tally.snapshots.append(SnapshotRow(name=result.name, ok=result.ok, status=result.status,
                                           message=result.problem.what if result.problem else None))
        if result.problem is None:
            job.console.info(f"✓ snapshot of {result.name} was triggered")
        elif fatal:
            tally.fail(result.problem)
        else:
            tally.warn(result.problem)


def _wanted(job: Job, tally: Tally) -> bool:
    match job.settings.snapshots_when:
        case "always":
            return True
        case "passed":
            return tally.arrived and not tally.failed
        case _:
            return tally.arrived
