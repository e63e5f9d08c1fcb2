"""What `plan` prints: which rule decided each Test, and the requests that would be sent. Writes nothing but the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from xray_ci.delivery.plan import Plan
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
    from xray_ci.xray.decisions import read  # noqa: PLC0415

    count = 0
    with job.console.group("each result, its Test, and what decided that"):
        for count, decided in enumerate(read(job.work.path), 1):
            say = job.console.info if count <= _LISTED else job.console.debug
            say(f"{decided.place} {decided.name}  ->  {decided.test}  by {decided.by}")
        if count > _LISTED:
            job.console.info(f"… and {count - _LISTED:,} more: `log-level: debug` lists them")
