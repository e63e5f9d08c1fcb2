"""What an import does to the world, whatever format and product it came by.

First everything is looked up and may be refused, then everything is stored: a refused import leaves no trace. Knows the
matching rules; knows nothing of HTTP, JSON documents or reports.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from xray_ci.emulator.answers import Basis
from xray_ci.emulator.arriving import Done, Result, Target, TestInfo
from xray_ci.emulator.sides import FAIL, PASS, TODO
from xray_ci.emulator.storing import store_run
from xray_ci.emulator.world import TEST, TEST_EXECUTION, TEST_PLAN, ExecutionDetails, TestDetails, identity, link_plan

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from xray_ci.emulator.evidence import Shelf
    from xray_ci.emulator.sides import Side
    from xray_ci.emulator.world import Issue, World

PARAMETERS: Final = 20
"""Parameters that a Test on Server can have (O)."""


class Import:
    """One import on its way into the world."""

    def __init__(self, world: World, shelf: Shelf, side: Side, now: datetime, *, sees_projects: bool = True) -> None:
        self._world = world
        self._shelf = shelf
        self._side = side
        self._now = now
        self._sees = sees_projects
        self._errors: list[tuple[str, str]] = []

    def run(self, target: Target, results: Sequence[Result]) -> Done:
        """Do it all or raise Refusal and do nothing."""
        execution = self._existing(target)
        project = self._project(target, execution, results)
        plans = [self._need(key, TEST_PLAN) for key in target.plans]
        self._check_fields(target, project)
        planned = [(result, self._found(result, project)) for result in results if self._acceptable(result)]
        self._check_statuses(planned)
        if execution is None:
            execution = self._create(target, project)
        self._update(execution, target)
        stored = self._store(execution, target, project, planned)
        for plan in plans:
            link_plan(plan, execution, (test.key for test in stored) if target.plan_takes_tests else ())
        return Done(execution=execution, stored=tuple(stored), errors=tuple(self._errors))

    # Looking up: may refuse, changes nothing.

    def _need(self, key: str, kind: str) -> Issue:
        issue = self._world.find(key, kind) if self._sees else None
        if issue is None:
            raise self._side.missing(key, kind)
        return issue

    def _existing(self, target: Target) -> Issue | None:
        if not target.execution:
            return None
        issue = self._need(target.execution, TEST_EXECUTION)
        if self._side.name == "server" and target.summary and not self._side.switches.execution_editable:
            raise self._side.field("summary")
        return issue

    def _project(self, target: Target, execution: Issue | None, results: Sequence[Result]) -> str:
        if execution is not None:
            return execution.project
        key = target.project
        if not key:  # the project of the Tests that are named (O)
            issues = (self._world.find(result.key) for result in results if result.key)
            key = next((issue.project for issue in issues if issue is not None), None)
        if not key or not self._sees or key not in self._world.projects:
            raise self._side.project(key)
        return key

    def _check_fields(self, target: Target, project: str) -> None:
        owner = self._world.projects[project]
        unknown = [name for name in target.environments if name not in owner.environments]
        refused = self._side.unknown_environments(unknown) if unknown else None
        if refused is not None:
            raise refused
        for version in target.fix_versions:
            if version not in owner.versions:
                raise self._side.field("fixVersions", f"Version name '{version}' is not valid", basis=Basis.ASSUMED)
        for label in target.labels:
            self._check_label(label)

    def _check_label(self, label: str) -> None:
        if any(sign.isspace() for sign in label):
            raise self._side.field(
                "labels", f"The label '{label}' contains spaces which is invalid.", basis=Basis.RECALLED
            )

    def _acceptable(self, result: Result) -> bool:
        """Note an error that Server tells of one Test, and say whether the result can go on.

        A native result without any name makes no Test, as Jira wants a summary (R); Server lists it, Cloud has no list
        (A).
        """
        name = result.key or (result.info.place[1] if result.info else "")
        if result.native and result.info is not None and not result.info.summary.strip():
            self._errors.append((name, "summary: You must specify a summary of the issue."))
            return False
        for iteration in result.details.get("iterations", ()):
            if self._side.name == "server" and len(iteration.get("parameters", ())) > PARAMETERS:
                self._errors.append((name, f"A Test can have at most {PARAMETERS} parameters."))
                return False
        listed = self._side.name == "server" and self._side.switches.server_unknown_test == "error-list"
        if listed and result.key and self._world.find(result.key, TEST) is None:
            self._errors.append((name, f"Test issue with key {result.key} not found."))
            return False
        return True

    def _found(self, result: Result, project: str) -> Issue | None:
        """Return the Test a result belongs to; None: it has to be made."""
        if result.key:
            return self._need(result.key, TEST)
        info = result.info
        if info is None:
            raise self._side.format()
        owner = info.project or project
        if owner not in self._world.projects or not self._sees:
            raise self._side.project(owner)
        for label in info.labels:
            self._check_label(label)
        for key in info.requirements:
            issue = self._world.find(key)
            refused = self._side.requirement(key) if issue is None or issue.type != "Story" else None
            if refused is not None:
                raise refused
        known = self._world.definitions.get((owner, *info.place))
        return self._world.issues[known] if known else None

    def _check_statuses(self, planned: list[tuple[Result, Issue | None]]) -> None:
        for entry in list(planned):
            result, test = entry
            if not result.native and self._side.status(result.status) is None:
                name = test.key if test is not None else result.info.place[1] if result.info else ""
                self._errors.append((name, f"The status {result.status} does not exist."))
                planned.remove(entry)

    # Storing: cannot refuse any more.

    def _create(self, target: Target, project: str) -> Issue:
        stamp = int(self._now.timestamp() * 1000)
        issue = self._world.new_issue(
            project, TEST_EXECUTION, target.summary or f"Execution results [{stamp}]", self._now
        )
        issue.execution = ExecutionDetails(side=self._side.name)
        return self._world.add(issue)

    def _update(self, issue: Issue, target: Target) -> None:
        details = issue.execution
        if details is None:
            raise AssertionError(issue)
        issue.summary = target.summary or issue.summary
        issue.description = target.description or issue.description
        issue.labels = list(dict.fromkeys([*issue.labels, *target.labels]))
        issue.fix_versions = list(target.fix_versions) or issue.fix_versions
        issue.fields.update(target.fields)
        details.revision = target.revision or details.revision
        details.started = target.started or details.started
        details.finished = target.finished or details.finished
        details.environments = list(dict.fromkeys([*details.environments, *target.environments]))
        owner = self._world.projects[issue.project]
        owner.environments.extend(name for name in target.environments if name not in owner.environments)
        details.imports += 1

    def _store(
        self, execution: Issue, target: Target, project: str, planned: list[tuple[Result, Issue | None]]
    ) -> list[Issue]:
        results: dict[str, list[Result]] = {}
        for result, found in planned:
            test = found or self._made(result, target, project)
            if result.key and result.info is not None:
                self._rewrite(test, result.info)
            results.setdefault(test.key, []).append(result)
        for key, entries in results.items():
            store_run(
                self._world,
                self._shelf,
                self._side,
                execution=execution,
                test=key,
                result=self._folded(execution, entries),
            )
        return [self._world.issues[key] for key in results]

    def _made(self, result: Result, target: Target, project: str) -> Issue:
        """Make a Test, or find the one that an earlier result of this import made."""
        info = result.info
        if info is None:
            raise AssertionError(result)
        owner = info.project or project
        known = self._world.definitions.get((owner, *info.place))
        if known:
            return self._world.issues[known]
        issue = self._world.new_issue(owner, TEST, info.summary, self._now)
        issue.description = info.description
        issue.labels = list(info.labels)
        issue.test = TestDetails(
            type=info.type,
            definition=info.definition,
            scenario=info.scenario,
            steps=[dict(step) for step in info.steps],
            requirements=[key for key in info.requirements if key in self._world.issues],
        )
        fields = dict(target.test_fields)
        issue.labels.extend(fields.pop("labels", ()))
        issue.description = fields.pop("description", issue.description)
        issue.fields.update(fields)
        return self._world.add(issue)

    def _rewrite(self, test: Issue, info: TestInfo) -> None:
        """`testKey` with `testInfo` changes the Test (D, A); what it was is kept, so that tests see it happened."""
        if test.test is None:
            raise AssertionError(test)
        self._world.unindex(test)
        before = {"summary": test.summary, "type": test.test.type, "identity": identity(test)}
        test.test.rewritten.append(before)
        test.summary = info.summary
        test.test.type = info.type
        test.test.definition = info.definition or test.test.definition
        test.test.scenario = info.scenario or test.test.scenario
        test.test.steps = [dict(step) for step in info.steps] or test.test.steps
        self._world.index(test)

    @staticmethod
    def _folded(execution: Issue, entries: list[Result]) -> Result:
        """Of several results for one Test: native ones become one (D), of Xray JSON the last one stays (A)."""
        if execution.execution is None:
            raise AssertionError(execution)
        if not entries[-1].native:
            execution.execution.duplicates += len(entries) - 1
            return entries[-1]
        words = Counter(entry.status for entry in entries)
        status = PASS if set(words) == {PASS} else FAIL if words[FAIL] else TODO
        details: dict[str, Any] = {}
        for entry in entries:
            for name, value in entry.details.items():
                details[name] = [*details[name], *value] if name in details and isinstance(value, list) else value
        details["results"] = [entry.status for entry in entries]
        return Result(status=status, native=True, details=details)
