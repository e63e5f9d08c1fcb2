"""The commands that send nothing: `inspect` shows what is in the reports, `convert` writes them as Xray JSON."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TextIO

from xray_ci.ci.text import clean, harmless
from xray_ci.deployments import DEPLOYMENTS
from xray_ci.errors import ConfigurationError, Failure, NoResults, many, spooling
from xray_ci.pipeline import converting, planning, reading
from xray_ci.pipeline.job import Tally
from xray_ci.safefiles import replacing

if TYPE_CHECKING:
    from pathlib import Path

    from xray_ci.ci.result import Report, ReportCounts
    from xray_ci.pipeline.job import Job

_COUNTS = ("tests", "passed", "failed", "errors", "skipped", "other")


def inspect(job: Job, out: TextIO, *, as_json: bool) -> int:
    """Write one line for each report and return the exit code; everything else goes to the log."""
    tally = Tally(job)
    sources = reading.find(job, tally)
    if sources:
        reading.read_all(job, tally, sources, None)
    out.writelines(
        job.redactor(json_line(_row(report)) if as_json else _line(report)) + "\n" for report in tally.reports
    )
    return tally.result().exit_code


def convert(job: Job, out: TextIO, target: Path | None) -> int:
    """Write all reports as one document of Xray JSON and return the exit code; a run without results makes none."""
    tally = Tally(job)
    try:
        _convert(job, tally, out, target)
    except Failure as failure:
        tally.fail(failure)
    return tally.result().exit_code


def _convert(job: Job, tally: Tally, out: TextIO, target: Path | None) -> None:
    key = job.settings.resolved_deployment()
    if key is None:
        key = "cloud"
        job.console.notice("neither `deployment` nor credentials say which Xray: this is for Xray Cloud")
    sources = reading.find(job, tally)
    if not sources:
        return
    job = planning.followed(job, tally, sources)
    with spooling(lambda: job.work.path):
        done = converting.assembled(job, tally, DEPLOYMENTS[key], sources)
    if not done.portions:
        if tally.counts.tests:
            tally.fail(
                NoResults(
                    "no result is left to write",
                    where="\n".join(report.path for report in tally.reports[:5]),
                    advice="Each result that was left out is named above.",
                )
            )
        return
    info = planning.info(job, tally, planning.of_portion(done.portions[0], several=False))
    execution = job.settings.test_execution
    if target is None:
        try:
            out.flush()
            done.write_document(out.buffer, info=info, key=execution)
            out.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise ConfigurationError(
                f"the document cannot be written: {error.strerror}",
                where="standard output",
                advice="Name a file by `--output`, in a folder with enough room.",
            ) from error
    else:
        with replacing(target) as file:
            done.write_document(file, info=info, key=execution)
        job.console.info(f"{many(done.counts.sent, 'result')} written to {job.shown(target)}")


def _row(report: Report) -> dict[str, Any]:
    counts: ReportCounts | None = report.counts
    totals = {name: counts.as_json()[name] if counts else None for name in _COUNTS}
    problems = [
        {
            "severity": each.severity.value,
            "slug": each.slug,
            "cause": each.cause,
            "line": each.line,
            "column": each.column,
        }
        for each in report.problems
    ]
    return {"path": report.path, "format": report.format, **totals, "problems": problems}


def json_line(row: object) -> str:
    """Return one line of JSON in which no CI runner finds a command of its own."""
    text = json.dumps(row)
    return (
        text.replace("##[", "##\\u005b").replace("##vso[", "##vso\\u005b").replace("##teamcity[", "##teamcity\\u005b")
    )


def _line(report: Report) -> str:
    return harmless(clean(report.line))
