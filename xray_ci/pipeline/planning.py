"""From settings and reports to the plan of requests: what `plan` prints and `import` sends, the same objects.

Chooses between conversion and native import; translates settings into the words of the rooms that do the work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from xray_ci.delivery.converted import document
from xray_ci.delivery.plan import Plan, joined
from xray_ci.deployments import JSON_FORMATS
from xray_ci.pipeline import executions, reading
from xray_ci.pipeline.bounding import check_new_tests

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from xray_ci.delivery.converted import Batch
    from xray_ci.deployments import Deployment
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.reading import Source
    from xray_ci.pipeline.tally import Tally
    from xray_ci.xray.assembly import Assembly
    from xray_ci.xray.writing import Assembled

_FRAME: Final = 6_000
"""Bytes of a request besides its tests and `info`: brackets, keys, the frame of a form, environments of its own."""
_ONLY_CONVERTED: Final = ("key-pattern", "key-projects", "unmapped", "repeats", "statuses", "timezone", "attachments", "comments",
                          "test-type", "mapping")
_FORCES_CONVERSION: Final = ("mapping", "scrub", "max-new-tests")
"""Settings whose purpose a report that is sent as it is would miss."""


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
        project=settings.project, key_pattern=_compiled(settings.key_pattern), key_projects=frozenset(settings.key_projects),
        test_type=settings.test_type if settings.origin("test-type") != "default" else None,
        unmapped=settings.unmapped, resolve=resolve or (lambda _: None))
    rendered = render.Options(deployment=deployment, api_version=settings.api_version or deployment.api_versions[0],
                              statuses=settings.statuses, timezone=ZoneInfo(settings.timezone), comments=settings.comments)
    evidence = EvidenceOptions(workspace=settings.workspace, refused=job.private, attachments=settings.attachments,
                               max_file=settings.evidence_max_file, max_total=settings.evidence_max_total)
    return Assembly(job.work.path, Rules(
        mapping=mapped, rendering=rendered, evidence=evidence, repeats=settings.repeats, rulebook=_rulebook(job),
        executions=settings.executions, explained=job.planning, identified=settings.max_new_tests is not None))


def assembled(job: Job, tally: Tally, deployment: Deployment, sources: Sequence[Source], resolve: Any = None) -> Assembled:
    """Read all reports into one file of tests for each Test Execution; tell what was left out."""
    with assembly(job, deployment, resolve) as gathering:
        reading.read_all(job, tally, sources, gathering)
        most = job.settings.batch_bytes or deployment.limits.batch_bytes
        # The bound is that of a whole request: what stands around its tests is taken off.
        around = len(document(executions.info(job, tally, executions.NOTHING))) + _FRAME
        done = gathering.finish(batch_tests=job.settings.batch_tests, batch_bytes=max(1, most - around))
    tally.folded, tally.unmapped = done.counts.folded, done.counts.unmapped
    tally.left_out = done.counts.unmapped + done.counts.ruled_out
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
    if settings.test_execution is not None or settings.executions == "per-environment":
        return False
    if any(settings.origin(name) != "default" for name in _FORCES_CONVERSION):
        return False
    first = sources[0].endpoint
    return first in JSON_FORMATS and all(source.endpoint == first for source in sources[1:])


def _converted(job: Job, tally: Tally, site: Site, sources: Sequence[Source]) -> Plan | None:
    from xray_ci.delivery.converted import Batch, convert  # noqa: PLC0415

    done = assembled(job, tally, site.deployment, sources, site.key_of_issue)
    if not done.portions:
        return None
    check_new_tests(job, site, done)
    plans: list[Plan] = []
    for portion in done.portions:
        own = executions.of_portion(portion, several=job.settings.executions != "single")
        target = executions.target(job, tally, site, own)
        batches = [Batch(path=portion.path, offset=batch.offset, length=batch.length, tests=batch.tests) for batch in portion.batches]
        marked = executions.marker(job, site, own)
        form = executions.form_info(job, tally, site, own, marked) if target.wants_form else None
        plans.append(convert(target, batches, info=executions.checked_info(job, tally, site.deployment, own, marked), form_info=form,
                             first=1 + sum(len(plan.calls) for plan in plans), label=own.label,
                             mark=executions.mark(job, tally, own, marked, _project(job, batches[0])) if marked else None))
    job.console.info(_tests(done))
    if len(done.decided) > 1:
        job.console.info("Tests decided by " + ", ".join(f"{by}: {count:,}" for by, count in done.decided.items()))
    return joined(plans)


def _project(job: Job, batch: Batch) -> str | None:
    """Return the project of a new Test Execution: the user's, else that of the first Test that is named by key."""
    from xray_ci.delivery.expected import listed  # noqa: PLC0415
    from xray_ci.services.body import Slice  # noqa: PLC0415

    if job.settings.project is not None:
        return job.settings.project
    first = next(listed(Slice(path=batch.path, offset=batch.offset, length=batch.length)), None)
    return first.head.testKey.rpartition("-")[0] if first is not None and first.head.testKey else None


