"""What a request says of an issue that is made or changed, whoever sends it.

The parts `info` and `testInfo` of a multipart import: Jira's create-issue JSON, with what each product adds.

What the standard paths say of the Test Execution, and small questions both products ask of a request.

How an issue is made or changed by Jira's create-issue JSON: REST, or Xray's GraphQL.

Knows which fields there are and how Jira refuses one; knows no requests.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.answers import refusal
from xray_ci.emulator.importing import Target
from xray_ci.emulator.world import (
    TEST_EXECUTION,
    TEST_PLAN,
    ExecutionDetails,
    PlanDetails,
    PreconditionDetails,
    SetDetails,
    TestDetails,
    link_plan,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from xray_ci.emulator.answers import Part
    from xray_ci.emulator.sides import Side
    from xray_ci.emulator.world import CustomField, Issue, Project, World


PLAN_FIELD: Final = "customfield_11807"
ENVIRONMENTS_FIELD: Final = "customfield_11805"
REVISION_FIELD: Final = "customfield_11808"
BEGIN_FIELD: Final = "customfield_11809"
END_FIELD: Final = "customfield_11810"
JIRA_END_FIELD: Final = "customfield_10015"
TYPE_FIELD: Final = "customfield_11800"
DEFINITION_FIELD: Final = "customfield_11801"
SCENARIO_FIELD: Final = "customfield_11802"
FOLDER_FIELD: Final = "customfield_11811"
SCENARIO_KIND_FIELD: Final = "customfield_11812"
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
_TEST_FIELDS: Final = frozenset({TYPE_FIELD, DEFINITION_FIELD, SCENARIO_FIELD, FOLDER_FIELD, SCENARIO_KIND_FIELD})
"""On Server, of a Test."""
_XRAY_FIELDS: Final = ("testPlanKey", "environments")
"""Confirmed names (O); others were sent by clients, and whether they work is not known."""


def read_info(document: Any, side: Side, world: World, *, sees: bool = True, execution: str | None = None) -> Target:
    """Read the part `info`. Raises Refusal.

    Where the report names its Test Execution, that one gets the fields, and summary and type may be left out (O).
    """
    fields = _fields(document, side, world)
    shape = _Shape(side)
    projects = {each.id: each.key for each in world.projects.values() if sees}
    labels, fix_versions = shape.texts(fields, "labels"), shape.names(fields, "fixVersions")
    update = document.get("update", {})
    _check_screen(update if isinstance(update, dict) else {}, side, world)
    changes = update.get("labels") if isinstance(update, dict) else None
    for change in changes if isinstance(changes, list) else ():
        if isinstance(change, dict) and isinstance(change.get("add"), str):
            labels = (*labels, change["add"])
    existing = bool(execution)
    common = Target(
        execution=execution,
        project=None if existing and "project" not in fields else _project(fields, side, projects),
        summary=None if existing and fields.get("summary") is None else _summary(fields, side),
        labels=labels,
        fix_versions=fix_versions,
        description=fields.get("description"),
        fields=_rest(fields),
    )
    if not existing or "issuetype" in fields:
        _check_type(fields, side, world)
    if not existing:
        for each in world.custom_fields:
            if TEST_EXECUTION in each.required_for and fields.get(each.id) in (None, "", []):
                raise side.field(each.id, f"{each.name} is required.", fact=f"{side.name}-field-required")
    extra = _cloud(document, side) if side.name == "cloud" else _server(fields, shape)
    return replace(common, **extra)


def read_test_info(document: Any, side: Side, world: World) -> Mapping[str, Any]:
    """Read the part `testInfo`: Jira fields of the Tests that are made. Raises Refusal."""
    fields = _fields(document, side, world)
    _Shape(side).texts(fields, "labels")
    return {name: value for name, value in fields.items() if name not in ("project", "issuetype", "summary")}


def _rest(fields: Mapping[str, Any]) -> dict[str, Any]:
    known = {"project", "summary", "issuetype", "description", "labels", "fixVersions"}
    return {name: value for name, value in fields.items() if name not in known}


def _fields(document: Any, side: Side, world: World) -> dict[str, Any]:
    if not isinstance(document, dict) or not isinstance(document.get("fields"), dict):
        raise side.field(
            "fields",
            "info file must hold an object fields",
            fact="cloud-info-shape" if side.name == "cloud" else "server-info-shape",
        )
    if side.name == "server" and "xrayFields" in document:
        raise side.field("xrayFields")
    fields: dict[str, Any] = document["fields"]
    _check_screen(fields, side, world)
    return fields


def _check_screen(fields: Mapping[str, Any], side: Side, world: World) -> None:
    allowed = SCREEN | (CLOUD_FIELDS if side.name == "cloud" else SERVER_FIELDS)
    allowed |= {each.id for each in world.custom_fields}
    for name in fields:
        if name not in allowed:
            raise side.field(name)


def _project(fields: Mapping[str, Any], side: Side, projects: Mapping[str, str]) -> str:
    project = fields.get("project")
    if not isinstance(project, dict):
        raise side.project(None)
    key = project.get("key") or projects.get(str(project.get("id")), "")
    if not key or not isinstance(key, str):
        raise side.project(None)
    return key


def _summary(fields: Mapping[str, Any], side: Side) -> str:
    summary = fields.get("summary")
    if not isinstance(summary, str) or not summary.strip():
        raise side.field("summary", "You must specify a summary of the issue.", fact=f"{side.name}-field-required")
    return summary


def _check_type(fields: Mapping[str, Any], side: Side, world: World) -> None:
    """Cloud's examples always send the type (O); Server does not need it."""
    kind = fields.get("issuetype")
    if kind is None and side.name == "server":
        return
    given = kind if isinstance(kind, dict) else {}
    if given.get("name") == TEST_EXECUTION or str(given.get("id")) == world.issue_types[TEST_EXECUTION]:
        return
    if side.name == "cloud":
        raise side.field("issuetype", "Specify a valid issue type", fact="cloud-issue-type")
    raise refusal("issuetype: issuetype", fact="server-issue-type")


