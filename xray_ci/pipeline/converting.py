"""All reports of a run as the tests of its Test Executions, on disk, and the plan of their requests.

Translates settings into the words of who maps and writes.

`max-new-tests` says no before an import that would create more Tests than the user allows. It asks Xray which Tests
there are only when the reports hold more Tests without key than that; nothing is written before.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from xray_ci.delivery.plan import joined
from xray_ci.delivery.planners import document
from xray_ci.errors import TooManyNewTests, many
from xray_ci.model import Severity
from xray_ci.pipeline import planning, reading
from xray_ci.pipeline.job import mapping_of, rulebook_of
from xray_ci.xray.mapping import NotPlanned, identity_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from xray_ci.delivery.plan import Plan
    from xray_ci.delivery.planners import BatchOnDisk
    from xray_ci.deployments import Deployment
    from xray_ci.model import IssueKind
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.pipeline.reading import ReportSource
    from xray_ci.xray.assembly import Assembly
    from xray_ci.xray.mapping import MappingOptions, TestTarget
    from xray_ci.xray.writing import Assembled

_FRAME: Final = 6_000
"""Bytes of a request besides its tests and `info`: brackets, keys, the frame of a form, environments of its own."""


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
    raise too_many([identity.decode() for identity in new], most)


def too_many(new: Sequence[str], most: int) -> TooManyNewTests:
    """Return the failure that so many new Tests, by their identities, are."""
    shown = sorted(identity.split("\0", 2)[2] for identity in new)
    listed = "\n".join(shown[:10] + [f"… and {len(shown) - 10:,} more"] * (len(shown) > 10))  # noqa: PLR2004  # lines of one error
    return TooManyNewTests(
        f"the import would create {many(len(new), 'Test')}, and `max-new-tests` allows {most:,}", where=listed
    )


def assembly(job: Job, deployment: Deployment, mapped: MappingOptions, field_id: Any = None) -> Assembly:
    """Return the assembly that this run's cases go into."""
    from xray_ci.xray import render  # noqa: PLC0415
    from xray_ci.xray.assembly import Assembly, AssemblyOptions  # noqa: PLC0415
    from xray_ci.xray.evidence import EvidenceOptions  # noqa: PLC0415

    settings = job.settings
    rendered = render.RenderOptions(
        deployment=deployment,
        api_version=settings.api_version or deployment.api_versions[0],
        statuses=settings.statuses,
        timezone=ZoneInfo(settings.timezone),
        comments=settings.comments,
        field_id=field_id or (lambda _: None),
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
            rulebook=rulebook_of(settings),
            executions=settings.executions,
            explained=job.planning,
            identified=settings.max_new_tests is not None and not job.planning,
        ),
    )


def assembled(
    job: Job,
    tally: Tally,
    deployment: Deployment,
    sources: Sequence[ReportSource],
    *,
    resolve: Any = None,
    kinds: Mapping[str, IssueKind] = MappingProxyType({}),
    field_id: Any = None,
    covers: bool = False,
    only: Any = None,
) -> Assembled:
    """Read all reports into one file of tests for each Test Execution; tell what was left out."""
    mapped = replace(
        mapping_of(job.settings),
        resolve=resolve or (lambda _: None),
        kinds=kinds,
        covers=covers,
        requirements=job.settings.requirements != "none",
        only=only,
    )
    with assembly(job, deployment, mapped, field_id) as gathering:
        reading.read_all(job, tally, sources, gathering, mapped=mapped)
        most = job.settings.batch_bytes or deployment.limits.batch_bytes
        # The bound is that of a whole request: what stands around its tests is taken off.
        around = len(document(planning.info(job, tally, planning.NOTHING))) + _FRAME
        done = gathering.finish(batch_tests=job.settings.batch_tests, batch_bytes=max(1, most - around))
    tally.merged, tally.unmapped = done.counts.merged, done.counts.unmapped
    tally.left_out = done.counts.unmapped + done.counts.ruled_out + done.counts.not_in_plan
    for problem in (*done.problems, *done.notices):
        unasked = job.offline and problem.slug == "test-id-unresolved"  # an import may find it
        tally.problem(replace(problem, severity=Severity.NOTICE) if unasked else problem)
    if done.counts.unmapped:
        tally.note(f"{many(done.counts.unmapped, 'result')} left out that had no Test key (`unmapped: skip`)")
    if done.counts.not_in_plan:
        plans = ", ".join(job.settings.test_plan)
        tally.note(
            f"{many(done.counts.not_in_plan, 'result')} left out, of Tests that are not in {plans} (`only-in-plan`)"
        )
    return done


