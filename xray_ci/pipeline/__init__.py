"""The straight line, readable in one screen: find, read, plan, send, refresh, tell.

Each step is a module here that translates settings into the words of the room that does the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.errors import Failure, WrongRegion

if TYPE_CHECKING:
    from xray_ci.ci.result import RunResult
    from xray_ci.pipeline.job import Job

__all__ = ["refresh", "resume", "run"]


def run(job: Job) -> RunResult:
    """Do the main job, or with `plan` and `dry-run` all of it up to the first write; never raises a Failure."""
    from xray_ci.pipeline import annotating, connecting, planning, reading, sending, showing, snapshots, withheld  # noqa: PLC0415
    from xray_ci.pipeline.tally import Tally  # noqa: PLC0415

    if withheld.withheld(job):
        return annotating.annotated(job, withheld.run(job))
    tally = Tally(job)
    try:
        sources = reading.find(job, tally)
        if sources:
            site = connecting.site_of(job)
            tally.deployment = site.deployment.key
            try:
                site.confirm()
                plan = planning.plan(job, tally, site, sources)
                if plan is not None and job.planning:
                    showing.show(job, tally, plan)
                elif plan is not None:
                    sending.send(job, tally, site, plan, last=lambda: snapshots.after_import(job, tally))
            except WrongRegion as failure:
                site.locate_region(failure)
                raise
            finally:
                site.close()
                tally.requests += site.requests
    except Failure as failure:
        tally.fail(failure)
    if not job.planning:
        snapshots.after_import(job, tally)
    return annotating.annotated(job, tally.result())


def resume(job: Job) -> RunResult:
    """Deliver what earlier runs left in the state folder, then refresh pages as after an import; never raises a Failure."""
    from xray_ci.pipeline import connecting, sending, snapshots, withheld  # noqa: PLC0415
    from xray_ci.pipeline.tally import Tally  # noqa: PLC0415

    if withheld.withheld(job):
        return withheld.run(job)
    tally = Tally(job)
    try:
        site = connecting.site_of(job)
        tally.deployment = site.deployment.key
        try:
            if not sending.resume(job, tally, site, last=lambda: snapshots.after_import(job, tally)):
                job.console.info("nothing is left to deliver")
        finally:
            site.close()
            tally.requests += site.requests
    except Failure as failure:
        tally.fail(failure)
    if tally.executions:
        snapshots.after_import(job, tally)
    return tally.result()


def refresh(job: Job) -> RunResult:
    """Only trigger the configured snapshots; never raises a Failure."""
    from xray_ci.pipeline import snapshots, withheld  # noqa: PLC0415
    from xray_ci.pipeline.tally import Tally  # noqa: PLC0415

    if withheld.withheld(job) and not any(target.api_key for target in job.settings.snapshots):
        return withheld.run(job)
    tally = Tally(job)
    snapshots.trigger(job, tally)
    return tally.result()
