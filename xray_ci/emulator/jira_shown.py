"""How Jira shows an issue: its fields by name or id, on Cloud and on Server. Knows the world; knows no requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.clock import jira_time
from xray_ci.emulator.info_part import BEGIN_FIELD, END_FIELD, ENVIRONMENTS_FIELD, PLAN_FIELD, REVISION_FIELD
from xray_ci.emulator.seed import ISSUE_TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from xray_ci.emulator.world import Issue, World

TYPE_FIELD: Final = "customfield_11800"
DEFINITION_FIELD: Final = "customfield_11801"
SCENARIO_FIELD: Final = "customfield_11802"
_TYPE_OPTIONS: Final = {"Manual": "10100", "Cucumber": "10101", "Generic": "10102"}


def fields_of(world: World, issue: Issue, *, cloud: bool) -> dict[str, Any]:
    """Return every field; Xray's custom fields exist on Server only (O)."""
    every = {
        "summary": issue.summary,
        "description": issue.description or None,
        "status": {"name": "To Do", "statusCategory": {"key": "new"}},
        "issuetype": {"id": ISSUE_TYPES[issue.type], "name": issue.type},
        "project": {"id": world.projects[issue.project].id, "key": issue.project},
        "labels": issue.labels,
        "fixVersions": [{"name": name} for name in issue.fix_versions],
        "created": jira_time(issue.created),
        **issue.fields,
    }
    return every if cloud else {**every, **_xray_fields(issue)}


def shown(world: World, issue: Issue, wanted: Any, *, root: str, cloud: bool) -> dict[str, Any]:
    """Return an issue with the fields that are wanted: a list, a text with commas, or nothing for all."""
    every = fields_of(world, issue, cloud=cloud)
    names: Sequence[str] = wanted.split(",") if isinstance(wanted, str) else wanted
    chosen = every if not names or "*all" in names else {name: every[name] for name in names if name in every}
    return {"id": issue.id, "key": issue.key, "self": f"{root}/rest/api/2/issue/{issue.id}", "fields": chosen}


def _xray_fields(issue: Issue) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if issue.test is not None:
        kind = issue.test.type
        found[TYPE_FIELD] = {"id": _TYPE_OPTIONS.get(kind, "10103"), "value": kind, "disabled": False}  # an option (R)
        found[DEFINITION_FIELD] = issue.test.definition or None
        found[SCENARIO_FIELD] = issue.test.scenario or None
    if issue.execution is not None:
        found[PLAN_FIELD] = issue.execution.plans
        found[ENVIRONMENTS_FIELD] = issue.execution.environments
        found[REVISION_FIELD] = issue.execution.revision or None
        found[BEGIN_FIELD], found[END_FIELD] = issue.execution.started, issue.execution.finished
    return found
