"""From settings and reports to the plan of requests: what `plan` prints and `import` sends, the same objects.

Chooses between conversion and native import; translates settings into the words of the rooms that do the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from xray_ci.delivery.converted import document
from xray_ci.delivery.plan import Plan, Target
from xray_ci.deployments import JSON_FORMATS
from xray_ci.errors import ConfigurationError
from xray_ci.pipeline import reading

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from xray_ci.deployments import Deployment
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.reading import Source
    from xray_ci.pipeline.tally import Tally
    from xray_ci.services.jira import XrayFields
    from xray_ci.xray.assembly import Assembly
    from xray_ci.xray.writing import Assembled

_FRAME: Final = 2_000
"""Bytes of a request besides its tests and `info`: brackets, keys, the frame of a form."""
_ONLY_CONVERTED: Final = ("key-pattern", "key-projects", "unmapped", "repeats", "statuses", "timezone", "attachments", "comments",
                          "test-type")


def plan(job: Job, tally: Tally, site: Site, sources: Sequence[Source]) -> Plan | None:
    """Return what is to be sent, None when there is nothing; raises Failure for what must not be sent."""
    made = _native(job, tally, site, sources) if _goes_native(job, sources) else _converted(job, tally, site, sources)
    for notice in made.notices if made else ():
        tally.note(notice.text, notice.count)
    return made


def assembly(job: Job, deployment: Deployment, resolve: Any = None) -> Assembly:
    """Return the assembly that this run's cases go into."""
    from xray_ci.xray import mapping, render  # noqa: PLC0415
    from xray_ci.xray.assembly import Assembly, Rules  # noqa: PLC0415
    from xray_ci.xray.attached import EvidenceOptions  # noqa: PLC0415

    settings = job.settings
    mapped = mapping.Options(
        project=settings.project, test_type=settings.test_type, key_pattern=_compiled(settings.key_pattern),
        key_projects=frozenset(settings.key_projects), unmapped=settings.unmapped,
        resolve=resolve or (lambda _: None))
    rendered = render.Options(deployment=deployment, api_version=settings.api_version or deployment.api_versions[0],
                              statuses=settings.statuses, timezone=ZoneInfo(settings.timezone), comments=settings.comments)
    evidence = EvidenceOptions(workspace=settings.workspace, refused=job.private, attachments=settings.attachments,
                               max_file=settings.evidence_max_file, max_total=settings.evidence_max_total)
    return Assembly(job.work.path, Rules(mapping=mapped, rendering=rendered, evidence=evidence, repeats=settings.repeats))


def assembled(job: Job, tally: Tally, deployment: Deployment, sources: Sequence[Source], resolve: Any = None) -> Assembled:
    """Read all reports into one file of tests; tell what was left out."""
    with assembly(job, deployment, resolve) as gathering:
        reading.read_all(job, tally, sources, gathering)
        most = job.settings.batch_bytes or deployment.limits.batch_bytes
        # The bound is that of a whole request: what stands around its tests is taken off.
        around = len(document(info(job, tally, None))) + _FRAME
        done = gathering.finish(batch_tests=job.settings.batch_tests, batch_bytes=max(1, most - around))
    tally.folded, tally.unmapped = done.counts.folded, done.counts.unmapped
    for problem in (*done.problems, *done.notices):
        tally.problem(problem)
    if done.counts.unmapped:
        tally.note(f"{done.counts.unmapped:,} results without Test key were left out (`unmapped: skip`)")
    return done


def _goes_native(job: Job, sources: Sequence[Source]) -> bool:
    """Say whether reports go to their own endpoints: asked for, or all Cucumber JSON (or all Behave JSON) for a new execution."""
    settings = job.settings
    if settings.strategy != "auto":
        return settings.strategy == "native"
    if settings.test_execution is not None:
        return False
    first = sources[0].endpoint
    return first in JSON_FORMATS and all(source.endpoint == first for source in sources[1:])


def _converted(job: Job, tally: Tally, site: Site, sources: Sequence[Source]) -> Plan | None:
    from xray_ci.delivery.converted import Batch, convert  # noqa: PLC0415

    done = assembled(job, tally, site.deployment, sources, site.key_of_issue)
    if not done.batches:
        return None
    target = _target(job, tally, site)
    batches = [Batch(path=done.path, offset=batch.offset, length=batch.length, tests=batch.tests) for batch in done.batches]
    form = _form_info(job, tally, site, done) if target.wants_form else None
    job.console.info(_tests(done))
    return convert(target, batches, info=_checked_info(job, tally, site.deployment, done), form_info=form)


def _native(job: Job, tally: Tally, site: Site, sources: Sequence[Source]) -> Plan | None:
    from xray_ci.delivery.native import native  # noqa: PLC0415
    from xray_ci.delivery.prepare import NativeReport, prepare  # noqa: PLC0415
    for name in _ONLY_CONVERTED:
        if job.settings.origin(name) != "default":
            tally.note(f"`{name}` has no effect: native reports are mapped by Xray itself")
    if not reading.read_all(job, tally, sources, None, as_it_is=True):
        return None
    good = {report.path: report for report in tally.reports if report.counts is not None}
    reports = []
    for source in sources:
        if source.endpoint is None or source.shown not in good:
            continue
        counts = good[source.shown].counts
        reports.append(NativeReport(format=source.endpoint, place=source.found.place,
                                    tests=counts.tests if counts and not source.uncounted else None))
    if not reports:
        return None
    target = _target(job, tally, site)
    # The plain path of JSON reports knows not even a project; without one it is all there is.
    form = target.wants_form or target.test_fields or (
        job.settings.project and any(report.format in JSON_FORMATS for report in reports))
    return native(target, prepare(reports, site.deployment, job.work.path),
                  form_info=_form_info(job, tally, site, None) if form else None)


