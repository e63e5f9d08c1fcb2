"""The mutations of Xray Cloud's GraphQL that make, change, link and delete issues and folders.

First all is looked up, then all is done. Knows what each changes and how it refuses.
"""

# ruff: noqa: N803 - arguments have the vendor's names

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, Final

from graphql import GraphQLError

from xray_ci.emulator.graphql.objects import TEST_TYPES, UNSET, Objects, board, paths_of
from xray_ci.emulator.graphql.reading import Reader, clean_path
from xray_ci.emulator.issuing import InvalidFields, Issuing
from xray_ci.emulator.repository import delete_folder, move_folder
from xray_ci.emulator.world import PRECONDITION, TEST, TEST_EXECUTION, TEST_PLAN, TEST_SET, link_plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from xray_ci.emulator.emulation import RouteCall
    from xray_ci.emulator.world import ApiKey, Issue, TestDetails

SUCCESS: Final = "Success"


def fields(call: RouteCall, key: ApiKey) -> dict[str, Callable[..., Any]]:
    """Return the fields of `Mutation` that are of issues and folders, for one call."""
    writer, links = _Writer(call, key), _Links(call, key)
    found: dict[str, Callable[..., Any]] = {
        "createFolder": writer.create_folder,
        "deleteFolder": writer.delete_folder,
        "renameFolder": writer.rename_folder,
        "moveFolder": writer.move_folder,
        "addTestsToFolder": functools.partial(writer.put, name="testIssueIds"),
        "addIssuesToFolder": functools.partial(writer.put, name="issueIds"),
        "removeTestsFromFolder": functools.partial(writer.take, name="testIssueIds"),
        "removeIssuesFromFolder": functools.partial(writer.take, name="issueIds"),
        "updateTestFolder": functools.partial(writer.lay, kind=TEST),
        "updatePreconditionFolder": functools.partial(writer.lay, kind=PRECONDITION),
        "createTest": writer.create_test,
        "createTestSet": writer.create_set,
        "createTestPlan": writer.create_plan,
        "createTestExecution": writer.create_execution,
        "createPrecondition": writer.create_precondition,
        "updatePrecondition": writer.update_precondition,
        "updateTestType": writer.update_type,
        "updateUnstructuredTestDefinition": writer.update_unstructured,
        "updateGherkinTestDefinition": writer.update_gherkin,
        "addTestStep": writer.add_step,
        "updateTestStep": writer.update_step,
        "removeTestStep": writer.remove_step,
        "removeAllTestSteps": writer.remove_steps,
        "addTestEnvironmentsToTestExecution": links.add_environments,
        "removeTestEnvironmentsFromTestExecution": links.remove_environments,
    }
    for name, kind in (
        ("Test", TEST),
        ("TestSet", TEST_SET),
        ("TestPlan", TEST_PLAN),
        ("TestExecution", TEST_EXECUTION),
        ("Precondition", PRECONDITION),
    ):
        found[f"delete{name}"] = functools.partial(writer.delete, kind=kind)
    return {**found, **links.fields()}


class Looking:
    """Finds what a mutation names, for one call."""

    def __init__(self, call: RouteCall, key: ApiKey) -> None:
        self._call = call
        self._world = call.emulation.world
        self._sees = key.sees_projects
        self._show = Objects(call)
        self._read = Reader(call, key)
        self._issuing = Issuing(self._world, call.now, cloud=True)

    def _need(self, number: str | None, kind: str) -> Issue:
        """Return an issue that may be edited; ids only, as keys are not taken (O)."""
        issue = self._world.find(number, kind) if number and number.isdigit() else None
        if issue is None:
            raise GraphQLError(f"{kind} with id {number} not found.")  # (A)
        if not self._sees:
            raise GraphQLError(f"User doesn't have permissions to edit issue with id {number}")
        return issue

    def _tests(self, asked: Mapping[str, Any]) -> list[Issue]:
        """Return the Tests of `testIssueIds` or of `tests`."""
        versions = [each.get("issueId") for each in asked.get("tests") or () if each is not None]
        return [self._need(each, TEST) for each in (*(asked.get("testIssueIds") or ()), *versions)]


