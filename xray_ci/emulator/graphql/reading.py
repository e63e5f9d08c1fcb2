"""The queries of Xray Cloud's GraphQL. Knows what each finds and how it refuses; changes nothing."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from graphql import GraphQLError

from xray_ci.emulator import jql
from xray_ci.emulator.graphql.cost import PAGE
from xray_ci.emulator.graphql.objects import TEST_TYPES, Objects, status, test_type
from xray_ci.emulator.sides import Cloud
from xray_ci.emulator.world import TEST, TEST_EXECUTION, TEST_PLAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from xray_ci.emulator.emulation import Call
    from xray_ci.emulator.seed import ApiKey
    from xray_ci.emulator.world import Issue, Project, Run

_NAMES = {
    TEST: ("getTest", "getTests"),
    TEST_EXECUTION: ("getTestExecution", "getTestExecutions"),
    TEST_PLAN: ("getTestPlan", "getTestPlans"),
}


def fields(call: Call, key: ApiKey) -> dict[str, Callable[..., Any]]:
    """Return the fields of `Query` for one call."""
    reader = Reader(call, key)
    found: dict[str, Callable[..., Any]] = {
        "getProjectSettings": reader.project_settings,
        "getStatus": reader.status,
        "getStatuses": reader.statuses,
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

    def __init__(self, call: Call, key: ApiKey) -> None:
        self._call = call
        self._world = call.emulation.world
        self._sees = key.sees_projects
        self._show = Objects(call)

    def project_settings(self, _: Any, projectIdOrKey: str | None = None) -> dict[str, Any]:  # noqa: N803 - the vendor's name
        """Show what Xray keeps of a project."""
        owner = self._project(projectIdOrKey or "")
        types = [test_type(name) for name in TEST_TYPES]
        return {
            "projectId": owner.id,
            "testEnvironments": list(owner.environments),
            "testTypeSettings": {"testTypes": types, "defaultTestTypeId": types[0]["id"]},
        }

    def status(self, _: Any, name: str | None = None) -> dict[str, Any] | None:
        """Show one status of a Test Run."""
        return status(name) if name in Cloud.statuses and name is not None else None

    def statuses(self, _: Any, projectId: str | None = None) -> list[dict[str, Any]]:  # noqa: ARG002, N803
        """Show the statuses of Test Runs."""
        return [status(word) for word in sorted(Cloud.statuses)]

    def issue(self, _: Any, issueId: str | None = None, *, kind: str) -> dict[str, Any] | None:  # noqa: N803
        """Show one issue; null when there is none of that id (A), without any lag."""
        found = self._world.find(issueId or "", kind) if self._sees and (issueId or "").isdigit() else None
        return self._show.of_type(kind)(found) if found is not None else None

    def issues(self, info: Any, *, kind: str, **asked: Any) -> dict[str, Any]:
        """Show issues by JQL, by ids or of a project; JQL finds what the index knows."""
        show = self._show.of_type(kind)
        found = [each for each in self._chosen(kind, asked) if each.type == kind]
        wanted = asked.get("testType") or {}
        for name in ("id", "name"):
            if wanted.get(name):
                found = [
                    each for each in found if each.test is not None and test_type(each.test.type)[name] == wanted[name]
                ]
        return self._show.pages(lambda: found, show)(info, asked["limit"], asked.get("start"))

    def _chosen(self, kind: str, asked: dict[str, Any]) -> list[Issue]:
        if asked.get("jql"):
            return self._by_jql(kind, asked["jql"])
        if asked.get("issueIds") is not None:
            ids = [each for each in asked["issueIds"] if each.isdigit()]
            return [found for each in ids if self._sees and (found := self._world.find(each))]
        if asked.get("projectId"):
            owner = self._project(asked["projectId"])
            return [each for each in self._world.issues.values() if each.project == owner.key]
        return list(self._world.issues.values()) if self._sees else []

    def _by_jql(self, kind: str, text: str) -> list[Issue]:
        name = _NAMES[kind][1]
        try:
            query = jql.Query(text)
            found = jql.search(self._call.emulation, query, self._call.now, sees=self._sees)
        except jql.Invalid as error:
            raise GraphQLError(f"Error in {name}: {error}") from error
        limited = self._call.emulation.switches.jql_refuses_many
        if limited and sum(each.type == kind for each in found) > PAGE:
            raise GraphQLError(f"Error in {name}: the JQL returned more than {PAGE} issues. Please narrow it.")
        return found

    def run(self, _: Any, testIssueId: str | None = None, testExecIssueId: str | None = None) -> dict[str, Any] | None:  # noqa: N803
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
        """Show runs of Tests, of Test Executions, or of both."""
        tests, executions = asked.get("testIssueIds"), asked.get("testExecIssueIds")
        found = [
            (execution, run)
            for execution, run in self._all()
            if (executions is None or execution.id in executions)
            and (tests is None or self._world.issues[run.test].id in tests)
        ]
        return self._show.pages(lambda: found, lambda both: self._show.run(*both))(info, limit, start)

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
