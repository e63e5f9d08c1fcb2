"""Xray Cloud, looked at: an API key, a region, a project and what it holds; Jira only where it may be asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.errors import Failure, Refused, WrongRegion
from xray_ci.services.verdict import origin
from xray_ci.site import asked
from xray_ci.site.findings import REACHABILITY, failed, holds, steps, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xray_ci.deployments import Deployment
    from xray_ci.services.cloud import CloudStore
    from xray_ci.services.jira import Jira
    from xray_ci.settings.values import Settings
    from xray_ci.site.findings import Finding


def look(
    settings: Settings,
    deployment: Deployment,
    store: CloudStore,
    jira: Jira | None,
    *,
    signed: bool,
    base_url: str,
    locate: Callable[[WrongRegion], None],
) -> Iterator[Finding]:
    """Yield what is found. `signed`: Jira is asked as somebody; `locate` lets a failure name the region that works."""
    try:
        known = store.statuses()
    except Failure as failure:
        if isinstance(failure, WrongRegion):
            locate(failure)
        yield failed(REACHABILITY, failure)
        return
    yield holds("reachability", f"{origin(base_url)} answers as {deployment.title}")
    yield holds("deployment", deployment.title)
    yield holds("credentials", "the API key is accepted")
    yield holds("region", f"{origin(base_url)} gives data of this site")
    yield holds("licence", "Xray gives data, so its licence is valid")
    project = asked.project_of(settings)
    yield from steps(
        ("project", lambda: _project(settings, store, project, known_to_jira=signed)),
        ("test-plan", lambda: _issues(store, "test-plan", asked.PLAN, settings.test_plan)),
        (
            "test-execution",
            lambda: _issues(store, "test-execution", asked.EXECUTION, tuple(filter(None, (settings.test_execution,)))),
        ),
        ("triggered-from", lambda: asked.trigger(settings, store.kind_of)),
        ("statuses", lambda: asked.words(settings, deployment, known)),
        ("jira-url", lambda: _jira(settings, deployment, jira, project, signed=signed) if jira is not None else ()),
    )


def _project(settings: Settings, store: CloudStore, project: str | None, *, known_to_jira: bool) -> Iterator[Finding]:
    """Look at the project and what is known of it by name; without it there is nothing to compare with."""
    if project is None:
        yield asked.no_project()
        return
    try:
        environments = store.environments(project)
    except Refused as refused:
        yield wrong("project", f"the API key sees no project {project} ({refused.answer})", refused.next)
        return
    yield holds("project", f"{project} is there")
    for name in settings.test_environments:
        if name in environments:
            yield holds("test-environments", f"{name} is there")
        elif "environments" in settings.create_missing:
            yield holds("test-environments", f"{name} is not there, and an import makes it")
        else:
            there = f"there are {', '.join(environments[:20])}" if environments else "it has none"
            yield wrong(
                "test-environments",
                f"the project has no Test Environment {name}; {there}",
                "Create it in the project first, or correct `test-environments`.",
            )
    for name in () if known_to_jira else settings.fix_version:
        known = store.knows_version(project, name)
        yield holds("fix-version", f"version {name} is there") if known else asked.unknown_version(name)


def _issues(store: CloudStore, name: str, kind: str, keys: tuple[str, ...]) -> Iterator[Finding]:
    if keys:
        yield from asked.issues(name, kind, keys, store.typed(keys, kind))


def _jira(
    settings: Settings, deployment: Deployment, jira: Jira, project: str | None, *, signed: bool
) -> Iterator[Finding]:
    """Look at the Jira of this site, as the Jira user sees it."""
    elsewhere = [each for each in asked.is_jira(jira, deployment, settings.jira_url or "") if each.code]
    if elsewhere or not signed:
        yield from elsewhere
        return
    yield from asked.identity(jira)
    if project is None:
        return
    yield from asked.project(jira, settings, project, decides=False)
