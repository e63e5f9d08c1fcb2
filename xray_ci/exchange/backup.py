"""A backup of Xray Cloud in a file: started, waited for, downloaded.

Xray makes one in six hours (D), so nothing is started before the file can be written, and what goes wrong after the
start says that the backup is there.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Final

from xray_ci.errors import Failure, MayHaveBeenDone, Refused
from xray_ci.exchange.tests import ended, started
from xray_ci.safefiles import replacing
from xray_ci.settings import problems

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.settings.flags import Value

_DOUBT: Final = "a backup may have been started"
_PAUSE: Final = "Xray Cloud makes one backup in six hours"
_THERE: Final = f"The backup was started, and {_PAUSE}: download it in Xray's settings, or run this again after them."
"""Xray's settings list the last one (R)."""


def make(job: Job, site: Site, options: Mapping[str, Value], folder: Path) -> None:
    """Write a new backup of all projects, without attachments, to a file.

    Raises ConfigurationError, Refused within six hours of the last one, MayHaveBeenDone when the answer to the start is
    lost, and what a service's outcome is.
    """
    output = str(options.get("output") or "")
    if not output:
        raise problems.problem(
            "`backup` needs a file", "--output", problems.MISSING, "Write `xray-ci backup --output xray.zip`."
        )
    if site.deployment.key != "cloud":
        raise problems.problem(
            "Xray Server/Data Center has no backup of its own: its data lies in Jira's database",
            "deployment",
            problems.CONFLICT,
            "Use Jira's backup.",
        )
    if job.settings.dry_run:
        job.console.info(f"would start a backup and write it to {output}")
        return
    with replacing(folder / output, folders=True) as file:
        number = _started(site)
        job.console.info(f"backup {number} started")
        try:
            _downloaded(job, site, number, file)
        except Failure as failure:
            failure.next = f"{failure.next} {_THERE}"
            raise
        size = file.seek(0, 2)
    job.console.info(f"{size:,} bytes written to {output}; {_PAUSE}")


def _downloaded(job: Job, site: Site, number: str, file: BinaryIO) -> None:
    status = ended(job, site, "/backup", number)["status"]
    if status != "successful":
        raise Refused(f"Xray Cloud could not make the backup: it ended as {status}", service="Xray")
    site.xray.send("GET", "/backup/file", into=file)


def _started(site: Site) -> str:
    """Start a backup and return the number of its job."""
    try:
        return started(site, "/backup", {}, _DOUBT)
    except Refused as failure:
        failure.next = f"{_PAUSE}; wait for as long as it says, or download the last one in Xray's settings."
        raise
    except MayHaveBeenDone as failure:
        failure.next = _THERE.replace("was", "may have been")
        raise
