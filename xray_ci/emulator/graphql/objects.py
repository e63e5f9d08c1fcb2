"""What the world holds as GraphQL shows it: Tests, executions, plans, sets, preconditions, runs, pages of them.

Members that cost something are functions; the library calls those that a document asks for. Changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator import jira as jira_shown
from xray_ci.emulator.world import (
    FAILED_WORDS,
    PASSED_WORDS,
    PRECONDITION,
    TEST,
    TEST_EXECUTION,
    TEST_PLAN,
    TEST_SET,
    iso,
    kind_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.world import Issue, Run, World

TEST_TYPES: Final = {"Manual": "10100", "Cucumber": "10101", "Generic": "10102"}
UNSET: Final = "TO DO"
_WORDS: Final = {"PASS": "PASSED", "FAIL": "FAILED", "TODO": UNSET}
"""Words of runs that Server made: both products look at one world."""
_SAID: Final = {
    "PASSED": "The test run has passed",  # (O)
    "FAILED": "The test run has failed",
    UNSET: "The test run has not started",
    "EXECUTING": "The test run is currently being executed",
    "ABORTED": "The test run was aborted",
}


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

        def covered() -> list[Issue]:
            return self._issues(details.requirements)

        return {
            **self._issue(issue),
            "testType": test_type(details.type),
            "scenarioType": _scenario_type(details.scenario) if details.kind == "Gherkin" else None,
            "unstructured": details.definition if details.kind == "Unstructured" else None,
            "gherkin": details.scenario if details.kind == "Gherkin" else None,
            "steps": [self.step(each) for each in details.steps],
            "folder": folder(details.folder),
            "status": lambda _, **asked: test_status(self._world, issue, asked),
            "testRuns": self.pages(runs, lambda both: self.run(*both)),
            "testExecutions": self.pages(lambda: [execution for execution, _ in runs()], self.execution),
            "testPlans": self.pages(lambda: self._holding(TEST_PLAN, issue), self.plan),
            "testSets": self.pages(lambda: self._holding(TEST_SET, issue), self.test_set),
            "preconditions": self.pages(lambda: self._issues(details.preconditions), self.precondition),
            "coverableIssues": self.pages(covered, self.coverable),
        }

    def expanded(self, issue: Issue) -> dict[str, Any]:
        """Show a Test with called Tests unfolded; nothing here calls another one."""
        shown = self.test(issue)
        steps = [{**each, "calledTestIssueId": None, "parentTestIssueId": None} for each in shown["steps"]]
        return {**shown, "versionId": 1, "steps": steps, "warnings": []}

    def step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        """Show a step of a Test."""
        return {
            "id": step["id"],
            "action": step.get("action"),
            "data": step.get("data"),
            "result": step.get("result"),
            "attachments": [self._attachment(each) for each in step.get("attachments", ())],
            "customFields": step.get("customFields", []),
            "callTestIssueId": step.get("callTestIssueId"),
            "libStepId": None,
            "callTestParameterAssignments": [],
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
            "folders": lambda _: board(self._world, issue, "/"),
        }

    def test_set(self, issue: Issue) -> dict[str, Any]:
        """Show a Test Set."""
        held = issue.test_set.tests if issue.test_set is not None else []
        return {**self._issue(issue), "tests": self.pages(lambda: self._issues(held), self.test)}

    def precondition(self, issue: Issue) -> dict[str, Any]:
        """Show a Precondition."""
        details = issue.precondition
        if details is None:
            raise AssertionError(issue)

        def tests() -> list[Issue]:
            return [each for each in self._world.of_type(TEST) if each.test and issue.key in each.test.preconditions]

        return {
            **self._issue(issue),
            "preconditionType": test_type(details.type),
            "definition": details.definition,
            "folder": folder(details.folder),
            "tests": self.pages(tests, self.test),
        }

    def coverable(self, issue: Issue) -> dict[str, Any]:
        """Show an issue that Tests cover."""

        def tests() -> list[Issue]:
            return covering(self._world, issue)

        return {
            **self._issue(issue),
            "tests": self.pages(tests, self.test),
            "status": lambda _, **asked: coverage(self._world, issue, asked),
        }

    def run(self, execution: Issue, run: Run) -> dict[str, Any]:
        """Show a Test Run."""
        test = self._world.issues[run.test]
        kept = test.test
        kind = kept.kind if kept is not None else ""
        conditions = self._issues(kept.preconditions if kept is not None else ())
        return {
            "id": run.id,
            "status": self.status(run.status),
            "comment": run.comment,
            "startedOn": run.started,
            "finishedOn": run.finished,
            "executedById": run.executed_by,
            "assigneeId": run.assignee,
            "defects": self._ids(run.defects),
            "evidence": [self._evidence(each) for each in run.evidence],
            "steps": [self._step(*each) for each in run_steps(self._world, run)],
            "examples": [
                {"id": f"{run.id}-{number}", "status": self.status(word), "duration": None}
                for number, word in enumerate(run.examples)
            ],
            "results": [
                {"log": run.output, "status": self.status(word), "name": test.summary, "wasImported": "true"}
                for word in run.results
            ],
            "iterations": self.pages(
                lambda: list(enumerate(run.iterations, start=1)), lambda both: self._iteration(*both)
            ),
            "customFields": [
                {"id": each.get("id"), "name": each.get("name"), "values": each.get("value")}
                for each in run.custom_fields
            ],
            "parameters": [],
            "preconditions": self.pages(
                lambda: conditions,
                lambda each: {
                    "preconditionRef": self.precondition(each),
                    "definition": each.precondition.definition if each.precondition is not None else None,
                },
            ),
            "unstructured": kept.definition if kept is not None and kind == "Unstructured" else None,
            "gherkin": kept.scenario if kept is not None and kind == "Gherkin" else None,  # null otherwise (O)
            "scenarioType": _scenario_type(kept.scenario) if kept is not None and kind == "Gherkin" else None,
            "testType": test_type(kept.type) if kept is not None else None,
            "lastModified": run.finished,
            "test": lambda _: self.test(test),
            "testExecution": lambda _: self.execution(execution),
        }

    def of_type(self, kind: str) -> Callable[[Issue], dict[str, Any]]:
        """Return what shows issues of a type."""
        shown = {TEST: self.test, TEST_EXECUTION: self.execution, TEST_PLAN: self.plan, TEST_SET: self.test_set}
        return {**shown, PRECONDITION: self.precondition}[kind]

    def status(self, word: str) -> dict[str, Any]:
        """Show a status of a run or a step; a step's status names one of runs."""
        name = _WORDS.get(word, word)
        custom = next((each for each in self._world.statuses if each.name == name), None)
        final = custom.final if custom is not None else name in PASSED_WORDS | FAILED_WORDS
        counts = "OK" if name in PASSED_WORDS else "NOK" if name in FAILED_WORDS else "NOTRUN"
        shown = {
            "name": name,
            "description": _SAID.get(name, ""),
            "final": final,
            "color": custom.color if custom is not None else "#95C160" if final else "#A2A6AE",
            "coverageStatus": custom.coverage if custom is not None else counts,
        }
        return {**shown, "testStatus": shown}

    def pages(
        self, items: Callable[[], Sequence[Any]], show: Callable[[Any], dict[str, Any]]
    ) -> Callable[..., dict[str, Any]]:
        """Return the member that shows a list page by page; only what is on the page is shown."""

        def page(_: Any, limit: int, start: int | None = None, **asked: Any) -> dict[str, Any]:
            chosen = items()
            if asked.get("issueIds") is not None:
                chosen = [each for each in chosen if each.id in asked["issueIds"]]
            begin = max(0, start or 0)
            return {
                "total": len(chosen),
                "start": begin,
                "limit": limit,
                "results": [show(each) for each in chosen[begin : begin + limit]],
                "warnings": [],
            }

        return page

    def _holding(self, kind: str, test: Issue) -> list[Issue]:
        def holds(issue: Issue) -> bool:
            held = issue.plan.tests if issue.plan else issue.test_set.tests if issue.test_set else []
            return test.key in held

        return [each for each in self._world.of_type(kind) if holds(each)]

    def _issues(self, keys: Iterable[str]) -> list[Issue]:
        return [self._world.issues[key] for key in keys if key in self._world.issues]

    def _ids(self, keys: Iterable[Any]) -> list[str]:
        return [each.id for each in self._issues(str(key) for key in keys)]

    def _issue(self, issue: Issue) -> dict[str, Any]:
        def jira(_: Any, fields: Iterable[str | None] | None = None) -> dict[str, Any]:
            every = {
                "key": issue.key,
                "id": issue.id,
                **jira_shown.fields_of(self._world, issue, root=self._call.base, cloud=True),
            }
            return {name: every[name] for name in fields or () if name is not None and name in every}

        return {
            "issueId": issue.id,
            "projectId": self._world.projects[issue.project].id,
            "jira": jira,
            "lastModified": iso(issue.updated or issue.created),
        }

    def _attachment(self, evidence: Evidence) -> dict[str, Any]:
        return {
            "id": evidence.uuid,
            "filename": evidence.filename,
            "storedInJira": False,
            "downloadLink": f"{self._call.base}/api/v2/attachments/{evidence.uuid}",
        }

    def _evidence(self, evidence: Evidence) -> dict[str, Any]:
        return {**self._attachment(evidence), "size": evidence.size, "createdOn": evidence.created}

    def _step(self, number: str, made_of: Mapping[str, Any], held: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": number,
            "status": self.status(held["status"]),
            "action": made_of.get("action"),
            "data": made_of.get("data"),
            "result": made_of.get("result"),
            "customFields": made_of.get("customFields", []),
            "attachments": [self._attachment(each) for each in made_of.get("attachments", ())],
            "comment": held.get("comment"),
            "actualResult": held.get("actualResult"),
            "defects": self._ids(held.get("defects", ())),
            "evidence": [self._evidence(each) for each in held.get("evidence", ())],
        }

    def _iteration(self, rank: int, iteration: dict[str, Any]) -> dict[str, Any]:
        steps = [(str(number), each) for number, each in enumerate(iteration.get("steps", ()))]
        return {
            "rank": str(rank),
            "parameters": iteration.get("parameters", []),
            "status": self.status(iteration["status"]),
            "stepResults": self.pages(lambda: steps, lambda both: self._step(both[0], {}, both[1])),
        }


