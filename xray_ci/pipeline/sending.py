"""What `plan` prints: which rule decided each Test, and the requests that would be sent. Writes nothing but the log.

When snapshots are triggered, and what their failures mean.

Sends the plan and tells what became of it: keys, links, what is stored. Goes on with what an earlier run left.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

from xray_ci.ci.result import ExecutionResult, SnapshotRow
from xray_ci.errors import Failure, WrongRegion

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.delivery.context import Delivered, Means
    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.progress import Progress
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.tally import Tally


_LISTED: Final = 1_000
"""Results that the log lists with what decided their Test; more are listed at debug level."""


def show(job: Job, tally: Tally, made: Plan) -> None:
    """Print what would be sent, from the very objects that would be sent."""
    tally.planned = True
    tally.sent = 0
    if job.settings.strategy != "native":
        _show_decisions(job)
    job.console.info(f"would send {len(made.calls)} request{'s' * (len(made.calls) != 1)} to {made.deployment.title}:")
    for line in made.describe():
        job.console.info(f"  {line}")


def _show_decisions(job: Job) -> None:
    """Print for each result its Test and what decided that, as it was written down while reading."""
    from xray_ci.xray.notices import read  # noqa: PLC0415

    count = 0
    with job.console.group("each result, its Test, and what decided that"):
        for count, decided in enumerate(read(job.work.path), 1):
            say = job.console.info if count <= _LISTED else job.console.debug
            say(f"{decided.place} {decided.name}  ->  {decided.test}  by {decided.by}")
        if count > _LISTED:
            job.console.info(f"… and {count - _LISTED:,} more: `log-level: debug` lists them")


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
        job.console.progress(
            f"waiting {settings.snapshots_delay:g} s before the snapshots, so that Jira's search knows the results"
        )
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
        tally.snapshots.append(
            SnapshotRow(
                name=result.name,
                ok=result.ok,
                status=result.status,
                message=result.problem.what if result.problem else None,
            )
        )
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


_API = "/rest/api/"


def send(job: Job, tally: Tally, site: Site, plan: Plan, *, last: Callable[[], bool]) -> None:
    """Send every request; what was won before a failure stays in the tally, and what was not sent in the state folder.

    `last` follows when all has arrived, and says whether nothing is left of it; else the state folder stays as well.
    """
    from xray_ci.pipeline import state  # noqa: PLC0415

    count = len(plan.calls)
    where = f"{site.deployment.title} ({site.base_url})"
    job.console.info(f"sending {count} request{'s' * (count != 1)} to {where}")
    with state.journal(job, site, plan, failed=tally.failed) as held:
        if held is not None and isinstance(job.work, state.StateFolder):
            job.work.kept = True
        arrived = deliver(job, tally, site, plan, means_of(job, site, held))
        tally.weigh()
        if arrived and last() and isinstance(job.work, state.StateFolder):
            job.work.kept = False
        if held is not None and not _kept(job):
            held.finish()
    if _kept(job):
        what = "what is left of the snapshots" if arrived else "what is not known to have arrived"
        job.console.info(f"{what} is kept in {job.work.path}: `xray-ci resume` goes on with it")


def resume(job: Job, tally: Tally, site: Site, *, last: Callable[[], bool]) -> int:
    """Deliver what earlier runs left in the state folder; return how many there were. `last`: see `send`."""
    from xray_ci.delivery.journal import JournalFinished, pending, sweep  # noqa: PLC0415
    from xray_ci.pipeline import state  # noqa: PLC0415

    where, root = state.state_dir(job.settings, job.surroundings)
    sweep(where, root=root)
    folders = pending(where, root=root)
    with ExitStack() as opened:
        arrived = []
        for folder in folders:
            job.console.info(f"going on with {folder.name}")
            try:
                held, plan, progress, failed = opened.enter_context(state.reopened(folder, site, root))
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
    state.tidy(job.settings, job.surroundings)
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
    complete = (
        all(call.id in means.progress.ended for call in plan.calls)
        and not means.progress.surplus
        and not means.progress.owes
    )
    if not delivered.keys:
        return complete
    compared, stored = _reconciled(job, tally, plan, means) if job.settings.reconcile else (True, None)
    converted = all(call.tests_at is not None for call in plan.calls)
    tally.delivered(
        planned=plan.tests if converted else 0,
        sent=delivered.sent,
        stored=delivered.stored if stored is None else stored,
    )
    return compared and complete


def means_of(job: Job, site: Site, held: Any, progress: Progress | None = None) -> Means:
    """Return what a delivery of this run works with."""
    from xray_ci.delivery.context import Means  # noqa: PLC0415
    from xray_ci.delivery.progress import Progress  # noqa: PLC0415

    begun = job.clock()
    most = job.settings.batch_bytes or site.deployment.limits.batch_bytes
    return Means(
        xray=site.xray,
        store=site.store,
        random=job.random,
        sleep=job.sleep,
        work=job.work.path,
        left=lambda: job.settings.time_budget - (job.clock() - begun),
        tell=job.console.debug,
        log=held,
        most=most,
        progress=progress or Progress(),
    )


def _reconciled(job: Job, tally: Tally, plan: Plan, means: Means) -> tuple[bool, int | None]:
    """Compare what is stored with what was sent.

    Return whether that could be done, and how much is there as it was sent.

    The number is None unless every Test Execution that holds results was compared.
    """
    from xray_ci.delivery.reconcile import reconcile  # noqa: PLC0415

    try:
        rows = reconcile(plan, means)
    except Failure as failure:
        tally.fail(failure)
        return False, None
    filled = [
        execution for execution in plan.executions if any(call.id in means.progress.ended for call in execution.calls)
    ]
    for row in rows:
        if len(rows) > 1 or row.stored != row.sent:
            job.console.info(f"  {row.key}: {row.sent:,} sent, {row.stored:,} Test Run{'s' * (row.stored != 1)} stored")
        if row.failure is not None:
            tally.fail(row.failure)
    return True, sum(min(row.sent, row.stored) for row in rows) if len(rows) == len(filled) else None


def _kept(job: Job) -> bool:
    from xray_ci.pipeline import state  # noqa: PLC0415

    return isinstance(job.work, state.StateFolder) and job.work.kept


def _keep(job: Job, tally: Tally, site: Site, delivered: Delivered) -> None:
    urls = {receipt.answer.key: receipt.answer.url for receipt in reversed(delivered.receipts)}
    for key in dict.fromkeys(delivered.keys.values()):
        execution = ExecutionResult(key=key, url=browse(key, job.settings.jira_url, urls.get(key)))
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
