"""What was asked for beside what a site knows: keys, versions, environments, words, types, permissions, fields.

The questions that both products answer. Knows settings and Jira's answers; asks nobody but Jira.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from xray_ci.deployments import DEPLOYMENTS
from xray_ci.errors import Refused
from xray_ci.services.verdict import origin
from xray_ci.site.findings import doubtful, holds, steps, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping
    from datetime import datetime

    from xray_ci.deployments import Deployment
    from xray_ci.services.jira import Jira, JiraProject
    from xray_ci.services.store import TypedIssue
    from xray_ci.settings.values import Settings
    from xray_ci.site.findings import Finding

PLAN: Final = "Test Plan"
EXECUTION: Final = "Test Execution"
_PERMISSIONS: Final = ("BROWSE_PROJECTS", "CREATE_ISSUES", "LINK_ISSUES")
_OWN: Final = frozenset({"project", "issuetype", "summary", "reporter"})
"""Fields of an issue that are always filled in: by us, by Xray or by Jira."""
_SOON: Final = timedelta(days=30)
"""How long before its end a token is told of as a warning."""
_LISTED: Final = 20
"""Names shown of what there is instead of what was asked for."""


def project_of(settings: Settings) -> str | None:
    """Return the project that results go to, as far as settings say."""
    if settings.project is not None:
        return settings.project
    return settings.test_execution.rpartition("-")[0] if settings.test_execution else None


def no_project() -> Finding:
    """Tell that nothing names a project."""
    return doubtful(
        "project",
        "no project is named: only results that name a Test, in a Test Execution that is there, can be imported",
        "Set `project`.",
    )


def project(jira: Jira, settings: Settings, key: str, *, decides: bool) -> Iterator[Finding]:
    """Look at a project as Jira shows it; `decides` says whether results are imported as this user."""
    try:
        held = jira.project(key)
    except Refused as refused:
        yield wrong(
            "project" if decides else "jira-url",
            f"this user sees no project {key} ({refused.answer})",
            "Set `project` to a project key that this user can see.",
        )
        return
    if decides:
        yield holds("project", f"{key} is there: {held.name}")
    yield from types(held)
    yield from versions(settings, held.versions)
    yield from steps(
        ("permissions", lambda: permissions(jira, key, decides=decides)),
        ("fields", lambda: mandatory(jira, settings, key, held)),
    )


def issues(name: str, kind: str, keys: Collection[str], found: Collection[TypedIssue]) -> Iterator[Finding]:
    """Compare keys of one setting with what is there."""
    by_key = {each.key: each for each in found}
    for key in keys:
        issue = by_key.get(key)
        if issue is None:
            yield wrong(
                name,
                f"{key} is not there, or these credentials do not see it",
                f"Set `{name}` to the key of a {kind} that this user can see.",
            )
        elif issue.type != kind:
            is_a = f"{key} is a {issue.type}, and no {kind}" if issue.type else f"{key} is no {kind}"
            yield wrong(name, is_a, f"Set `{name}` to the key of a {kind}.")
        elif issue.done:
            yield doubtful(
                name,
                f"{key} is a {kind} whose workflow has ended; a site can lock such issues",
                f"Open it again in Jira, or set `{name}` to another one.",
            )
        else:
            yield holds(name, f"{key} is a {kind}")


def trigger(settings: Settings, kind_of: Callable[[str], str | None]) -> Iterator[Finding]:
    """Look at the issue from which Xray started the job."""
    key = settings.triggered_from
    if key is None:
        return
    kind = kind_of(key)
    if kind is None:
        text = f"{key} is no {PLAN} and no {EXECUTION}, or these credentials do not see it"
        yield wrong("triggered-from", text, f"Start the job from a {PLAN} or a {EXECUTION}.")
    else:
        yield holds("triggered-from", f"{key} is a {kind}")


def versions(settings: Settings, known: Mapping[str, bool]) -> Iterator[Finding]:
    """Compare `fix-version` with the versions of the project: whether each is archived, by name."""
    for name in settings.fix_version:
        if name not in known and "fix-version" in settings.create_missing:
            yield holds("fix-version", f"version {name} is not there, and an import makes it")
        elif name not in known:
            yield unknown_version(name, f"; there are {_shown(known)}" if known else "; it has none")
        elif known[name]:
            yield wrong("fix-version", f"version {name} is archived", "Unarchive it in Jira, or set another one.")
        else:
            yield holds("fix-version", f"version {name} is there")


def unknown_version(name: str, more: str = "") -> Finding:
    """Tell that a project has no such version."""
    return wrong(
        "fix-version",
        f"the project has no version {name}{more}",
        "Create the version in the project first, or correct `fix-version`.",
    )


def words(settings: Settings, deployment: Deployment, known: Collection[str]) -> Iterator[Finding]:
    """Compare the status words that will be sent with those of the site; built-in ones are known to any."""
    asked = tuple(dict.fromkeys(settings.statuses.values()))
    bad = [word for word in asked if word not in known and word not in deployment.dialect.builtin]
    for word in bad:
        yield wrong(
            "statuses",
            f"the site has no status {word}; there are {_shown(known)}",
            "Correct the word in `statuses`, or create the status in Xray's settings.",
        )
    if not bad:
        sent = {**{key.value: word for key, word in deployment.dialect.statuses.items()}, **settings.statuses}
        yield holds("statuses", f"{_shown(dict.fromkeys(sent.values()))} are statuses of this site")


def types(held: JiraProject) -> Iterator[Finding]:
    """Look whether a project has Xray's issue types."""
    missing = [kind for kind in (EXECUTION, "Test") if kind not in held.types]
    if missing:
        yield wrong(
            "issue-types",
            f"the project has no issue type {' and no '.join(missing)}",
            "Let a Jira administrator add Xray's issue types to the issue type scheme of the project.",
        )
    else:
        yield holds("issue-types", f"the project has {EXECUTION} and Test")


