"""What a Test Execution of this run is called and linked to: settings and surroundings in, targets and `info` out.

Knows the words of settings; what Xray calls them is the envelope's knowledge.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from msgspec import Struct
from msgspec.structs import replace

from xray_ci.delivery.plan import ImportTarget
from xray_ci.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from xray_ci.delivery.marker import Marker
    from xray_ci.delivery.planners import MarkerLookup
    from xray_ci.deployments import Deployment
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.pipeline.reading import ReportSource
    from xray_ci.reports.xray_json import Destination
    from xray_ci.services.jira import XrayFields
    from xray_ci.settings.values import Settings
    from xray_ci.xray.writing import Portion


class Own(Struct, frozen=True, kw_only=True):
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


_DECIDES: Final = (
    "test-execution",
    "executions",
    "execution-scope",
    "execution-part",
    "on-rerun",
    "summary",
    "description",
    "labels",
    "fields",
    "fix-version",
    "revision",
    "test-environments",
)
"""Settings that say which Test Execution is filled, or what it is like: with one of them a report names none."""
_LOOKED_INTO: Final = 32 << 20
"""Bytes of a report that may say where it goes; read at once, for it may stand at the end."""
_ENVIRONMENTS: Final = 50
_ENVIRONMENT: Final = 255
"""Test Environments that a report may name, and characters of each."""


def followed(job: Job, tally: Tally, sources: Sequence[ReportSource]) -> Job:
    """Return the job with where its Xray JSON says that results go, as far as settings leave that open; tell which.

    A report is a stranger's: it is followed only where all reports of the run say the same, for no stranger's
    pull request, and into projects that `project` and `key-projects` list, where they are set.
    """
    from xray_ci.xray import escaping  # noqa: PLC0415

    goals = [(source, goal) for source in sources if (goal := _goal(source)) is not None]
    if not goals:
        return job
    for each, _ in goals:
        each.decide()
    if job.settings.strategy == "native":  # then Xray reads it itself
        return job
    source, goal = goals[0]
    around = job.surroundings
    # No branch of ours has a colon: after a fork's workflow GitHub's is called `octocat:main`.
    stranger = around.outsider or around.stranger or ":" in (around.branch or "")
    if len(goals) < len(sources) or any(each != goal for _, each in goals) or stranger:
        why = "this run is for a pull request" if stranger else "not all reports say it"
        tally.note(f"{source.shown} names where its results go; {why}, so settings decide that alone")
        return job
    settings = job.settings
    deciding = [name for name in _DECIDES if settings.origin(name) != "default"]
    taken: dict[str, Any] = {}
    for name, said, stands in (
        ("test-execution", goal.execution, deciding),
        ("test-plan", goal.plan, [each for each in ("test-plan",) if settings.origin(each) != "default"]),
        ("test-environments", goal.environments, [each for each in deciding if each == "test-environments"]),
    ):
        if not said:
            continue
        shown = escaping.one_line(said if isinstance(said, str) else "; ".join(said), _ENVIRONMENT)
        if stands:
            why = f"`{stands[0]}` is set"
        elif isinstance(said, str):
            why = _elsewhere(said, settings)
        else:
            why = "" if _are_environments(said) else "these are no names of Test Environments"
        if not why:
            taken[name] = (said,) if name == "test-plan" else said
        tally.note(
            f"{source.shown} names `{name}: {shown}`, which is "
            + (f"not followed: {why}" if why else "followed, as no setting says otherwise")
        )
    changed = {name.replace("-", "_"): value for name, value in taken.items()}
    origins = MappingProxyType({**settings.origins, **dict.fromkeys(taken, source.shown)})
    return replace(job, settings=replace(settings, origins=origins, **changed)) if taken else job


def triggered(job: Job, site: Site) -> Job:
    """Return the job with the issue from which Xray started it as `test-plan` or `test-execution`.

    Raises UnknownIssue for another issue, and ConfigurationError for settings that go without a Test Execution alone.
    """
    from xray_ci.services.store import EXECUTION, PLAN, unknown  # noqa: PLC0415
    from xray_ci.settings import combinations, problems  # noqa: PLC0415
    from xray_ci.settings.table import ROWS  # noqa: PLC0415

    settings, key = job.settings, job.settings.triggered_from
    if key is None:
        return job
    kind = site.store.kind_of(key)
    where = f"triggered-from, from {settings.origin('triggered-from')}"
    if kind is None:
        failure = unknown(key, f"{PLAN} and no {EXECUTION}")
        failure.where = where
        raise failure
    name, value = ("test-execution", key) if kind == EXECUTION else ("test-plan", (key,))
    if settings.origin(name) != "default":
        job.console.notice(f"{settings.origin(name)} is ignored: {where}, names the {kind} {key}.")
    origins = MappingProxyType({**settings.origins, name: where})
    settings = replace(settings, origins=origins, **{name.replace("-", "_"): value})
    values = {row.name: getattr(settings, row.attribute) for row in ROWS}
    if wrong := list(combinations.check(combinations.Chosen(values, origins, settings.command))):
        raise problems.together(wrong)
    return replace(job, settings=settings)


def environed(job: Job, site: Site) -> Job:
    """Return the job with those Test Environments that Xray Cloud would refuse, where they are to be made."""
    from xray_ci.services.cloud import CloudStore  # noqa: PLC0415

    settings, store = job.settings, site.store
    project = settings.project or (settings.test_execution or "").rpartition("-")[0]
    if not project or not isinstance(store, CloudStore):  # Server/DC makes what is missing (A)
        return job
    with job.asking("create-missing"):
        unknown = frozenset(settings.test_environments).difference(store.environments(project))
    if unknown:
        job.console.info(f"Test Environments that are made after the import: {', '.join(sorted(unknown))}")
    return replace(job, unknown_environments=unknown)


def fielded(job: Job, site: Site) -> Job:
    """Return the job with fields by their ids and in Jira's shapes; raises ConfigurationError for unknown ones."""
    from xray_ci.settings.values import by_name  # noqa: PLC0415

    settings = job.settings
    given = {"fields": settings.fields, "test-fields": settings.test_fields}
    named = [name for name, fields in given.items() if by_name(fields)]
    if not named or site.jira is None:
        return job
    from xray_ci.site.fields import resolved  # noqa: PLC0415

    for name in named:
        with job.asking(name):
            given[name] = resolved(site.jira, settings, name, cloud=site.deployment.key == "cloud")
    return replace(job, settings=replace(settings, fields=given["fields"], test_fields=given["test-fields"]))


