"""What is done around an import, one row for each setting: where new Tests go, files, links, the transition.

Runs when all results are stored, and loses none of them: a step that fails is a problem of its own, and done once
more it changes nothing. Only versions are made before. Knows settings and one issue at a time; knows nothing of how
results came into it.
"""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from itertools import islice
from typing import TYPE_CHECKING, Final, NamedTuple

from xray_ci.errors import (
    AroundRefused,
    AroundUndone,
    ConfigurationError,
    Failure,
    Interrupted,
    LoginPage,
    NotAuthorised,
    Refused,
    WrongCredentials,
    many,
)
from xray_ci.pipeline.around import Around
from xray_ci.services.store import KEY, PAGE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from xray_ci.delivery.plan import Plan
    from xray_ci.pipeline.connecting import Site
    from xray_ci.pipeline.job import Job, Tally
    from xray_ci.services.jira_issue import JiraIssue
    from xray_ci.services.repository import MadeIssue
    from xray_ci.settings.values import Settings

_TITLE: Final = 255
"""Characters of a link's title and summary; Jira takes no longer titles (A)."""
_MOVED: Final = "xray-ci.transition"
"""Name of what is kept with an issue: the transition that was made, and the status that it led to."""
_GIVEN: Final = "xray-ci.test-fields"
"""Name of what is kept with a new Test: which fields it was given, so that what people change later stays."""
_BEFORE: Final = timedelta(minutes=2)
"""Xray makes the Tests of an import before the Test Execution, or after it (A)."""
_MADE_WITH: Final = frozenset({"project", "issuetype"})
"""What only a new issue is given; a part `testInfo`, which people copy, has it."""
_TRIES: Final = 3
_PAUSE: Final = 5.0
"""Jira's index lags behind Tests that were just made (O); seconds between tries."""


class FollowUp(NamedTuple):
    """One thing that follows an import."""

    setting: str
    asked: Callable[[Settings], bool]
    does: Callable[[Around, str], str]
    """Does it to the Test Execution of a key; returns what was done, as people read it, empty for nothing."""
    told: Callable[[Settings], str]
    """What `plan` says of it."""
    permission: str
    """What the user of Jira has to be allowed for it."""
    by_jira: bool = True
    """Whether Jira does it, so that on Cloud the API key of Xray is not enough."""
    concludes: bool = False
    """Whether it waits until everything else went well."""


def described(job: Job) -> Iterator[str]:
    """Yield what would be done around the import."""
    if "fix-version" in job.settings.create_missing and job.settings.fix_version:
        yield f"first make versions that are not there: {', '.join(job.settings.fix_version)}"
    steps = [step for step in STEPS if step.asked(job.settings)]
    run = job.surroundings.run_url
    yield from (f"then {step.told(job.settings)}" for step in steps if run or step.does is not _link)


def prepare(job: Job, site: Site, plan: Plan) -> None:
    """Make the versions that miss, before anything is sent; raises Failure."""
    from xray_ci.services.jira_issue import make_version  # noqa: PLC0415

    settings = job.settings
    projects = [settings.project, settings.test_execution and settings.test_execution.rpartition("-")[0]]
    project = next(filter(None, (*projects, *(each.project for each in plan.executions))), None)
    if site.jira is None or project is None:
        return
    for name in settings.fix_version if "fix-version" in settings.create_missing else ():
        try:
            with job.asking("create-missing"):
                if make_version(site.jira, project, name):
                    job.console.info(f"version {name} was made in {project}")
        except (Refused, NotAuthorised) as failure:
            raise Refused(
                f"version {name} was not made in {project}: {failure.what}",
                where=f"create-missing, from {settings.origin('create-missing')}",
                answer=failure.answer,
                service=failure.service,
                advice="Let the user of these credentials administer the project, or make the version in Jira. Nothing "
                "was imported.",
            ) from failure


def follow(job: Job, tally: Tally, site: Site) -> bool:
    """Do what does not wait for the verdict; return whether nothing is left to do."""
    return _done(job, tally, site, [step for step in STEPS if not step.concludes])


def conclude(job: Job, tally: Tally, site: Site) -> bool:
    """Do what waits until everything else went well; return whether nothing is left to do."""
    steps = [step for step in STEPS if step.concludes and step.asked(job.settings)]
    if not steps or not tally.clean:
        for step in steps:
            job.console.info(f"`{step.setting}` is not done: not everything went well")
        return True
    from xray_ci.ci.provider import is_shard  # noqa: PLC0415

    if is_shard(job.surroundings, job.settings.shards):
        names = " and ".join(f"`{step.setting}`" for step in steps)
        tally.note(
            f"{names} is not done by one of several shards, as others still fill the Test Execution: an import after "
            "them does it, for example of the results that `collect` stored"
        )
        return True
    return _done(job, tally, site, steps)


