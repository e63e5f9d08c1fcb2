"""The queries of Xray Cloud's GraphQL, and what a document may ask for.

At most 100 of a `limit`, 10,000 items and 25 resolvers. Knows what each finds and how it refuses; changes nothing.
"""

# ruff: noqa: N803 - arguments have the vendor's names

from __future__ import annotations

import functools
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    InlineFragmentNode,
    OperationDefinitionNode,
)
from graphql.utilities import value_from_ast_untyped

from xray_ci.emulator import jql
from xray_ci.emulator.graphql.objects import TEST_TYPES, Objects, board, paths_of, test_type
from xray_ci.emulator.jira import LINK_TYPES
from xray_ci.emulator.sides import Cloud
from xray_ci.emulator.world import PRECONDITION, TEST, TEST_EXECUTION, TEST_PLAN, TEST_SET, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from graphql import DocumentNode, SelectionSetNode

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.world import ApiKey, Issue, Project, Run


PAGE: Final = 100
"""Items of one list (D)."""
_ITEMS: Final = 10_000
"""Items of one call, nested limits multiplied (D)."""
_RESOLVERS: Final = 25
"""Queries, mutations and fields with arguments of one call (A: the number)."""


def faults(
    document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any], cost: str
) -> list[GraphQLError]:
    """Return what is too much; the document is valid. `cost` as the switch has it."""
    fragments = {each.name.value: each for each in document.definitions if isinstance(each, FragmentDefinitionNode)}
    found: list[GraphQLError] = []
    items = resolvers = 0
    waiting = [(field, 1, True) for field in _fields(operation.selection_set, fragments)]
    while waiting:
        field, factor, top = waiting.pop()
        limit = _limit(field, variables)
        if limit is not None and not 1 <= limit <= PAGE:
            found.append(GraphQLError(f"{field.name.value}: limit must be between 1 and {PAGE}!", field))
        if limit is not None:
            factor *= max(1, min(limit, PAGE))
            items = items + factor if cost == "sum" else max(items, factor)
        resolvers += top or bool(field.arguments)
        waiting += [(each, factor, False) for each in _fields(field.selection_set, fragments)]
    if items > _ITEMS:
        found.append(GraphQLError(f"The query exceeds the maximum cost of {_ITEMS}. Actual cost is {items}"))
    if resolvers > _RESOLVERS:
        found.append(GraphQLError(f"The query exceeds the maximum of {_RESOLVERS} resolvers. It has {resolvers}"))
    return found


def _fields(selection: SelectionSetNode | None, fragments: Mapping[str, FragmentDefinitionNode]) -> Iterator[FieldNode]:
    """Yield the fields of one level, fragments unfolded."""
    for each in selection.selections if selection is not None else ():
        match each:
            case FieldNode():
                yield each
            case InlineFragmentNode():
                yield from _fields(each.selection_set, fragments)
            case FragmentSpreadNode():
                yield from _fields(fragments[each.name.value].selection_set, fragments)
            case _:
                raise AssertionError(each)


def _limit(field: FieldNode, variables: Mapping[str, Any]) -> int | None:
    for argument in field.arguments or ():
        if argument.name.value == "limit":
            value = value_from_ast_untyped(argument.value, dict(variables))
            return value if isinstance(value, int) else None
    return None


_NAMES = {
    TEST: ("getTest", "getTests"),
    TEST_EXECUTION: ("getTestExecution", "getTestExecutions"),
    TEST_PLAN: ("getTestPlan", "getTestPlans"),
    TEST_SET: ("getTestSet", "getTestSets"),
    PRECONDITION: ("getPrecondition", "getPreconditions"),
}
COVERABLE: Final = frozenset({"Story", "Epic", "Task", "Improvement", "New Feature"})