def _goal(source: ReportSource) -> Destination | None:
    """Return where a report says that its results go, None for one that cannot say it."""
    if getattr(source.row, "key", None) != "xray-json":
        return None
    from xray_ci.reports.xray_json import destination  # noqa: PLC0415
    from xray_ci.safefiles import open_place  # noqa: PLC0415

    try:
        with open_place(source.found.place) as file:
            whole = file.read(_LOOKED_INTO + 1)
            found = destination(whole if len(whole) <= _LOOKED_INTO else b"")
            return found if found.execution or found.plan or found.environments else None
    except OSError:  # told when it is read for its results
        return None


def _elsewhere(key: str, settings: Settings) -> str:
    """Return why an issue is none that a report may name; "" where it may."""
    from xray_ci.xray.mapping import is_key  # noqa: PLC0415

    allowed = {*settings.key_projects, *([settings.project] if settings.project else [])}
    if not is_key(key):
        return "it is no issue key"
    if allowed and key.rpartition("-")[0] not in allowed:
        return "its project is none of `project` and `key-projects`"
    return ""


def _are_environments(names: tuple[str, ...]) -> bool:
    return len(names) <= _ENVIRONMENTS and all(
        name.strip() and len(name) <= _ENVIRONMENT and name.isprintable() and not set(name) & {",", ";"}
        for name in names
    )


