"""`max-new-tests`: says no before an import that would create more Tests than the user allows.

Asks Xray which Tests there are only when the reports hold more Tests without key than that; nothing is written before.

What a Test Execution of this run is called and linked to: settings and surroundings in, targets and `info` out.

Knows the words of settings; what Xray calls them is the envelope's knowledge.

From settings and reports to the plan of requests: what `plan` prints and `import` sends, the same objects.

Chooses between conversion and native import; translates settings into the words of the rooms that do the work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from xray_ci.delivery.plan import ImportTarget, Plan, joined
from xray_ci.delivery.planners import document
from xray_ci.deployments import JSON_FORMATS
from xray_ci.errors import ConfigurationError, TooManyNewTests
from xray_ci.pipeline import reading
from xray_ci.xray.mapping import identity_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from xray_ci.delivery.marker import Marker
    from xray_ci.delivery.planners import BatchOnDisk, MarkerLookup
    from xray_ci.deployments import Deployment
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job
    from xray_ci.pipeline.reading import ReportSource
    from xray_ci.pipeline.tally import Tally
    from xray_ci.services.jira import XrayFields
    from xray_ci.xray.assembly import Assembly
    from xray_ci.xray.writing import Assembled, Portion


def check_new_tests(job: Job, site: Site, done: Assembled) -> None:
    """Raise TooManyNewTests when more Tests than `max-new-tests` do not exist yet.

    Without the setting nothing is asked.
    """
    most = job.settings.max_new_tests
    if most is None or len(done.identities) <= most:
        return
    new = set(done.identities)
    for project in sorted({identity.decode().split("\0", 2)[1] for identity in done.identities}):
        for test in site.store.existing_tests(project):
            new.discard(identity_of(test.test_type, project, test.definition or test.summary))
            if len(new) <= most:
                return
    shown = sorted(identity.decode().split("\0", 2)[2] for identity in new)
    listed = "\n".join(shown[:10] + [f"… and {len(shown) - 10:,} more"] * (len(shown) > 10))  # noqa: PLR2004  # lines of one error
    raise TooManyNewTests(
        f"the import would create {len(new):,} Tests, and `max-new-tests` allows {most:,}", where=listed
    )


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
    return Own(
        environments=portion.environments,
        report=portion.report,
        several=several,
        started=portion.started,
        finished=portion.finished,
    )


def marker(job: Job, site: Site, own: Own) -> Marker | None:
    """Return what finds a new Test Execution again; None where the user named one. Raises ConfigurationError."""
    from xray_ci.delivery.marker import marker as made  # noqa: PLC0415

    settings = job.settings
    if settings.test_execution is not None:
        return None
    return made(
        around=job.surroundings,
        scope=settings.execution_scope,
        explicit=settings.origin("execution-scope") != "default",
        on_rerun=settings.on_rerun,
        group=own.label or "",
        target=(
            site.base_url,
            settings.project or "",
            settings.test_plan or "",
            ";".join(sorted(settings.test_environments)),
        ),
        unique=f"{job.random.getrandbits(128):032x}",
    )


def mark(job: Job, tally: Tally, own: Own, marked: Marker, project: str | None) -> MarkerLookup:
    """Return how a Test Execution is found again, and what is asked of one that was found; raises ConfigurationError.

    `project` is where an empty one is made.
    """
    from xray_ci.delivery.planners import MarkerLookup  # noqa: PLC0415
    from xray_ci.services.stored import empty_execution  # noqa: PLC0415
    from xray_ci.xray.envelope import plain_info  # noqa: PLC0415

    settings = job.settings
    if marked.race and project is None:
        raise ConfigurationError(
            "`project` is needed: runs that share a Test Execution first make an empty one in it",
            where="project",
            slug="project-required",
            advice="Set `project`.",
        )
    made = _execution(job, tally, own, marked)
    blank = empty_execution(
        project=project or "",
        summary=made.summary,
        labels=(*settings.labels, marked.token),
        description=made.description,
    )
    return MarkerLookup(marker=marked, blank=blank, adding=plain_info(made, existing=True))


def info(job: Job, tally: Tally, own: Own, marked: Marker | None = None) -> dict[str, Any]:
    """Return `info` of Xray JSON; the marker goes into the description."""
    from xray_ci.xray.envelope import plain_info  # noqa: PLC0415

    return plain_info(_execution(job, tally, own, marked), existing=job.settings.test_execution is not None)


def checked_info(
    job: Job, tally: Tally, deployment: Deployment, own: Own, marked: Marker | None = None
) -> dict[str, Any]:
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
        raise ConfigurationError(
            "`project` is needed: this path always creates a Test Execution",
            where="project",
            slug="project-required",
            advice="Set `project`.",
        )
    _check_part("info", made, site.deployment)
    return made


def _check_part(name: str, made: Mapping[str, Any], deployment: Deployment) -> None:
    """Check a part of a form against its schema; what the user put into `fields` can break it."""
    from xray_ci.xray.validate import Checker  # noqa: PLC0415

    flaws = Checker(deployment.key).part(name).flaws(made)
    if flaws:
        raise ConfigurationError(
            f"part `{name}` would be refused: {flaws[0]}",
            where="fields",
            slug="invalid-payload",
            advice="Correct `fields` (or `labels`). Nothing was sent.",
        )


def _execution(job: Job, tally: Tally, own: Own, marked: Marker | None = None, *, labelled: bool = False) -> Any:
    """Return what a Test Execution is called.

    The marker is a label where labels can be written, else the description's last line.
    """
    from xray_ci.xray.envelope import ExecutionInfo  # noqa: PLC0415

    settings = job.settings
    description = _text(settings.description, job, tally, own, lines=True)
    labels = settings.labels
    if marked is not None and labelled:
        labels = (*labels, marked.token)
    elif marked is not None:
        description = f"{description}\n\n{marked.token}" if description else marked.token
    return ExecutionInfo(
        project=settings.project,
        summary=_summary(job, tally, own),
        description=description,
        fix_version=settings.fix_version,
        revision=_revision(job),
        test_plan=settings.test_plan,
        test_environments=_environments(job, own),
        labels=labels,
        fields=settings.fields or {},
        started=own.started,
        finished=own.finished,
    )


def target_of(job: Job, tally: Tally, site: Site, own: Own) -> ImportTarget:
    """Return where results go."""
    settings = job.settings
    return ImportTarget(
        deployment=site.deployment,
        project=settings.project,
        test_execution=settings.test_execution,
        test_plan=settings.test_plan,
        environments=_environments(job, own),
        fix_version=settings.fix_version,
        revision=_revision(job),
        summary=_text(settings.summary, job, tally, own),
        description=_text(settings.description, job, tally, own, lines=True),
        labels=settings.labels,
        fields=settings.fields,
        test_fields=settings.test_fields,
    )


def _environments(job: Job, own: Own) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*job.settings.test_environments, *own.environments)))


def _revision(job: Job) -> str | None:
    return job.settings.revision or job.surroundings.commit


def _summary(job: Job, tally: Tally, own: Own) -> str:
    """Return the summary of a new Test Execution, which Xray Cloud wants in every case (O).

    Our own tells several apart.
    """
    from xray_ci.ci.provider import default_summary  # noqa: PLC0415
    from xray_ci.xray.escaping import without_mentions  # noqa: PLC0415

    if chosen := _text(job.settings.summary, job, tally, own):
        return chosen
    ours = _text(default_summary(job.surroundings), job, tally, own) or "xray-ci import"
    return without_mentions(f"{ours} ({own.label})") if own.label else ours


def _text(template: str | None, job: Job, tally: Tally, own: Own, *, lines: bool = False) -> str | None:
    from xray_ci.ci.provider import placeholders  # noqa: PLC0415
    from xray_ci.settings.texts import expand, expand_lines  # noqa: PLC0415
    from xray_ci.xray.escaping import inline, without_mentions  # noqa: PLC0415

    if template is None:
        return None
    values = placeholders(job.surroundings) | {
        "date": f"{job.now:%Y-%m-%d}",
        "time": f"{job.now:%H:%M}",
        "reports": str(len(tally.reports)),
        "tests": str(tally.counts.tests),
        "environment": ", ".join(own.environments) if own.several else "",
        "report": own.report or "",
    }
    # Branches, jobs and files are called by strangers; the template is the user's, whose own markup stays.
    if lines:
        return expand_lines(template, {name: inline(text) for name, text in values.items()})
    return without_mentions(expand(template, values))


def _named(ids: XrayFields) -> dict[str, str]:
    """Return discovered ids by the names that Xray gives the fields."""
    found = {
        "Test Plan": ids.test_plan,
        "Test Environments": ids.test_environments,
        "Revision": ids.revision,
        "Begin Date": ids.begin_date,
        "End Date": ids.end_date,
    }
    return {name: number for name, number in found.items() if number is not None}


_FRAME: Final = 6_000
"""Bytes of a request besides its tests and `info`: brackets, keys, the frame of a form, environments of its own."""
_ONLY_CONVERTED: Final = (
    "key-pattern",
    "key-projects",
    "unmapped",
    "repeats",
    "statuses",
    "timezone",
    "attachments",
    "comments",
    "test-type",
    "mapping",
)
_FORCES_CONVERSION: Final = ("mapping", "scrub", "max-new-tests")
"""Settings whose purpose a report that is sent as it is would miss."""


def plan(job: Job, tally: Tally, site: Site, sources: Sequence[ReportSource]) -> Plan | None:
    """Return what is to be sent, None when there is nothing; raises Failure for what must not be sent."""
    made = _native(job, tally, site, sources) if _goes_native(job, sources) else _converted(job, tally, site, sources)
    for notice in made.notices if made else ():
        tally.note(notice.text, notice.count)
    return made


def assembly(job: Job, deployment: Deployment, resolve: Any = None) -> Assembly:
    """Return the assembly that this run's cases go into."""
    from xray_ci.xray import mapping, render  # noqa: PLC0415
    from xray_ci.xray.assembly import Assembly, AssemblyOptions  # noqa: PLC0415
    from xray_ci.xray.attached import EvidenceOptions  # noqa: PLC0415

    settings = job.settings
    mapped = mapping.MappingOptions(
        project=settings.project,
        key_pattern=_compiled(settings.key_pattern),
        key_projects=frozenset(settings.key_projects),
        test_type=settings.test_type if settings.origin("test-type") != "default" else None,
        unmapped=settings.unmapped,
        resolve=resolve or (lambda _: None),
    )
    rendered = render.RenderOptions(
        deployment=deployment,
        api_version=settings.api_version or deployment.api_versions[0],
        statuses=settings.statuses,
        timezone=ZoneInfo(settings.timezone),
        comments=settings.comments,
    )
    evidence = EvidenceOptions(
        workspace=settings.workspace,
        refused=job.private,
        attachments=settings.attachments,
        max_file=settings.evidence_max_file,
        max_total=settings.evidence_max_total,
    )
    return Assembly(
        job.work.path,
        AssemblyOptions(
            mapping=mapped,
            rendering=rendered,
            evidence=evidence,
            repeats=settings.repeats,
            rulebook=_rulebook(job),
            executions=settings.executions,
            explained=job.planning,
            identified=settings.max_new_tests is not None,
        ),
    )