def _cloud(document: Mapping[str, Any], side: Side) -> dict[str, Any]:
    extra = document.get("xrayFields", {})
    if not isinstance(extra, dict):
        raise side.format()
    invalid = [name for name in extra if name not in _XRAY_FIELDS]
    if invalid:
        raise refusal(
            "Error importing results: xrayFields in info file contains the following invalid fields: "
            f"{', '.join(invalid)}!",
            fact="cloud-info-names",
        )
    plan, environments = extra.get("testPlanKey"), extra.get("environments", [])
    if plan is not None and not isinstance(plan, str):
        raise refusal("Error importing results: testPlanKey in info file must be a string!", fact="cloud-info-shape")
    if not _are_texts(environments):
        raise refusal("Error importing results: environments in info file must be a list!", fact="cloud-info-shape")
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
            raise self._side.field(name, "Operation value must be a string", fact=f"{self._side.name}-field-required")
        return value

    def texts(self, fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
        value = fields.get(name) or []
        if not _are_texts(value):
            raise self._side.field(name, "data was not an array", fact=f"{self._side.name}-field-required")
        return tuple(value)

    def names(self, fields: Mapping[str, Any], name: str) -> tuple[str, ...]:
        value = fields.get(name) or []
        if not isinstance(value, list) or not all(
            isinstance(each, dict) and isinstance(each.get("name"), str) for each in value
        ):
            raise self._side.field(name, "expected Object containing a `name` property")
        return tuple(each["name"] for each in value)


def from_query(query: Mapping[str, str]) -> Target:
    """Read the six names of the XML formats; other names are ignored, quotes are taken literally (O)."""
    environments = [each.strip() for each in query.get("testEnvironments", "").split(";")]
    plan, version = query.get("testPlanKey"), query.get("fixVersion")
    return Target(
        execution=query.get("testExecKey") or None,
        project=query.get("projectKey") or None,
        plans=(plan,) if plan else (),
        fix_versions=(version,) if version else (),
        environments=tuple(each for each in environments if each),
        revision=query.get("revision") or None,
    )


def kinds(world: World) -> Callable[[str], str | None]:
    """Return a question: the issue type of a key, None when there is no such issue."""

    def kind_of(key: str) -> str | None:
        issue = world.find(key)
        return issue.type if issue is not None else None

    return kind_of


def only(parts: Iterable[Part], name: str) -> Part | None:
    """Return the part of a name."""
    return next((part for part in parts if part.name == name), None)


_LONGEST_SUMMARY: Final = 255
_OWN: Final = frozenset(
    {
        "project",
        "issuetype",
        "summary",
        "description",
        "labels",
        "fixVersions",
        "assignee",
        *SERVER_FIELDS - {JIRA_END_FIELD},
        *_TEST_FIELDS,
    }
)
_LISTS: Final[tuple[tuple[str, type, str], ...]] = (
    ("labels", str, "data was not an array"),
    ("fixVersions", dict, "expected Object containing a `name` property"),
    ("versions", dict, "expected Object containing a `name` property"),
    ("components", dict, "expected Object containing a `name` property"),
    (PLAN_FIELD, str, "data was not an array"),
    (ENVIRONMENTS_FIELD, str, "data was not an array"),
)
_STRINGS: Final = ("summary", REVISION_FIELD, BEGIN_FIELD, END_FIELD, DEFINITION_FIELD, SCENARIO_FIELD, FOLDER_FIELD)
_OBJECTS: Final = ("assignee", "reporter", "priority", "parent", TYPE_FIELD, SCENARIO_KIND_FIELD)


class InvalidFields(ValueError):
    """Jira refuses fields; nothing was done. Holds one text for each field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        super().__init__(", ".join(f"{name}: {text}" for name, text in errors.items()))
        self.errors = errors


class Issuing:
    """Makes and changes issues of one product."""

    def __init__(self, world: World, now: datetime, *, cloud: bool) -> None:
        self._world = world
        self._now = now
        self._cloud = cloud

    def create(self, fields: Mapping[str, Any], kind: str | None = None) -> Issue:
        """Make an issue; `kind` is its type where the fields need not say it. Raises InvalidFields."""
        errors: dict[str, str] = {}
        project = self._project(fields.get("project"))
        if project is None:
            errors["project"] = "Specify a valid project ID or key"  # (R)
        named = kind if "issuetype" not in fields and kind else self._type(fields.get("issuetype"))
        if named is None or (kind is not None and named != kind):
            errors["issuetype"] = "Specify a valid issue type"
        if not str(fields.get("summary") or "").strip():
            errors["summary"] = "You must specify a summary of the issue."
        for each in self._world.custom_fields:
            if named in each.required_for and fields.get(each.id) in (None, "", []):
                errors[each.id] = f"{each.name} is required."
        errors |= self._faults(fields, project)
        if errors or project is None or named is None:
            raise InvalidFields(errors)
        issue = self._world.new_issue(project.key, named, fields["summary"], self._now)
        equip(issue, side="cloud" if self._cloud else "server")
        self._write(issue, fields)
        return self._world.add(issue)

    def edit(self, issue: Issue, fields: Mapping[str, Any], labels: Mapping[str, list[str]]) -> None:
        """Change an issue: fields are set, labels added and removed by name. Raises InvalidFields."""
        wanted = [*issue.labels, *labels.get("add", ())]
        errors = self._faults({**fields, "labels": fields.get("labels", wanted)}, self._world.projects[issue.project])
        if "summary" in fields and not str(fields["summary"] or "").strip():
            errors["summary"] = "You must specify a summary of the issue."
        if errors:
            raise InvalidFields(errors)
        self._world.unindex(issue)
        self._write(issue, fields)
        if labels:
            removed = labels.get("remove", ())
            issue.labels = [
                each for each in dict.fromkeys([*issue.labels, *labels.get("add", ())]) if each not in removed
            ]
        issue.touch(self._now)
        self._world.index(issue)

    def _project(self, given: Any) -> Project | None:
        held = given if isinstance(given, dict) else {}
        return next(
            (
                each
                for each in self._world.projects.values()
                if held.get("key") == each.key or str(held.get("id")) == each.id
            ),
            None,
        )

    def _type(self, given: Any) -> str | None:
        held = given if isinstance(given, dict) else {}
        for name, number in self._world.issue_types.items():
            if held.get("name") == name or str(held.get("id")) == number:
                return name
        return None

    def _faults(self, fields: Mapping[str, Any], project: Project | None) -> dict[str, str]:
        errors: dict[str, str] = {}
        known = SCREEN | (CLOUD_FIELDS if self._cloud else SERVER_FIELDS | _TEST_FIELDS)
        known |= {each.id for each in self._world.custom_fields}
        for name in fields:
            if name not in known:
                errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        shapeless = _shape_faults(fields, cloud=self._cloud)
        if shapeless:
            return {**errors, **shapeless}
        errors |= _summary_fault(fields)
        for each in self._world.custom_fields:
            if fields.get(each.id) is not None and not self._fits(each, fields[each.id], each.type):
                errors[each.id] = f"Specify a valid value for {each.name}"  # (R)
        for label in fields.get("labels") or ():
            if any(sign.isspace() for sign in label):
                errors["labels"] = (
                    f"The label '{label}' can't contain spaces."
                    if self._cloud
                    else f"The label '{label}' contains spaces which is invalid."
                )
        for version in fields.get("fixVersions") or ():
            if project is not None and version.get("name") not in project.versions:
                errors["fixVersions"] = f"Version name '{version.get('name')}' is not valid"
        for key in fields.get(PLAN_FIELD) or ():
            if self._world.find(key, TEST_PLAN) is None:
                errors[PLAN_FIELD] = f"{key} is not a Test Plan"  # (A)
        return errors

    def _fits(self, each: CustomField, value: Any, kind: str) -> bool:  # noqa: PLR0911 - a kind a line
        """Say whether a value has the shape of a kind of field, and is one of its options (R)."""
        held = value if isinstance(value, dict) else {}
        match kind:
            case "option":
                return held.get("value") in each.options
            case "option-with-child":
                return f"{held.get('value')} > {(held.get('child') or {}).get('value')}" in each.options
            case "user":
                names = [[known.name, known.account_id][self._cloud] for known in self._world.accounts]
                return held.get("accountId" if self._cloud else "name") in names
            case "version" | "component" | "group" | "priority":
                return isinstance(held.get("name"), str)
            case "number":
                return isinstance(value, int | float)
            case "array":
                return isinstance(value, list) and all(self._fits(each, one, each.items) for one in value)
            case _:
                return isinstance(value, str)

    def _write(self, issue: Issue, fields: Mapping[str, Any]) -> None:
        issue.summary = fields.get("summary", issue.summary)
        issue.description = fields.get("description", issue.description)
        issue.labels = list(dict.fromkeys(fields.get("labels", issue.labels) or ()))
        if "fixVersions" in fields:
            issue.fix_versions = [each["name"] for each in fields["fixVersions"] or ()]
        if "assignee" in fields:
            issue.assignee = assignee_of(fields["assignee"])
        issue.fields.update({name: value for name, value in fields.items() if name not in _OWN})
        self._write_test(issue, fields)
        if (details := issue.execution) is None:
            return
        for key in fields.get(PLAN_FIELD) or ():
            if (plan := self._world.find(key, TEST_PLAN)) is not None:
                link_plan(plan, issue, ())  # the Test Execution only (D)
        self.add_environments(issue, fields.get(ENVIRONMENTS_FIELD) or ())
        details.revision = fields.get(REVISION_FIELD) or details.revision
        details.started = fields.get(BEGIN_FIELD) or details.started
        details.finished = fields.get(END_FIELD) or details.finished

    @staticmethod
    def _write_test(issue: Issue, fields: Mapping[str, Any]) -> None:
        """Write Server's fields of a Test: its type as an option, what it is made of as texts."""
        if (test := issue.test) is None:
            return
        kind = (fields.get(TYPE_FIELD) or {}).get("value")
        test.type = kind if isinstance(kind, str) and kind else test.type
        test.definition = fields.get(DEFINITION_FIELD) or test.definition
        test.scenario = fields.get(SCENARIO_FIELD) or test.scenario
        test.folder = fields.get(FOLDER_FIELD) or test.folder

    def add_environments(self, execution: Issue, names: Any) -> tuple[list[str], list[str]]:
        """Add environments to a Test Execution, making those the project lacks; return the added and the made."""
        details, owner = execution.execution, self._world.projects[execution.project]
        if details is None:
            return [], []
        added = [name for name in dict.fromkeys(names) if name not in details.environments]
        made = [name for name in added if name not in owner.environments]
        details.environments.extend(added)
        owner.environments.extend(made)
        return added, made


def equip(issue: Issue, *, side: str) -> None:
    """Give an issue what its type has beyond an issue."""
    match issue.type:
        case "Test Execution":
            issue.execution = ExecutionDetails(side=side)
        case "Test Plan":
            issue.plan = PlanDetails()
        case "Test Set":
            issue.test_set = SetDetails()
        case "Precondition":
            issue.precondition = PreconditionDetails()
        case "Test":
            issue.test = TestDetails(type="Manual")
        case _:  # Jira's own types have nothing more
            pass


def assignee_of(given: Any) -> str | None:
    """Return the name or account id that a user object holds."""
    held = given if isinstance(given, dict) else {}
    found = next((held[name] for name in ("accountId", "name", "id") if isinstance(held.get(name), str)), None)
    return found or None


def _shape_faults(fields: Mapping[str, Any], *, cloud: bool) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name, kind, wanted in _LISTS:
        held = fields.get(name) or []
        if not isinstance(held, list) or not all(isinstance(each, kind) for each in held):
            errors[name] = wanted
    if not errors and not all(isinstance(each.get("name"), str) for each in fields.get("fixVersions") or ()):
        errors["fixVersions"] = "expected Object containing a `name` property"
    for name in _STRINGS:
        if fields.get(name) is not None and not isinstance(fields[name], str):
            errors[name] = "Operation value must be a string"
    description = fields.get("description")
    if description is not None and not isinstance(description, (str, dict) if cloud else str):
        errors["description"] = "Operation value must be a string"
    for name in _OBJECTS:
        if fields.get(name) is not None and not isinstance(fields[name], dict):
            errors[name] = "data was not an object"
    return errors


def _summary_fault(fields: Mapping[str, Any]) -> dict[str, str]:
    summary = str(fields.get("summary") or "")
    if "\n" in summary or "\r" in summary:
        return {"summary": "The summary is invalid because it contains newline characters."}
    if len(summary) > _LONGEST_SUMMARY:
        return {"summary": f"Summary must be less than or equal to {_LONGEST_SUMMARY} characters."}
    return {}
