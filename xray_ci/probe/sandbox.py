"""What a probe makes in the project it was given, and how it is removed again.

Every issue has the label LABEL from the moment it is made, so that whoever comes next finds what a killed probe left.
"""

from __future__ import annotations

import json
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from msgspec import Struct

from xray_ci.probe.asking import Short, document, listed, member
from xray_ci.services.wire import Answered

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xray_ci.probe.asking import Asking
    from xray_ci.services.wire import Answer

LABEL: Final = "xrayci-probe"
WORD: Final = "xrayciprobe"
"""In each summary."""
TESTS: Final = 8
"""Generic Tests, and as many Cucumber ones as STEPS has words."""
STEPS: Final = ("failed", "passed", "skipped", "pending", "undefined", "ABORTED")
CREATE: Final = "CREATE_ISSUES"
EDIT: Final = "EDIT_ISSUES"
ATTACH: Final = "CREATE_ATTACHMENTS"
_PERMISSIONS: Final = (CREATE, EDIT, ATTACH)
NOT_CREATE: Final = "this login may make no issue in the project"
_AT_ONCE: Final = 20
"""Issues deleted by one document of GraphQL."""
_PAGE: Final = 100
_KINDS: Final = {"Test": "deleteTest", "Test Plan": "deleteTestPlan", "Test Execution": "deleteTestExecution"}


class Ours(Struct, frozen=True, kw_only=True):
    """An issue of ours."""

    key: str
    id: str
    kind: str
    """`Test`, `Test Plan` or `Test Execution`."""


