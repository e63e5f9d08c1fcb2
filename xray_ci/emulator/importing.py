"""What an import does to the world, whatever format and product it came by.

Xray JSON of both products is read into results, the Tests they are of and the Test Execution they are for, and checked
against the emulator's own JSON Schemas, written apart from the product's. First everything is looked up and may be
refused, then everything is stored: a refused import leaves no trace.

Knows documents, the rules of matching and the members of a Test Run; knows nothing of HTTP.
"""

from __future__ import annotations

import functools
import json
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import jsonschema_rs

from xray_ci.emulator.answers import refusal
from xray_ci.emulator.sides import FAIL, TODO
from xray_ci.emulator.world import (
    TEST,
    TEST_EXECUTION,
    TEST_PLAN,
    ExecutionDetails,
    Run,
    TestDetails,
    identity,
    link_plan,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from xray_ci.emulator.evidence import Evidence, Shelf
    from xray_ci.emulator.sides import Side
    from xray_ci.emulator.world import Issue, World


_FOLDER: Final = Path(__file__).parent / "schemas"


@functools.cache
def _validator(name: str, without: str | None) -> jsonschema_rs.Draft202012Validator:
    schema = json.loads((_FOLDER / f"{name}.json").read_text(encoding="utf-8"))
    if without is not None:
        del schema["$defs"]["test"]["properties"][without]
    return jsonschema_rs.Draft202012Validator(schema)


def takes_execution(side: str, document: Any, *, custom_fields: bool) -> bool:
    """Say whether a product takes a document of Xray JSON; Test Run custom fields only come with Cloud's v2 (O)."""
    return _validator(f"{side}-execution", None if custom_fields else "customFields").is_valid(document)


def fault(side: str, document: Any) -> str:
    """Return where and why a document was refused, in ASCII and one line; no vendor tells it."""
    try:
        _validator(f"{side}-execution", None).validate(document)
    except jsonschema_rs.ValidationError as error:
        text = f"{'/'.join(map(str, error.instance_path))}: {error.message}"[:300]
        return json.dumps(text)[1:-1]
    return ""


def store_run(world: World, shelf: Shelf, side: Side, *, execution: Issue, test: str, result: Result) -> None:
    """Make or overwrite the run of one Test; what it held before is gone (D for iterations, A for the rest)."""
    if execution.execution is None:
        raise AssertionError(execution)
    present = execution.execution.runs.get(test)
    details = result.details
    execution.execution.runs[test] = Run(
        id=present.id if present is not None else world.next_run_id(side.name),
        test=test,
        status=(side.words.get(result.status, result.status) if result.native else side.status(result.status)) or "",
        stated=result.status,
        comment=details.get("comment", ""),
        started=details.get("start"),
        finished=details.get("finish"),
        executed_by=details.get("executedBy"),
        assignee=details.get("assignee"),
        output=details.get("output", ""),
        defects=[key for key in details.get("defects", ()) if key in world.issues],
        evidence=_kept(shelf, details.get("evidence", ())),
        steps=_steps(shelf, details.get("steps", ())),
        examples=list(details.get("examples", ())),
        iterations=[_iteration(shelf, each) for each in details.get("iterations", ())],
        custom_fields=[dict(each) for each in details.get("customFields", ())],
        results=list(details.get("results", ())),
    )


def _kept(shelf: Shelf, items: Sequence[Mapping[str, Any]]) -> list[Evidence]:
    return [shelf.keep(item["data"], item["filename"], item.get("contentType")) for item in items]


def _steps(shelf: Shelf, steps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Keep step results as sent, their evidence on the shelf."""
    kept = []
    for step in steps:
        evidence = _kept(shelf, step.get("evidence", step.get("evidences", ())))
        rest = {name: value for name, value in step.items() if name not in ("evidence", "evidences")}
        kept.append({**rest, "evidence": evidence} if evidence else rest)
    return kept


def _iteration(shelf: Shelf, iteration: Mapping[str, Any]) -> dict[str, Any]:
    rest = dict(iteration)
    if "steps" in rest:
        rest["steps"] = _steps(shelf, rest["steps"])
    return rest


@dataclass(frozen=True, slots=True, kw_only=True)
class TestInfo:
    """How to find or make a Test; `project` empty: the project of the Test Execution."""

    project: str
    summary: str
    type: str
    definition: str = ""
    scenario: str = ""
    steps: tuple[Mapping[str, Any], ...] = ()
    labels: tuple[str, ...] = ()
    requirements: tuple[str, ...] = ()
    description: str = ""

    @property
    def place(self) -> tuple[str, str]:
        """Return kind and identity: what is looked for inside the project."""
        details = TestDetails(type=self.type)
        generic = details.kind == "Unstructured" and self.definition
        return details.kind, self.definition if generic else self.summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """One result; status in the product's words, or PASS, FAIL, TODO when it comes from a native report."""

    status: str
    key: str | None = None
    """Key or numeric id of the Test."""
    info: TestInfo | None = None
    native: bool = False
    details: Mapping[str, Any] = field(default_factory=dict)
    """The other members of a run by their names in Xray JSON for Cloud; `evidence` items as sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """The Test Execution that is asked for."""

    execution: str | None = None
    project: str | None = None
    summary: str | None = None
    description: Any = None
    plans: tuple[str, ...] = ()
    plan_takes_tests: bool = True
    """Server's multipart field links the execution only (D)."""
    environments: tuple[str, ...] = ()
    fix_versions: tuple[str, ...] = ()
    revision: str | None = None
    started: str | None = None
    finished: str | None = None
    labels: tuple[str, ...] = ()
    fields: Mapping[str, Any] = field(default_factory=dict)
    test_fields: Mapping[str, Any] = field(default_factory=dict)
    """For Tests that are made (part `testInfo`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportDone:
    """What an import came to."""

    execution: Issue
    stored: tuple[Issue, ...]
    errors: tuple[tuple[str, str], ...]
    """Key or identity of a Test that was not stored, and why; only Server tells."""


_STEP_LIMIT: Final = 8192
"""Characters of a step's action on Cloud (O)."""
_RUN_MEMBERS: Final = (
    "comment",
    "executedBy",
    "assignee",
    "start",
    "finish",
    "steps",
    "examples",
    "iterations",
    "defects",
    "customFields",
    "testVersion",
)


def check(document: Any, side: Side, *, custom_fields: bool = True) -> None:
    """Raise Refusal when the product would not take the document."""
    if side.name == "cloud" and side.switches.empty_lists and isinstance(document, dict):
        tests = document.get("tests")
        for entry in tests if isinstance(tests, list) else ():
            for name in ("examples", "iterations"):
                if isinstance(entry, dict) and entry.get(name) == []:
                    del entry[name]
    if not takes_execution(side.name, document, custom_fields=custom_fields):
        refused = side.format()
        refused.response.headers["X-Emulator-Hint"] = fault(side.name, document)
        raise refused
    for entry in document["tests"]:
        if "testKey" not in entry and "testInfo" not in entry:
            raise side.format()
        for step in entry.get("testInfo", {}).get("steps", ()) if side.name == "cloud" else ():
            if len(step["action"]) > _STEP_LIMIT:
                raise refusal(
                    f"Error importing results: step action exceeds {_STEP_LIMIT} characters!", fact="cloud-step-limit"
                )


def target(document: Mapping[str, Any], side: Side) -> Target:
    """Read what a checked document says of the Test Execution."""
    info = document.get("info", {})
    execution = document.get("testExecutionKey")
    if side.name == "cloud" and not execution and "info" in document and not info.get("summary"):
        raise side.field("summary", "You must specify a summary of the issue.", fact="cloud-field-required")
    return Target(
        execution=execution,
        project=info.get("project"),
        summary=info.get("summary"),
        description=info.get("description"),
        plans=(info["testPlanKey"],) if info.get("testPlanKey") else (),
        environments=tuple(info.get("testEnvironments", ())),
        revision=info.get("revision"),
        fix_versions=(info["version"],) if info.get("version") else (),
        started=info.get("startDate"),
        finished=info.get("finishDate"),
    )


def results(document: Mapping[str, Any], side: Side) -> list[Result]:
    """Read the results of a checked document, in its order."""
    return [_result(entry, side) for entry in document["tests"]]


def _result(entry: Mapping[str, Any], side: Side) -> Result:
    details = {name: entry[name] for name in _RUN_MEMBERS if name in entry}
    details["evidence"] = entry.get("evidence", entry.get("evidences", ()))
    info = entry.get("testInfo")
    return Result(
        status=entry["status"], key=entry.get("testKey"), info=_info(info, side) if info else None, details=details
    )


def _info(info: Mapping[str, Any], side: Side) -> TestInfo:
    return TestInfo(
        project=info["projectKey"],
        summary=info["summary"],
        type=info["type" if side.name == "cloud" else "testType"],
        definition=info.get("definition", ""),
        scenario=info.get("scenario", ""),
        steps=tuple(info.get("steps", ())),
        labels=tuple(info.get("labels", ())),
        requirements=tuple(info.get("requirementKeys", ())),
        description=info.get("description", ""),
    )


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

    def run(self, target: Target, results: Sequence[Result]) -> ImportDone:
        """Do it all or raise Refusal and do nothing."""
        execution = self._existing(target)
        project = self._project(target, execution, results)
        plans = [self._need(key, TEST_PLAN) for key in target.plans]
        self._check_fields(target, project)
        self._check_types(results)
        planned = [(result, self._found(result, project)) for result in results if self._acceptable(result)]
        self._check_statuses(planned)
        if execution is None:
            execution = self._create(target, project)
        self._update(execution, target)
        stored = self._store(execution, target, project, planned)
        for plan in plans:
            link_plan(plan, execution, (test.key for test in stored) if target.plan_takes_tests else ())
        return ImportDone(execution=execution, stored=tuple(stored), errors=tuple(self._errors))

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
            raise self._side.field("summary", fact="server-editable")
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
                raise self._side.field(
                    "fixVersions", f"Version name '{version}' is not valid", fact=f"{self._side.name}-version-unknown"
                )
        for label in target.labels:
            self._check_label(label)

    def _check_label(self, label: str) -> None:
        if any(sign.isspace() for sign in label):
            raise self._side.field(
                "labels",
                f"The label '{label}' contains spaces which is invalid.",
                fact=f"{self._side.name}-label-blank",
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

    def _check_types(self, results: Sequence[Result]) -> None:
        """Refuse keys of issues that are no Tests, where the product tells all of them at once."""
        keys = dict.fromkeys(result.key for result in results if result.key) if self._sees else {}
        found = {key: self._world.find(key) for key in keys}
        others = [key for key, issue in found.items() if issue is not None and issue.type != TEST]
        refused = self._side.no_tests(others) if others else None
        if refused is not None:
            raise refused

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
        made = [name for name in target.environments if name not in owner.environments]
        owner.environments.extend(made)
        owner.in_use.extend(made)
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
                result=self._merged(execution, entries),
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
    def _merged(execution: Issue, entries: list[Result]) -> Result:
        """Of several results for one Test: native ones become one (D), of Xray JSON the last one stays (A)."""
        if execution.execution is None:
            raise AssertionError(execution)
        if not entries[-1].native:
            execution.execution.duplicates += len(entries) - 1
            return entries[-1]
        words = Counter(entry.status for entry in entries)
        status = next(iter(words)) if len(words) == 1 else FAIL if words[FAIL] else TODO
        details: dict[str, Any] = {}
        for entry in entries:
            for name, value in entry.details.items():
                details[name] = [*details[name], *value] if name in details and isinstance(value, list) else value
        details["results"] = [entry.status for entry in entries]
        return Result(status=status, native=True, details=details)
