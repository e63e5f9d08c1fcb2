"""The straight line, readable in one screen: find, read, plan, send, refresh, tell.

Each step is a module here that translates settings into the words of the room that does the work.

A run that the CI system gives no secrets: its reports are read, checked and counted, and that is all.

Decides whether a run is one: by what the CI system says of it, and only when there are no credentials either. Sends
nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from xray_ci.ci.result import RunOutcome
from xray_ci.ci.syntax import AnnotationKind
from xray_ci.errors import Failure, WrongRegion, spooling

if TYPE_CHECKING:
    from xray_ci.ci.result import RunResult
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.tally import Tally


def run(job: Job) -> RunResult:
    """Do the main job, or with `plan` and `dry-run` all of it up to the first write; never raises a Failure."""
    from xray_ci.pipeline import failures, sending  # noqa: PLC0415
    from xray_ci.pipeline.tally import Tally  # noqa: PLC0415

    if withheld(job):
        return failures.annotated(job, withheld_result(job))
    tally = Tally(job)
    try:
        with spooling(lambda: job.work.path):
            _import(job, tally)
    except Failure as failure:
        tally.fail(failure)
    if not job.planning:
        sending.after_import(job, tally)
    return failures.annotated(job, tally.result())


def _import(job: Job, tally: Tally) -> None:
    """Find, read, plan, and send or show; raises Failure."""
    from xray_ci.pipeline import connecting, planning, reading, sending  # noqa: PLC0415

    sources = reading.find(job, tally)
    if sources:
        site = connecting.site_of(job)
        tally.deployment = site.deployment.key
        try:
            site.confirm()
            plan = planning.plan(job, tally, site, sources)
            if plan is not None and job.planning:
                sending.show(job, tally, plan)
            elif plan is not None:
                sending.send(job, tally, site, plan, last=lambda: sending.after_import(job, tally))
        except WrongRegion as failure:
            site.locate_region(failure)
            raise
        finally:
            site.close()
            tally.requests += site.requests


def resume(job: Job) -> RunResult:
    """Deliver what earlier runs left in the state folder, then refresh pages as after an import.

    Never raises a Failure.
    """
    from xray_ci.pipeline import connecting, sending  # noqa: PLC0415
    from xray_ci.pipeline.tally import Tally  # noqa: PLC0415

    if withheld(job):
        return withheld_result(job)
    tally = Tally(job)
    try:
        site = connecting.site_of(job)
        tally.deployment = site.deployment.key
        try:
            with spooling(lambda: job.work.path):
                if not sending.resume(job, tally, site, last=lambda: sending.after_import(job, tally)):
                    job.console.info("nothing is left to deliver")
        finally:
            site.close()
            tally.requests += site.requests
    except Failure as failure:
        tally.fail(failure)
    if tally.executions:
        sending.after_import(job, tally)
    return tally.result()


def refresh(job: Job) -> RunResult:
    """Only trigger the configured snapshots; never raises a Failure."""
    from xray_ci.pipeline import sending  # noqa: PLC0415
    from xray_ci.pipeline.tally import Tally  # noqa: PLC0415

    if withheld(job) and not any(target.api_key for target in job.settings.snapshots):
        return withheld_result(job)
    tally = Tally(job)
    sending.trigger(job, tally)
    return tally.result()


_READING: Final = ("import", "plan")
"""Commands that have reports to read; the others have nothing to do without secrets."""


def withheld(job: Job) -> bool:
    """Say whether the run is for somebody whom the CI system keeps secrets from.

    Has nothing to sign a request with.
    """
    settings = job.settings
    signed = settings.client_secret or settings.jira_token or settings.jira_password or settings.snapshot_api_key
    return job.surroundings.outsider is not None and signed is None


def withheld_result(job: Job) -> RunResult:
    """Read the reports and say why nothing is imported; exit code 0 unless a report is missing or broken.

    Never raises a Failure.
    """
    from xray_ci.pipeline import reading  # noqa: PLC0415
    from xray_ci.pipeline.tally import Tally  # noqa: PLC0415

    tally = Tally(job)
    if job.settings.command in _READING:
        sources = reading.find(job, tally)
        if sources:
            reading.read_all(job, tally, sources, None, as_it_is=job.settings.strategy == "native")
    around = job.surroundings
    what = (
        f"This run is for {around.outsider}, and {around.provider.title} gives such runs no secrets: nothing was sent."
    )
    tally.note(what)
    job.console.notice(around.provider.remedy)
    job.console.annotate(AnnotationKind.NOTICE, f"{what} {around.provider.remedy}", title="Not imported into Xray")
    result = tally.result()
    idle = result.outcome in (RunOutcome.NOTHING, RunOutcome.TRIGGERED)
    return replace(result, outcome=RunOutcome.SKIPPED) if idle else result