class Sandbox:
    """The issues of one probe in one project."""

    def __init__(self, asking: Asking) -> None:
        self.asking = asking
        self.made: dict[str, Ours] = {}
        self.first: Answer | None = None
        """The answer of the import that made the first of them."""
        self.tests: tuple[Ours, ...] = ()
        self.cucumber: tuple[Ours, ...] = ()
        self.one: Ours = Ours(key="", id="", kind="")
        """The first Test Execution."""
        self.stays: dict[str, int] = {}

    @cached_property
    def lacking(self) -> frozenset[str]:
        """Which permissions this login of Jira has not in the project, as Jira says; raises Short without one."""
        place = f"/mypermissions?projectKey={quote(self.asking.project, safe='')}&permissions={','.join(_PERMISSIONS)}"
        held = member(self.asking.issue("GET", place), "permissions")
        return frozenset(name for name in _PERMISSIONS if member(held, name, "havePermission") is False)

    @property
    def words(self) -> tuple[str, str, str]:
        """Return the words of passed, failed and not run."""
        return ("PASSED", "FAILED", "TO DO") if self.asking.cloud else ("PASS", "FAIL", "TODO")

    def info(self, **fields: Any) -> dict[str, Any]:
        """Return the part `info` of a new Test Execution; a field of None is left out."""
        held = {
            "project": {"key": self.asking.project},
            "summary": f"{WORD} execution",
            "issuetype": {"name": "Test Execution"},
            "labels": [LABEL],
            **fields,
        }
        return {"fields": {name: value for name, value in held.items() if value is not None}}

    def test_info(self, name: str, *, scenario: str = "", **more: Any) -> dict[str, Any]:
        """Return `testInfo` of a Test that is found by its name, with the label."""
        kind = "Cucumber" if scenario else "Generic"
        body = {"scenario": scenario} if scenario else {"definition": f"{WORD}.Case.{name}"}
        named = "type" if self.asking.cloud else "testType"
        held = {"projectKey": self.asking.project, "summary": f"{WORD} {name}", named: kind, "labels": [LABEL]}
        return {**held, **body, **more}

    def begin(self) -> None:
        """Remove what an earlier probe left, and make Tests and a Test Execution. Raises Short when it is refused."""
        if self.tests:
            return
        if not self.asking.cloud and CREATE in self.lacking:
            raise Short(NOT_CREATE)
        self.sweep()
        named = [self.test_info(f"t{number}") for number in range(TESTS)]
        named += [self.test_info(f"c{number}", scenario="Given a step") for number in range(len(STEPS))]
        report = {"tests": [{"testInfo": info, "status": self.words[2]} for info in named]}
        self.first = self.multipart("", report, self.info())
        self.one = self.taken(self.first)
        found = self._found_tests()
        if len(found) != len(named):
            raise Short("the Tests of the sandbox were not made")
        self.tests, self.cucumber = tuple(found[:TESTS]), tuple(found[TESTS:])

    def _found_tests(self) -> list[Ours]:
        if self.asking.cloud:
            query = (
                "query($i: String) { getTestExecution(issueId: $i) { tests(limit: 100) { results { issueId "
                'jira(fields: ["key", "summary"]) } } } }'
            )
            rows = listed(self.asking.data(query, i=self.one.id), "getTestExecution", "tests", "results")
            held = [
                (member(each, "jira", "summary"), member(each, "jira", "key"), member(each, "issueId")) for each in rows
            ]
            held.sort(key=lambda row: (not str(row[0]).startswith(f"{WORD} t"), str(row[0])))
        else:
            rows = listed(self.first, "testIssues", "success")
            held = [("", member(each, "key"), member(each, "id")) for each in rows]
        return [self.note(str(key), str(number), "Test") for _, key, number in held]

    def note(self, key: str, number: str, kind: str) -> Ours:
        """Remember an issue that was made."""
        made = Ours(key=key, id=number, kind=kind)
        if key and key not in self.made:
            self.made[key] = made
            self.asking.reserve += 1 if not self.asking.cloud else (len(self.made) % _AT_ONCE == 1)
        return made

    def forget(self, made: Ours, outcome: Answer) -> None:
        """Forget an issue that a step deleted itself."""
        if isinstance(outcome, Answered):
            self.made.pop(made.key, None)

    def taken(self, outcome: Answer) -> Ours:
        """Return the Test Execution that an import answers with; raises Short when there is none."""
        held = document(outcome)
        issue = held if self.asking.cloud else member(held, "testExecIssue")
        key, number = member(issue, "key"), member(issue, "id")
        if not isinstance(key, str):
            raise Short("an import was answered without a key")
        for each in listed(held, "testIssues", "success"):
            self.note(str(member(each, "key")), str(member(each, "id")), "Test")
        return self.made.get(key) or self.note(key, str(number), "Test Execution")

    # Imports

    def xray(self, *tests: dict[str, Any], into: Ours | None = None, **more: Any) -> Answer:
        """Import Xray JSON into a Test Execution of ours, the first unless told; what is made is remembered."""
        body = {"testExecutionKey": (into or self.one).key, "tests": list(tests), **more}
        return self._heard(self.asking.rest("POST", "/import/execution", body))

    def multipart(self, path: str, report: Any, info: Any, *, kind: str = "json", tests: Any = None) -> Answer:
        """Import a report beside `info`; bytes travel as they are, `path` is behind `/import/execution`."""

        def part(value: Any, name: str, kind: str) -> tuple[str, str, bytes]:
            return name, f"application/{kind}", value if isinstance(value, bytes) else json.dumps(value).encode()

        named = "results" if self.asking.cloud else "file" if kind == "xml" else "result"
        parts = {named: part(report, f"report.{kind}", kind), "info": part(info, "info.json", "json")}
        if tests is not None:
            parts["testInfo"] = part(tests, "testInfo.json", "json")
        return self._heard(self.asking.rest("POST", f"/import/execution{path}/multipart", self.asking.form(**parts)))

    def _heard(self, outcome: Answer) -> Answer:
        """Remember the Test Execution of an import that was taken, whatever is thought of it."""
        if isinstance(outcome, Answered):
            with suppress(Short):
                self.taken(outcome)
        return outcome

    def execution(self) -> Ours:
        """Make another Test Execution with one result; raises Short."""
        report = {"tests": [{"testKey": self.tests[0].key, "status": self.words[2]}]}
        return self.taken(self.multipart("", report, self.info()))

    # Reading back

    def runs(self, *executions: Ours) -> dict[tuple[str, str], dict[str, Any]]:
        """Return the Test Runs by the ids (Server: keys) of Test Execution and Test: status, comment, evidence, id."""
        found: dict[tuple[str, str], dict[str, Any]] = {}
        if self.asking.cloud:
            query = (
                "query($e: [String]) { getTestRuns(testExecIssueIds: $e, limit: 100) { results { id status { name } "
                "comment evidence { filename } defects gherkin test { issueId } testExecution { issueId } } } }"
            )
            rows = listed(self.asking.data(query, e=[each.id for each in executions]), "getTestRuns", "results")
            for row in rows:
                place = (str(member(row, "testExecution", "issueId")), str(member(row, "test", "issueId")))
                found[place] = {**row, "status": member(row, "status", "name")}
            return found
        for each in executions:
            rows = listed(document(self.asking.rest("GET", f"/api/testruns?testExecKey={quote(each.key, safe='')}")))
            for row in rows:
                found[each.key, str(member(row, "testKey"))] = {**row, "evidence": member(row, "evidences") or []}
        return found

    def run(self, runs: dict[tuple[str, str], dict[str, Any]], execution: Ours, test: Ours) -> dict[str, Any]:
        """Return one Test Run of them, empty when it is not there."""
        place = (execution.id, test.id) if self.asking.cloud else (execution.key, test.key)
        return runs.get(place, {})

    def finds(self, key: str) -> bool:
        """Say whether a search finds an issue of ours."""
        return any(each.key == key for each in self.labelled(f' AND key = "{key}"'))

    # Removing

    def sweep(self) -> None:
        """Remove what has the label, of this probe or an earlier one that was killed."""
        while found := self.labelled():
            before = len(found)
            self._remove(found)
            if len(found) < _PAGE or len(self.labelled()) >= before:
                return

    def tidy(self) -> None:
        """Remove everything that was made; what cannot be removed is counted in `stays`."""
        self.asking.reserve = 0
        left = self._remove(self.made.values())
        left += self._remove([each for each in self.labelled() if each.key not in self.made])
        for each in left:
            self.stays[each.kind] = self.stays.get(each.kind, 0) + 1

    def labelled(self, more: str = "") -> list[Ours]:
        """Return the issues of the project that have the label; `more` is JQL that narrows them."""
        jql = f'project = "{self.asking.project}" AND labels = "{LABEL}"{more}'
        if not self.asking.cloud:
            place = f"/search?jql={quote(jql)}&fields=issuetype&maxResults={_PAGE}"
            rows = listed(document(self.asking.issue("GET", place)), "issues")
            return [
                Ours(
                    key=str(member(e, "key")),
                    id=str(member(e, "id")),
                    kind=str(member(e, "fields", "issuetype", "name")),
                )
                for e in rows
            ]
        names = {"Test Execution": "getTestExecutions", "Test Plan": "getTestPlans", "Test": "getTests"}
        parts = " ".join(
            f'{name}(jql: $q, limit: {_PAGE}) {{ results {{ issueId jira(fields: ["key"]) }} }}'
            for name in names.values()
        )
        held = self.asking.data(f"query($q: String) {{ {parts} }}", q=jql)
        return [
            Ours(key=str(member(each, "jira", "key")), id=str(member(each, "issueId")), kind=kind)
            for kind, name in names.items()
            for each in listed(held, name, "results")
        ]

    def _remove(self, issues: Iterable[Ours]) -> list[Ours]:
        """Remove issues; return those that are still there."""
        wanted = sorted(
            (each for each in issues if each.id.isascii() and each.id.isdigit()), key=lambda each: each.kind == "Test"
        )
        left: list[Ours] = []
        if not self.asking.cloud:
            for each in wanted:
                outcome = self.asking.issue("DELETE", f"/issue/{quote(each.key, safe='')}")
                left += [] if isinstance(outcome, Answered) or getattr(outcome, "status", 0) == 404 else [each]  # noqa: PLR2004
            return left
        for start in range(0, len(wanted), _AT_ONCE):
            part = wanted[start : start + _AT_ONCE]
            fields = " ".join(
                f'd{number}: {_KINDS.get(each.kind, "deleteTest")}(issueId: "{each.id}")'
                for number, each in enumerate(part)
            )
            outcome = self.asking.graphql(f"mutation {{ {fields} }}")
            data = member(outcome, "data")
            left += [each for number, each in enumerate(part) if member(data, f"d{number}") is None]
        return left