def assembled(
    job: Job, tally: Tally, deployment: Deployment, sources: Sequence[ReportSource], resolve: Any = None
) -> Assembled:
    """Read all reports into one file of tests for each Test Execution; tell what was left out."""
    with assembly(job, deployment, resolve) as gathering:
        reading.read_all(job, tally, sources, gathering)
        most = job.settings.batch_bytes or deployment.limits.batch_bytes
        # The bound is that of a whole request: what stands around its tests is taken off.
        around = len(document(info(job, tally, NOTHING))) + _FRAME
        done = gathering.finish(batch_tests=job.settings.batch_tests, batch_bytes=max(1, most - around))
    tally.folded, tally.unmapped = done.counts.folded, done.counts.unmapped
    tally.left_out = done.counts.unmapped + done.counts.ruled_out
    for problem in (*done.problems, *done.notices):
        tally.problem(problem)
    if done.counts.unmapped:
        tally.note(f"{done.counts.unmapped:,} results without Test key were left out (`unmapped: skip`)")
    return done


def _goes_native(job: Job, sources: Sequence[ReportSource]) -> bool:
    """Say whether reports go to their own endpoints.

    Asked for, or all Cucumber JSON (or all Behave JSON) for a new execution.
    """
    settings = job.settings
    if settings.strategy != "auto":
        return settings.strategy == "native"
    if settings.test_execution is not None or settings.executions == "per-environment":
        return False
    if any(settings.origin(name) != "default" for name in _FORCES_CONVERSION):
        return False
    first = sources[0].endpoint
    return first in JSON_FORMATS and all(source.endpoint == first for source in sources[1:])