def _native(job: Job, tally: Tally, site: Site, sources: Sequence[Source]) -> Plan | None:
    for name in _ONLY_CONVERTED:
        if job.settings.origin(name) != "default":
            tally.note(f"`{name}` has no effect: native reports are mapped by Xray itself")
    if not reading.read_all(job, tally, sources, None, as_it_is=True):
        return None
    good = {report.path: report for report in tally.reports if report.counts is not None}
    taken = [source for source in sources if source.endpoint is not None and source.shown in good]
    if not taken:
        return None
    if job.settings.executions != "per-report":
        return _native_execution(job, tally, site, taken)
    plans: list[Plan] = []
    for source in taken:
        own = executions.Own(report=source.shown, several=True)
        plans.append(_native_execution(job, tally, site, [source], own=own, first=1 + sum(len(plan.calls) for plan in plans)))
    return joined(plans)


def _native_execution(job: Job, tally: Tally, site: Site, sources: Sequence[Source], *, own: executions.Own = executions.NOTHING,
                      first: int = 1) -> Plan:
    """Return the plan of the native reports of one Test Execution."""
    from xray_ci.delivery.native import native  # noqa: PLC0415
    from xray_ci.delivery.prepare import NativeReport, prepare  # noqa: PLC0415

    counts = {report.path: report.counts for report in tally.reports}
    reports = []
    for source in sources:
        counted = counts[source.shown]
        reports.append(NativeReport(format=source.endpoint or "", place=source.found.place,
                                    tests=counted.tests if counted and not source.uncounted else None))
    target = executions.target(job, tally, site, own)
    # The plain path of JSON reports knows not even a project; without one it is all there is.
    form = target.wants_form or target.test_fields or (
        job.settings.project and any(report.format in JSON_FORMATS for report in reports))
    folder = job.work.path / f"native-{first}"
    folder.mkdir()
    return native(target, prepare(reports, site.deployment, folder), first=first, label=own.label,
                  form_info=executions.form_info(job, tally, site, own) if form else None)


def _rulebook(job: Job) -> Any:
    """Return the user's rules ready for cases, None without any."""
    from xray_ci.settings.mappings import Rules  # noqa: PLC0415

    if job.settings.mapping == Rules():
        return None
    from xray_ci.reports import patterns  # noqa: PLC0415
    from xray_ci.xray.rules import Rulebook  # noqa: PLC0415

    return Rulebook(job.settings.mapping, fits=patterns.fits)


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
    if counts.ruled_out:
        parts.append(f"{counts.ruled_out:,} left out by rules")
    if done.evidence_files:
        parts.append(f"{done.evidence_files:,} evidence file{'s' * (done.evidence_files != 1)} ({done.evidence_bytes:,} bytes)")
    return ", ".join(parts)