def permissions(jira: Jira, project: str, *, decides: bool) -> Iterator[Finding]:
    """Look at what this user may do; `decides` says whether results are imported as this user."""
    held = jira.permissions(project, _PERMISSIONS)
    missing = [name for name in _PERMISSIONS if held.get(name) is False]
    remedy = f"Give this user {', '.join(missing)} in the permission scheme of {project}."
    if not missing:
        yield holds("permissions", f"this user may browse {project}, create issues and link them")
    elif not decides:
        text = f"the Jira user lacks {', '.join(missing)}; results are imported as the owner of the API key, though"
        yield doubtful("permissions", text, remedy)
    elif missing == ["LINK_ISSUES"]:
        yield doubtful("permissions", "this user may not link issues: requirements of Tests are not linked", remedy)
    else:
        yield wrong("permissions", f"this user lacks {', '.join(missing)}", remedy, code=5)


def mandatory(jira: Jira, settings: Settings, key: str, project: JiraProject) -> Iterator[Finding]:
    """Look for fields without which no Test Execution or Test is made, and that nothing fills in."""
    ours = {"description": settings.description, "labels": settings.labels, "fixVersions": settings.fix_version}
    given = _OWN | {name for name, value in ours.items() if value} | set(settings.execution_fields() or {})
    imported = settings.test_fields if settings.strategy == "native" else None  # else they come after the Test
    looked = (
        ("fields", EXECUTION, given, settings.test_execution is None),
        ("test-fields", "Test", _OWN | set(imported or {}), settings.unmapped == "create"),
    )
    for name, kind, supplied, made in looked:
        wanted = jira.mandatory(key, project.types[kind]) if made and kind in project.types else ()
        missing = [each for each in wanted or () if not {each.id, each.name} & supplied]
        told = ", ".join(f"{each.name} ({each.id})" for each in missing)
        way = "" if kind == EXECUTION else " with `strategy: native`"
        remedy = f"Give them in `{name}`{way}, or let Jira have a default."
        if missing and kind == EXECUTION:
            yield wrong(name, f"a {kind} must have {told}, and nothing gives it", remedy)
        elif missing:
            yield doubtful(name, f"a new {kind} must have {told}, and nothing gives it", remedy)
        elif wanted:
            yield holds(name, f"every mandatory field of a {kind} is given")


def is_jira(jira: Jira, deployment: Deployment, base_url: str) -> Iterator[Finding]:
    """Look which Jira answers; one that does not say so is what the settings say."""
    info = jira.server_info()
    if info is not None and info.deployment != deployment.key:
        other = DEPLOYMENTS[info.deployment].title
        yield wrong(
            "deployment",
            f"the settings are those of {deployment.title}, and the Jira at `jira-url` is one of {other}",
            f"Give the credentials of {other}, correct `jira-url`, or set `deployment`.",
            code=2,
        )
        return
    yield holds("reachability", f"{origin(base_url)} answers")
    yield holds(
        "deployment", f"{deployment.title}{f' in Jira {info.version}' if info else '; Jira does not say which'}"
    )


def identity(jira: Jira) -> Iterator[Finding]:
    """Say as whom Jira is asked."""
    yield holds("identity", f"Jira knows these credentials as {jira.myself()}")


def tokens(jira: Jira, now: datetime) -> Iterator[Finding]:
    """Say when the next personal access token of this user ends; Jira does not say which of them asks."""
    held = sorted(jira.tokens(), key=lambda each: each.ends)
    coming = [each for each in held if each.ends > now]
    if not coming:
        return
    first = coming[0]
    several = f"the first of {len(held)} of this user" if len(held) > 1 else "the only one of this user that ends"
    text = f"the personal access token {first.name!r} ends on {first.ends:%Y-%m-%d}; it is {several}"
    if first.ends - now > _SOON:
        yield holds("jira-token", text)
    else:
        yield doubtful("jira-token", text, "Make a new one in Jira, under your profile, and store it as `jira-token`.")


def _shown(names: Collection[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _LISTED} more" if len(listed) > _LISTED else ""
    return ", ".join(listed[:_LISTED]) + more