def show(job: Job, tally: Tally, made: Plan) -> None:
    """Print what would be sent, from the very objects that would be sent."""
    tally.planned = True
    tally.sent = 0
    job.console.info(f"would send {len(made.calls)} request{'s' * (len(made.calls) != 1)} to {made.deployment.title}:")
    for line in made.describe():
        job.console.info(f"  {line}")


def info(job: Job, tally: Tally, done: Assembled | None) -> dict[str, Any]:
    """Return `info` of Xray JSON."""
    from xray_ci.xray.envelope import plain_info  # noqa: PLC0415

    return plain_info(_execution(job, tally, done), existing=job.settings.test_execution is not None)


def _checked_info(job: Job, tally: Tally, deployment: Deployment, done: Assembled) -> dict[str, Any]:
    """Return `info`, checked like every test: settings can hold what Xray would refuse."""
    from xray_ci.xray.validate import Checker  # noqa: PLC0415

    made = info(job, tally, done)
    for flaw in Checker(deployment.key).check_info(made):
        raise flaw
    return made


def _form_info(job: Job, tally: Tally, site: Site, done: Assembled | None) -> dict[str, Any]:
    """Return the part `info` of the multipart path, with the site's own field ids on Server/DC."""
    from xray_ci.xray.envelope import form_info  # noqa: PLC0415

    custom = _named(site.custom_fields()) if site.deployment.key == "server" else {}
    made, notices = form_info(_execution(job, tally, done), site.deployment, custom)
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


def _execution(job: Job, tally: Tally, done: Assembled | None) -> Any:
    from xray_ci.xray.envelope import Execution  # noqa: PLC0415

    settings = job.settings
    return Execution(
        project=settings.project, summary=_summary(job, tally), description=_text(settings.description, job, tally, lines=True),
        fix_version=settings.fix_version, revision=_revision(job), test_plan=settings.test_plan,
        test_environments=settings.test_environments, labels=settings.labels, fields=settings.fields or {},
        started=done.started if done else None, finished=done.finished if done else None)


def _target(job: Job, tally: Tally, site: Site) -> Target:
    settings = job.settings
    return Target(
        deployment=site.deployment, project=settings.project, test_execution=settings.test_execution,
        test_plan=settings.test_plan, environments=settings.test_environments, fix_version=settings.fix_version,
        revision=_revision(job), summary=_text(settings.summary, job, tally),
        description=_text(settings.description, job, tally, lines=True), labels=settings.labels, fields=settings.fields,
        test_fields=settings.test_fields)


def _revision(job: Job) -> str | None:
    return job.settings.revision or job.surroundings.commit


def _summary(job: Job, tally: Tally) -> str:
    """Return the summary of a new Test Execution, which Xray Cloud wants in every case (O)."""
    from xray_ci.ci.provider import default_summary  # noqa: PLC0415

    return _text(job.settings.summary, job, tally) or _text(default_summary(job.surroundings), job, tally) or "xray-ci import"


def _text(template: str | None, job: Job, tally: Tally, *, lines: bool = False) -> str | None:
    from xray_ci.ci.provider import placeholders  # noqa: PLC0415
    from xray_ci.settings.template import expand, expand_lines  # noqa: PLC0415

    if template is None:
        return None
    values = placeholders(job.surroundings) | {
        "date": f"{job.now:%Y-%m-%d}", "time": f"{job.now:%H:%M}", "reports": str(len(tally.reports)),
        "tests": str(tally.counts.tests)}
    return (expand_lines if lines else expand)(template, values)


def _named(ids: XrayFields) -> dict[str, str]:
    """Return discovered ids by the names that Xray gives the fields."""
    found = {"Test Plan": ids.test_plan, "Test Environments": ids.test_environments, "Revision": ids.revision,
             "Begin Date": ids.begin_date, "End Date": ids.end_date}
    return {name: number for name, number in found.items() if number is not None}


def _compiled(pattern: str | None) -> Any:
    if pattern is None:
        return None
    import re2  # noqa: PLC0415  # a user's pattern must not hang on a hostile name: RE2 runs in linear time

    return re2.compile(pattern)


def _tests(done: Assembled) -> str:
    counts = done.counts
    parts = [f"{counts.sent:,} Test Run{'s' * (counts.sent != 1)} to send"]
    if counts.tests_by_key:
        parts.append(f"{counts.tests_by_key:,} Test{'s' * (counts.tests_by_key != 1)} named by key")
    if counts.tests_by_identity:
        parts.append(f"{counts.tests_by_identity:,} found or created by definition")
    if counts.folded:
        parts.append(f"{counts.folded:,} repeated results folded")
    if done.evidence_files:
        parts.append(f"{done.evidence_files:,} evidence file{'s' * (done.evidence_files != 1)} ({done.evidence_bytes:,} bytes)")
    return ", ".join(parts)