def _done(job: Job, tally: Tally, site: Site, steps: list[FollowUp]) -> bool:
    if tally.stopped:
        return False
    around = Around(job=job, tally=tally, site=site, deployment=site.deployment)
    done = True
    for step in steps:
        if not step.asked(job.settings) or (step.by_jira and not site.signs_jira):
            continue
        for execution in tally.executions:
            try:
                if what := step.does(around, execution.key):
                    job.console.info(f"✓ {execution.key}: {what}")
            except Interrupted as stopped:
                tally.fail(stopped)
                return False
            except Failure as failure:
                told = _followed(job, step, execution.key, failure)
                if job.settings.origin(step.setting) == "default":  # nobody asked for it
                    tally.warn(told)
                    continue
                tally.fail(told)
                done = False
    return done and not around.left


def _followed(job: Job, step: FollowUp, key: str, failure: Failure) -> Failure:
    """Return a failure as one of what was to follow: nobody is to take it for a failed import."""
    if isinstance(failure, (AroundRefused, AroundUndone)):
        return failure
    refused = isinstance(failure, (Refused, NotAuthorised, ConfigurationError))
    kind: type[AroundRefused | AroundUndone] = AroundRefused if refused else AroundUndone
    advice = None
    if isinstance(failure, (WrongCredentials, LoginPage)):
        advice = f"The import is done. {failure.next}"
    elif isinstance(failure, NotAuthorised):
        advice = f"The import is done. Let the user of these credentials {step.permission}, then run this again."
    what = failure.what.replace("; the results may have been imported", "")
    return kind(
        f"`{step.setting}` was not done to {key}: {what}",
        where=f"{step.setting}, from {job.settings.origin(step.setting)}",
        answer=failure.answer,
        service=failure.service,
        advice=advice,
    )


def _attach(around: Around, key: str) -> str:
    from xray_ci.pipeline import attaching  # noqa: PLC0415

    return attaching.attach(around, key)


def _defects(around: Around, key: str) -> str:
    from xray_ci.pipeline import defects  # noqa: PLC0415

    return defects.settle(around, key)


# Where the Test Execution belongs


def _environments(around: Around, key: str) -> str:
    """Give the Test Execution the Test Environments that Xray Cloud makes so, and would refuse in an import."""
    names = around.job.settings.test_environments
    store, execution = around.stored(key)
    store.add_environments(execution, names)
    return f"linked to the Test Environments {', '.join(names)}"


def _plans(around: Around, key: str) -> str:
    """Link the Test Execution to the Test Plans behind the first, which the import takes; raises the first failure."""
    plans = around.job.settings.test_plan[1:]
    store, execution = around.stored(key)
    failures: list[Failure] = []
    for plan in plans:
        try:
            store.link_plan(plan, execution)
        except Interrupted:
            raise
        except Failure as failure:
            failures.append(failure)
    for first in failures:
        raise first
    return f"linked to {', '.join(plans)}"


# The CI run


def _link(around: Around, key: str) -> str:
    """Link the Test Execution to the CI run; the same run is one link, whichever of its jobs and attempts comes."""
    from xray_ci.xray.escaping import one_line  # noqa: PLC0415

    run, redact = around.job.surroundings, around.job.redactor
    if run.run_url is None or redact(run.run_url) != run.run_url:
        return ""
    facts = (run.provider.key, run.server, run.repository, run.definition or run.workflow, run.run_id or run.run_url)
    number = hashlib.sha256("\0".join(fact or "" for fact in facts).encode("utf-8", "surrogatepass")).hexdigest()
    name = run.workflow or run.repository or run.job or "run"
    title = f"{run.provider.title}: {name}{f' #{run.run_number}' if run.run_number else ''}"
    told = (("branch", run.branch), ("commit", run.commit and run.commit[:12]), ("by", run.actor))
    around.issue(key).link(
        f"xray-ci={number[:40]}",
        run.run_url,
        one_line(redact(title), _TITLE),
        summary=one_line(redact(", ".join(f"{word} {fact}" for word, fact in told if fact)), _TITLE),
        relationship="CI run",
    )
    return "linked to its CI run"


# The assignee


def _assign(around: Around, key: str) -> str:
    """Assign the Test Execution, unless it is so already; raises AroundRefused where nobody, or not one, is meant."""
    from xray_ci.services.jira_issue import person  # noqa: PLC0415

    text, cloud = around.job.settings.assignee or "", around.deployment.key == "cloud"
    who = person(around.jira, text, cloud=cloud, key=key)
    if who is None:
        raise AroundRefused(
            f"{key} was not assigned: `{text}` is not exactly one user to whom it may be assigned",
            where=f"assignee, from {around.job.settings.origin('assignee')}",
            advice="The import is done. Set `assignee` to the e-mail address or the whole name of a user who may be "
            "assigned issues of the project.",
        )
    issue = around.issue(key)
    if issue.assignee(cloud=cloud) == who.id:
        return ""
    issue.assign(who, cloud=cloud)
    return f"assigned to {who.shown or who.id}"


