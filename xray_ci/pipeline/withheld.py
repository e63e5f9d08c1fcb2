"""A run that the CI system gives no secrets: its reports are read, checked and counted, and that is all.

Decides whether a run is one: by what the CI system says of it, and only when there are no credentials either. Sends nothing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from xray_ci.ci.result import RunOutcome
from xray_ci.ci.syntax import Kind

if TYPE_CHECKING:
    from xray_ci.ci.result import RunResult
    from xray_ci.pipeline.job import Job

_READING: Final = ("import", "plan")
"""Commands that have reports to read; the others have nothing to do without secrets."""


def withheld(job: Job) -> bool:
    """Say whether the run is for somebody whom the CI system keeps secrets from, and has nothing to sign a request with."""
    settings = job.settings
    signed = settings.client_secret or settings.jira_token or settings.jira_password or settings.snapshot_api_key
    return job.surroundings.outsider is not None and signed is None


def run(job: Job) -> RunResult:
    """Read the reports and say why nothing is imported; exit code 0 unless a report is missing or broken. Never raises a Failure."""
    from xray_ci.pipeline import reading  # noqa: PLC0415
    from xray_ci.pipeline.tally import Tally  # noqa: PLC0415

    tally = Tally(job)
    if job.settings.command in _READING:
        sources = reading.find(job, tally)
        if sources:
            reading.read_all(job, tally, sources, None, as_it_is=job.settings.strategy == "native")
    around = job.surroundings
    what = f"This run is for {around.outsider}, and {around.provider.title} gives such runs no secrets: nothing was sent."
    tally.note(what)
    job.console.notice(around.provider.remedy)
    job.console.annotate(Kind.NOTICE, f"{what} {around.provider.remedy}", title="Not imported into Xray")
    result = tally.result()
    idle = result.outcome in (RunOutcome.NOTHING, RunOutcome.TRIGGERED)
    return replace(result, outcome=RunOutcome.SKIPPED) if idle else result
