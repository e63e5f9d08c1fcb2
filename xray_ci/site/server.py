"""Xray Server/Data Center, looked at: a Jira, its user, the app in it, a project and what it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.errors import Failure
from xray_ci.services.jira import xray_fields
from xray_ci.site import asked
from xray_ci.site.findings import doubtful, failed, holds, steps, wrong

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from xray_ci.deployments import Deployment
    from xray_ci.services.jira import Jira
    from xray_ci.services.server import ServerStore
    from xray_ci.settings.values import Settings
    from xray_ci.site.findings import Finding

_FIELDS: Final = {
    "test_plan": "Test Plan",
    "test_environments": "Test Environments",
    "revision": "Revision",
    "begin_date": "Begin Date",
    "end_date": "End Date",
}


def look(
    settings: Settings, deployment: Deployment, store: ServerStore, jira: Jira, *, base_url: str, now: datetime
) -> Iterator[Finding]:
    """Yield what is found; ends where nothing more can be asked."""
    for name, ask in (
        ("reachability", lambda: asked.is_jira(jira, deployment, base_url)),
        ("credentials", lambda: _login(settings, jira, now)),
        ("xray", lambda: _licence(store)),
    ):
        found = tuple(steps((name, ask)))
        yield from found
        if any(each.code for each in found):
            return
    project = asked.project_of(settings)
    keys = tuple(filter(None, (*settings.test_plan, settings.test_execution)))
    yield from steps(
        ("project", lambda: _project(settings, jira, project)),
        ("test-plan", lambda: _issues(settings, store, keys)),
        ("triggered-from", lambda: asked.trigger(settings, store.kind_of)),
        ("test-environments", lambda: _environments(settings)),
        ("statuses", lambda: asked.words(settings, deployment, store.statuses())),
        ("custom-fields", lambda: _custom_fields(jira)),
    )


def _login(settings: Settings, jira: Jira, now: datetime) -> Iterator[Finding]:
    found = tuple(asked.identity(jira))
    yield holds("credentials", "Jira accepts them")
    yield from found
    if settings.jira_token is not None:
        yield from asked.tokens(jira, now)


def _licence(store: ServerStore) -> Iterator[Finding]:
    try:
        kind = store.licence()
    except Failure as failure:
        yield (
            wrong(
                "xray",
                f"Xray is not in this Jira, or not at this address ({failure.answer})",
                "Install Xray there, or correct `jira-url` (with its context path) and `api-version`.",
                failure.exit_code,
            )
            if (failure.answer or "").startswith("404")
            else failed("xray", failure)
        )
        return
    if kind is None:
        yield wrong("licence", "the licence of Xray is not valid", "Ask a Jira administrator to renew it.", code=5)
    else:
        yield holds("licence", f"Xray has a valid licence ({kind})")


def _project(settings: Settings, jira: Jira, project: str | None) -> Iterator[Finding]:
    if project is None:
        yield asked.no_project()
        return
    yield from asked.project(jira, settings, project, decides=True)


def _issues(settings: Settings, store: ServerStore, keys: tuple[str, ...]) -> Iterator[Finding]:
    """Look at Test Plans and the Test Execution in one search."""
    found = store.typed(keys) if keys else ()
    yield from asked.issues("test-plan", asked.PLAN, settings.test_plan, found)
    yield from asked.issues("test-execution", asked.EXECUTION, tuple(filter(None, (settings.test_execution,))), found)


def _environments(settings: Settings) -> Iterator[Finding]:
    if settings.test_environments:
        listed = ", ".join(settings.test_environments)
        yield holds("test-environments", f"{listed}: Xray Server/Data Center lists none, and makes what is missing (A)")


def _custom_fields(jira: Jira) -> Iterator[Finding]:
    """Look for the fields that Xray reads from `info`, by Xray's own types."""
    fields = jira.fields()
    ids = xray_fields(fields)
    missing = [name for attribute, name in _FIELDS.items() if getattr(ids, attribute) is None]
    for name in missing:
        alike = [each.id for each in fields if each.name.lower() == name.lower()]
        several = f"several fields could be {name}: {', '.join(alike)}" if len(alike) > 1 else f"no field is {name}"
        yield doubtful(
            "custom-fields", several, "Give its value by the field's id in `fields`, or let Jira have one field."
        )
    if not missing:
        listed = ", ".join(f"{name} {getattr(ids, attribute)}" for attribute, name in _FIELDS.items())
        yield holds("custom-fields", listed)
