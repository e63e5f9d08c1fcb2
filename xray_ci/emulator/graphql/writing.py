"""The mutations of Xray Cloud's GraphQL: what each changes and how it refuses.

First all is looked up, then all is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from xray_ci.emulator.graphql.reading import Objects
from xray_ci.emulator.issuing import InvalidFields, Issuing
from xray_ci.emulator.sides import Cloud
from xray_ci.emulator.world import TEST, TEST_EXECUTION, TEST_PLAN, link_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.seed import ApiKey
    from xray_ci.emulator.world import Issue, Run

_SUCCESS: Final = "Success"
_UNSET: Final = "TO DO"


def fields(call: RouteCall, key: ApiKey) -> dict[str, Callable[..., Any]]:
    """Return the fields of `Mutation` for one call."""
    writer = _Writer(call, key)
    return {
        "addDefectsToTestRun": writer.add_defects,
        "addEvidenceToTestRun": writer.add_evidence,
        "addTestEnvironmentsToTestExecution": writer.add_environments,
        "addTestExecutionsToTestPlan": writer.link_executions,
        "addTestsToTestExecution": writer.add_tests,
        "addTestsToTestPlan": writer.plan_tests,
        "createTestExecution": writer.create_execution,
        "createTestPlan": writer.create_plan,
        "deleteTest": writer.delete(TEST),
        "deleteTestExecution": writer.delete(TEST_EXECUTION),
        "deleteTestPlan": writer.delete(TEST_PLAN),
        "removeEvidenceFromTestRun": writer.remove_evidence,
        "removeTestsFromTestExecution": writer.remove_tests,
        "resetTestRun": writer.reset,
        "updateTestRun": writer.update,
        "updateTestRunComment": writer.comment,
        "updateTestRunStatus": writer.set_status,
    }


class _Writer:
    """Changes the world for one call."""

    def __init__(self, call: RouteCall, key: ApiKey) -> None:
        self._call = call
        self._world = call.emulation.world
        self._sees = key.sees_projects
        self._show = Objects(call)
        self._issuing = Issuing(self._world, call.now, cloud=True)

    # Test Executions and Test Plans

    def create_execution(self, _: Any, jira: Any, **asked: Any) -> dict[str, Any]:
        """Make a Test Execution; it takes no Test Plan (O). Environments that the project lacks are made (O)."""
        tests = [self._need(each, TEST) for each in asked.get("testIssueIds") or ()]
        issue = self._create(jira, TEST_EXECUTION)
        _, made = self._issuing.add_environments(issue, asked.get("testEnvironments") or ())
        for test in tests:
            self._world.add_test(issue, test, word=_UNSET)
        return {"testExecution": self._show.execution(issue), "createdTestEnvironments": made, "warnings": []}

    def create_plan(self, _: Any, jira: Any, **asked: Any) -> dict[str, Any]:
        """Make a Test Plan."""
        tests = [self._need(each, TEST) for each in asked.get("testIssueIds") or ()]
        issue = self._create(jira, TEST_PLAN)
        if issue.plan is not None:
            issue.plan.tests.extend(test.key for test in tests)
        return {"testPlan": self._show.plan(issue), "warnings": []}

    def delete(self, kind: str) -> Callable[..., str]:
        """Return the mutation that deletes issues of a type."""

        def work(_: Any, issueId: str) -> str:  # noqa: N803 - the vendor's names, here and below
            self._world.remove(self._need(issueId, kind))
            return _SUCCESS  # (A)

        return work

    def add_environments(self, _: Any, issueId: str, testEnvironments: list[str]) -> dict[str, Any]:  # noqa: N803
        """Add environments; those that the project lacks are made."""
        added, made = self._issuing.add_environments(self._need(issueId, TEST_EXECUTION), testEnvironments)
        return {"associatedTestEnvironments": added, "createdTestEnvironments": made, "warning": None}

    def add_tests(self, _: Any, issueId: str, testIssueIds: list[str] | None = None) -> dict[str, Any]:  # noqa: N803
        """Add Tests to a Test Execution, each once, not run yet."""
        execution = self._need(issueId, TEST_EXECUTION)
        tests = [self._need(each, TEST) for each in testIssueIds or ()]
        added = [test.id for test in tests if self._world.add_test(execution, test, word=_UNSET)]
        return {"addedTests": added, "warning": _left_out(added, tests)}

    def remove_tests(self, _: Any, issueId: str, testIssueIds: list[str]) -> str:  # noqa: N803
        """Take Tests out of a Test Execution, with their runs."""
        execution = self._need(issueId, TEST_EXECUTION)
        for test in [self._need(each, TEST) for each in testIssueIds]:
            if execution.execution is not None:
                execution.execution.runs.pop(test.key, None)
        return _SUCCESS

    def plan_tests(self, _: Any, issueId: str, testIssueIds: list[str]) -> dict[str, Any]:  # noqa: N803
        """Add Tests to a Test Plan, each once."""
        plan = self._need(issueId, TEST_PLAN)
        tests = [self._need(each, TEST) for each in testIssueIds]
        held = plan.plan.tests if plan.plan is not None else []
        added = [test for test in tests if test.key not in held]
        held.extend(test.key for test in added)
        return {"addedTests": [test.id for test in added], "warning": _left_out([test.id for test in added], tests)}

    def link_executions(self, _: Any, issueId: str, testExecIssueIds: list[str]) -> dict[str, Any]:  # noqa: N803
        """Link Test Executions to a Test Plan; their Tests are not added (A)."""
        plan = self._need(issueId, TEST_PLAN)
        executions = [self._need(each, TEST_EXECUTION) for each in testExecIssueIds]
        held = plan.plan.executions if plan.plan is not None else []
        added = [each for each in executions if each.key not in held]
        for each in added:
            link_plan(plan, each, ())
        return {
            "addedTestExecutions": [each.id for each in added],
            "warning": _left_out([each.id for each in added], executions),
        }

    # Test Runs

    def add_evidence(self, _: Any, id: str, evidence: list[dict[str, str]]) -> dict[str, Any]:  # noqa: A002
        """Add files to a run; each comes with its data, file name and MIME type (O)."""
        run = self._run(id)
        for each in evidence:
            if not all(isinstance(each.get(name), str) for name in ("data", "filename", "mimeType")):
                raise GraphQLError(
                    "Error adding evidence: either attachmentId, or data, filename and mimeType are required!"
                )
        kept = [self._call.emulation.shelf.keep(each["data"], each["filename"], each["mimeType"]) for each in evidence]
        run.evidence.extend(kept)
        return {"addedEvidence": [str(each.id) for each in kept], "warnings": []}

    def remove_evidence(
        self,
        _: Any,
        id: str,  # noqa: A002
        evidenceIds: list[str] | None = None,  # noqa: N803
        evidenceFilenames: list[str] | None = None,  # noqa: N803
    ) -> dict[str, Any]:
        """Remove files from a run, by id or by name."""
        run = self._run(id)
        gone = [
            each
            for each in run.evidence
            if str(each.id) in (evidenceIds or ()) or each.filename in (evidenceFilenames or ())
        ]
        run.evidence = [each for each in run.evidence if each not in gone]
        return {"removedEvidence": [str(each.id) for each in gone], "warnings": []}

    def add_defects(self, _: Any, id: str, issues: list[str]) -> dict[str, Any]:  # noqa: A002
        """Link defects to a run, by key or id; answers with ids (O)."""
        run = self._run(id)
        found = {each: self._world.find(each) for each in issues}
        added = [issue for issue in found.values() if issue is not None and issue.key not in run.defects]
        run.defects.extend(issue.key for issue in added)
        return {
            "addedDefects": [issue.id for issue in added],
            "warnings": [f"Issue {each} was not found." for each, issue in found.items() if issue is None],
        }

    def set_status(self, _: Any, id: str, status: str) -> str:  # noqa: A002
        """Set the status; an unknown one is refused here (A: the text)."""
        run = self._run(id)
        if status not in Cloud.statuses:
            raise GraphQLError(f"Error updating Test Run status: the status {status} does not exist!")
        run.status = run.stated = status
        return _SUCCESS

    def comment(self, _: Any, id: str, comment: str) -> str:  # noqa: A002
        """Set the comment."""
        self._run(id).comment = comment
        return _SUCCESS

    def update(self, _: Any, id: str, **asked: Any) -> dict[str, Any]:  # noqa: A002
        """Set what is given."""
        run = self._run(id)
        run.comment = asked.get("comment", run.comment)
        run.started, run.finished = asked.get("startedOn", run.started), asked.get("finishedOn", run.finished)
        run.assignee, run.executed_by = (
            asked.get("assigneeId", run.assignee),
            asked.get("executedById", run.executed_by),
        )
        return {"warnings": []}

    def reset(self, _: Any, id: str) -> str:  # noqa: A002
        """Make a run as if it had not been run."""
        run = self._run(id)
        run.status = run.stated = _UNSET
        run.comment, run.output, run.started, run.finished = "", "", None, None
        run.steps, run.examples, run.iterations, run.results = [], [], [], []
        return _SUCCESS

    # Looking up

    def _create(self, jira: Any, kind: str) -> Issue:
        given = jira.get("fields") if isinstance(jira, dict) else None
        if not isinstance(given, dict):
            raise GraphQLError(
                f"Error creating {kind}: field 'jira' is required and should contain field 'fields' inside!"
            )
        project = given.get("project")
        if not self._sees:
            name = project.get("key") if isinstance(project, dict) else project
            raise GraphQLError(f"Error creating {kind}: No project could be found with key '{name}'.")
        try:
            return self._issuing.create(given, kind)
        except InvalidFields as invalid:
            raise GraphQLError(f"Error creating {kind} - Issue create failed! - {invalid}") from invalid

    def _need(self, number: str, kind: str) -> Issue:
        """Return an issue that may be edited; ids only, as keys are not taken (O)."""
        issue = self._world.find(number, kind) if number.isdigit() else None
        if issue is None:
            raise GraphQLError(f"{kind} with id {number} not found.")  # (A)
        if not self._sees:
            raise GraphQLError(f"User doesn't have permissions to edit issue with id {number}")
        return issue

    def _run(self, number: str) -> Run:
        found = self._world.find_run(number)
        if found is None or not self._sees:
            raise GraphQLError(f"Test Run with id {number} not found.")  # (A)
        return found[1]


def _left_out(added: list[str], asked: Iterable[Issue]) -> str | None:
    """Return the one warning of adding to a collection; its text is not known (A)."""
    present = [each.key for each in asked if each.id not in added]
    return f"Already there: {', '.join(present)}." if present else None