def marker(job: Job, site: Site, own: Own) -> Marker | None:
    """Return what finds a new Test Execution again; None where the user named one. Raises ConfigurationError."""
    from xray_ci.delivery.marker import line  # noqa: PLC0415
    from xray_ci.delivery.marker import marker as made  # noqa: PLC0415
    from xray_ci.settings.table import PREVIOUS  # noqa: PLC0415

    settings = job.settings
    if settings.test_execution is not None:
        return None
    marked = made(
        around=job.surroundings,
        scope=settings.execution_scope,
        explicit=settings.origin("execution-scope") != "default",
        on_rerun=settings.on_rerun,
        group=own.label or "",
        part=settings.execution_part or "",
        sharding=settings.shards,
        target=(
            site.base_url,
            settings.project or "",
            ";".join(settings.test_plan),
            ";".join(sorted(settings.test_environments)),
        ),
        unique=f"{job.random.getrandbits(128):032x}",
    )
    series = (
        line(
            job.surroundings,
            environments=sorted(settings.test_environments),
            group=own.label or "",
            part=settings.execution_part or "",
            sharding=settings.shards,
        )
        if settings.baseline == PREVIOUS
        else None
    )
    return replace(marked, look=marked.look or job.tried(marked.token), line=series)


def mark(
    job: Job, tally: Tally, site: Site, own: Own, marked: Marker, *, project: str | None, writes: bool
) -> MarkerLookup:
    """Return how a Test Execution is found again, and what is asked of one that was found; raises ConfigurationError.

    `project` is where an empty one is made, with everything that the user wants it to have. `writes`: requests to one
    that is there write its fields by the multipart path.
    """
    from xray_ci.delivery.planners import MarkerLookup  # noqa: PLC0415
    from xray_ci.services.store import empty_execution  # noqa: PLC0415
    from xray_ci.xray.envelope import plain_info  # noqa: PLC0415

    if marked.race and project is None:
        raise ConfigurationError(
            "`project` is needed: runs that share a Test Execution first make an empty one in it",
            where="project",
            slug="project-required",
            advice="Set `project`.",
        )
    made = _execution(job, tally, own, marked, labelled=True, project=project)
    blank = empty_execution(
        project=project or "",
        summary=made.summary,
        labels=made.labels,
        description=made.description or "",
        fix_version=made.fix_version,
        fields=made.fields,
    )
    writing = (
        form_info(job, tally, site, own, marked, project=project, existing=True, tell=False)
        if writes and project
        else None
    )
    return MarkerLookup(marker=marked, blank=blank, adding=plain_info(made, existing=True), writing=writing)


WRITTEN: Final = ("fields", "labels", "summary", "description")
"""Settings that the multipart path alone writes to a Test Execution that is there."""


def said(job: Job, name: str) -> bool:
    """Say whether a setting was set by somebody.

    For a Test Execution that the user names: by the pipeline, and not by a config file that lay in the workspace.
    """
    settings = job.settings
    return settings.origin(name) != "default" and not (settings.test_execution and name in settings.found)


def tell_unwritten(job: Job, tally: Tally) -> None:
    """Tell what of a config file that was only found is not written to the Test Execution that the user names."""
    settings = job.settings
    names = [name for name in (*WRITTEN, *_LINKED) if settings.test_execution and name in settings.found]
    if names:
        listed = ", ".join(f"`{name}`" for name in names)
        tally.note(
            f"{listed} of a config file that was found in the workspace: not written to {settings.test_execution}, "
            "which `test-execution` names"
        )


_LINKED: Final = ("fix-version", "revision", "test-environments")


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


def form_info(
    job: Job,
    tally: Tally,
    site: Site,
    own: Own,
    marked: Marker | None = None,
    *,
    project: str | None = None,
    existing: bool = False,
    tell: bool = True,
) -> dict[str, Any]:
    """Return the part `info` of the multipart path, with the site's own field ids on Server/DC.

    `project` is that of the Tests, where none is set. `existing`: of a Test Execution that is there, which gets what
    was set. `tell` says what it cannot carry.
    """
    from xray_ci.xray import envelope  # noqa: PLC0415

    custom = _named(site.custom_fields()) if site.deployment.key == "server" else {}
    named = _execution(job, tally, own, marked, labelled=True, project=project, existing=existing)
    made, notices = envelope.form_info(named, site.deployment, custom, existing=existing)
    for notice in notices if tell else ():
        tally.note(notice.cause)
    if not made["fields"].get("project"):
        raise ConfigurationError(
            "`project` is needed: this path always creates a Test Execution",
            where="project",
            slug="project-required",
            advice="Set `project`.",
        )
    _check_part("info", made, site.deployment, existing=existing)
    return made