def run_steps(world: World, run: Run) -> list[tuple[str, Mapping[str, Any], Mapping[str, Any]]]:
    """Return the steps of a run: id, what the Test says, what was found; before it was run, those of its Test."""
    test = world.issues.get(run.test)
    made_of = test.test.steps if test is not None and test.test is not None and test.test.kind == "Steps" else []
    held = run.steps or [{"status": UNSET} for _ in made_of]
    return [
        (f"{run.id}-s{number}", made_of[number] if number < len(made_of) else {}, each)
        for number, each in enumerate(held)
    ]


def _scenario_type(text: str) -> str:
    return "scenario_outline" if "Examples:" in text else "scenario"


def folder(path: str) -> dict[str, str]:
    """Show where something lies."""
    return {"name": path.rpartition("/")[2], "path": path}


def covering(world: World, issue: Issue) -> list[Issue]:
    """Return the Tests that cover an issue."""
    return [each for each in world.of_type(TEST) if each.test is not None and issue.key in each.test.requirements]


def _latest(world: World, test: Issue, asked: Mapping[str, Any]) -> str | None:
    """Return the word of the latest run of a Test that fits: environment, version, Test Plan (id)."""
    plan = world.find(str(asked.get("testPlan") or ""))
    word = None
    for execution, run in world.runs_of(test.key):
        details = execution.execution
        if details is None or (asked.get("environment") and asked["environment"] not in details.environments):
            continue
        if (asked.get("version") and asked["version"] not in execution.fix_versions) or (
            asked.get("testPlan") and (plan is None or plan.key not in details.plans)
        ):
            continue
        found = _WORDS.get(run.status, run.status)
        if asked.get("isFinal") and found not in PASSED_WORDS | FAILED_WORDS:
            continue
        word = found
    return word