# The workflow


def _move(around: Around, key: str) -> str:
    """Make the transition unless the issue is where it leads; raises AroundRefused where there is none of that name."""
    wanted = (around.job.settings.transition or "").strip()
    issue = around.issue(key)
    status, steps = issue.status(), issue.transitions()
    step = next((each for each in steps if each.name.lower() == wanted.lower()), None)
    step = step or next((each for each in steps if each.to.lower() == wanted.lower()), None)
    if status.lower() == wanted.lower() or (step is not None and step.to == status):
        return ""
    if step is not None:
        issue.move(step)
        _remember(around, issue, wanted, step.to)
        return f"{status} → {step.to}"
    kept = issue.kept(_MOVED)
    if kept.get("name") == wanted.lower() and kept.get("to") == status:
        return ""
    listed = ", ".join(f"`{each.name}` (to {each.to})" for each in steps)
    raise AroundRefused(
        f"{key} is {status}, and from there this user has no transition `{wanted}`",
        where=f"transition, from {around.job.settings.origin('transition')}",
        advice=f"The import is done. Set `transition` to one of those that there are: {listed}."
        if listed
        else "The import is done. Let the user of these credentials make transitions: there is none at all for them.",
    )


def _remember(around: Around, issue: JiraIssue, wanted: str, to: str) -> None:
    """Keep with the issue where the transition led: from there many workflows list it no more.

    Where that is not taken, the next run that finds no such transition says so.
    """
    try:
        issue.keep(_MOVED, {"name": wanted.lower(), "to": to})
    except Interrupted:
        raise
    except Failure as failure:
        around.job.console.debug(f"where the transition of {issue.key} led could not be kept: {failure.what}")


# Where new Tests go


def _fold(around: Around, key: str) -> str:
    """Put new Tests into the folder of `test-folder`, each in its own project; return what was done."""
    path = around.job.settings.test_folder or ""
    tests = _new(around, key)
    for project in sorted({test.key.rpartition("-")[0] for test in tests}):
        own = [test for test in tests if test.key.rpartition("-")[0] == project]
        _each(own, lambda some, project=project: around.repository.lay(project, path, some))  # type: ignore[misc]
    return f"{many(len(tests), 'new Test')} put into {path}" if tests else ""


def _collect(around: Around, key: str) -> str:
    """Put new Tests into each of `test-sets`; return what was done."""
    tests, sets = _new(around, key), around.job.settings.test_sets
    for test_set in sets:
        _each(tests, lambda some, test_set=test_set: around.repository.collect(test_set, some))  # type: ignore[misc]
    return f"{many(len(tests), 'new Test')} put into {', '.join(sets)}" if tests else ""


def _component(around: Around, key: str) -> str:
    """Give new Tests the components that they lack; return what was done."""
    wanted, count = around.job.settings.components, 0
    for test in _new(around, key):
        issue = around.issue(test.key)
        there = issue.components()
        if missing := [name for name in wanted if name not in there]:
            issue.set_components([*there, *missing])
            count += 1
    return f"{many(count, 'new Test')} given {', '.join(wanted)}" if count else ""


def _give(around: Around, key: str) -> str:
    """Give new Tests the fields of `test-fields`, each once; return what was done."""
    from xray_ci.site.fields import resolved  # noqa: PLC0415

    tests = _new(around, key)
    if not tests:
        return ""
    cloud = around.deployment.key == "cloud"
    change = _change(resolved(around.jira, around.job.settings, "test-fields", cloud=cloud))  # `resume` has the names
    kept = {"sha256": hashlib.sha256(json.dumps(change, sort_keys=True).encode()).hexdigest()}
    count = 0
    for test in tests:
        issue = around.issue(test.key)
        if issue.kept(_GIVEN) != kept:
            issue.edit(change)
            issue.keep(_GIVEN, kept)
            count += 1
    return f"{many(count, 'new Test')} given {_fields(change)}" if count else ""


def _change(given: Mapping[str, object] | None) -> dict[str, dict[str, object]]:
    """Return fields as a change of an issue that is there; they may be in Jira's own shape already."""
    held = dict(given or {})
    whole = held if isinstance(held.get("fields"), dict) else {"fields": held}
    parts = {name: part for name in ("fields", "update") if isinstance(part := whole.get(name), dict)}
    return {name: {each: part[each] for each in part if each not in _MADE_WITH} for name, part in parts.items()}


def _fields(change: Mapping[str, Mapping[str, object]]) -> str:
    return ", ".join(name for part in change.values() for name in part)


