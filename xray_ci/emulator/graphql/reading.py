"""What a document may ask for: `limit` from 1 to 100, 10,000 items, 25 resolvers. Knows syntax trees, no schema.

What the world holds as GraphQL shows it: Tests, Test Executions, Test Plans, runs, pages of them. Changes nothing.

Members that cost something are functions; the library calls those that a document asks for.

The queries of Xray Cloud's GraphQL. Knows what each finds and how it refuses; changes nothing.
"""

from __future__ import annotations

import functools
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

from xray_ci.emulator import jira as jira_shown
from xray_ci.emulator import jql
from xray_ci.emulator.sides import Cloud
from xray_ci.emulator.world import FAILED_WORDS, PASSED_WORDS, TEST, TEST_EXECUTION, TEST_PLAN, iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from graphql import DocumentNode, SelectionSetNode

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.seed import ApiKey
    from xray_ci.emulator.world import Issue, Project, Run


PAGE: Final = 100
"""Items of one list (D)."""
_ITEMS: Final = 10_000
"""Items of one call, nested limits multiplied (D)."""
_RESOLVERS: Final = 25
"""Queries, mutations and fields with arguments of one call (A: the number)."""


def faults(
    document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> list[GraphQLError]:
    """Return what is too much; the document is valid."""
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
            items += factor
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


TEST_TYPES: Final = {
    "Manual": ("10100", "Steps"),
    "Cucumber": ("10101", "Gherkin"),
    "Generic": ("10102", "Unstructured"),
}
_WORDS: Final = {"PASS": "PASSED", "FAIL": "FAILED", "TODO": "TO DO"}
"""Words of runs that Server made: both products look at one world."""


class Objects:
    """Shows what one call may see."""

    def __init__(self, call: RouteCall) -> None:
        self._call = call
        self._world = call.emulation.world

    def test(self, issue: Issue) -> dict[str, Any]:
        """Show a Test."""
        details = issue.test
        if details is None:
            raise AssertionError(issue)

        def runs() -> list[tuple[Issue, Run]]:
            return list(self._world.runs_of(issue.key))

        def plans() -> list[Issue]:
            return [
                each for each in self._world.issues.values() if each.plan is not None and issue.key in each.plan.tests
            ]

        return {
            **self._issue(issue),
            "testType": test_type(details.type),
            "scenarioType": None,
            "unstructured": details.definition if details.kind == "Unstructured" else None,
            "gherkin": details.scenario if details.kind == "Gherkin" else None,
            "steps": [{"id": str(number), **step} for number, step in enumerate(details.steps)],
            "testRuns": self.pages(runs, lambda both: self.run(*both)),
            "testExecutions": self.pages(lambda: [execution for execution, _ in runs()], self.execution),
            "testPlans": self.pages(plans, self.plan),
        }

    def execution(self, issue: Issue) -> dict[str, Any]:
        """Show a Test Execution."""
        details = issue.execution
        if details is None:
            raise AssertionError(issue)
        runs = details.runs
        return {
            **self._issue(issue),
            "testEnvironments": list(details.environments),
            "tests": self.pages(lambda: self._issues(runs), self.test),
            "testPlans": self.pages(lambda: self._issues(details.plans), self.plan),
            "testRuns": self.pages(lambda: list(runs.values()), lambda run: self.run(issue, run)),
        }

    def plan(self, issue: Issue) -> dict[str, Any]:
        """Show a Test Plan."""
        details = issue.plan
        if details is None:
            raise AssertionError(issue)
        return {
            **self._issue(issue),
            "tests": self.pages(lambda: self._issues(details.tests), self.test),
            "testExecutions": self.pages(lambda: self._issues(details.executions), self.execution),
        }

    def run(self, execution: Issue, run: Run) -> dict[str, Any]:
        """Show a Test Run."""
        test = self._world.issues[run.test]
        kept = test.test
        return {
            "id": run.id,
            "status": status(run.status),
            "comment": run.comment,
            "startedOn": run.started,
            "finishedOn": run.finished,
            "executedById": run.executed_by,
            "assigneeId": run.assignee,
            "defects": [self._world.issues[key].id for key in run.defects if key in self._world.issues],
            "evidence": [self._evidence(execution, each) for each in run.evidence],
            "steps": [self._step(execution, number, each) for number, each in enumerate(run.steps)],
            "examples": [
                {"id": f"{run.id}-{number}", "status": status(word)} for number, word in enumerate(run.examples)
            ],
            "iterations": self.pages(lambda: list(enumerate(run.iterations, start=1)), lambda both: _iteration(*both)),
            "customFields": [
                {"id": each.get("id"), "name": each.get("name"), "values": each.get("value")}
                for each in run.custom_fields
            ],
            "unstructured": kept.definition if kept is not None else None,
            "gherkin": kept.scenario if kept is not None else None,
            "testType": test_type(kept.type) if kept is not None else None,
            "lastModified": run.finished,
            "test": lambda _: self.test(test),
            "testExecution": lambda _: self.execution(execution),
        }

    def of_type(self, kind: str) -> Callable[[Issue], dict[str, Any]]:
        """Return what shows issues of a type."""
        return {TEST: self.test, TEST_EXECUTION: self.execution, TEST_PLAN: self.plan}[kind]

    def pages(
        self, items: Callable[[], Sequence[Any]], show: Callable[[Any], dict[str, Any]]
    ) -> Callable[..., dict[str, Any]]:
        """Return the member that shows a list page by page; only what is on the page is shown."""

        def page(_: Any, limit: int, start: int | None = None, **asked: Any) -> dict[str, Any]:
            chosen = items()
            if asked.get("issueIds") is not None:
                chosen = [each for each in chosen if each.id in asked["issueIds"]]
            begin = start or 0
            return {
                "total": len(chosen),
                "start": begin,
                "limit": limit,
                "results": [show(each) for each in chosen[begin : begin + limit]],
            }

        return page

    def _issues(self, keys: Iterable[str]) -> list[Issue]:
        return [self._world.issues[key] for key in keys]

    def _issue(self, issue: Issue) -> dict[str, Any]:
        def jira(_: Any, fields: Iterable[str] | None = None) -> dict[str, Any]:
            every = {"key": issue.key, "id": issue.id, **jira_shown.fields_of(self._world, issue, cloud=True)}
            return {name: every[name] for name in fields or () if name in every}

        return {
            "issueId": issue.id,
            "projectId": self._world.projects[issue.project].id,
            "jira": jira,
            "lastModified": iso(issue.created),
        }

    def _evidence(self, execution: Issue, evidence: Evidence) -> dict[str, Any]:
        return {
            "id": str(evidence.id),
            "filename": evidence.filename,
            "size": evidence.size,
            "createdOn": None,
            "storedInJira": False,
            "downloadLink": f"{self._call.base}/browse/{execution.key}/evidence/{evidence.id}",
        }

    def _step(self, execution: Issue, number: int, step: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": str(number),
            "status": status(step["status"]),
            "comment": step.get("comment"),
            "actualResult": step.get("actualResult"),
            "defects": step.get("defects", []),
            "evidence": [self._evidence(execution, each) for each in step.get("evidence", ())],
        }


def status(word: str) -> dict[str, Any]:
    """Show a status; the words of coverage are not known (A)."""
    name = _WORDS.get(word, word)
    final = name in PASSED_WORDS | FAILED_WORDS
    coverage = "OK" if name in PASSED_WORDS else "NOK" if name in FAILED_WORDS else "NOT_COVERED"
    return {
        "name": name,
        "description": "",
        "final": final,
        "color": "#95C160" if final else "#A2A6AE",
        "coverageStatus": coverage,
    }


def test_type(name: str) -> dict[str, str]:
    """Show a Test type; one that nobody set up is unstructured (A)."""
    number, kind = TEST_TYPES.get(name, ("10103", "Unstructured"))
    return {"id": number, "name": name, "kind": kind}


def _iteration(rank: int, iteration: dict[str, Any]) -> dict[str, Any]:
    return {"rank": str(rank), "parameters": iteration.get("parameters", []), "status": status(iteration["status"])}


_NAMES = {
    TEST: ("getTest", "getTests"),
    TEST_EXECUTION: ("getTestExecution", "getTestExecutions"),
    TEST_PLAN: ("getTestPlan", "getTestPlans"),
}


def fields(call: RouteCall, key: ApiKey) -> dict[str, Callable[..., Any]]:
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

    def __init__(self, call: RouteCall, key: ApiKey) -> None:
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
        except jql.InvalidQuery as error:
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
