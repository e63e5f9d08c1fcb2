"""What Xray Cloud holds and takes besides imports, over GraphQL: Tests, Test Executions, Test Runs, Evidence.

Knows the documents and what their answers must look like. Knows nothing of markers, batches or repeating.
"""

from __future__ import annotations

import secrets
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from xray_ci.errors import NotTheService, Refused, UnknownDelivery
from xray_ci.model import IssueKind
from xray_ci.services import body, store
from xray_ci.services.body import HOLE
from xray_ci.services.graphql import STATUSES
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

    from xray_ci.services.graphql import GraphQL
    from xray_ci.services.store import EvidenceFile


UPLOAD_FROM: Final = 8_000_000
"""Bytes. Below, the calls that are needed more take longer than the third of the bytes that base64 adds (measured: see
docs/performance.md)."""
_TEST: Final = 'testType { name } unstructured jira(fields: ["key", "summary"])'
_PROJECT: Final = "query($project: String) { getProjectSettings(projectIdOrKey: $project) { projectId } }"
_TOGETHER: Final = 8
"""Pages of one list in one call: three resolvers each at most, of 25 (A)."""
_MADE: Final = ' made: getTestExecution(issueId: $id) { jira(fields: ["created"]) }'
_AGE: Final = 'test { jira(fields: ["created"]) testExecutions(limit: 1) { total } }'
_NAMED: Final = f"""query($jql: String, $limit: Int!, $start: Int) {{
  getTests(jql: $jql, limit: $limit, start: $start) {{ total results {{ {_TEST} }} }} }}"""
_COVERABLE: Final = """query($jql: String, $limit: Int!, $start: Int) {
  getCoverableIssues(jql: $jql, limit: $limit, start: $start) { total results { jira(fields: ["key"]) } } }"""
_EXECUTIONS: Final = """query($jql: String, $limit: Int!, $start: Int) {
  getTestExecutions(jql: $jql, limit: $limit, start: $start) { total results { issueId jira(fields: ["key"]) } } }"""
_PRESENT: Final = "query($id: String) { getTestExecution(issueId: $id) { issueId } }"
_RUNS: Final = """query($id: String, $limit: Int!, $start: Int) { getTestExecution(issueId: $id) {
  testRuns(limit: $limit, start: $start) { total results { id status { name } test { jira(fields: ["key"]) } } } } }"""
_RUN: Final = 'id status { name } test { jira(fields: ["key"]) }'
_SOME: Final = f"""query($executions: [String], $tests: [String], $statuses: [String], $limit: Int!, $start: Int) {{
  getTestRuns(testExecIssueIds: $executions, testIssueIds: $tests, statuses: $statuses, limit: $limit, start: $start) {{
    total results {{ {_RUN} }} }} }}"""
_FAILED: Final = f"""query($executions: [String], $statuses: [String], $limit: Int!, $start: Int) {{
  getTestRuns(testExecIssueIds: $executions, statuses: $statuses, limit: $limit, start: $start) {{
    total results {{ test {{ {_TEST} }} }} }} }}"""
_IDS: Final = """query($jql: String, $limit: Int!, $start: Int) {
  getTests(jql: $jql, limit: $limit, start: $start) { total results { issueId } } }"""
_COUNTED: Final = 20
"""Statuses that are counted in one call, which may have 25 resolvers (D)."""
_SETTINGS: Final = """query($project: String) {
  getProjectSettings(projectIdOrKey: $project) { projectId testEnvironments } }"""
_LISTS: Final = MappingProxyType(
    {store.PLAN: "getTestPlans", store.EXECUTION: "getTestExecutions", store.TEST_SET: "getTestSets"}
)
_ID: Final = "query($jql: String) { %s(jql: $jql, limit: 1) { results { issueId } } }"
_HELD: Final = f"""query($id: String, $limit: Int!, $start: Int) {{ %s(issueId: $id) {{
  tests(limit: $limit, start: $start) {{ total results {{ {_TEST} }} }} }} }}"""
_OF_TYPE: Final = """query($jql: String, $limit: Int!, $start: Int) {
  %s(jql: $jql, limit: $limit, start: $start) { total results { jira(fields: ["key", "status"]) } } }"""