class _Links(Looking):
    """Adds to collections and takes out of them, whichever end is named."""

    def fields(self) -> dict[str, Callable[..., Any]]:
        """Return the pairs of mutations: what is added to what, from either end."""
        found: dict[str, Callable[..., Any]] = {}
        for name, kind in (
            ("TestExecution", TEST_EXECUTION),
            ("TestPlan", TEST_PLAN),
            ("TestSet", TEST_SET),
            ("Precondition", PRECONDITION),
        ):
            found[f"addTestsTo{name}"] = functools.partial(self.add_tests, kind=kind)
            found[f"removeTestsFrom{name}"] = functools.partial(self.remove_tests, kind=kind)
        for name, kind, argument in (
            ("TestExecutions", TEST_EXECUTION, "testExecIssueIds"),
            ("TestPlans", TEST_PLAN, "testPlanIssueIds"),
            ("TestSets", TEST_SET, "testSetIssueIds"),
            ("Preconditions", PRECONDITION, "preconditionIssueIds"),
        ):
            found[f"add{name}ToTest"] = functools.partial(
                self.add_to_test, kind=kind, argument=argument, result=f"added{name}"
            )
            found[f"remove{name}FromTest"] = functools.partial(self.remove_from_test, kind=kind, argument=argument)
        found["addTestExecutionsToTestPlan"] = self.link_executions
        found["removeTestExecutionsFromTestPlan"] = self.unlink_executions
        return found

    def add_tests(self, _: Any, issueId: str, *, kind: str, **asked: Any) -> dict[str, Any]:
        """Add Tests to what holds them, each once."""
        holder, tests = self._need(issueId, kind), self._tests(asked)
        added = [test for test in tests if self._join(holder, test)]
        return {"addedTests": [each.id for each in added], "warning": _left_out(added, tests)}

    def remove_tests(self, _: Any, issueId: str, *, kind: str, **asked: Any) -> str:
        """Take Tests out of what holds them; out of a Test Execution with their runs."""
        holder = self._need(issueId, kind)
        for test in self._tests(asked):
            self._part(holder, test)
        return SUCCESS

    def add_to_test(
        self, _: Any, issueId: str, *, kind: str, argument: str, result: str, **asked: Any
    ) -> dict[str, Any]:
        """Add one Test to several that hold it."""
        test = self._need(issueId, TEST)
        holders = [self._need(each, kind) for each in asked[argument]]
        added = [each for each in holders if self._join(each, test)]
        return {result: [each.id for each in added], "warning": _left_out(added, holders)}

    def remove_from_test(self, _: Any, issueId: str, *, kind: str, argument: str, **asked: Any) -> str:
        """Take one Test out of several that hold it."""
        test = self._need(issueId, TEST)
        for each in [self._need(each, kind) for each in asked[argument]]:
            self._part(each, test)
        return SUCCESS

    def link_executions(self, _: Any, issueId: str, testExecIssueIds: list[str]) -> dict[str, Any]:
        """Link Test Executions to a Test Plan; their Tests are not added (A)."""
        plan = self._need(issueId, TEST_PLAN)
        executions = [self._need(each, TEST_EXECUTION) for each in testExecIssueIds]
        held = plan.plan.executions if plan.plan is not None else []
        added = [each for each in executions if each.key not in held]
        for each in added:
            link_plan(plan, each, ())
        return {"addedTestExecutions": [each.id for each in added], "warning": _left_out(added, executions)}

    def unlink_executions(self, _: Any, issueId: str, testExecIssueIds: list[str]) -> str:
        """Take Test Executions out of a Test Plan."""
        plan = self._need(issueId, TEST_PLAN)
        for each in [self._need(each, TEST_EXECUTION) for each in testExecIssueIds]:
            if plan.plan is not None and each.key in plan.plan.executions:
                plan.plan.executions.remove(each.key)
            if each.execution is not None and plan.key in each.execution.plans:
                each.execution.plans.remove(plan.key)
        return SUCCESS

    def add_environments(self, _: Any, issueId: str, testEnvironments: list[str | None]) -> dict[str, Any]:
        """Add environments; those that the project lacks are made."""
        names = [each for each in testEnvironments if each]
        added, made = self._issuing.add_environments(self._need(issueId, TEST_EXECUTION), names)
        return {"associatedTestEnvironments": added, "createdTestEnvironments": made, "warning": None}

    def remove_environments(self, _: Any, issueId: str, testEnvironments: list[str]) -> str:
        """Take environments from a Test Execution; the project keeps them."""
        details = self._need(issueId, TEST_EXECUTION).execution
        if details is not None:
            details.environments = [each for each in details.environments if each not in testEnvironments]
        return SUCCESS

    def _join(self, holder: Issue, test: Issue) -> bool:
        if holder.execution is not None:
            return self._world.add_test(holder, test, word=UNSET)
        held, key = self._held(holder, test)
        if key in held:
            return False
        held.append(key)
        return True

    def _part(self, holder: Issue, test: Issue) -> None:
        if holder.execution is not None:
            holder.execution.runs.pop(test.key, None)
            return
        held, key = self._held(holder, test)
        if key in held:
            held.remove(key)

    @staticmethod
    def _held(holder: Issue, test: Issue) -> tuple[list[str], str]:
        """Return the list that makes the link, and the key that stands in it."""
        if holder.plan is not None:
            return holder.plan.tests, test.key
        if holder.test_set is not None:
            return holder.test_set.tests, test.key
        if test.test is None:
            raise AssertionError(test)
        return test.test.preconditions, holder.key


