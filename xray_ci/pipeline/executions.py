"""What a Test Execution of this run is called and linked to: settings and surroundings in, targets and `info` out.

Knows the words of settings; what Xray calls them is the envelope's knowledge.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from xray_ci.delivery.plan import Target
from xray_ci.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from xray_ci.delivery.converted import Mark
    from xray_ci.delivery.marker import Marker
    from xray_ci.deployments import Deployment
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.tally import Tally
    from xray_ci.services.jira import XrayFields
    from xray_ci.xray.writing import Portion


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """What one Test Execution has of its own, besides what all of the run have."""

    environments: tuple[str, ...] = ()
    report: str | None = None
    several: bool = False
    """Whether the run makes more than one, so that they have to be told apart."""
    started: str | None = None
    finished: str | None = None

    @property
    def label(self) -> str | None:
        """Return what tells it from the others, None where there is nothing to tell."""
        return (self.report or ", ".join(self.environments) or None) if self.several else None


NOTHING: Final = Own()


def of_portion(portion: Portion, *, several: bool) -> Own:
    """Return what a portion of converted results has of its own."""
    return Own(environments=portion.environments, report=portion.report, several=several, started=portion.started,
               finished=portion.finished)


def marker(job: Job, site: Site, own: Own) -> Marker | None:
    """Return what finds a new Test Execution again; None where the user named one. Raises ConfigurationError."""
    from xray_ci.delivery.marker import marker as made  # noqa: PLC0415

    settings = job.settings
    if settings.test_execution is not None:
        return None
    return made(around=job.surroundings, scope=settings.execution_scope, explicit=settings.origin("execution-scope") != "default",
                on_rerun=settings.on_rerun, group=own.label or "",
                target=(site.base_url, settings.project or "", settings.test_plan or "", ";".join(sorted(settings.test_environments))),
                unique=f"{job.random.getrandbits(128):032x}")


def mark(job: Job, tally: Tally, own: Own, marked: Marker, project: str | None) -> Mark:
    """Return how a Test Execution is found again, and what is asked of one that was found; raises ConfigurationError.

    `project` is where an empty one is made.
    """
    from xray_ci.delivery.converted import Mark  # noqa: PLC0415
    from xray_ci.services.stored import empty_execution  # noqa: PLC0415
    from xray_ci.xray.envelope import plain_info  # noqa: PLC0415

    settings = job.settings
    if marked.race and project is None:
        raise ConfigurationError("`project` is needed: runs that share a Test Execution first make an empty one in it", where="project",
                                 slug="project-required", advice="Set `project`.")
    made = _execution(job, tally, own, marked)
    blank = empty_execution(project=project or "", summary=made.summary, labels=(*settings.labels, marked.token),
                            description=made.description)
    return Mark(marker=marked, blank=blank, adding=plain_info(made, existing=True))


def info(job: Job, tally: Tally, own: Own, marked: Marker | None = None) -> dict[str, Any]:
    """Return `info` of Xray JSON; the marker goes into the description."""
    from xray_ci.xray.envelope import plain_info  # noqa: PLC0415

    return plain_info(_execution(job, tally, own, marked), existing=job.settings.test_execution is not None)


def checked_info(job: Job, tally: Tally, deployment: Deployment, own: Own, marked: Marker | None = None) -> dict[str, Any]:
    """Return `info`, checked like every test: settings can hold what Xray would refuse."""
    from xray_ci.xray.validate import Checker  # noqa: PLC0415

    made = info(job, tally, own, marked)
    for flaw in Checker(deployment.key).check_info(made):
        raise flaw
    return made


def form_info(job: Job, tally: Tally, site: Site, own: Own, marked: Marker | None = None) -> dict[str, Any]:
    """Return the part `info` of the multipart path, with the site's own field ids on Server/DC."""
    from xray_ci.xray import envelope  # noqa: PLC0415

    custom = _named(site.custom_fields()) if site.deployment.key == "server" else {}
    made, notices = envelope.form_info(_execution(job, tally, own, marked, labelled=True), site.deployment, custom)
    for notice in notices:
        tally.note(notice.cause)
    if not made["fields"].get("project"):
        raise ConfigurationError("`project` is needed: this path always creates a Test Execution", where="project",
                                 slug="project-required", advice="Set `project`.")
    _check_part("info", made, site.deployment)
    return made


