"""When snapshots are triggered, and what their failures mean.

Sends the plan and tells what became of it: keys, links, what is stored. Goes on with what an earlier run left.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.ci.result import ExecutionResult, SnapshotRow
from xray_ci.deployments import is_gateway
from xray_ci.errors import Failure, Interrupted, NotAuthorised, PartlyImported, Refused, Unreachable, WrongRegion, many
from xray_ci.pipeline.job import Filled
from xray_ci.settings.table import GROUPS

if TYPE_CHECKING:
    from collections.abc import Callable

    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.progress import Context, Delivered, Log, Progress
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job, Tally


def finish(job: Job, tally: Tally, site: Site) -> bool:
    """Do what is to follow an import, in Jira and then on pages; return whether nothing is left to do.

    A transition waits for the verdict: where snapshots are part of it, it comes behind them.
    """
    links = job.settings.ci_link and job.surroundings.run_url is not None and site.signs_jira
    if not links and not _surrounded(job):
        return after_import(job, tally)
    from xray_ci.pipeline import afterwards  # noqa: PLC0415

    awaited = bool(job.settings.snapshots) and job.needs_snapshots
    done = afterwards.follow(job, tally, site)
    done = (awaited or afterwards.conclude(job, tally, site)) and done
    done = after_import(job, tally) and done
    return (not awaited or not done or afterwards.conclude(job, tally, site)) and done


def _surrounded(job: Job) -> bool:
    """Say whether a setting wants something around the import."""
    given = (job.settings.origin(row.name) for row in GROUPS["around the import"])
    return len(job.settings.test_plan) > 1 or any(origin != "default" for origin in given)


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
    if _is_shard(job) and settings.snapshots_when != "always":
        tally.note(
            "snapshots are not triggered by one of several shards, as the page would show a part: a job after them "
            "does with `command: snapshots`, or each shard under `snapshots-when: always`"
        )
        return True
    if not _wanted(job, tally):
        job.console.info(f"snapshots are not triggered (`snapshots-when: {settings.snapshots_when}`)")
        return True
    if tally.executions and settings.snapshots_delay > 0:
        # A snapshot is a search in Jira, and Jira's index lags behind writes (D).
        job.console.info(
            f"waiting {settings.snapshots_delay:g} s before the snapshots, so that Jira's search knows the results"
        )
        job.sleep(settings.snapshots_delay)
    trigger(job, tally)
    return not tally.snapshots_left


def _is_shard(job: Job) -> bool:
    """Say whether other jobs fill the same Test Execution: then the page is right once all of them are in."""
    from xray_ci.ci.provider import is_shard  # noqa: PLC0415

    return is_shard(job.surroundings, job.settings.shards)


def trigger(job: Job, tally: Tally) -> None:
    """Trigger every configured snapshot; one that fails stops no other, and fails the run only under `fail-on`."""
    from xray_ci.pipeline.connecting import caller_of  # noqa: PLC0415
    from xray_ci.services.snapshots import trigger_all  # noqa: PLC0415

    def observe(text: str) -> None:
        tally.requests += 1
        job.console.debug(text)

    settings = job.settings
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
        elif job.needs_snapshots:
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

    if job.settings.create_missing:
        from xray_ci.pipeline import afterwards  # noqa: PLC0415

        afterwards.prepare(job, site, plan)
    count = len(plan.calls)
    where = f"{site.deployment.title} ({site.base_url})"
    job.console.info(f"sending {many(count, 'request')} to {where}")
    run, work = state.run_of(job, site, plan, (report.path for report in tally.reports)), job.work
    with state.journal(job, site, plan, failed=tally.failed, run=run) as (held, sealed):
        if held is not None and isinstance(work, state.StateFolder):
            work.kept = True
        ended = deliver(job, tally, site, sealed, context_of(job, site, held))
        tally.weigh()
        if (ended.needless or (ended.complete and last() and ended.linked)) and isinstance(work, state.StateFolder):
            work.kept = False
        if held is not None and not _kept(job):
            held.finish()
    if ended.complete and not _kept(job):
        state.drop_needless(job, site, run)
    if isinstance(work, state.StateFolder) and work.kept:
        what = "what is left to do after it is" if ended.complete else "what may not have arrived is"
        what = what if ended.touched else "nothing was sent; all of it is"
        job.console.info(
            f"{what} kept in {work.path}: `xray-ci resume` sends it"
            if work.stays
            else f"{what} in {work.path}, which goes with this job: {state.KEEPING}"
        )


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
                left = opened.enter_context(state.reopened(folder, job, site, root))
                state.hold(job.settings, left.plan, folder)
                tally.failed_before += left.kept.failed
                ended = deliver(job, tally, site, left.plan, context_of(job, site, left.held, left.progress))
                if ended.complete:
                    arrived.append((left.held, ended.linked))
            except JournalFinished:
                job.console.info(f"{folder.name} was completed meanwhile")
            except Failure as failure:
                tally.fail(failure)
        tally.weigh()
        if arrived and last():
            for held, linked in arrived:
                if linked:
                    held.finish()
    state.tidy(job.settings, job.surroundings)
    return len(folders)


class Delivery(NamedTuple):
    """How a delivery ended."""

    complete: bool
    """Whether nothing is left to send."""
    touched: bool
    """Whether anything may have arrived."""
    needless: bool
    """Whether nothing was sent, and what refused it would refuse it again: nobody would go on with it."""
    linked: bool = True
    """Whether Tests are linked to what they cover, or trying again would not link them."""


_FOR_GOOD: Final = frozenset({2, 4, 5, 6})
"""Exit codes of what only somebody can put right: settings, reports, credentials, what Xray refuses."""


def deliver(job: Job, tally: Tally, site: Site, plan: Plan, context: Context) -> Delivery:
    """Send what is not sent yet, compare, and tell."""
    from xray_ci.delivery.send import send as carry  # noqa: PLC0415
    from xray_ci.pipeline import state  # noqa: PLC0415

    delivered = carry(plan, context)
    _keep(job, tally, site, delivered)
    progress = context.progress
    if delivered.left_out is not None:
        delivered.left_out.where = tally.places(_lost(progress)) or None
    ended = Delivery(
        complete=all(call.id in progress.ended for call in plan.calls) and not progress.surplus and not progress.owes,
        touched=progress.touched,
        needless=not progress.touched and {each.exit_code for each in delivered.failures} <= _FOR_GOOD,
    )
    for failure in delivered.failures:
        if isinstance(failure, WrongRegion):
            site.locate_region(failure)
        tally.fail(state.advised(job, failure, left=not ended.complete and not ended.needless))
    if not delivered.keys:
        return ended
    tally.filled.append(Filled(plan, context, delivered.keys))
    linked = _cover(tally, site, plan, progress)
    compared, stored = (
        _reconciled(job, tally, plan, context, delivered, left=not ended.complete)
        if job.settings.reconcile
        else (True, None)
    )
    if job.settings.baseline is not None:
        from xray_ci.pipeline import comparing  # noqa: PLC0415

        comparing.previous(job, tally, plan, context)
    known = all(call.stored_at is not None for call in plan.calls)
    tally.delivered(
        planned=plan.tests if known else 0, sent=delivered.sent, stored=delivered.stored if stored is None else stored
    )
    return ended._replace(complete=compared and ended.complete, linked=linked)


_COVERED: Final = 1_000
"""Tests that are looked at after an import, one request each."""


def _lost(progress: Progress) -> set[str]:
    """Return the names of Tests whose results were left out: keys, where they have one."""
    return {each.test for those in progress.left_out.values() for each in those.values()}


def _cover(tally: Tally, site: Site, plan: Plan, progress: Progress) -> bool:
    """Link Tests that were named by key to what reports say that they cover: the import would rewrite the Test.

    Once linked nothing changes. Return False where trying again may link what is not linked yet.
    """
    lost = _lost(progress)
    issues: dict[str, list[str]] = {}
    for test, issue in plan.covered:
        if test not in lost:
            issues.setdefault(test, []).append(issue)
    jira = site.jira if site.covers else None
    if jira is None or not issues:
        return True
    linked = True
    for number, (test, covered) in enumerate(issues.items()):
        if number == _COVERED:
            tally.note(f"{len(issues) - number:,} Tests were not linked to what they cover: {_COVERED:,} are in a run")
            break
        try:
            jira.cover(test, covered)
        except (Interrupted, NotAuthorised, Unreachable) as failure:
            tally.fail(_uncovered(test, failure))
            return False
        except Failure as failure:
            tally.fail(_uncovered(test, failure))
            linked = linked and isinstance(failure, Refused)
    return linked


def _uncovered(test: str, failure: Failure) -> Failure:
    if isinstance(failure, Interrupted):
        return failure
    return PartlyImported(
        f"all results of {test} are imported, and it is not linked to all that it covers: {failure.what}",
        where=test,
        answer=failure.answer,
        service=failure.service,
        advice="Correct the requirement in the report, or link it in Jira."
        if isinstance(failure, Refused)
        else "The import is done. Run `xray-ci resume`, which links it, or this again.",
    )


def context_of(job: Job, site: Site, held: Log | None, progress: Progress | None = None) -> Context:
    """Return what a delivery of this run works with."""
    from xray_ci.delivery.progress import Context, Progress  # noqa: PLC0415

    begun = job.clock()
    most = job.settings.batch_bytes or site.deployment.limits.batch_bytes
    return Context(
        xray=site.xray,
        store=site.store,
        random=job.random,
        sleep=job.sleep,
        work=job.work.path,
        left=lambda: job.settings.time_budget - (job.clock() - begun),
        tell=job.console.debug,
        say=job.console.info,
        pace=job.console.pace("requests sent", job.clock),
        log=held,
        most=most,
        progress=progress or Progress(),
    )


def _reconciled(
    job: Job, tally: Tally, plan: Plan, context: Context, delivered: Delivered, *, left: bool
) -> tuple[bool, int | None]:
    """Compare what is stored with what was sent.

    Return whether that could be done, and how much is there as it was sent.

    The number is None unless every Test Execution that holds results was compared. `left`: something is to be sent yet.
    """
    from xray_ci.delivery.reconcile import reconcile  # noqa: PLC0415
    from xray_ci.pipeline import failures, state  # noqa: PLC0415

    try:
        rows = reconcile(plan, context, failures.bad_words(job, plan))
    except (NotAuthorised, Refused) as failure:  # asking again is answered the same
        tally.warn(_unread(failure, delivered))
        return True, None
    except Failure as failure:
        tally.fail(state.advised(job, _unread(failure, delivered), left=True))
        return False, None
    failures.read_back(job, tally, plan, context, rows)
    filled = [
        execution for execution in plan.executions if any(call.id in context.progress.ended for call in execution.calls)
    ]
    for row in rows:
        if row.stored is not None and (len(rows) > 1 or row.stored != row.sent):
            job.console.info(f"  {row.key}: {row.sent:,} sent, {many(row.stored, 'Test Run')} stored")
        if row.unchecked:
            tally.note(
                f"{row.unchecked:,} results in {row.key} were not looked at one by one: there are more than are read "
                "back. Their number by status was compared where Xray counts it."
            )
        if row.failure is not None:
            tally.fail(state.advised(job, row.failure, left=left))
    made = [row.created for row in rows if row.created is not None]
    if len(made) == len(plan.executions) and job.settings.command != "resume":  # nobody knows what an earlier run made
        tally.created = sum(made)
        if tally.created:
            job.console.info(f"  {many(tally.created, 'new Test')}")
    counted = [min(row.sent, row.stored) for row in rows if row.stored is not None]
    return True, sum(counted) if len(counted) == len(filled) else None


def _unread(failure: Failure, delivered: Delivered) -> Failure:
    """Return why what is stored could not be read back, so that nobody takes it for a failed import."""
    if not isinstance(failure, Interrupted):
        failure.what = f"all results were sent to {', '.join(delivered.keys.values())}; reading back: {failure.what}"
        failure.next = f"The import is done. {failure.next.replace(' Nothing of this request was imported.', '')}"
    return failure


def _kept(job: Job) -> bool:
    from xray_ci.pipeline import state  # noqa: PLC0415

    return isinstance(job.work, state.StateFolder) and job.work.kept


def _keep(job: Job, tally: Tally, site: Site, delivered: Delivered) -> None:
    urls = {receipt.answer.key: receipt.answer.url for receipt in reversed(delivered.receipts)}
    for key in dict.fromkeys(delivered.keys.values()):
        execution = ExecutionResult(key=key, url=browse(key, job.settings.jira_url, urls.get(key)))
        if execution not in tally.executions:
            tally.executions.append(execution)
            job.console.linked(f"✓ {execution.key}", execution.key, execution.url)
    for receipt in delivered.receipts:
        for message in receipt.answer.messages:
            tally.note(f"{site.deployment.title} says: {message}")


def browse(key: str, jira_url: str | None, api_url: str | None) -> str | None:
    """Return the address at which people see an issue: below `jira-url`, else below the site that answered.

    Nobody can look at an issue through Atlassian's gateway.
    """
    if jira_url is not None and not is_gateway(jira_url):
        return f"{jira_url.rstrip('/')}/browse/{key}"
    site, found, _ = (api_url or "").partition(_API)
    return f"{site}/browse/{key}" if found and site.startswith(("https://", "http://")) else None