def test_status(world: World, test: Issue, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Show what a Test's latest fitting run came to; without one it is to do (A)."""
    name = _latest(world, test, asked) or UNSET
    return {
        "name": name,
        "description": _SAID.get(name, ""),
        "final": name in PASSED_WORDS | FAILED_WORDS,
        "color": "#95C160" if name in PASSED_WORDS else "#A2A6AE",
    }


def coverage(world: World, issue: Issue, asked: Mapping[str, Any]) -> dict[str, Any]:
    """Show what an issue's Tests come to, in the vendor's words (O); how they combine is assumed (A)."""
    words = [_latest(world, each, asked) for each in covering(world, issue)]
    if not words:
        name = "UNCOVERED"
    elif any(word in FAILED_WORDS for word in words):
        name = "NOK"
    else:
        name = "OK" if all(word in PASSED_WORDS for word in words) else "NOTRUN"
    return {"name": name, "description": "", "color": "#A2A6AE"}


def test_type(name: str) -> dict[str, str]:
    """Show a Test type; one that nobody set up is unstructured (A)."""
    return {"id": TEST_TYPES.get(name, "10103"), "name": name, "kind": kind_of(name)}


def paths_of(world: World, owner: Issue | str) -> tuple[list[str], dict[str, str]]:
    """Return the folders of a Test Plan or of a project's repository, and where each issue in it lies, by key."""
    if isinstance(owner, str):
        places = {
            each.key: details.folder
            for each in world.issues.values()
            if each.project == owner
            for details in (each.test, each.precondition)
            if details is not None
        }
        return world.projects[owner].folders, places
    if owner.plan is None:
        raise AssertionError(owner)
    return owner.plan.folders, {key: owner.plan.places.get(key, "/") for key in owner.plan.tests}


def board(world: World, owner: Issue | str, path: str) -> dict[str, Any] | None:
    """Show a folder with those in it; None: there is none of that path."""
    folders, places = paths_of(world, owner)
    if path != "/" and path not in folders:
        return None
    inside = [each for each in folders if each.rpartition("/")[0] == path.rstrip("/")]
    lying = [world.issues[key].type for key, place in places.items() if place == path and key in world.issues]
    return {
        "name": path.rpartition("/")[2],
        "path": path,
        "issuesCount": len(lying),
        "testsCount": lying.count(TEST),
        "preconditionsCount": lying.count(PRECONDITION),
        "folders": [board(world, owner, each) for each in inside],
    }
