"""Sends the plan and tells what became of it: keys, links, what is stored. Goes on with what an earlier run left."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from xray_ci.ci.result import Execution
from xray_ci.errors import Failure, WrongRegion

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.delivery.delivered import Delivered
    from xray_ci.delivery.means import Means
    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.progress import Progress
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.tally import Tally

_API = "/rest/api/"


def send(job: Job, tally: Tally, site: Site, plan: Plan, *, last: Callable[[], bool]) -> None:
    """Send every request; what was won before a failure stays in the tally, and what was not sent in the state folder.

    `last` follows when all has arrived, and says whether nothing is left of it; else the state folder stays as well.
    """
    from xray_ci.pipeline import keeping  # noqa: PLC0415

    count = len(plan.calls)
    where = f"{site.deployment.title} ({site.base_url})"
    job.console.info(f"sending {count} request{'s' * (count != 1)} to {where}")
    with keeping.journal(job, site, plan, failed=tally.failed) as held:
        if held is not None and isinstance(job.work, keeping.StateFolder):
            job.work.kept = True
        arrived = deliver(job, tally, site, plan, means_of(job, site, held))
        tally.weigh()
        if arrived and last() and isinstance(job.work, keeping.StateFolder):
            job.work.kept = False
        if held is not None and not _kept(job):
            held.finish()
    if _kept(job):
        what = "what is left of the snapshots" if arrived else "what is not known to have arrived"
        job.console.info(f"{what} is kept in {job.work.path}: `xray-ci resume` goes on with it")


def resume(job: Job, tally: Tally, site: Site, *, last: Callable[[], bool]) -> int:
    """Deliver what earlier runs left in the state folder; return how many there were. `last`: see `send`."""
    from xray_ci.delivery.journal import JournalFinished, pending, sweep  # noqa: PLC0415
    from xray_ci.pipeline import keeping  # noqa: PLC0415

    where, root = keeping.state_dir(job.settings, job.surroundings)
    sweep(where, root=root)
    folders = pending(where, root=root)
    with ExitStack() as opened:
        arrived = []
        for folder in folders:
            job.console.info(f"going on with {folder.name}")
            try:
                held, plan, progress, failed = opened.enter_context(keeping.reopened(folder, site, root))
                tally.failed_before += failed
                if deliver(job, tally, site, plan, means_of(job, site, held, progress)):
                    arrived.append(held)
            except JournalFinished:
                job.console.info(f"{folder.name} was completed meanwhile")
            except Failure as failure:
                tally.fail(failure)
        tally.weigh()
        if arrived and last():
            for held in arrived:
                held.finish()
    keeping.tidy(job.settings, job.surroundings)
    return len(folders)


def deliver(job: Job, tally: Tally, site: Site, plan: Plan, means: Means) -> bool:
    """Send what is not sent yet, compare, and tell; return whether nothing is left to do."""
    from xray_ci.delivery.send import send as carry  # noqa: PLC0415

    delivered = carry(plan, means)
    _keep(job, tally, site, delivered)
    for failure in delivered.failures:
        if isinstance(failure, WrongRegion):
            site.locate_region(failure)
        tally.fail(failure)
    complete = all(call.id in means.progress.ended for call in plan.calls) and not means.progress.surplus and not means.progress.owes
    if not delivered.keys:
        return complete
    compared, stored = _reconciled(job, tally, plan, means) if job.settings.reconcile else (True, None)
    converted = all(call.tests_at is not None for call in plan.calls)
    tally.delivered(planned=plan.tests if converted else 0, sent=delivered.sent, stored=delivered.stored if stored is None else stored)
    return compared and complete


def means_of(job: Job, site: Site, held: Any, progress: Progress | None = None) -> Means:
    """Return what a delivery of this run works with."""
    from xray_ci.delivery.means import Means  # noqa: PLC0415
    from xray_ci.delivery.progress import Progress  # noqa: PLC0415

    begun = job.clock()
    most = job.settings.batch_bytes or site.deployment.limits.batch_bytes
    return Means(xray=site.xray, store=site.store, random=job.random, sleep=job.sleep, work=job.work.path,
                 left=lambda: job.settings.time_budget - (job.clock() - begun), tell=job.console.debug, log=held, most=most,
                 progress=progress or Progress())


def _reconciled(job: Job, tally: Tally, plan: Plan, means: Means) -> tuple[bool, int | None]:
    """Compare what is stored with what was sent; return whether that could be done, and how much is there as it was sent.

    The number is None unless every Test Execution that holds results was compared.
    """
    from xray_ci.delivery.reconcile import reconcile  # noqa: PLC0415

    try:
        rows = reconcile(plan, means)
    except Failure as failure:
        tally.fail(failure)
        return False, None
    filled = [execution for execution in plan.executions if any(call.id in means.progress.ended for call in execution.calls)]
    for row in rows:
        if len(rows) > 1 or row.stored != row.sent:
            job.console.info(f"  {row.key}: {row.sent:,} sent, {row.stored:,} Test Run{'s' * (row.stored != 1)} stored")
        if row.failure is not None:
            tally.fail(row.failure)
    return True, sum(min(row.sent, row.stored) for row in rows) if len(rows) == len(filled) else None


def _kept(job: Job) -> bool:
    from xray_ci.pipeline import keeping  # noqa: PLC0415

    return isinstance(job.work, keeping.StateFolder) and job.work.kept


def _keep(job: Job, tally: Tally, site: Site, delivered: Delivered) -> None:
    urls = {receipt.answer.key: receipt.answer.url for receipt in reversed(delivered.receipts)}
    for key in dict.fromkeys(delivered.keys.values()):
        execution = Execution(key=key, url=browse(key, job.settings.jira_url, urls.get(key)))
        if execution not in tally.executions:
            tally.executions.append(execution)
            job.console.info(f"✓ {execution.key}" + (f"  {execution.url}" if execution.url else ""))
    for receipt in delivered.receipts:
        for message in receipt.answer.messages:
            tally.note(f"{site.deployment.title} says: {message}")


def browse(key: str, jira_url: str | None, api_url: str | None) -> str | None:
    """Return the address at which people see an issue: below `jira-url`, else below the site that answered."""
    if jira_url is not None:
        return f"{jira_url.rstrip('/')}/browse/{key}"
    site, found, _ = (api_url or "").partition(_API)
    return f"{site}/browse/{key}" if found and site.startswith(("https://", "http://")) else None
