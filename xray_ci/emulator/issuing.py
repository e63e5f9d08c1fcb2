"""What the standard paths say of the Test Execution, and small questions both products ask of a request.

How an issue is made or changed by Jira's create-issue JSON, whoever sends it: REST, or Xray's GraphQL.

Knows which fields there are and how Jira refuses one; knows no requests.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.importing import Target
from xray_ci.emulator.info_parts import (
    BEGIN_FIELD,
    CLOUD_FIELDS,
    END_FIELD,
    ENVIRONMENTS_FIELD,
    PLAN_FIELD,
    REVISION_FIELD,
    SCREEN,
    SERVER_FIELDS,
)
from xray_ci.emulator.seed import ISSUE_TYPES
from xray_ci.emulator.world import (
    TEST,
    TEST_EXECUTION,
    TEST_PLAN,
    ExecutionDetails,
    PlanDetails,
    TestDetails,
    link_plan,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from xray_ci.emulator.answers import Part
    from xray_ci.emulator.world import Issue, Project, World


def from_query(query: Mapping[str, str]) -> Target:
    """Read the six names of the XML formats; other names are passed over, quotes are taken literally (O)."""
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
        PLAN_FIELD,
        ENVIRONMENTS_FIELD,
        REVISION_FIELD,
        BEGIN_FIELD,
        END_FIELD,
    }
)

_SHAPES: Final = (
    ("labels", str, "data was not an array"),
    ("fixVersions", dict, "expected Object containing a `name` property"),
    (PLAN_FIELD, str, "data was not an array"),
    (ENVIRONMENTS_FIELD, str, "data was not an array"),
)


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
        """Make an issue; `kind` is its type where the fields need not say it. Raises Invalid."""
        errors: dict[str, str] = {}
        project = self._project(fields.get("project"))
        if project is None:
            errors["project"] = "Specify a valid project ID or key"  # (R)
        named = kind if "issuetype" not in fields and kind else _type(fields.get("issuetype"))
        if named is None:
            errors["issuetype"] = "Specify a valid issue type"
        if not str(fields.get("summary") or "").strip():
            errors["summary"] = "You must specify a summary of the issue."
        errors |= self._faults(fields, project)
        if errors or project is None or named is None:
            raise InvalidFields(errors)
        issue = self._world.new_issue(project.key, named, fields["summary"], self._now)
        if named == TEST_EXECUTION:
            issue.execution = ExecutionDetails(side="cloud" if self._cloud else "server")
        elif named == TEST_PLAN:
            issue.plan = PlanDetails()
        elif named == TEST:
            issue.test = TestDetails(type="Manual")
        self._write(self._world.add(issue), fields)
        return issue

    def edit(self, issue: Issue, fields: Mapping[str, Any], labels: Mapping[str, list[str]]) -> None:
        """Change an issue: fields are set, labels added and removed by name. Raises Invalid."""
        wanted = [*issue.labels, *labels.get("add", ())]
        errors = self._faults({**fields, "labels": fields.get("labels", wanted)}, self._world.projects[issue.project])
        if errors:
            raise InvalidFields(errors)
        self._world.unindex(issue)
        self._write(issue, fields)
        if labels:
            removed = labels.get("remove", ())
            issue.labels = [
                each for each in dict.fromkeys([*issue.labels, *labels.get("add", ())]) if each not in removed
            ]
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

    def _faults(self, fields: Mapping[str, Any], project: Project | None) -> dict[str, str]:
        errors: dict[str, str] = {}
        for name in fields:
            if name not in SCREEN | (CLOUD_FIELDS if self._cloud else SERVER_FIELDS):
                errors[name] = f"Field '{name}' cannot be set. It is not on the appropriate screen, or unknown."
        shapeless = _shape_faults(fields)
        if shapeless:
            return {**errors, **shapeless}
        errors |= _summary_fault(fields)
        for label in fields.get("labels") or ():
            if any(sign.isspace() for sign in str(label)):
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

    def _write(self, issue: Issue, fields: Mapping[str, Any]) -> None:
        issue.summary = fields.get("summary", issue.summary)
        issue.description = fields.get("description", issue.description)
        issue.labels = list(dict.fromkeys(fields.get("labels", issue.labels)))
        if "fixVersions" in fields:
            issue.fix_versions = [each["name"] for each in fields["fixVersions"]]
        issue.fields.update({name: value for name, value in fields.items() if name not in _OWN})
        if (details := issue.execution) is None:
            return
        for key in fields.get(PLAN_FIELD) or ():
            if (plan := self._world.find(key, TEST_PLAN)) is not None:
                link_plan(plan, issue, ())  # the Test Execution only (D)
        self.add_environments(issue, fields.get(ENVIRONMENTS_FIELD) or ())
        details.revision = fields.get(REVISION_FIELD) or details.revision
        details.started = fields.get(BEGIN_FIELD) or details.started
        details.finished = fields.get(END_FIELD) or details.finished

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


def _shape_faults(fields: Mapping[str, Any]) -> dict[str, str]:
    errors: dict[str, str] = {}
    for name, kind, wanted in _SHAPES:
        held = fields.get(name) or []
        if not isinstance(held, list) or not all(isinstance(each, kind) for each in held):
            errors[name] = wanted
    return errors


def _summary_fault(fields: Mapping[str, Any]) -> dict[str, str]:
    summary = str(fields.get("summary") or "")
    if "\n" in summary or "\r" in summary:
        return {"summary": "The summary is invalid because it contains newline characters."}
    if len(summary) > _LONGEST_SUMMARY:
        return {"summary": f"Summary must be less than or equal to {_LONGEST_SUMMARY} characters."}
    return {}


def _type(given: Any) -> str | None:
    held = given if isinstance(given, dict) else {}
    return next(
        (name for name, number in ISSUE_TYPES.items() if held.get("name") == name or str(held.get("id")) == number),
        None,
    )