def _check_part(name: str, made: Mapping[str, Any], deployment: Deployment, *, existing: bool) -> None:
    """Check a part of a form against its schema; what the user put into `fields` can break it."""
    from xray_ci.xray.validate import Checker  # noqa: PLC0415

    flaws = Checker(deployment.key).part(name, existing=existing).flaws(made)
    if flaws:
        raise ConfigurationError(
            f"part `{name}` would be refused: {flaws[0]}",
            where="fields",
            slug="invalid-payload",
            advice="Correct `fields` (or `labels`). Nothing was sent.",
        )


def _execution(
    job: Job,
    tally: Tally,
    own: Own,
    marked: Marker | None = None,
    *,
    labelled: bool = False,
    project: str | None = None,
    existing: bool = False,
) -> Any:
    """Return what a Test Execution is called.

    Its marks are labels where labels can be written, else the description's last line. One that the user names gets
    what the pipeline set, nothing by default; one of ours that is there already keeps what it is called by default.
    """
    from xray_ci.xray.envelope import ExecutionInfo  # noqa: PLC0415

    settings = job.settings
    named = settings.test_execution
    written = named is not None or existing

    def given(name: str, value: Any, *, of: bool = written) -> Any:
        return value if not of or said(job, name) else None

    template = settings.description or (_of_the_run(job) if settings.ci_link else None)
    description = given("description", _text(template, job, tally, own, lines=True))
    labels = given("labels", settings.labels) or ()
    marks = (marked.token, *([marked.line] if marked.line else ())) if marked is not None else ()
    if labelled:
        labels = (*labels, *marks)
    elif marks:
        description = "\n\n".join(filter(None, (description, " ".join(marks))))
    linked = named is not None
    return ExecutionInfo(
        project=settings.project or project or (named.rpartition("-")[0] if named else None),
        summary=given("summary", _summary(job, tally, own)),
        description=description,
        fix_version=given("fix-version", next(iter(settings.fix_version), None), of=linked),
        revision=given("revision", _revision(job), of=linked),
        test_plan=next(iter(settings.test_plan), None),
        test_environments=given("test-environments", _environments(job, own), of=linked) or (),
        labels=labels,
        fields=settings.execution_fields() or {},
        started=None if written else own.started,
        finished=None if written else own.finished,
    )


_RUN: Final = (("run_url", "CI run"), ("branch", "Branch"), ("commit", "Commit"), ("actor", "By"))


def _of_the_run(job: Job) -> str | None:
    """Return a description that says which run of the CI system it was, None outside of one."""
    around = job.surroundings
    known = [f"{word}: {{{name}}}" for name, word in _RUN if getattr(around, name)]
    return "\n".join(known) if around.run_url or around.run_id else None


def target_of(job: Job, tally: Tally, site: Site, own: Own) -> ImportTarget:
    """Return where results go."""
    settings = job.settings
    named = _execution(job, tally, own, existing=True)
    tally.environments |= dict.fromkeys(named.test_environments)
    return ImportTarget(
        deployment=site.deployment,
        project=settings.project,
        test_execution=settings.test_execution,
        test_plan=next(iter(settings.test_plan), None),
        environments=named.test_environments,
        fix_version=named.fix_version,
        revision=named.revision,
        summary=named.summary,
        description=named.description,
        labels=named.labels,
        fields=settings.execution_fields(),
        test_fields=settings.test_fields if settings.strategy == "native" else None,  # else Jira gives them
    )


def _environments(job: Job, own: Own) -> tuple[str, ...]:
    names = dict.fromkeys((*job.settings.test_environments, *own.environments))
    return tuple(name for name in names if name not in job.unknown_environments)


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
    ours = _text(default_summary(job.surroundings, job.settings.shards), job, tally, own) or "xray-ci import"
    return without_mentions(f"{ours} ({own.label})") if own.label else ours


def _text(template: str | None, job: Job, tally: Tally, own: Own, *, lines: bool = False) -> str | None:
    from xray_ci.ci.provider import placeholders  # noqa: PLC0415
    from xray_ci.settings.texts import expand, expand_lines  # noqa: PLC0415
    from xray_ci.xray.escaping import inline, without_mentions  # noqa: PLC0415

    if template is None:
        return None
    values = placeholders(job.surroundings, job.settings.shards) | {
        "date": f"{job.now:%Y-%m-%d}",
        "month": f"{job.now:%Y-%m}",
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
