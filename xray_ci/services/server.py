"""What Xray Server/DC holds and takes besides imports: Tests, Test Executions, Test Runs, Evidence.

Knows Jira's search and Xray's REST beside it. Knows nothing of markers, batches or repeating.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from xray_ci.errors import NotTheService, Refused, UnknownDelivery
from xray_ci.model import IssueKind
from xray_ci.services import body, store, wire
from xray_ci.services.jira import checked, definition_fields
from xray_ci.services.store import (
    KEY,
    NUMBER,
    PAGE,
    ExistingTest,
    RunDetails,
    RunTotals,
    StoredExecution,
    StoredRun,
    TestAge,
    TypedIssue,
    text_or_none,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.errors import Failure
    from xray_ci.services.jira import DefinitionFields, Jira
    from xray_ci.services.store import EvidenceFile
    from xray_ci.services.wire import Outcome

_TITLE: Final = "Xray Server/Data Center"
_BAD_REQUEST: Final = 400
_LATELY: Final = 120
"""Minutes in which an import may have begun, all its retries in them."""
_LARGEST: Final = 1_000
"""Issues of one page of a search: what a Jira gives at most unless somebody changed it (D)."""
_TYPES: Final = {
    "test plan": store.PLAN,
    "test execution": store.EXECUTION,
    "sub test execution": store.EXECUTION,
    "test set": store.TEST_SET,
}
_PLACES: Final = {store.PLAN: "testplan", store.EXECUTION: "testexec", store.TEST_SET: "testset"}
"""Of types of issues that hold Tests, in lower case: what they are, and where they are asked (D, O)."""
_OWN: Final = frozenset(
    {"test plan", "test execution", "sub test execution", "test set", "precondition", "pre-condition", "bug", "defect"}
)
"""Types of issues that no Test covers, in lower case: Xray's own (D), and faults (A: which are covered is for each
project to say)."""


def run_fields(jira: Jira, project: str, *, version: str = "2.0") -> dict[str, str]:
    """Return the ids of a project's custom fields of Test Runs by their names; two of one name are none (R).

    Raises what the outcome is.
    """
    outcome = jira.send("GET", f"/rest/raven/{version}/api/project/{quote(project, '')}/settings/customfields/testruns")
    if not isinstance(outcome, wire.Answered) or not isinstance(outcome.json, list):
        raise jira.failure(outcome, service=_TITLE)
    found = [(str(each.get("name")), str(each.get("id"))) for each in outcome.json if isinstance(each, dict)]
    names = [name for name, _ in found]
    return {name: number for name, number in found if NUMBER.fullmatch(number) and names.count(name) == 1}


class ServerStore:
    """Xray Server/DC as it stands: a Store."""

    def __init__(self, jira: Jira, *, version: str = "2.0") -> None:
        self._jira = jira
        self._api = f"/rest/raven/{version}/api"
        self._attached = 200 if version == "1.0" else 201
        """The status of a file of evidence that was taken; what else the answer says is not documented (O)."""
        self._fields: DefinitionFields | None = None
        self._numbers: dict[tuple[str, str], str] = {}
        """Ids of runs that were asked for, by keys of Test Execution and Test."""

    def existing_tests(self, project: str) -> Iterator[ExistingTest]:
        """Yield every Test of a project that the index knows, oldest first; asks 1,000 at a time."""
        return self._tests(store.tests_of(project), page=_LARGEST)

    def tests_named(self, keys: Sequence[str]) -> tuple[ExistingTest, ...]:
        """Return those of the keys (100 at most) that the index knows as Tests."""
        return store.known(keys, lambda query: self._tests(f"{query} AND issuetype = Test"))

    def held(self, key: str, kind: str) -> Iterator[ExistingTest]:
        """Yield the Tests of a Test Plan, Test Execution or Test Set; UnknownIssue where it is none."""
        if _TYPES.get(self._type_of(key)) != kind:
            raise store.unknown(key, kind)
        return self._in_order([str(each.get("key")) for each in self._members(f"{_PLACES[kind]}/{checked(key)}/test")])

    def found(self, jql: str) -> Iterator[ExistingTest]:
        """Yield the Tests among what somebody's JQL finds."""
        listed = self._jira.search(jql, ["issuetype"])
        return self._in_order([str(each.get("key")) for each in listed if _kind(each) is IssueKind.TEST])

    def _in_order(self, keys: Sequence[str]) -> Iterator[ExistingTest]:
        """Yield Tests by their keys; one that the index does not know (any more) has its key alone."""
        for start in range(0, len(keys), PAGE):
            some = keys[start : start + PAGE]
            known = {test.key: test for test in self.tests_named(some)}
            for each in some:
                yield known.get(each) or ExistingTest(key=each, test_type="", definition=None, summary="")

    def kind_of(self, key: str) -> str | None:
        """Return what an issue is, by its type."""
        kind = _TYPES.get(self._type_of(key))
        return kind if kind in (store.PLAN, store.EXECUTION) else None

    def _type_of(self, key: str) -> str:
        return next((each.type.lower() for each in self.typed((key,))), "")

    def kinds(self, keys: Sequence[str]) -> dict[str, IssueKind]:
        """Return what the issues of these keys (100 at most) are, by their types; those not there are left out."""
        found = store.known(keys, lambda query: tuple(self._jira.search(query, ["issuetype"])))
        return {str(each.get("key")): _kind(each) for each in found}

    def typed(self, keys: Sequence[str]) -> tuple[TypedIssue, ...]:
        """Return the issues of these keys (100 at most) that are there."""
        found = store.known(keys, lambda query: tuple(self._jira.search(query, ["issuetype", "status"])))
        return tuple(
            TypedIssue(key=str(each.get("key")), type=_type(each), done=store.is_done(_fields(each))) for each in found
        )

    def licence(self) -> str | None:
        """Return what kind of licence Xray has here, None where it is not valid; raises what the outcome is."""
        outcome = self._jira.send("GET", f"{self._api}/xraylicense")
        match outcome:
            case wire.Answered(json=dict(said)) if isinstance(said.get("active"), bool):
                return str(said.get("licenseType") or "licensed") if said["active"] else None
            case _:
                raise self._failure(outcome)

    def statuses(self) -> tuple[str, ...]:
        """Return the words of the statuses of Test Runs."""
        listed = self._listed(self._jira.send("GET", f"{self._api}/settings/teststatuses"))
        return tuple(str(each.get("name")) for each in listed)

    def execution(self, key: str) -> StoredExecution | None:
        """Return a Test Execution by its key, through the index; None when there is none."""
        return next(
            iter(store.known((key,), lambda query: self.executions(f'{query} AND issuetype = "Test Execution"'))), None
        )

    def executions(self, jql: str) -> tuple[StoredExecution, ...]:
        """Return the issues that JQL finds."""
        return tuple(map(_execution, self._jira.search(jql, ["summary"])))

    def runs(self, execution: StoredExecution) -> Iterator[StoredRun]:
        """Yield the runs of a Test Execution, each once, without their ids."""
        for each in self._members(f"testexec/{checked(execution.key)}/test"):
            yield StoredRun(test=str(each.get("key")), status=str(each.get("status")))

    def _members(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield what a list of Tests holds, each key once."""
        for page in self._paged(f"{self._api}/{path}?", "key"):
            yield from page

    def _paged(self, place: str, name: str) -> Iterator[list[dict[str, Any]]]:
        """Yield pages of a list, each entry once by its member `name`; `place` ends where the query goes on.

        Asks for pages until one brings nothing new. A Server has a largest page and refuses what is larger (D), so ours
        is halved until it is taken.
        """
        limit, page, seen = PAGE, 0, set[str]()
        while True:
            page += 1
            outcome = self._jira.send("GET", f"{place}limit={limit}&page={page}")
            while (
                page == 1 and limit > 1 and isinstance(outcome, wire.RefusedAnswer) and outcome.status == _BAD_REQUEST
            ):
                limit //= 2
                outcome = self._jira.send("GET", f"{place}limit={limit}&page={page}")
            fresh = [each for each in self._listed(outcome) if str(each.get(name)) not in seen]
            if not fresh:
                return
            seen |= {str(each.get(name)) for each in fresh}
            yield fresh

    def executions_of(self, plan: str) -> Iterator[StoredExecution]:
        """Yield the Test Executions of a Test Plan, by its key."""
        outcome = self._jira.send("GET", f"{self._api}/testplan/{checked(plan)}/testexecution")
        return map(_execution, self._listed(outcome))

    def details(self, execution: StoredExecution) -> Iterator[RunDetails]:
        """Yield the runs of a Test Execution with what people read of them; their Tests are asked for page by page."""
        for page in self._paged(f"{self._api}/testruns?testExecKey={checked(execution.key)}&", "id"):
            tests = {test.key: test for test in self.tests_named([str(each.get("testKey")) for each in page])}
            for each in page:
                test = tests.get(str(each.get("testKey")))
                comment, files = each.get("comment"), each.get("evidences")
                yield RunDetails(
                    execution=execution.key,
                    test=str(each.get("testKey")),
                    summary=test.summary if test else "",
                    type=test.test_type if test else "",
                    status=str(each.get("status")),
                    comment=str((comment.get("raw") if isinstance(comment, dict) else comment) or ""),
                    started=text_or_none(each.get("startedOnIso")) or text_or_none(each.get("startedOn")),
                    finished=text_or_none(each.get("finishedOnIso")) or text_or_none(each.get("finishedOn")),
                    executed_by=text_or_none(each.get("executedBy")),
                    defects=tuple(map(_defect, each.get("defects") or ())),
                    evidence=tuple(str(file.get("fileName")) for file in files or () if isinstance(file, dict)),
                )

    def totals(
        self,
        execution: StoredExecution,  # noqa: ARG002 - Cloud needs it
        statuses: Sequence[str],  # noqa: ARG002
        *,
        aged: bool = False,  # noqa: ARG002
    ) -> RunTotals | None:
        """Return None: no resource that is documented counts runs without listing them (D)."""
        return None

    def some_runs(
        self, execution: StoredExecution, *, status: str | None = None, keys: Sequence[str] = ()
    ) -> Iterator[StoredRun]:
        """Yield the runs of one status, or of some Tests by their keys, of all that are listed."""
        for run in self.runs(execution):
            if (status is None or run.status == status) and (not keys or run.test in keys):
                yield run

    def failed_tests(
        self,
        execution: StoredExecution,  # noqa: ARG002 - Cloud needs it
        statuses: Sequence[str],  # noqa: ARG002
        keys: Sequence[str],
    ) -> Iterator[ExistingTest]:
        """Yield the Tests of these keys, as far as the index knows them: a list of runs says neither name nor type."""
        for start in range(0, len(keys), PAGE):
            yield from self.tests_named(keys[start : start + PAGE])

    def ages(
        self,
        execution: StoredExecution,
        within: float,
        *,
        keys: Sequence[str] = (),
        totals: RunTotals | None = None,  # noqa: ARG002 - Cloud needs it
    ) -> Iterator[TestAge]:
        """Yield how old the Tests of these keys are.

        Any may be another's where one more Test Execution of the project was changed since: an import changes it (A).
        """
        place = f'project = {store.quoted(execution.key.rpartition("-")[0])} AND issuetype = "Test Execution"'
        lately = list(self._jira.search(f"{place} AND updated >= -{_LATELY}m", ["created", "updated"], page=_LARGEST))
        made = next((_moment(each, "created") for each in lately if each.get("key") == execution.key), None)
        if made is None:
            return
        changed = [_moment(each, "updated") for each in lately if each.get("key") != execution.key]
        shared = any(each is None or each >= made - within for each in changed)
        for start in range(0, len(keys), _LARGEST):
            for each in self._jira.search(store.keyed(keys[start : start + _LARGEST]), ["created"], page=_LARGEST):
                if (created := _moment(each, "created")) is not None:
                    yield TestAge(after=created - made, shared=shared)

    def create_execution(self, fields: Mapping[str, object]) -> StoredExecution:
        """Make an empty Test Execution."""
        return self._jira.create_issue(fields)

    def delete_execution(self, execution: StoredExecution) -> bool:
        """Delete a Test Execution; False when it is not there (any more)."""
        return self._jira.delete_issue(execution.key)

    def evidence(self, execution: StoredExecution, run: StoredRun) -> tuple[str, ...]:
        """Return the file names of the Evidence of a run."""
        number = self._run_id(execution, run)
        return tuple(
            str(each.get("fileName"))
            for each in self._listed(self._jira.send("GET", f"{self._api}/testrun/{number}/attachment"))
        )

    upload_from = None

    def upload(self, evidence: EvidenceFile) -> str | None:  # noqa: ARG002
        """Return None: no resource is documented that takes a file before its run."""
        return None

    def defects(self, execution: StoredExecution, run: StoredRun) -> tuple[str, ...]:
        """Return the keys of the issues that are linked to a run as its defects."""
        outcome = self._jira.send("GET", f"{self._api}/testrun/{self._run_id(execution, run)}/defect")
        return tuple(str(each.get("key")) for each in self._listed(outcome))

    def add_defect(self, execution: StoredExecution, run: StoredRun, key: str) -> None:
        """Link a defect to a run."""
        path = f"{self._api}/testrun/{self._run_id(execution, run)}/defect"
        outcome = self._jira.send("POST", path, body.upload([checked(key)]))
        if not isinstance(outcome, wire.Answered) or outcome.is_page:
            raise self._failure(outcome)

    def add_evidence(
        self,
        execution: StoredExecution,
        run: StoredRun,
        evidence: EvidenceFile,
        uploaded: str | None = None,  # noqa: ARG002
    ) -> None:
        """Add one file to a run."""
        number = self._run_id(execution, run)
        document = {"data": body.HOLE, "filename": evidence.filename, "contentType": evidence.content_type}
        upload = body.upload(document, evidence.data)
        outcome = self._jira.send("POST", f"{self._api}/testrun/{number}/attachment", upload, repeatable=False)
        match outcome:
            case wire.Answered(status=self._attached) if not outcome.is_page:
                return
            case wire.Answered() if not outcome.is_page:
                raise UnknownDelivery(
                    f"{_TITLE} answered {outcome.status} to a file of evidence, not {self._attached}; it may be there",
                    where="jira-url",
                    service="Xray",
                    answer=f"{outcome.status}: {outcome.text[:2_000]}",
                )
            case _:
                raise self._failure(outcome, repeatable=False)

    def add_environments(self, execution: StoredExecution, names: Sequence[str]) -> None:
        """Do nothing: an import makes the Test Environments that it names (A)."""

    def link_plan(self, plan: str, execution: StoredExecution) -> None:
        """Link a Test Execution to a Test Plan."""
        self._add(
            f"testplan/{checked(plan)}/testexecution", [execution.key], f"the Test Execution was not linked to {plan}"
        )

    def plan_tests(self, plan: str, tests: Sequence[str]) -> None:
        """Add Tests to a Test Plan, 100 a call."""
        for start in range(0, len(tests), PAGE):
            self._add(f"testplan/{checked(plan)}/test", tests[start : start + PAGE], f"Tests were not added to {plan}")

    def set_tests(self, test_set: str, tests: Sequence[str]) -> None:
        """Add Tests to a Test Set, 100 a call; once there, nothing changes."""
        for start in range(0, len(tests), PAGE):
            place = f"testset/{checked(test_set)}/test"
            self._add(place, tests[start : start + PAGE], f"Tests were not added to {test_set}")

    def _add(self, place: str, keys: Sequence[str], refused: str) -> None:
        """Add issues to another; an empty list is success, else it holds messages (O)."""
        outcome = self._jira.send("POST", f"{self._api}/{place}", body.upload({"add": list(keys)}))
        match outcome:
            case wire.Answered(json=[]):
                return
            case wire.Answered(json=list(messages)):
                raise Refused(refused, service="Xray", answer="200: " + "; ".join(map(str, messages)))
            case _:
                raise self._failure(outcome)

    def _tests(self, query: str, *, page: int = PAGE) -> Iterator[ExistingTest]:
        if self._fields is None:
            self._fields = definition_fields(self._jira.fields())
        ids = self._fields
        names = [name for name in ("summary", ids.test_type, ids.definition) if name]
        for each in self._jira.search(query, names, page=page):
            fields = _fields(each)
            yield ExistingTest(
                key=str(each.get("key")),
                test_type=_option(fields.get(ids.test_type or "")),
                definition=text_or_none(fields.get(ids.definition or "")),
                summary=str(fields.get("summary") or ""),
            )

    def _run_id(self, execution: StoredExecution, run: StoredRun) -> str:
        known = run.id or self._numbers.get((execution.key, run.test))
        if known is not None:
            return known
        path = f"{self._api}/testrun?testExecIssueKey={checked(execution.key)}&testIssueKey={checked(run.test)}"
        outcome = self._jira.send("GET", path)
        match outcome:
            case wire.Answered(json={"id": int() | str() as number}) if str(number).isalnum():
                return self._numbers.setdefault((execution.key, run.test), str(number))
            case _:
                raise self._failure(outcome)

    def _listed(self, outcome: Outcome) -> list[dict[str, Any]]:
        if isinstance(outcome, wire.Answered) and isinstance(outcome.json, list):
            return [each for each in outcome.json if isinstance(each, dict)]
        raise self._failure(outcome)

    def _failure(self, outcome: Outcome, *, repeatable: bool = True) -> Failure:
        return self._jira.failure(outcome, service=_TITLE, repeatable=repeatable)


def _execution(issue: Mapping[str, Any]) -> StoredExecution:
    number, key = str(issue.get("id")), str(issue.get("key"))
    if not NUMBER.fullmatch(number) or not KEY.fullmatch(key):
        raise NotTheService("Jira's answer lacks id and key of an issue", where="jira-url", service="Jira")
    return StoredExecution(id=number, key=key)


def _fields(issue: Mapping[str, Any]) -> dict[str, Any]:
    fields = issue.get("fields")
    return fields if isinstance(fields, dict) else {}


def _moment(issue: Mapping[str, Any], name: str) -> float | None:
    return store.moment(_fields(issue).get(name))


def _type(issue: Mapping[str, Any]) -> str:
    held = _fields(issue).get("issuetype")
    return str(held.get("name") if isinstance(held, dict) else "")


def _kind(issue: Mapping[str, Any]) -> IssueKind:
    name = _type(issue).lower()
    return IssueKind.TEST if name == "test" else IssueKind.OTHER if name in _OWN or not name else IssueKind.COVERABLE


def _defect(entry: object) -> str:
    """Return the key of a defect: the text itself, or a member of what describes the issue (A)."""
    return str(entry.get("key") if isinstance(entry, dict) else entry)


def _option(value: object) -> str:
    """Return what an option field says: its value, or the text itself (R)."""
    return str((value.get("value") if isinstance(value, dict) else value) or "")