def _each(tests: Sequence[MadeIssue], put: Callable[[Sequence[MadeIssue]], None]) -> None:
    for start in range(0, len(tests), PAGE):
        put(tests[start : start + PAGE])


def _new(around: Around, key: str) -> tuple[MadeIssue, ...]:
    """Return the Tests that were made for a Test Execution, looked for once; raises AroundUndone."""
    if key not in around.new:
        around.new[key] = _found(around, key)
    return around.new[key]


def _found(around: Around, key: str) -> tuple[MadeIssue, ...]:
    """Find them by their dates: named by no key, and no older than the Test Execution, whichever attempt asks."""
    from xray_ci.delivery.reconcile import PAGES, listed  # noqa: PLC0415

    filled = next(each for each in around.tally.filled if any(each.of(key)))
    stored = [call.stored_at for execution in filled.of(key) for call in execution.calls if call.stored_at is not None]
    named = {test.head.testKey for at in stored for test in listed(at) if test.head.testKey is not None}
    store, execution = around.stored(key)
    runs = islice(store.runs(execution), PAGES * PAGE)
    tests = [run.test for run in runs if run.test not in named and KEY.fullmatch(run.test)]
    if not tests:
        return ()
    made: dict[str, MadeIssue] = {}
    asked = [key, *tests]
    for number in range(_TRIES):
        if number:
            around.job.sleep(_PAUSE)
        left = [each for each in asked if each not in made]
        for start in range(0, len(left), PAGE):
            made |= {each.key: each for each in around.repository.made(left[start : start + PAGE])}
        if len(made) == len(asked):
            since = made[key].created - _BEFORE
            return tuple(made[test] for test in tests if made[test].created >= since)
    raise AroundUndone(
        f"{many(len(asked) - len(made), 'issue')} of {key} are not found by Jira's search, so new Tests are not known",
        where=key,
    )


STEPS: Final = (
    FollowUp(
        setting="create-missing",
        asked=lambda settings: (
            "environments" in settings.create_missing
            and bool(settings.test_environments)
            and settings.resolved_deployment() == "cloud"  # Server/DC makes them in the import (A)
        ),
        does=_environments,
        told=lambda settings: f"link it to the Test Environments {', '.join(settings.test_environments)}",
        permission="edit Test Executions",
        by_jira=False,
    ),
    FollowUp(
        setting="test-plan",
        asked=lambda settings: len(settings.test_plan) > 1,
        does=_plans,
        told=lambda settings: f"link it to {', '.join(settings.test_plan[1:])}",
        permission="link issues, and see these Test Plans",
        by_jira=False,
    ),
    FollowUp(
        setting="test-folder",
        asked=lambda settings: settings.test_folder is not None,
        does=_fold,
        told=lambda settings: f"put new Tests into the folder {settings.test_folder}",
        permission="edit the Test Repository",
        by_jira=False,
    ),
    FollowUp(
        setting="test-sets",
        asked=lambda settings: bool(settings.test_sets),
        does=_collect,
        told=lambda settings: f"put new Tests into {', '.join(settings.test_sets)}",
        permission="edit Test Sets",
        by_jira=False,
    ),
    FollowUp(
        setting="components",
        asked=lambda settings: bool(settings.components),
        does=_component,
        told=lambda settings: f"give new Tests the components {', '.join(settings.components)}",
        permission="edit issues",
    ),
    FollowUp(
        setting="test-fields",
        asked=lambda settings: bool(settings.test_fields) and settings.strategy != "native",  # which imports them
        does=_give,
        told=lambda settings: f"give new Tests the fields {_fields(_change(settings.test_fields))}",
        permission="edit issues",
    ),
    FollowUp(
        setting="attach",
        asked=lambda settings: bool(settings.attach),
        does=_attach,
        told=lambda settings: f"attach files: {', '.join(settings.attach)}",
        permission="create attachments",
    ),
    FollowUp(
        setting="ci-link",
        asked=lambda settings: settings.ci_link,
        does=_link,
        told=lambda _: "link the CI run",
        permission="link issues",
    ),
    FollowUp(
        setting="defects",
        asked=lambda settings: settings.defects != "none",
        does=_defects,
        told=lambda settings: f"{settings.defects} defects of failed tests",
        permission="create and link issues, and edit Test Runs",
    ),
    FollowUp(
        setting="assignee",
        asked=lambda settings: settings.assignee is not None,
        does=_assign,
        told=lambda settings: f"assign it to {settings.assignee}",
        permission="assign issues",
    ),
    FollowUp(
        setting="transition",
        asked=lambda settings: settings.transition is not None,
        does=_move,
        told=lambda settings: f"make the transition {settings.transition}",
        permission="transition issues",
        concludes=True,
    ),
)
"""In the order in which they are done; a workflow may lock an issue, so its transition comes last."""
