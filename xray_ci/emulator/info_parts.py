"""The parts `info` and `testInfo` of a multipart import: Jira's create-issue JSON, with what each product adds.

Knows which fields are on the screen of a new Test Execution; knows nothing of the results that come along.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.answers import Basis, refusal
from xray_ci.emulator.importing import Target
from xray_ci.emulator.seed import ISSUE_TYPES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from xray_ci.emulator.sides import Side

PLAN_FIELD: Final = "customfield_11807"
ENVIRONMENTS_FIELD: Final = "customfield_11805"
REVISION_FIELD: Final = "customfield_11808"
BEGIN_FIELD: Final = "customfield_11809"
END_FIELD: Final = "customfield_11810"
JIRA_END_FIELD: Final = "customfield_10015"
CLOUD_FIELD: Final = "customfield_10020"

SCREEN: Final = frozenset(
    {
        "project",
        "summary",
        "issuetype",
        "description",
        "labels",
        "fixVersions",
        "versions",
        "components",
        "assignee",
        "reporter",
        "priority",
        "duedate",
        "environment",
        "security",
        "parent",
        "issuelinks",
    }
)
CLOUD_FIELDS: Final = frozenset({CLOUD_FIELD})
SERVER_FIELDS: Final = frozenset(
    {PLAN_FIELD, ENVIRONMENTS_FIELD, REVISION_FIELD, BEGIN_FIELD, END_FIELD, JIRA_END_FIELD}
)
_XRAY_FIELDS: Final = ("testPlanKey", "environments")
"""Confirmed names (O); others were sent by clients, and whether they work is not known."""


def read_info(document: Any, side: Side, projects: Mapping[str, str]) -> Target:
    """Read the part `info`; `projects` maps ids to keys. Raises Refusal."""
    fields = _fields(document, side)
    shape = _Shape(side)
    labels, fix_versions = shape.texts(fields, "labels"), shape.names(fields, "fixVersions")
    update = document.get("update", {})
    _check_screen(update if isinstance(update, dict) else {}, side)
    for change in update.get("labels", ()) if isinstance(update, dict) else ():
        labels = (*labels, change["add"]) if isinstance(change, dict) and "add" in change else labels
    common = Target(
        project=_project(fields, side, projects),
        summary=_summary(fields, side),
        labels=labels,
        fix_versions=fix_versions,
        description=fields.get("description"),
        fields=_rest(fields),
    )
    _check_type(fields, side)
    extra = _cloud(document, side) if side.name == "cloud" else _server(fields, shape)
    return replace(common, **extra)


def read_test_info(document: Any, side: Side) -> Mapping[str, Any]:
    """Read the part `testInfo`: Jira fields of the Tests that are made. Raises Refusal."""
    fields = _fields(document, side)
    _Shape(side).texts(fields, "labels")
    return {name: value for name, value in fields.items() if name not in ("project", "issuetype", "summary")}


def _rest(fields: Mapping[str, Any]) -> dict[str, Any]:
    known = {"project", "summary", "issuetype", "description", "labels", "fixVersions"}
    return {name: value for name, value in fields.items() if name not in known}


def _fields(document: Any, side: Side) -> dict[str, Any]:
    if not isinstance(document, dict) or not isinstance(document.get("fields"), dict):
        raise side.field("fields", "info file must hold an object fields", basis=Basis.ASSUMED)
    if side.name == "server" and "xrayFields" in document:
        raise side.field("xrayFields")
    fields: dict[str, Any] = document["fields"]
    _check_screen(fields, side)
    return fields


def _check_screen(fields: Mapping[str, Any], side: Side) -> None:
    allowed = SCREEN | (CLOUD_FIELDS if side.name == "cloud" else SERVER_FIELDS)
    for name in fields:
        if name not in allowed:
            raise side.field(name)


def _project(fields: Mapping[str, Any], side: Side, projects: Mapping[str, str]) -> str:
    project = fields.get("project")
    if not isinstance(project, dict):
        raise side.project(None)
    key = project.get("key") or projects.get(str(project.get("id")), "")
    if not key:
        raise side.project(None)
    return str(key)


def _summary(fields: Mapping[str, Any], side: Side) -> str:
    summary = fields.get("summary")
    if not isinstance(summary, str) or not summary.strip():
        raise side.field("summary", "You must specify a summary of the issue.", basis=Basis.RECALLED)
    return summary


def _check_type(fields: Mapping[str, Any], side: Side) -> None:
    """Cloud's examples always send the type (O); Server does not need it."""
    kind = fields.get("issuetype")
    if kind is None and side.name == "server":
        return
    given = kind if isinstance(kind, dict) else {}
    if given.get("name") == "Test Execution" or str(given.get("id")) == ISSUE_TYPES["Test Execution"]:
        return
    if side.name == "cloud":
        raise side.field("issuetype", "Specify a valid issue type")
    raise refusal("issuetype: issuetype")


def _cloud(document: Mapping[str, Any], side: Side) -> dict[str, Any]:
    extra = document.get("xrayFields", {})
    if not isinstance(extra, dict):
        raise side.format()
    invalid = [name for name in extra if name not in _XRAY_FIELDS]
    if invalid:
        raise refusal(
            "Error importing results: xrayFields in info file contains the following invalid fields: "
            f"{', '.join(invalid)}!"
        )
    plan, environments = extra.get("testPlanKey"), extra.get("environments", [])
    if plan is not None and not isinstance(plan, str):
        raise refusal("Error importing results: testPlanKey in info file must be a string!", basis=Basis.ASSUMED)
    if not _are_texts(environments):
        raise refusal("Error importing results: environments in info file must be a list!", basis=Basis.ASSUMED)
    return {"plans": (plan,) if plan else (), "environments": tuple(environments)}


def _server(fields: Mapping[str, Any], shape: _Shape) -> dict[str, Any]:
    begin, end = (shape.text(fields, name) for name in (BEGIN_FIELD, END_FIELD))
    return {
        "plans": shape.texts(fields, PLAN_FIELD),
        "plan_takes_tests": False,
        "environments": shape.texts(fields, ENVIRONMENTS_FIELD),
        "revision": shape.text(fields, REVISION_FIELD),
        "started": begin,
        "finished": end,
        "fields": {
            name: value for name, value in _rest(fields).items() if name not in SERVER_FIELDS - {JIRA_END_FIELD}
        },
    }


def _are_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


class _Shape:
    """Reads fields of a certain shape, or refuses as Jira does."""

    def __init__(self, side: Side) -> None:
        self._side = side

    def text(self, fields: Mapping[str, Any], name: str) -> str | None:
        value = fields.get(name)
        if value is not None and not isinstance(value, str):
            raise self._side.field(name, "Operation value must be a string", basis=Basis.RECALLED)
        return value

    def texts(self, fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
        value = fields.get(name) or []
        if not _are_texts(value):
            raise self._side.field(name, "data was not an array", basis=Basis.RECALLED)
        return tuple(value)

    def names(self, fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
        value = fields.get(name) or []
        if not isinstance(value, list) or not all(
            isinstance(each, dict) and isinstance(each.get("name"), str) for each in value
        ):
            raise self._side.field(name, "expected Object containing a `name` property")
        return tuple(each["name"] for each in value)