class _Writer(Looking):
    """Makes and changes issues and folders for one call."""

    # Issues

    def create_test(self, _: Any, jira: Any, **asked: Any) -> dict[str, Any]:
        """Make a Test of a type, with its definition, Preconditions and folder."""
        conditions: list[str] = []
        missing: list[str] = []
        for each in asked.get("preconditionIssueIds") or ():
            issue = self._world.find(each or "", PRECONDITION)
            (conditions if issue is not None else missing).append(issue.key if issue is not None else str(each))
        if missing:
            raise GraphQLError(
                "Error creating Test: in field 'preconditions', preconditions with the following ids not found: "
                f"{', '.join(missing)}!"
            )
        kind = self._type(asked.get("testType"), "Test") or "Manual"
        issue = self._create(jira, TEST)
        self._world.unindex(issue)
        details = _details(issue)
        details.type, details.preconditions = kind, conditions
        details.definition, details.scenario = asked.get("unstructured") or "", asked.get("gherkin") or ""
        details.steps = [self._new_step(each) for each in asked.get("steps") or () if each is not None]
        details.folder = self._made_path(issue.project, asked.get("folderPath"))
        self._world.index(issue)
        return {"test": self._show.test(issue), "warnings": []}

    def create_set(self, _: Any, jira: Any, **asked: Any) -> dict[str, Any]:
        """Make a Test Set."""
        tests = self._tests(asked)
        issue = self._create(jira, TEST_SET)
        if issue.test_set is not None:
            issue.test_set.tests.extend(dict.fromkeys(test.key for test in tests))
        return {"testSet": self._show.test_set(issue), "warnings": []}

    def create_plan(self, _: Any, jira: Any, **asked: Any) -> dict[str, Any]:
        """Make a Test Plan with Tests, or with those that a saved filter finds now (A: it is asked once)."""
        tests = self._tests(asked)
        if saved := asked.get("savedFilter"):
            text = self._world.filters.get(saved)
            if text is None:
                raise GraphQLError(f"Error creating Test Plan: filter {saved} not found.")  # (A)
            tests = self._read.found(TEST, text)
        issue = self._create(jira, TEST_PLAN)
        if issue.plan is not None:
            issue.plan.tests.extend(dict.fromkeys(test.key for test in tests))
        return {"testPlan": self._show.plan(issue), "warnings": []}

    def create_execution(self, _: Any, jira: Any, **asked: Any) -> dict[str, Any]:
        """Make a Test Execution; it takes no Test Plan (O). Environments that the project lacks are made (O)."""
        tests = self._tests(asked)
        issue = self._create(jira, TEST_EXECUTION)
        names = [each for each in asked.get("testEnvironments") or () if each]
        _, made = self._issuing.add_environments(issue, names)
        for test in tests:
            self._world.add_test(issue, test, word=UNSET)
        return {"testExecution": self._show.execution(issue), "createdTestEnvironments": made, "warnings": []}

    def create_precondition(self, _: Any, jira: Any, **asked: Any) -> dict[str, Any]:
        """Make a Precondition and give it to Tests."""
        tests = self._tests(asked)
        kind = self._type(asked.get("preconditionType"), "Precondition") or "Manual"
        issue = self._create(jira, PRECONDITION)
        if (details := issue.precondition) is not None:
            details.type, details.definition = kind, asked.get("definition") or ""
            details.folder = self._made_path(issue.project, asked.get("folderPath"))
        for test in tests:
            _details(test).preconditions.append(issue.key)
        return {"precondition": self._show.precondition(issue), "warnings": []}

    def update_precondition(self, _: Any, issueId: str, data: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Change type, definition or folder of a Precondition: what is given."""
        issue, given = self._need(issueId, PRECONDITION), data or {}
        kind = self._type(given.get("preconditionType"), "Precondition")
        if (details := issue.precondition) is not None:
            details.type = kind or details.type
            details.definition = details.definition if given.get("definition") is None else given["definition"]
            if given.get("folderPath") is not None:
                details.folder = self._made_path(issue.project, given["folderPath"])
        issue.touch(self._call.now)
        return self._show.precondition(issue)

    def delete(self, _: Any, issueId: str, *, kind: str) -> str:
        """Delete an issue of a type; what holds it forgets it."""
        self._world.remove(self._need(issueId, kind))
        return SUCCESS  # (A)

    # What a Test is

    def update_type(self, _: Any, issueId: str, testType: Mapping[str, Any], **_version: Any) -> dict[str, Any]:
        """Give a Test another type."""
        kind = self._type(testType, "Test") or "Manual"
        return self._changed(self._need(issueId, TEST), type=kind)

    def update_unstructured(self, _: Any, issueId: str, unstructured: str, **_version: Any) -> dict[str, Any]:
        """Set the definition of a Generic Test; of another kind it is refused (A)."""
        return self._changed(self._of_kind(issueId, "Unstructured"), definition=unstructured)

    def update_gherkin(self, _: Any, issueId: str, gherkin: str, **_version: Any) -> dict[str, Any]:
        """Set the scenario of a Cucumber Test; of another kind it is refused (A)."""
        return self._changed(self._of_kind(issueId, "Gherkin"), scenario=gherkin)

    def add_step(self, _: Any, issueId: str, step: Mapping[str, Any], **_version: Any) -> dict[str, Any]:
        """Add a step at the end."""
        issue = self._of_kind(issueId, "Steps")
        made = self._new_step(step)
        _details(issue).steps.append(made)
        self._world.index(issue)
        return self._show.step(made)

    def update_step(self, _: Any, stepId: str, step: Mapping[str, Any]) -> dict[str, Any]:
        """Change what is given of a step, its attachments too."""
        _, held = self._step(stepId)
        held.update({name: step[name] for name in ("action", "data", "result") if step.get(name) is not None})
        if step.get("customFields") is not None:
            held["customFields"] = [dict(each) for each in step["customFields"] if each is not None]
        change = step.get("attachments") or {}
        files = held.setdefault("attachments", [])
        gone = {*(change.get("removeIds") or ()), *(change.get("removeFilenames") or ())}
        removed = [each for each in files if each.uuid in gone or each.filename in gone]
        added = self._files(change.get("add"))
        held["attachments"] = [each for each in files if each not in removed] + added
        return {
            "addedAttachments": [each.filename for each in added],
            "removedAttachments": [each.filename for each in removed],
            "warnings": [],
        }

    def remove_step(self, _: Any, stepId: str) -> str:
        """Remove one step."""
        details, held = self._step(stepId)
        details.steps.remove(held)
        return SUCCESS

    def remove_steps(self, _: Any, issueId: str, **_version: Any) -> str:
        """Remove all steps of a Test."""
        _details(self._need(issueId, TEST)).steps.clear()
        return SUCCESS

    def _changed(self, issue: Issue, **members: str) -> dict[str, Any]:
        self._world.unindex(issue)
        for name, value in members.items():
            setattr(issue.test, name, value)
        issue.touch(self._call.now)
        self._world.index(issue)
        return self._show.test(issue)

    def _of_kind(self, number: str, kind: str) -> Issue:
        issue = self._need(number, TEST)
        if _details(issue).kind != kind:
            raise GraphQLError(f"Test with id {number} is not of kind {kind}.")
        return issue

    def _new_step(self, step: Mapping[str, Any]) -> dict[str, Any]:
        texts = {name: step.get(name) or "" for name in ("action", "data", "result")}
        more = {"customFields": [dict(each) for each in step.get("customFields") or () if each is not None]}
        return {
            **texts,
            **(more if more["customFields"] else {}),
            **({"attachments": files} if (files := self._files(step.get("attachments"))) else {}),
            **({"callTestIssueId": step["callTestIssueId"]} if step.get("callTestIssueId") else {}),
        }

    def _files(self, given: Iterable[Mapping[str, Any] | None] | None) -> list[Any]:
        keep = self._call.emulation.shelf.keep
        return [
            keep(each.get("data") or "", each.get("filename") or "attachment", each.get("mimeType"))
            for each in given or ()
            if each is not None
        ]

    def _step(self, number: str) -> tuple[TestDetails, dict[str, Any]]:
        for issue in self._world.of_type(TEST) if self._sees else ():
            for each in _details(issue).steps:
                if each["id"] == number:
                    return _details(issue), each
        raise GraphQLError(f"Step with id {number} not found.")  # (A)

    def _type(self, given: Mapping[str, Any] | None, what: str) -> str | None:
        """Return the name of a Test type that is named by id or name; None: not said."""
        if not given or not (given.get("id") or given.get("name")):
            return None
        for name, number in TEST_TYPES.items():
            if given.get("id") == number or (not given.get("id") and given.get("name") == name):
                return name
        raise GraphQLError(f"Error creating {what}: type {given.get('name') or given.get('id')} does not exist!")  # (A)

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

    # Folders

    def create_folder(self, _: Any, path: str, **asked: Any) -> dict[str, Any]:
        """Make a folder, and put issues into it; it has to be new (O), its parents have to be there (A)."""
        owner, place = self._owner(asked), clean_path(path)
        folders, _places = paths_of(self._world, owner)
        if place == "/" or place in folders:
            raise GraphQLError(f"Error creating folder: folder with path {path} already exists.")
        parent = place.rpartition("/")[0] or "/"
        if parent != "/" and parent not in folders:
            raise GraphQLError(f"Could not find Test Repository folder '{parent}'.")
        issues = [self._any(each) for each in (*(asked.get("testIssueIds") or ()), *(asked.get("issueIds") or ()))]
        folders.append(place)
        self._lay(owner, issues, place)
        return self._shown(owner, place)

    def delete_folder(self, _: Any, path: str, **asked: Any) -> str:
        """Delete a folder with those in it; what lay there lies at the top (A)."""
        owner, place = self._folder(asked, path)
        if isinstance(owner, str):
            delete_folder(self._world, self._world.projects[owner], place)
        elif owner.plan is not None:
            gone = {each for each in owner.plan.folders if each == place or each.startswith(f"{place}/")}
            owner.plan.folders = [each for each in owner.plan.folders if each not in gone]
            owner.plan.places = {key: each for key, each in owner.plan.places.items() if each not in gone}
        return SUCCESS

    def rename_folder(self, _: Any, path: str, newName: str, **asked: Any) -> dict[str, Any]:
        """Give a folder another name."""
        owner, place = self._folder(asked, path)
        return self._moved(owner, place, f"{place.rpartition('/')[0]}/{newName.strip('/')}")

    def move_folder(self, _: Any, path: str, destinationPath: str, **asked: Any) -> dict[str, Any]:
        """Move a folder into another one."""
        owner, place = self._folder(asked, path)
        target = clean_path(destinationPath)
        if target != "/" and target not in paths_of(self._world, owner)[0]:
            raise GraphQLError(f"Could not find Test Repository folder '{destinationPath}'.")
        if target == place or target.startswith(f"{place}/"):
            raise GraphQLError(f"Error moving folder: {destinationPath} lies in {path}.")  # (A)
        return self._moved(owner, place, f"{target.rstrip('/')}/{place.rpartition('/')[2]}")

    def put(self, _: Any, path: str, *, name: str, **asked: Any) -> dict[str, Any]:
        """Put issues into a folder."""
        owner, place = self._folder(asked, path)
        self._lay(owner, [self._any(each) for each in asked[name]], place)
        return self._shown(owner, place)

    def take(self, _: Any, *, name: str, **asked: Any) -> str:
        """Take issues out of their folders: they lie at the top."""
        self._lay(self._owner(asked), [self._any(each) for each in asked[name]], "/")
        return SUCCESS

    def lay(self, _: Any, issueId: str, folderPath: str, *, kind: str) -> str:
        """Put one issue into a folder of its project's repository."""
        issue, place = self._need(issueId, kind), clean_path(folderPath)
        if place != "/" and place not in self._world.projects[issue.project].folders:
            raise GraphQLError(f"Could not find Test Repository folder '{folderPath}'.")
        self._lay(issue.project, [issue], place)
        return SUCCESS

    def _owner(self, asked: Mapping[str, Any]) -> Issue | str:
        return self._read.owner_of_folders(asked.get("projectId"), asked.get("testPlanId"))

    def _folder(self, asked: Mapping[str, Any], path: str) -> tuple[Issue | str, str]:
        owner, place = self._owner(asked), clean_path(path)
        if place not in paths_of(self._world, owner)[0]:
            raise GraphQLError(f"Could not find Test Repository folder '{path}'.")
        return owner, place

    def _moved(self, owner: Issue | str, before: str, after: str) -> dict[str, Any]:
        if after != before and after in paths_of(self._world, owner)[0]:
            raise GraphQLError(f"Error moving folder: folder with path {after} already exists.")  # (A)
        if isinstance(owner, str):
            move_folder(self._world, self._world.projects[owner], before, after)
        elif owner.plan is not None:

            def moved(path: str) -> str:
                return after + path[len(before) :] if path == before or path.startswith(f"{before}/") else path

            owner.plan.folders = [moved(each) for each in owner.plan.folders]
            owner.plan.places = {key: moved(path) for key, path in owner.plan.places.items()}
        return self._shown(owner, after)

    def _lay(self, owner: Issue | str, issues: Iterable[Issue], place: str) -> None:
        for each in issues:
            if not isinstance(owner, str):
                if owner.plan is not None:
                    owner.plan.places[each.key] = place
                continue
            for details in (each.test, each.precondition):
                if details is not None:
                    details.folder = place

    def _shown(self, owner: Issue | str, place: str) -> dict[str, Any]:
        return {"folder": board(self._world, owner, place), "warnings": []}

    def _any(self, number: str | None) -> Issue:
        issue = self._world.find(number or "")
        if issue is None or not self._sees or (issue.test is None and issue.precondition is None):
            raise GraphQLError(f"Issue with id {number} not found.")  # (A)
        return issue

    def _made_path(self, project: str, path: str | None) -> str:
        """Return a path of the repository, making what is missing (A)."""
        place = clean_path(path or "/")
        parts = place.strip("/").split("/") if place != "/" else []
        folders = self._world.projects[project].folders
        for number in range(len(parts)):
            each = "/" + "/".join(parts[: number + 1])
            if each not in folders:
                folders.append(each)
        return place


def _details(issue: Issue) -> TestDetails:
    if issue.test is None:
        raise AssertionError(issue)
    return issue.test


def _left_out(added: list[Issue], asked: Iterable[Issue]) -> str | None:
    """Return the one warning of adding to a collection; its text is not known (A)."""
    present = [each.key for each in asked if each not in added]
    return f"Already there: {', '.join(present)}." if present else None
