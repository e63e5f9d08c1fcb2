"""The command `check`: looks at the site with the settings of an import, and writes nothing anywhere."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final, TextIO

from xray_ci.ci.text import harmless, one_line
from xray_ci.errors import many
from xray_ci.pipeline import connecting
from xray_ci.pipeline.offline import json_line
from xray_ci.pipeline.state import state_dir
from xray_ci.site import around, cloud, server
from xray_ci.site.findings import Standing, doubtful, first_code

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.services.wire import Caller
    from xray_ci.settings.values import Settings
    from xray_ci.site.findings import Finding

_SHOWN: Final = 600
"""Characters of a finding, after secrets were taken out."""


def check(job: Job, out: TextIO, *, as_json: bool, withheld: bool) -> int:
    """Write one line for each finding as it is made and return the exit code; raises ConfigurationError."""
    if withheld:
        text = f"this run is for {job.surroundings.outsider} and was given no secrets: no site can be asked"
        out.write(_line(job, doubtful("credentials", text, job.surroundings.provider.remedy), as_json=as_json))
        return 0
    site = connecting.site_of(job)
    found = []
    try:
        for finding in _findings(job, site):
            found.append(finding)
            out.write(_line(job, finding, as_json=as_json))
            out.flush()
    finally:
        site.close()
    good, unsure, bad = (sum(each.standing is standing for each in found) for standing in Standing)
    told = f"{good} ok, {many(unsure, 'warning')}, {many(bad, 'problem')}"
    job.console.info(f"{told}; {many(site.requests, 'request')}, none of which writes")
    return first_code(found)


def _findings(job: Job, site: Site) -> Iterator[Finding]:
    settings, began = job.settings, job.clock()
    watching: list[around.Watching] = []

    def now() -> datetime:
        return job.now + timedelta(seconds=job.clock() - began)

    def watch(caller: Caller) -> Caller:
        watching.append(around.Watching(caller, now, site.deployment.key))
        return watching[0]

    site.watched = watch
    yield from around.files(settings, state_dir(settings, job.surroundings)[0])
    yield from look(site, settings, now())
    if watching and watching[0].refused is not None:
        yield from around.certificate(watching[0].refused, now(), seconds=settings.connect_timeout)
    yield from around.seen(watching[0], site.deployment)
    yield from around.snapshots(settings)


def look(site: Site, settings: Settings, now: datetime) -> Iterator[Finding]:
    """Look at the site with the settings of an import."""
    from xray_ci.services.cloud import CloudStore  # noqa: PLC0415  # with requests, as connecting has it
    from xray_ci.services.server import ServerStore  # noqa: PLC0415

    deployment, jira, store = site.deployment, site.jira, site.store
    if isinstance(store, CloudStore):
        yield from cloud.look(
            settings, deployment, store, jira, signed=site.signs_jira, base_url=site.base_url, locate=site.locate_region
        )
    elif isinstance(store, ServerStore) and jira is not None:
        yield from server.look(settings, deployment, store, jira, base_url=site.base_url, now=now)


def _line(job: Job, finding: Finding, *, as_json: bool) -> str:
    """Return a finding as people or programs read it: without secrets, cut, harmless to any CI runner."""
    text, remedy = (one_line(job.redactor(each), _SHOWN) for each in (finding.text, finding.remedy))
    standing = finding.standing.value
    if as_json:
        return json_line({"name": finding.name, "status": standing, "text": text, "remedy": remedy}) + "\n"
    advice = f"\n{'':9}next: {harmless(remedy)}" if remedy else ""
    return f"{standing:<8} {finding.name:<17} {harmless(text)}{advice}\n"
