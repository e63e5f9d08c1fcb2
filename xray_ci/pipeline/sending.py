"""Sends the plan and tells what became of it: keys, links, what the service said it stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.ci.result import Execution

if TYPE_CHECKING:
    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.send import Delivered
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.tally import Tally

_API = "/rest/api/"


def send(job: Job, tally: Tally, site: Site, plan: Plan) -> None:
    """Send every request; what was won before a failure stays in the tally."""
    from xray_ci.delivery.send import send as deliver  # noqa: PLC0415

    count = len(plan.calls)
    where = f"{site.deployment.title} ({site.base_url})"
    job.console.info(f"sending {count} request{'s' * (count != 1)} to {where}")
    delivered = deliver(plan, site.xray, random=job.random, tell=job.console.debug)
    _keep(job, tally, site, delivered)
    for failure in delivered.failures:
        tally.fail(failure)


def _keep(job: Job, tally: Tally, site: Site, delivered: Delivered) -> None:
    urls = {receipt.answer.key: receipt.answer.url for receipt in reversed(delivered.receipts)}
    for key in delivered.keys:
        execution = Execution(key=key, url=browse(key, job.settings.jira_url, urls[key]))
        tally.executions.append(execution)
    tally.sent = sum(receipt.call.tests or 0 for receipt in delivered.receipts)
    stored = [receipt.answer.tests_ok for receipt in delivered.receipts]
    if stored and all(tests is not None for tests in stored):
        tally.imported = sum(len(tests or ()) for tests in stored)
    for receipt in delivered.receipts:
        for message in receipt.answer.messages:
            tally.note(f"{site.deployment.title} says: {message}")
    for execution in tally.executions:
        job.console.info(f"✓ {execution.key}: {_arrived(tally)}")
        if execution.url:
            job.console.info(f"  {execution.url}")


def _arrived(tally: Tally) -> str:
    results = f"{tally.sent:,} result{'s' * (tally.sent != 1)} sent" if tally.sent else "reports sent"
    if tally.imported is None:
        return f"{results} (not read back)"
    return f"{results}, {tally.imported:,} Test Run{'s' * (tally.imported != 1)} stored"


def browse(key: str, jira_url: str | None, api_url: str | None) -> str | None:
    """Return the address at which people see an issue: below `jira-url`, else below the site that answered."""
    if jira_url is not None:
        return f"{jira_url.rstrip('/')}/browse/{key}"
    site, found, _ = (api_url or "").partition(_API)
    return f"{site}/browse/{key}" if found and site.startswith(("https://", "http://")) else None
