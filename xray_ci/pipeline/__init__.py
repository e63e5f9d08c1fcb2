"""The straight line, readable in one screen: find, read, plan, send, refresh, tell.

Each step is a module here that translates settings into the words of the room that does the work.

A run that the CI system gives no secrets: its reports are read, checked and counted, and that is all.

Decides whether a run is one: by what the CI system says of it, and only when there are no credentials either. Sends
nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from xray_ci.ci.result import RunOutcome
from xray_ci.ci.syntax import AnnotationKind
from xray_ci.errors import Failure, WrongRegion, spooling
from xray_ci.formats import TAGGED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xray_ci.ci.result import RunResult
    from xray_ci.delivery.plan import Plan
    from xray_ci.pipeline.announcing import Foreseen
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.pipeline.reading import ReportSource


def run(job: Job) -> RunResult:
    """Do the main job, or with `plan` and `dry-run` all of it up to the first write; never raises a Failure."""
    from xray_ci.pipeline import failures, sending  # noqa: PLC0415
    from xray_ci.pipeline.job import Tally  # noqa: PLC0415

    if withheld(job):
        return failures.annotated(job, withheld_result(job))
    tally, seen = Tally(job), None
    try:
        with spooling(lambda: job.work.path):
            seen = _import(job, tally)
    except Failure as failure:
        tally.fail(failure)
    if not job.planning:
        sending.after_import(job, tally)
    elif job.document is not None:
        from xray_ci.pipeline import announcing  # noqa: PLC0415

        announcing.write(job, tally, seen, job.document)
    return failures.annotated(job, _result(job, tally))


def _import(job: Job, tally: Tally) -> Foreseen | None:
    """Find, read, plan, and send, or return what would be sent; raises Failure."""
    from xray_ci.pipeline import connecting, planning, reading, sending  # noqa: PLC0415

    sources = reading.find(job, tally)
    if sources:
        site = connecting.site_of(job)
        tally.deployment = site.deployment.key
        try:
            if not job.offline:
                site.confirm()
                job = planning.triggered(job, site)
            followed = planning.followed(job, tally, sources)
            plan = _planned(followed, tally, site, sources)
            if plan is not None and job.planning:
                from xray_ci.pipeline import announcing  # noqa: PLC0415  # what only a plan asks and says

                return announcing.announce(followed, tally, site, plan)
            if plan is not None:
                sending.send(job, tally, site, plan, last=lambda: sending.finish(job, tally, site))
        except WrongRegion as failure:
            site.locate_region(failure)
            raise
        finally:
            site.close()
            tally.requests += site.requests
    return None


def _planned(job: Job, tally: Tally, site: Site, sources: Sequence[ReportSource]) -> Plan | None:
    """Return what is to be sent, None when there is nothing; what `plan` prints and `import` sends, the same objects.

    Raises Failure for what must not be sent.
    """
    from xray_ci.pipeline import converting, planning  # noqa: PLC0415

    job = planning.fielded(job, site)
    if "environments" in job.settings.create_missing and not job.offline:
        job = planning.environed(job, site)
    planning.tell_unwritten(job, tally)
    if job.settings.strategy == "native" or any(getattr(each.row, "family", None) in TAGGED for each in sources):
        from xray_ci.pipeline import natively  # noqa: PLC0415

        named = natively.look(job, tally, site, sources)
        goes = natively.goes(job, site, sources, named)
        plan = (
            natively.plan(job, tally, site, sources, named)
            if goes
            else converting.plan(job, tally, site, sources, named.kinds)
        )
    else:
        plan = converting.plan(job, tally, site, sources, {})
    for notice in plan.notices if plan else ():
        tally.note(notice.text, notice.count)
    return plan


def resume(job: Job) -> RunResult:
    """Deliver what earlier runs left in the state folder, then refresh pages as after an import.

    Never raises a Failure.
    """
    from xray_ci.pipeline import connecting, sending  # noqa: PLC0415
    from xray_ci.pipeline.job import Tally  # noqa: PLC0415

    if withheld(job):
        return withheld_result(job)
    tally = Tally(job)
    try:
        site = connecting.site_of(job)
        tally.deployment = site.deployment.key
        try:
            with spooling(lambda: job.work.path):
                if not sending.resume(job, tally, site, last=lambda: sending.finish(job, tally, site)):
                    job.console.info("nothing is left to deliver")
        finally:
            site.close()
            tally.requests += site.requests
    except Failure as failure:
        tally.fail(failure)
    if tally.executions:
        sending.after_import(job, tally)
    return _result(job, tally)


def _result(job: Job, tally: Tally) -> RunResult:
    """Return what became of a run, compared with an earlier one where that was asked for."""
    if job.history is not None or tally.comparison is not None:
        from xray_ci.pipeline import comparing  # noqa: PLC0415

        comparing.ended(job, tally)
    return tally.result()


def refresh(job: Job) -> RunResult:
    """Only trigger the configured snapshots; never raises a Failure."""
    from xray_ci.pipeline import sending  # noqa: PLC0415
    from xray_ci.pipeline.job import Tally  # noqa: PLC0415

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
    signed = settings.client_secret or settings.jira_token or settings.jira_password or settings.oauth_private_key
    return job.surroundings.outsider is not None and (signed or settings.snapshot_api_key) is None


def withheld_result(job: Job) -> RunResult:
    """Read the reports and say why nothing is imported; exit code 0 unless a report is missing or broken.

    Never raises a Failure.
    """
    from xray_ci.pipeline import reading  # noqa: PLC0415
    from xray_ci.pipeline.job import Tally  # noqa: PLC0415

    tally = Tally(job)
    if job.settings.command in _READING:
        sources = reading.find(job, tally)
        if sources:
            reading.read_all(job, tally, sources, None, as_it_is=job.settings.strategy == "native")
    around = job.surroundings
    rule = "gives such runs no secrets" if around.provider.withholds else "gave it no secrets"
    what = f"This run is for {around.outsider}, and {around.provider.title} {rule}: nothing was sent."
    tally.note(what)
    job.console.notice(around.provider.remedy)
    job.console.annotate(AnnotationKind.NOTICE, f"{what} {around.provider.remedy}", title="Not imported into Xray")
    if job.document is not None:
        from xray_ci.pipeline import announcing  # noqa: PLC0415

        announcing.write(job, tally, None, job.document)
    result = _result(job, tally)
    idle = result.outcome in (RunOutcome.NOTHING, RunOutcome.TRIGGERED)
    return replace(result, outcome=RunOutcome.SKIPPED) if idle else result
