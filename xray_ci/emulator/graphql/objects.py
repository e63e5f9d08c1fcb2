"""What the world holds as GraphQL shows it: Tests, Test Executions, Test Plans, runs, pages of them. Changes nothing.

Members that cost something are functions; the library calls those that a document asks for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator import jira_shown
from xray_ci.emulator.clock import iso
from xray_ci.emulator.world import FAILED_WORDS, PASSED_WORDS, TEST, TEST_EXECUTION, TEST_PLAN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from xray_ci.emulator.emulation import Call
    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.world import Issue, Run

TEST_TYPES: Final = {
    "Manual": ("10100", "Steps"),
    "Cucumber": ("10101", "Gherkin"),
    "Generic": ("10102", "Unstructured"),
}
_WORDS: Final = {"PASS": "PASSED", "FAIL": "FAILED", "TODO": "TO DO"}
"""Words of runs that Server made: both products look at one world."""


class Objects:
    """Shows what one call may see."""

    def __init__(self, call: Call) -> None:
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