def fields(call: RouteCall, key: ApiKey) -> dict[str, Callable[..., Any]]:
    """Return the fields of `Query` for one call."""
    reader = Reader(call, key)
    found: dict[str, Callable[..., Any]] = {
        "getCoverableIssue": reader.coverable,
        "getCoverableIssues": reader.coverables,
        "getExpandedTest": reader.expanded,
        "getExpandedTests": reader.expanded_many,
        "getFolder": reader.folder,
        "getIssueLinkTypes": lambda _: [{"id": each.id, "name": each.name} for each in LINK_TYPES],
        "getProjectSettings": reader.project_settings,
        "getProjectsSettings": reader.projects_settings,
        "getStatus": reader.status,
        "getStatuses": reader.statuses,
        "getStepStatus": reader.status,
        "getStepStatuses": reader.statuses,
        "getTestRun": reader.run,
        "getTestRunById": reader.run_by_id,
        "getTestRuns": reader.runs,
        "getTestRunsById": reader.runs_by_id,
    }
    for kind, (one, many) in _NAMES.items():
        found[one] = functools.partial(reader.issue, kind=kind)
        found[many] = functools.partial(reader.issues, kind=kind)
    return found


class Reader:
    """Looks things up for one call."""

    def __init__(self, call: RouteCall, key: ApiKey) -> None:
        self._call = call
        self._world = call.emulation.world
        self._sees = key.sees_projects
        self._show = Objects(call)

    def project_settings(self, _: Any, projectIdOrKey: str | None = None) -> dict[str, Any]:
        """Show what Xray keeps of a project."""
        return self._settings(self._project(projectIdOrKey or ""))

    def projects_settings(
        self, info: Any, limit: int, projectIdsOrKeys: list[str | None] | None = None, start: int | None = None
    ) -> dict[str, Any]:
        """Show what Xray keeps of projects; without names, of all that are seen (A)."""
        names = [each for each in projectIdsOrKeys or () if each is not None] or list(self._world.projects)
        owners = [self._project(each) for each in names]
        return self._show.pages(lambda: owners, self._settings)(info, limit, start)

    def _settings(self, owner: Project) -> dict[str, Any]:
        types = [test_type(name) for name in TEST_TYPES]
        coverable = [number for name, number in self._world.issue_types.items() if name in COVERABLE]
        return {
            "projectId": owner.id,
            "testEnvironments": list(owner.environments),
            "testTypeSettings": {"testTypes": types, "defaultTestTypeId": types[0]["id"]},
            "testCoverageSettings": {
                "coverableIssueTypeIds": coverable,
                "epicIssuesRelation": False,
                "issueSubTasksRelation": False,
                "issueLinkTypeId": LINK_TYPES[0].id,
                "issueLinkTypeDirection": "outward",
            },
            "defectIssueTypes": [self._world.issue_types["Bug"]] if "Bug" in self._world.issue_types else [],
            "testStepSettings": {"fields": []},
            "testRunCustomFieldSettings": {"fields": []},
        }

    def folder(self, _: Any, path: str, projectId: str | None = None, testPlanId: str | None = None) -> dict[str, Any]:
        """Show a folder of a repository or of a Test Plan; refuses a path that is not there (O)."""
        owner = self.owner_of_folders(projectId, testPlanId)
        found = board(self._world, owner, clean_path(path))
        if found is None:
            raise GraphQLError(f"Could not find Test Repository folder '{path}'.")
        return found

    def owner_of_folders(self, project: str | None, plan: str | None) -> Issue | str:
        """Return whose folders are meant: a Test Plan, or a project by its key; raises GraphQLError."""
        if plan:
            issue = self._world.find(plan, TEST_PLAN) if self._sees else None
            if issue is None:
                raise GraphQLError(f"Test Plan with id {plan} not found.")  # (A)
            return issue
        if not project:
            raise GraphQLError("Either projectId or testPlanId is required.")  # (A)
        return self._project(project).key

    def coverable(self, _: Any, issueId: str) -> dict[str, Any] | None:
        """Show an issue that can be covered; null when it is none (A)."""
        issue = self._world.find(issueId) if self._sees else None
        return self._show.coverable(issue) if issue is not None and issue.type in COVERABLE else None

    def coverables(self, info: Any, **asked: Any) -> dict[str, Any]:
        """Show issues that can be covered."""
        found = [each for each in self._chosen("", asked) if each.type in COVERABLE]
        return self._show.pages(lambda: found, self._show.coverable)(info, asked["limit"], asked.get("start"))

    def expanded(self, _: Any, issueId: str, versionId: int | None = None) -> dict[str, Any] | None:  # noqa: ARG002
        """Show a Test with the Tests it calls."""
        issue = self._world.find(issueId, TEST) if self._sees else None
        return self._show.expanded(issue) if issue is not None else None

    def expanded_many(self, info: Any, **asked: Any) -> dict[str, Any]:
        """Show Tests with the Tests they call."""
        if asked.get("tests"):
            asked["issueIds"] = [str(each.get("issueId")) for each in asked["tests"]]
        found = self._filtered(TEST, asked)
        return self._show.pages(lambda: found, self._show.expanded)(info, asked["limit"], asked.get("start"))

    def status(self, _: Any, name: str | None = None) -> dict[str, Any] | None:
        """Show one status of a Test Run or a step."""
        known = Cloud(self._call.emulation.switches, self._world.statuses)
        return self._show.status(name) if name is not None and known.knows(name) else None

    def statuses(self, _: Any, projectId: str | None = None) -> list[dict[str, Any]]:  # noqa: ARG002
        """Show the statuses of Test Runs, or of steps."""
        return [
            self._show.status(word) for word in (*sorted(Cloud.statuses), *(each.name for each in self._world.statuses))
        ]

    def issue(self, _: Any, issueId: str | None = None, *, kind: str) -> dict[str, Any] | None:
        """Show one issue; null when there is none of that id (A), without any lag."""
        found = self._world.find(issueId or "", kind) if self._sees and (issueId or "").isdigit() else None
        return self._show.of_type(kind)(found) if found is not None else None

    def issues(self, info: Any, *, kind: str, **asked: Any) -> dict[str, Any]:
        """Show issues by JQL, by ids or of a project; JQL finds what the index knows."""
        found = self._filtered(kind, asked)
        return self._show.pages(lambda: found, self._show.of_type(kind))(info, asked["limit"], asked.get("start"))

    def _filtered(self, kind: str, asked: dict[str, Any]) -> list[Issue]:
        found = [each for each in self._chosen(kind, asked) if each.type == kind]
        wanted = asked.get("testType") or asked.get("preconditionType") or {}
        for name in ("id", "name", "kind"):
            if wanted.get(name):
                found = [each for each in found if test_type(_type_of(each))[name] == wanted[name]]
        if asked.get("folder") is not None:
            found = self._lying(found, asked["folder"])
        if asked.get("modifiedSince"):
            since = _moment(asked["modifiedSince"])
            found = [each for each in found if (each.updated or each.created) >= since]
        return found

    def _lying(self, found: list[Issue], asked: Mapping[str, Any]) -> list[Issue]:
        """Return what lies in a folder, or anywhere below it."""
        path, deep = clean_path(asked["path"]), bool(asked.get("includeDescendants"))
        plan = self._world.find(asked.get("testPlanId") or "", TEST_PLAN)
        places: dict[str, str] = {}
        for owner in (plan,) if plan is not None else self._world.projects:
            places.update(paths_of(self._world, owner)[1])
        below = path.rstrip("/") + "/"
        return [
            each
            for each in found
            if (place := places.get(each.key)) is not None and (place == path or (deep and place.startswith(below)))
        ]

    def _chosen(self, kind: str, asked: dict[str, Any]) -> list[Issue]:
        if asked.get("jql"):
            return self._by_jql(kind, asked["jql"])
        if asked.get("issueIds") is not None:
            ids = [each for each in asked["issueIds"] if each is not None and each.isdigit()]
            return [found for each in ids if self._sees and (found := self._world.find(each))]
        if asked.get("projectId"):
            owner = self._project(asked["projectId"])
            return [each for each in self._world.issues.values() if each.project == owner.key]
        return list(self._world.issues.values()) if self._sees else []

    def found(self, kind: str, text: str) -> list[Issue]:
        """Return the issues of a type that JQL finds; raises GraphQLError."""
        return [each for each in self._by_jql(kind, text) if each.type == kind]

    def _by_jql(self, kind: str, text: str) -> list[Issue]:
        name = _NAMES[kind][1] if kind else "getCoverableIssues"
        try:
            query = jql.Query(text)
            found = jql.search(self._call.emulation, query, self._call.now, sees=self._sees)
        except jql.InvalidQuery as error:
            raise GraphQLError(f"Error in {name}: {error}") from error
        limited = self._call.emulation.switches.jql_refuses_many
        if limited and sum(kind in ("", each.type) for each in found) > PAGE:
            raise GraphQLError(f"Error in {name}: the JQL returned more than {PAGE} issues. Please narrow it.")
        return found

    def run(self, _: Any, testIssueId: str | None = None, testExecIssueId: str | None = None) -> dict[str, Any] | None:
        """Show the run of a Test in a Test Execution."""
        return next(
            (
                self._show.run(execution, run)
                for execution, run in self._all()
                if execution.id == testExecIssueId and self._world.issues[run.test].id == testIssueId
            ),
            None,
        )

    def run_by_id(self, _: Any, id: str | None = None) -> dict[str, Any] | None:  # noqa: A002
        """Show one run."""
        return next((self._show.run(execution, run) for execution, run in self._all() if run.id == id), None)

    def runs(self, info: Any, limit: int, start: int | None = None, **asked: Any) -> dict[str, Any]:
        """Show runs of Tests, of Test Executions, of both, of plans, of assignees, in statuses; by id or key (O)."""
        tests, executions, plans = (
            self._keys(asked.get(name)) for name in ("testIssueIds", "testExecIssueIds", "testPlanIssueIds")
        )
        words = {_WORD.get(each, each) for each in asked.get("statuses") or ()}
        since = _moment(asked["modifiedSince"]) if asked.get("modifiedSince") else None
        found = [
            (execution, run)
            for execution, run in self._all()
            if (executions is None or execution.key in executions)
            and (tests is None or run.test in tests)
            and (plans is None or (execution.execution is not None and plans & set(execution.execution.plans)))
            and (asked.get("testRunAssignees") is None or run.assignee in asked["testRunAssignees"])
            and (asked.get("statuses") is None or _WORD.get(run.status, run.status) in words)
            and (since is None or _moment(run.finished or run.started or iso(execution.created)) >= since)
        ]
        return self._show.pages(lambda: found, lambda both: self._show.run(*both))(info, limit, start)

    def _keys(self, given: list[str | None] | None) -> set[str] | None:
        """Return the keys of issues that are named by id or key; None: all."""
        if given is None:
            return None
        found = (self._world.find(each) for each in given if each is not None)
        return {each.key for each in found if each is not None}

    def runs_by_id(
        self, info: Any, limit: int, ids: list[str] | None = None, start: int | None = None
    ) -> dict[str, Any]:
        """Show runs by their ids."""
        found = [both for both in self._all() if both[1].id in (ids or ())]
        return self._show.pages(lambda: found, lambda both: self._show.run(*both))(info, limit, start)

    def _all(self) -> Iterator[tuple[Issue, Run]]:
        for issue in self._world.executions() if self._sees else ():
            for run in issue.execution.runs.values() if issue.execution is not None else ():
                yield issue, run

    def _project(self, key: str) -> Project:
        """Return a project by key or id; raises GraphQLError in the words that were observed."""
        for each in self._world.projects.values() if self._sees else ():
            if key in (each.key, each.id):
                return each
        name = "id" if key.isdigit() else "key"
        raise GraphQLError(
            f"Error retrieving Project from Jira with {name} \"{key}\": No project could be found with {name} '{key}'."
        )


_WORD: Final = {"PASS": "PASSED", "FAIL": "FAILED", "TODO": "TO DO"}


def _type_of(issue: Issue) -> str:
    if issue.test is not None:
        return issue.test.type
    return issue.precondition.type if issue.precondition is not None else ""


def _moment(text: str) -> datetime:
    """Return a moment; raises GraphQLError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise GraphQLError(f"Invalid date: {text}") from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def clean_path(path: str) -> str:
    """Return a path with one slash at its start and none at its end."""
    return "/" + "/".join(part for part in path.split("/") if part)