def _converted(job: Job, tally: Tally, site: Site, sources: Sequence[ReportSource]) -> Plan | None:
    from xray_ci.delivery.planners import BatchOnDisk, convert  # noqa: PLC0415

    done = assembled(job, tally, site.deployment, sources, site.key_of_issue)
    if not done.portions:
        return None
    check_new_tests(job, site, done)
    plans: list[Plan] = []
    for portion in done.portions:
        own = of_portion(portion, several=job.settings.executions != "single")
        target = target_of(job, tally, site, own)
        batches = [
            BatchOnDisk(path=portion.path, offset=batch.offset, length=batch.length, tests=batch.tests)
            for batch in portion.batches
        ]
        marked = marker(job, site, own)
        form = form_info(job, tally, site, own, marked) if target.wants_form else None
        plans.append(
            convert(
                target,
                batches,
                info=checked_info(job, tally, site.deployment, own, marked),
                form_info=form,
                first=1 + sum(len(plan.calls) for plan in plans),
                label=own.label,
                mark=mark(job, tally, own, marked, _project(job, batches[0])) if marked else None,
            )
        )
    job.console.info(_tests(done))
    if len(done.decided) > 1:
        job.console.info("Tests decided by " + ", ".join(f"{by}: {count:,}" for by, count in done.decided.items()))
    return joined(plans)