def plan(
    job: Job, tally: Tally, site: Site, sources: Sequence[ReportSource], kinds: Mapping[str, IssueKind]
) -> Plan | None:
    """Return the plan of converted results, None when there is nothing; raises Failure for what must not be sent."""
    from xray_ci.delivery.planners import BatchOnDisk, convert  # noqa: PLC0415

    done = assembled(
        job,
        tally,
        site.deployment,
        sources,
        resolve=site.key_of_issue,
        kinds=kinds,
        field_id=site.run_field,
        covers=site.covers and job.settings.requirements == "link",
        only=_in_plan(job, site),
    )
    if not done.portions:
        return None
    if not job.planning:  # a plan looks up more, and says it all
        check_new_tests(job, site, done)
    plans: list[Plan] = []
    for portion in done.portions:
        own = planning.of_portion(portion, several=job.settings.executions != "single")
        target = planning.target_of(job, tally, site, own)
        batches = [
            BatchOnDisk(path=portion.path, offset=batch.offset, length=batch.length, tests=batch.tests)
            for batch in portion.batches
        ]
        marked = planning.marker(job, site, own)
        project = _project(job, batches[0])
        # Racing runs make an empty one that has it all already, so no form is sent.
        wants_form = target.wants_form and not (marked and marked.race)
        existing = target.test_execution is not None
        form = planning.form_info(job, tally, site, own, marked, existing=existing) if wants_form else None
        plans.append(
            convert(
                target,
                batches,
                info=planning.checked_info(job, tally, site.deployment, own, marked),
                form_info=form,
                first=1 + sum(len(plan.calls) for plan in plans),
                label=own.label,
                mark=planning.mark(
                    job,
                    tally,
                    site,
                    own,
                    marked,
                    project=project,
                    # Racing runs made it with all that is set; another attempt may have been given something else.
                    writes=not marked.race and any(planning.said(job, name) for name in planning.WRITTEN),
                )
                if marked
                else None,
            )
        )
    job.console.info(_tests(done))
    if len(done.decided) > 1:
        job.console.info(
            "Test of each result, decided by " + ", ".join(f"{by}: {count:,}" for by, count in done.decided.items())
        )
    return replace(joined(plans), covered=done.covered)


def _in_plan(job: Job, site: Site) -> Any:
    """Return what leaves out Tests that are in none of the Test Plans, None where all take part; raises Failure."""
    if not job.settings.only_in_plan:
        return None
    if job.offline:
        job.console.notice("`only-in-plan`: nobody was asked what is in the Test Plan, so all results are planned")
        return None
    from xray_ci.services.store import PLAN  # noqa: PLC0415

    with job.asking("only-in-plan"):
        tests = [test for plan in job.settings.test_plan for test in site.store.held(plan, PLAN)]
    keys = frozenset(test.key for test in tests)
    known = {
        identity_of(test.test_type, test.key.rpartition("-")[0], test.definition or test.summary) for test in tests
    }
    job.console.info(f"{many(len(keys), 'Test')} in {', '.join(job.settings.test_plan)}: only their results are sent")

    def only(target: TestTarget) -> TestTarget | NotPlanned:
        if target.keys:
            own = tuple(key for key in target.keys if key in keys)
            return replace(target, keys=own) if own else NotPlanned()
        found = identity_of(target.test_type, target.project, target.definition or target.summary)
        return target if found in known else NotPlanned()

    return only


def _project(job: Job, batch: BatchOnDisk) -> str | None:
    """Return the project of a new Test Execution: the user's, else that of the first Test that is named by key."""
    from xray_ci.delivery.reconcile import listed  # noqa: PLC0415
    from xray_ci.services.body import Slice  # noqa: PLC0415

    if job.settings.project is not None:
        return job.settings.project
    first = next(listed(Slice(path=batch.path, offset=batch.offset, length=batch.length)), None)
    return first.head.testKey.rpartition("-")[0] if first is not None and first.head.testKey else None


def _tests(done: Assembled) -> str:
    counts = done.counts
    parts = []
    if counts.tests_by_key:
        parts.append(f"{many(counts.tests_by_key, 'Test')} by key")
    if counts.tests_by_identity:
        parts.append(f"{counts.tests_by_identity:,} by name (found or created)")
    if counts.merged:
        parts.append(f"{many(counts.merged, 'repeat')} merged")
    if counts.ruled_out:
        parts.append(f"{counts.ruled_out:,} left out by rules")
    if done.evidence_files:
        parts.append(f"{many(done.evidence_files, 'evidence file')} ({done.evidence_bytes:,} bytes)")
    return f"{many(counts.sent, 'Test Run')}: {', '.join(parts) or 'none'}"