_DETAILS: Final = """query($id: String, $limit: Int!, $start: Int) { getTestExecution(issueId: $id) {
  testRuns(limit: $limit, start: $start) { total results { id status { name } comment startedOn finishedOn
  executedById defects evidence { filename } test { testType { name } jira(fields: ["key", "summary"]) } } } } }"""
_OF_PLAN: Final = """query($id: String, $limit: Int!, $start: Int) { getTestPlan(issueId: $id) {
  testExecutions(limit: $limit, start: $start) { total results { issueId jira(fields: ["key"]) } } } }"""
_EVIDENCE: Final = "query($id: String) { getTestRunById(id: $id) { evidence { filename } } }"
_CREATE: Final = """mutation($jira: JSON!) {
  createTestExecution(jira: $jira) { testExecution { issueId jira(fields: ["key"]) } warnings } }"""
_DELETE: Final = "mutation($id: String!) { deleteTestExecution(issueId: $id) }"
_ATTACH: Final = """mutation($evidence: [AttachmentDataInput]!, $id: String!) {
  addEvidenceToTestRun(id: $id, evidence: $evidence) { addedEvidence warnings } }"""
_DEFECTS: Final = "query($id: String) { getTestRunById(id: $id) { defects } }"
_ADD_DEFECT: Final = """mutation($id: String!, $issues: [String]!) {
  addDefectsToTestRun(id: $id, issues: $issues) { addedDefects warnings } }"""
_ADD_ENVIRONMENTS: Final = """mutation($id: String!, $names: [String]!) {
  addTestEnvironmentsToTestExecution(issueId: $id, testEnvironments: $names) { associatedTestEnvironments warning } }"""
_PLAN_TESTS: Final = """mutation($plan: String!, $tests: [String]!) {
  addTestsToTestPlan(issueId: $plan, testIssueIds: $tests) { addedTests warning } }"""
_LINK: Final = """mutation($plan: String!, $executions: [String]!) {
  addTestExecutionsToTestPlan(issueId: $plan, testExecIssueIds: $executions) { addedTestExecutions warning } }"""