def _project(job: Job, batch: BatchOnDisk) -> str | None:
    """Return the project of a new Test Execution: the user's, else that of the first Test that is named by key."""
    from xray_ci.delivery.reconcile import listed  # noqa: PLC0415
    from xray_ci.services.body import Slice  # noqa: PLC0415

    if job.settings.project is not None:
        return job.settings.project
    first = next(listed(Slice(path=batch.path, offset=batch.offset, length=batch.length)), None)
    return first.head.testKey.rpartition("-")[0] if first is not None and first.head.testKey else None


def _native(job: Job, tally: Tally, site: Site, sources: Sequence[ReportSource]) -> Plan | None:
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
        own = Own(report=source.shown, several=True)
        plans.append(
            _native_execution(job, tally, site, [source], own=own, first=1 + sum(len(plan.calls) for plan in plans))
        )
    return joined(plans)


def _native_execution(
    job: Job, tally: Tally, site: Site, sources: Sequence[ReportSource], *, own: Own = NOTHING, first: int = 1
) -> Plan:
    """Return the plan of the native reports of one Test Execution."""
    from xray_ci.delivery.planners import native  # noqa: PLC0415
    from xray_ci.delivery.prepare import NativeReport, prepare  # noqa: PLC0415

    counts = {report.path: report.counts for report in tally.reports}
    reports = []
    for source in sources:
        counted = counts[source.shown]
        reports.append(
            NativeReport(
                format=source.endpoint or "",
                place=source.found.place,
                tests=counted.tests if counted and not source.uncounted else None,
            )
        )
    target = target_of(job, tally, site, own)
    # The plain path of JSON reports knows not even a project; without one it is all there is.
    form = (
        target.wants_form
        or target.test_fields
        or (job.settings.project and any(report.format in JSON_FORMATS for report in reports))
    )
    folder = job.work.path / f"native-{first}"
    folder.mkdir()
    return native(
        target,
        prepare(reports, site.deployment, folder),
        first=first,
        label=own.label,
        form_info=form_info(job, tally, site, own) if form else None,
    )


def _rulebook(job: Job) -> Any:
    """Return the user's rules ready for cases, None without any."""
    from xray_ci.settings.values import MappingRules  # noqa: PLC0415

    if job.settings.mapping == MappingRules():
        return None
    from xray_ci.reports import globs  # noqa: PLC0415
    from xray_ci.xray.rules import Rulebook  # noqa: PLC0415

    return Rulebook(job.settings.mapping, fits=globs.fits)


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
        parts.append(
            f"{done.evidence_files:,} evidence file{'s' * (done.evidence_files != 1)} ({done.evidence_bytes:,} bytes)"
        )
    return ", ".join(parts)