def _check_part(name: str, made: Mapping[str, Any], deployment: Deployment) -> None:
    """Check a part of a form against its schema; what the user put into `fields` can break it."""
    from xray_ci.xray.validate import Checker  # noqa: PLC0415

    flaws = Checker(deployment.key).part(name).flaws(made)
    if flaws:
        raise ConfigurationError(f"part `{name}` would be refused: {flaws[0]}", where="fields", slug="invalid-payload",
                                 advice="Correct `fields` (or `labels`). Nothing was sent.")


def _execution(job: Job, tally: Tally, own: Own, marked: Marker | None = None, *, labelled: bool = False) -> Any:
    """Return what a Test Execution is called; the marker is a label where labels can be written, else the description's last line."""
    from xray_ci.xray.envelope import Execution  # noqa: PLC0415

    settings = job.settings
    description = _text(settings.description, job, tally, own, lines=True)
    labels = settings.labels
    if marked is not None and labelled:
        labels = (*labels, marked.token)
    elif marked is not None:
        description = f"{description}\n\n{marked.token}" if description else marked.token
    return Execution(
        project=settings.project, summary=_summary(job, tally, own),
        description=description,
        fix_version=settings.fix_version, revision=_revision(job), test_plan=settings.test_plan,
        test_environments=_environments(job, own), labels=labels, fields=settings.fields or {},
        started=own.started, finished=own.finished)


def target(job: Job, tally: Tally, site: Site, own: Own) -> Target:
    """Return where results go."""
    settings = job.settings
    return Target(
        deployment=site.deployment, project=settings.project, test_execution=settings.test_execution,
        test_plan=settings.test_plan, environments=_environments(job, own), fix_version=settings.fix_version,
        revision=_revision(job), summary=_text(settings.summary, job, tally, own),
        description=_text(settings.description, job, tally, own, lines=True), labels=settings.labels, fields=settings.fields,
        test_fields=settings.test_fields)


def _environments(job: Job, own: Own) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*job.settings.test_environments, *own.environments)))


def _revision(job: Job) -> str | None:
    return job.settings.revision or job.surroundings.commit


def _summary(job: Job, tally: Tally, own: Own) -> str:
    """Return the summary of a new Test Execution, which Xray Cloud wants in every case (O); our own tells several apart."""
    from xray_ci.ci.provider import default_summary  # noqa: PLC0415

    if chosen := _text(job.settings.summary, job, tally, own):
        return chosen
    ours = _text(default_summary(job.surroundings), job, tally, own) or "xray-ci import"
    return f"{ours} ({own.label})" if own.label else ours


def _text(template: str | None, job: Job, tally: Tally, own: Own, *, lines: bool = False) -> str | None:
    from xray_ci.ci.provider import placeholders  # noqa: PLC0415
    from xray_ci.settings.template import expand, expand_lines  # noqa: PLC0415

    if template is None:
        return None
    values = placeholders(job.surroundings) | {
        "date": f"{job.now:%Y-%m-%d}", "time": f"{job.now:%H:%M}", "reports": str(len(tally.reports)),
        "tests": str(tally.counts.tests), "environment": ", ".join(own.environments) if own.several else "",
        "report": own.report or ""}
    return (expand_lines if lines else expand)(template, values)


def _named(ids: XrayFields) -> dict[str, str]:
    """Return discovered ids by the names that Xray gives the fields."""
    found = {"Test Plan": ids.test_plan, "Test Environments": ids.test_environments, "Revision": ids.revision,
             "Begin Date": ids.begin_date, "End Date": ids.end_date}
    return {name: number for name, number in found.items() if number is not None}