class CloudStore:
    """Xray Cloud as it stands: a Store. An answer of another shape is NotTheService."""

    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql
        self._uploads = True

    def existing_tests(self, project: str) -> Iterator[ExistingTest]:
        """Yield every Test of a project, by its key.

        By project id, as JQL may find no more than 100 (D).
        """
        settings = _part(self._graphql.call(_PROJECT, {"project": project}), "getProjectSettings")
        asked = {"project": _text(settings, "projectId")}
        return map(_test, self._together("$project: String", asked, "getTests(projectId: $project", _TEST))

    def statuses(self) -> tuple[str, ...]:
        """Return the words of the statuses of Test Runs; needs no project and no permission in one."""
        return tuple(_text(each, "name") for each in _list(self._graphql.call(STATUSES, {}), "getStatuses"))

    def environments(self, project: str) -> tuple[str, ...]:
        """Return the Test Environments of a project; Refused where this key sees no such project."""
        found = _part(self._graphql.call(_SETTINGS, {"project": project}), "getProjectSettings")
        return tuple(str(each) for each in found.get("testEnvironments") or ())

    def typed(self, keys: Sequence[str], kind: str) -> tuple[TypedIssue, ...]:
        """Return the issues of these keys that are there; what is no `kind` (Test Plan, Test Execution) has no type.

        One list of one type: no query knows the type of any issue.
        """
        name = _LISTS[kind]
        found, there = store.existing(keys, lambda jql: self._pages(_OF_TYPE % name, {"jql": jql}, name))
        held = {_text(each, "key"): store.is_done(each) for each in (_part(each, "jira") for each in found)}
        return tuple(TypedIssue(key=key, type=kind if key in held else "", done=held.get(key, False)) for key in there)

    def knows_version(self, project: str, name: str) -> bool:
        """Say whether a project that is there has a version.

        JQL with a version that is nowhere is refused, and the refusal names it (R).
        """
        jql = f"project = {store.quoted(project)} AND fixVersion = {store.quoted(name)}"
        try:
            self._graphql.call(_EXECUTIONS, {"jql": jql, "limit": 1, "start": 0})
        except Refused as refusal:
            if name not in (refusal.answer or ""):
                raise
            return False
        return True

    def tests_named(self, keys: Sequence[str]) -> tuple[ExistingTest, ...]:
        """Return those of the keys (100 at most) that the index knows as Tests."""
        return store.known(keys, lambda query: map(_test, self._pages(_NAMED, {"jql": query}, "getTests")))

    def held(self, key: str, kind: str) -> Iterator[ExistingTest]:
        """Yield the Tests of a Test Plan, Test Execution or Test Set; UnknownIssue where it is none."""
        one = _LISTS[kind].removesuffix("s")
        return map(_test, self._pages(_HELD % one, {"id": self._id(key, kind)}, one, "tests"))

    def found(self, jql: str) -> Iterator[ExistingTest]:
        """Yield the Tests among what somebody's JQL finds; more than 100 may be refused (D)."""
        return map(_test, self._pages(_NAMED, {"jql": jql}, "getTests"))

    def kind_of(self, key: str) -> str | None:
        """Return what an issue is; asks for one type after the other."""
        asked = (store.PLAN, store.EXECUTION)
        return next((kind for kind in asked if any(each.type for each in self.typed((key,), kind))), None)

    def kinds(self, keys: Sequence[str]) -> dict[str, IssueKind]:
        """Return what the issues of these keys (100 at most) are; those that are not there are left out.

        Two lists: no query knows the type of any issue.
        """
        tests, there = store.existing(keys, lambda query: map(_test, self._pages(_NAMED, {"jql": query}, "getTests")))
        kinds = dict.fromkeys(there, IssueKind.OTHER) | {test.key: IssueKind.TEST for test in tests}
        rest = [key for key, kind in kinds.items() if kind is not IssueKind.TEST]
        covered = store.known(rest, lambda query: tuple(self._pages(_COVERABLE, {"jql": query}, "getCoverableIssues")))
        return kinds | {_text(_part(each, "jira"), "key"): IssueKind.COVERABLE for each in covered}

    def execution(self, key: str) -> StoredExecution | None:
        """Return a Test Execution by its key, through the index; None when there is none."""
        return next(iter(store.known((key,), self.executions)), None)

    def executions(self, jql: str) -> tuple[StoredExecution, ...]:
        """Return the Test Executions that JQL finds; more than 100 may be refused (D)."""
        return tuple(map(_execution, self._pages(_EXECUTIONS, {"jql": jql}, "getTestExecutions")))

    def runs(self, execution: StoredExecution) -> Iterator[StoredRun]:
        """Yield the runs of a Test Execution, with their ids."""
        for each in self._pages(_RUNS, {"id": execution.id}, "getTestExecution", "testRuns"):
            yield _run(each)

    def executions_of(self, plan: str) -> Iterator[StoredExecution]:
        """Yield the Test Executions of a Test Plan, by its key; UnknownIssue where it is none."""
        number = self._id(plan, store.PLAN)
        return map(_execution, self._pages(_OF_PLAN, {"id": number}, "getTestPlan", "testExecutions"))

    def details(self, execution: StoredExecution) -> Iterator[RunDetails]:
        """Yield the runs of a Test Execution with what people read of them; defects are ids of issues (O)."""
        for each in self._pages(_DETAILS, {"id": execution.id}, "getTestExecution", "testRuns"):
            test = _test(_part(each, "test"))
            yield RunDetails(
                execution=execution.key,
                test=test.key,
                summary=test.summary,
                type=test.test_type,
                status=_text(_part(each, "status"), "name"),
                comment=str(each.get("comment") or ""),
                started=text_or_none(each.get("startedOn")),
                finished=text_or_none(each.get("finishedOn")),
                executed_by=text_or_none(each.get("executedById")),
                defects=tuple(map(str, each.get("defects") or ())),
                evidence=tuple(str(file.get("filename")) for file in each.get("evidence") or ()),
            )

    def totals(self, execution: StoredExecution, statuses: Sequence[str], *, aged: bool = False) -> RunTotals | None:
        """Return how many runs there are, in one call for 20 statuses.

        None where the site does not take a status that it does not know (A).
        """
        found: dict[str, int] = {}
        whole = f"limit: {PAGE}) {{ total results {{ {_AGE} }} }}{_MADE}" if aged else "limit: 1) { total }"
        for first in range(0, max(1, len(statuses)), _COUNTED):
            words = statuses[first : first + _COUNTED]
            names = [f"s{number}" for number in range(len(words))]
            asked = "".join(
                f" {name}: getTestRuns(testExecIssueIds: $all, statuses: ${name}, limit: 1) {{ total }}"
                for name in names
            )
            declared = "".join(f", ${name}: [String]" for name in names) + (", $id: String" if aged else "")
            query = f"""query($all: [String]{declared}) {{
  all: getTestRuns(testExecIssueIds: $all, {whole}{asked} }}"""
            variables = {
                "all": [execution.id],
                **({"id": execution.id} if aged else {}),
                **{name: [word] for name, word in zip(names, words, strict=True)},
            }
            try:
                data = self._graphql.call(query, variables)
            except Refused:
                return self.totals(execution, statuses) if aged else None
            found |= {word: _total(data, name) for name, word in zip(names, words, strict=True)}
        made = store.moment(_part(_part(data, "made"), "jira").get("created")) if aged else None
        runs = _list(_part(data, "all"), "results") if made is not None else []
        ages = tuple(age for run in runs for age in _age(run, made or 0))
        return RunTotals(runs=_total(data, "all"), by_status=found, made=made, ages=ages)

    def some_runs(
        self, execution: StoredExecution, *, status: str | None = None, keys: Sequence[str] = ()
    ) -> Iterator[StoredRun]:
        """Yield the runs of one status, or of some Tests by their keys (100 at most), whose ids are asked for first."""
        asked: dict[str, object] = {"executions": [execution.id]}
        if status is not None:
            asked["statuses"] = [status]
        if keys:
            asked["tests"] = store.known(keys, self._ids)
            if not asked["tests"]:
                return
        yield from map(_run, self._pages(_SOME, asked, "getTestRuns"))

    def failed_tests(
        self,
        execution: StoredExecution,
        statuses: Sequence[str],
        keys: Sequence[str],  # noqa: ARG002 - Server needs them
    ) -> Iterator[ExistingTest]:
        """Yield the Tests whose runs have one of these statuses; not through the index, which lags behind."""
        asked = {"executions": [execution.id], "statuses": list(statuses)}
        return (_test(_part(each, "test")) for each in self._pages(_FAILED, asked, "getTestRuns"))

    def _ids(self, jql: str) -> tuple[str, ...]:
        return tuple(_text(each, "issueId") for each in self._pages(_IDS, {"jql": jql}, "getTests"))

    def ages(
        self,
        execution: StoredExecution,
        within: float,  # noqa: ARG002 - Server needs it
        *,
        keys: Sequence[str] = (),  # noqa: ARG002 - Server needs them
        totals: RunTotals | None = None,
    ) -> Iterator[TestAge]:
        """Yield how old the Tests of all runs are, asked for by id; another Test Execution that has one is counted."""
        if totals is None or totals.made is None:
            return
        if totals.runs <= PAGE:
            yield from totals.ages
            return
        asked, list_ = {"executions": [execution.id]}, "getTestRuns(testExecIssueIds: $executions"
        for run in self._together("$executions: [String]", asked, list_, _AGE, total=totals.runs):
            yield from _age(run, totals.made)

    def create_execution(self, fields: Mapping[str, object]) -> StoredExecution:
        """Make an empty Test Execution; it takes no Test Plan (O)."""
        data = self._graphql.call(_CREATE, {"jira": {"fields": dict(fields)}}, repeatable=False)
        try:
            return _execution(_part(_part(data, "createTestExecution"), "testExecution"))
        except NotTheService as fault:
            raise UnknownDelivery(f"{fault.what}; a Test Execution may have been made", where=fault.where) from fault

    def delete_execution(self, execution: StoredExecution) -> bool:
        """Delete a Test Execution.

        False when it is not there (any more), which is asked for, not read from a refusal.
        """
        try:
            self._graphql.call(_DELETE, {"id": execution.id})
        except Refused:
            if self._graphql.call(_PRESENT, {"id": execution.id}).get("getTestExecution") is not None:
                raise
            return False
        return True

    def evidence(self, execution: StoredExecution, run: StoredRun) -> tuple[str, ...]:  # noqa: ARG002 - Server needs it
        """Return the file names of the Evidence of a run."""
        listed = _part(self._graphql.call(_EVIDENCE, {"id": run.id}), "getTestRunById").get("evidence")
        return tuple(_text(each, "filename") for each in listed or () if isinstance(each, dict))

    @property
    def upload_from(self) -> int | None:
        """Bytes from which on a file is uploaded by itself (see docs/performance.md); None once a site had no way."""
        return UPLOAD_FROM if self._uploads else None

    def upload(self, evidence: EvidenceFile) -> str | None:
        """Upload a large file as it is, a quarter smaller than its base64, and return its id (O).

        None where it is small, or this site has no such address. Raises what else the outcome is.
        """
        raw = body.decoded(evidence.data) if self._uploads and evidence.size >= UPLOAD_FROM else None
        if raw is None:
            return None
        part = body.FormPart(
            name="attachment", filename=evidence.filename, content_type=evidence.content_type, pieces=(raw,)
        )
        found = self._graphql.file(body.multipart((part,), f"xray-ci-{secrets.token_hex(16)}"))
        self._uploads = found is not None
        return found

    def defects(self, execution: StoredExecution, run: StoredRun) -> tuple[str, ...]:  # noqa: ARG002
        """Return the ids of the issues that are linked to a run as its defects."""
        listed = _part(self._graphql.call(_DEFECTS, {"id": run.id}), "getTestRunById").get("defects")
        return tuple(map(str, listed)) if isinstance(listed, list) else ()

    def add_defect(self, execution: StoredExecution, run: StoredRun, key: str) -> None:  # noqa: ARG002
        """Link a defect to a run; raises Refused where Xray only warns that it did not."""
        done = _part(self._graphql.call(_ADD_DEFECT, {"id": run.id, "issues": [key]}), "addDefectsToTestRun")
        if not done.get("addedDefects") and (warned := done.get("warnings")):
            raise Refused(
                f"{key} was not linked to the Test Run of {run.test}",
                where="xray-url",
                service="Xray",
                answer="200: " + "; ".join(map(str, warned if isinstance(warned, list) else [warned])),
            )

    def add_evidence(
        self,
        execution: StoredExecution,  # noqa: ARG002
        run: StoredRun,
        evidence: EvidenceFile,
        uploaded: str | None = None,
    ) -> None:
        """Add one file to a run; raises Refused where Xray only warns that it did not."""
        item = {"data": HOLE, "filename": evidence.filename, "mimeType": evidence.content_type}  # the hole comes first
        pieces = evidence.data
        if uploaded is not None:
            item, pieces = {"attachmentId": uploaded}, ()
        data = self._graphql.call(_ATTACH, {"evidence": [item], "id": run.id}, repeatable=False, pieces=pieces)
        result = _part(data, "addEvidenceToTestRun")
        if not result.get("addedEvidence"):
            said = "; ".join(map(str, result.get("warnings") or ())) or "nothing was added"
            raise Refused(f"Xray Cloud did not take the evidence of {run.test}", answer=f"200: {said}", service="Xray")

    def add_environments(self, execution: StoredExecution, names: Sequence[str]) -> None:
        """Give a Test Execution Test Environments; what is not there yet is made (O)."""
        self._graphql.call(_ADD_ENVIRONMENTS, {"id": execution.id, "names": list(names)})

    def link_plan(self, plan: str, execution: StoredExecution) -> None:
        """Link a Test Execution to a Test Plan; a warning says that it was linked before."""
        self._graphql.call(_LINK, {"plan": self._id(plan, store.PLAN), "executions": [execution.id]})

    def plan_tests(self, plan: str, tests: Sequence[str]) -> None:
        """Add Tests to a Test Plan; UnknownIssue where it is none."""
        number = self._id(plan, store.PLAN)
        for start in range(0, len(tests), PAGE):
            ids = self._ids(store.keyed(tests[start : start + PAGE]))
            self._graphql.call(_PLAN_TESTS, {"plan": number, "tests": ids})

    def _id(self, key: str, kind: str) -> str:
        """Return the id of a Test Plan, Test Execution or Test Set; UnknownIssue where it is none."""
        name = _LISTS[kind]
        query = _ID % name
        found = store.known((key,), lambda jql: _list(_part(self._graphql.call(query, {"jql": jql}), name), "results"))
        if not found:
            raise store.unknown(key, kind)
        return _text(found[0], "issueId")

    def _together(
        self, declared: str, variables: Mapping[str, object], field: str, of: str, *, total: int = 1
    ) -> Iterator[dict[str, Any]]:
        """Yield the results of a list: a page, then some in a call, or one by one where a site does not take that."""
        start, most = 0, _TOGETHER
        while start < total:
            count = min(most, -(-(total - start) // PAGE))
            asked = "".join(
                f" p{page}: {field}, limit: {PAGE}, start: {start + page * PAGE}) {{ total results {{ {of} }} }}"
                for page in range(count)
            )
            try:
                data = self._graphql.call(f"query({declared}) {{{asked} }}", variables)
            except Refused:
                if count == 1:
                    raise
                most = 1
                continue
            total = _total(data, "p0")
            for page in range(count):
                results = _list(_part(data, f"p{page}"), "results")
                yield from results
                start += len(results)
                if len(results) < PAGE:  # the end, or a page that is smaller than asked for: go on behind it
                    total = total if results else start
                    break

    def _pages(self, query: str, variables: Mapping[str, object], *names: str) -> Iterator[dict[str, Any]]:
        """Yield the results of a list below `names`, page by page, until `total` is reached or a page is empty."""
        start = 0
        while True:
            found: Mapping[str, Any] = self._graphql.call(query, {**variables, "limit": PAGE, "start": start})
            for name in names:
                if found.get(name) is None and name == "getTestExecution":
                    raise Refused(
                        "Xray Cloud knows no such Test Execution (any more)", where="xray-url", service="Xray"
                    )
                found = _part(found, name)
            results, total = _list(found, "results"), found.get("total")
            if not isinstance(total, int):
                raise _malformed("total")
            yield from results
            start += len(results)
            if start >= total or not results:
                return


def _test(entry: Mapping[str, Any]) -> ExistingTest:
    jira, kind = _part(entry, "jira"), entry.get("testType")
    return ExistingTest(
        key=_text(jira, "key"),
        test_type=str(kind.get("name") or "") if isinstance(kind, dict) else "",
        definition=text_or_none(entry.get("unstructured")),
        summary=str(jira.get("summary") or ""),
    )


def _run(entry: Mapping[str, Any]) -> StoredRun:
    test = _text(_part(_part(entry, "test"), "jira"), "key")
    return StoredRun(id=_text(entry, "id"), test=test, status=_text(_part(entry, "status"), "name"))


def _age(run: Mapping[str, Any], made: float) -> Iterator[TestAge]:
    """Yield how old the Test of a run is, where Jira says it."""
    test = _part(run, "test")
    created = store.moment(_part(test, "jira").get("created"))
    if created is not None:
        yield TestAge(after=created - made, shared=_total(test, "testExecutions") > 1)


def _total(data: Mapping[str, Any], name: str) -> int:
    found = _part(data, name).get("total")
    if not isinstance(found, int):
        raise _malformed("total")
    return found


def _execution(entry: Mapping[str, Any]) -> StoredExecution:
    number, key = _text(entry, "issueId"), _text(_part(entry, "jira"), "key")
    if not NUMBER.fullmatch(number) or not KEY.fullmatch(key):
        raise _malformed("issueId")
    return StoredExecution(id=number, key=key)


def _part(holder: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = holder.get(name)
    if not isinstance(found, dict):
        raise _malformed(name)
    return found


def _list(holder: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = holder.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise _malformed(name)
    return found


def _text(holder: Mapping[str, Any], name: str) -> str:
    found = holder.get(name)
    if not isinstance(found, str) or not found:
        raise _malformed(name)
    return found


def _malformed(name: str) -> NotTheService:
    return NotTheService(f"Xray Cloud's answer lacks `{name}`", where="xray-url", service="Xray")
