"""Commands that take or give what Xray holds beside results: features, Tests, results as files, a backup.

One module a command, each a few calls of the services and a file. Knows jobs and sites; an import of results is not
here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci import pipeline
from xray_ci.errors import WrongRegion, many, spooling
from xray_ci.pipeline import connecting

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.settings.flags import Value


def run(command: str, job: Job, options: Mapping[str, Value], folder: Path) -> int:
    """Do one command and return 0; raises the failure that it is. Names of files start at `folder`."""
    if pipeline.withheld(job):
        outsider, remedy = job.surroundings.outsider, job.surroundings.provider.remedy
        job.console.warning(f"this run is for {outsider} and was given no secrets: nothing is asked. {remedy}".strip())
        return 0
    site = connecting.site_of(job)
    try:
        site.confirm()
        with spooling(lambda: job.work.path):
            _do(command, job, site, options, folder)
    except WrongRegion as failure:
        site.locate_region(failure)
        raise
    finally:
        site.close()
    job.console.info(f"done, {many(site.requests, 'request')}")
    return 0


def _do(command: str, job: Job, site: Site, options: Mapping[str, Value], folder: Path) -> None:
    from xray_ci.exchange import backup, features, results, tests  # noqa: PLC0415

    match command:
        case "features export":
            features.take_out(job, site, options, folder)
        case "features import":
            features.bring_in(job, site, options, folder)
        case "results export":
            results.take_out(job, site, options, folder)
        case "tests import":
            tests.bring_in(job, site, options, folder)
        case "backup":
            backup.make(job, site, options, folder)
        case _:
            raise AssertionError(command)
