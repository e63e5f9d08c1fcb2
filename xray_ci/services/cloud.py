"""Xray Cloud's GraphQL: one document in, its data out, everything else a failure.

Knows the frame: bodies, `errors` beside or without `data`, whatever the status. Knows no query; values travel as
variables only, so that nothing of a report can become part of a document.

Which host of Xray Cloud holds a site's data: each is asked to authenticate and for one piece of data.

A token alone proves nothing: every host gives one out, and only the first call for data is refused elsewhere (O). Knows
hosts by region; knows nothing of settings or of what was to be sent.

What Xray Cloud holds and takes besides imports, over GraphQL: Tests, Test Executions, Test Runs, Evidence.

Knows the documents and what their answers must look like. Knows nothing of markers, batches or repeating.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.errors import NotAuthorised, NotTheService, Refused, UnknownDelivery, Unreachable
from xray_ci.services import body, stored, verdict, wire
from xray_ci.services.auth import ApiKeyLogin
from xray_ci.services.body import HOLE
from xray_ci.services.stored import KEY, NUMBER, PAGE, ExistingTest, StoredExecution, StoredRun, text_or_none
from xray_ci.services.verdict import Asked, failure, origin
from xray_ci.services.wire import Answered, Authorization, Call, Caller, CallKind

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.errors import Failure, WrongRegion
    from xray_ci.secret import Redactor, Secret
    from xray_ci.services.body import Slice
    from xray_ci.services.stored import EvidenceFile


_PATH: Final = "/api/v2/graphql"
"""There is none below v1; a token of v1 is taken here too (D)."""
_SHOWN: Final = 20_000
"""Characters of an answer; sinks cut further after they redacted."""


class GraphQL:
    """GraphQL at one base URL."""

    def __init__(self, *, caller: Caller, base_url: str, auth: Authorization) -> None:
        self._caller = caller
        self._url = base_url.rstrip("/") + _PATH
        self._auth = auth

    def call(
        self,
        query: str,
        variables: Mapping[str, object],
        *,
        repeatable: bool = True,
        pieces: tuple[bytes | Slice, ...] = (),
    ) -> Mapping[str, Any]:
        """Return the `data` of one document; raises the failure that the outcome is.

        `repeatable` says that doing it twice does no harm: then a lost answer may be asked for again. `pieces` fill the
        variable that is documents.HOLE. A resolver that failed is Refused with the service's words, also inside a 200
        (O); where it failed after a change that is not repeatable, UnknownDelivery.
        """
        upload = body.upload({"query": query, "variables": dict(variables)}, pieces)
        kind = CallKind.READ if repeatable else CallKind.IMPORT
        outcome = self._caller.call(Call(kind=kind, method="POST", url=self._url, auth=self._auth, upload=upload))
        asked = Asked(
            kind=kind,
            service="Xray Cloud",
            setting="xray-url",
            url=self._url,
            credentials="the token",
            size=len(upload.body),
        )
        if not isinstance(outcome, (wire.Answered, wire.RefusedAnswer)):
            raise failure(outcome, asked)
        data = outcome.json.get("data") if isinstance(outcome.json, dict) else None
        if said := _errors(outcome.json):
            raise _refused(outcome, said, asked, done=not repeatable and _holds(data))
        if isinstance(outcome, wire.Answered) and isinstance(data, dict):
            return data
        raise _shapeless(outcome, asked)


def _refused(outcome: wire.Answer, said: str, asked: Asked, *, done: bool) -> Failure:
    answer = f"{outcome.status}: {said[:_SHOWN]}"
    if done:
        return UnknownDelivery(
            "Xray Cloud failed in the middle; the change may have been made",
            where=asked.where,
            answer=answer,
            service="Xray",
        )
    return Refused(
        "Xray Cloud refused the request", where=asked.where, answer=answer, advice=verdict.advice(said), service="Xray"
    )


def _shapeless(outcome: wire.Outcome, asked: Asked) -> Failure:
    if isinstance(outcome, wire.Answered) and asked.kind is CallKind.IMPORT and not outcome.is_page:
        return UnknownDelivery(
            "Xray Cloud did not answer in its own form; the change may have been made",
            where=asked.where,
            answer=f"{outcome.status}: {outcome.text[:_SHOWN]}",
            service="Xray",
        )
    return failure(outcome, asked)


def _errors(document: object) -> str:
    """Return what the `errors` of a GraphQL answer say, empty when there are none."""
    listed = document.get("errors") if isinstance(document, dict) else None
    if not isinstance(listed, list) or not listed:
        return ""
    return "; ".join(
        str(each.get("message") or "no message") if isinstance(each, dict) else str(each) for each in listed
    )


def _holds(data: object) -> bool:
    return isinstance(data, dict) and any(value is not None for value in data.values())


_SMALL: Final = "{ getStatuses { name } }"
"""Needs no project and no permission in one."""


def locate(
    failure: WrongRegion,
    hosts: Mapping[str, str],
    *,
    asked: str,
    caller: Caller,
    version: str,
    client_id: Secret,
    client_secret: Secret,
    redactor: Redactor,
) -> None:
    """Let the advice of a failure name the region that works, or say that none of them does.

    `hosts` are base URLs by region, `asked` the base URL that refused; two calls for each other host. The credentials
    go to every one of them: give the vendor's own hosts only.
    """
    others = {region: base for region, base in hosts.items() if origin(base) != origin(asked)}
    for region, base in others.items():
        key = ApiKeyLogin(
            caller=caller,
            base_url=base,
            version=version,
            client_id=client_id,
            client_secret=client_secret,
            redactor=redactor,
        )
        if _gives_data(caller, base, key):
            failure.next = f"Set `region: {region}`: {origin(base)} answered these credentials with data."
            return
    if others:
        failure.next = (
            f"Ask Xray's support to repair the region of this site: {', '.join(others)} were tried with these "
            "credentials, "
            "and none of them gave data either."
        )


def _gives_data(caller: Caller, base: str, key: ApiKeyLogin) -> bool:
    """Return whether a host answers as GraphQL does; what is wrong with it beyond that is no matter of the region."""
    call = Call(
        kind=CallKind.READ,
        method="POST",
        url=base.rstrip("/") + "/api/v2/graphql",
        auth=key,
        upload=body.upload({"query": _SMALL}),
    )
    try:
        outcome = caller.call(call)
    except (NotAuthorised, NotTheService, Unreachable):  # no token from this host
        return False
    return isinstance(outcome, Answered) and isinstance(outcome.json, dict) and "data" in outcome.json


_TEST: Final = 'testType { name } unstructured jira(fields: ["key", "summary"])'
_PROJECT: Final = "query($project: String) { getProjectSettings(projectIdOrKey: $project) { projectId } }"
_TESTS: Final = f"""query($project: String, $limit: Int!, $start: Int) {{
  getTests(projectId: $project, limit: $limit, start: $start) {{ total results {{ {_TEST} }} }} }}"""
_NAMED: Final = f"""query($jql: String, $limit: Int!, $start: Int) {{
  getTests(jql: $jql, limit: $limit, start: $start) {{ total results {{ {_TEST} }} }} }}"""
_EXECUTIONS: Final = """query($jql: String, $limit: Int!, $start: Int) {
  getTestExecutions(jql: $jql, limit: $limit, start: $start) { total results { issueId jira(fields: ["key"]) } } }"""
_PLANS: Final = "query($jql: String) { getTestPlans(jql: $jql, limit: 1) { total results { issueId } } }"
_PRESENT: Final = "query($id: String) { getTestExecution(issueId: $id) { issueId } }"
_RUNS: Final = """query($id: String, $limit: Int!, $start: Int) { getTestExecution(issueId: $id) {
  testRuns(limit: $limit, start: $start) { total results { id status { name } test { jira(fields: ["key"]) } } } } }"""
_EVIDENCE: Final = "query($id: String) { getTestRunById(id: $id) { evidence { filename } } }"
_CREATE: Final = """mutation($jira: JSON!) {
  createTestExecution(jira: $jira) { testExecution { issueId jira(fields: ["key"]) } warnings } }"""
_DELETE: Final = "mutation($id: String!) { deleteTestExecution(issueId: $id) }"
_ATTACH: Final = """mutation($evidence: [AttachmentDataInput]!, $id: String!) {
  addEvidenceToTestRun(id: $id, evidence: $evidence) { addedEvidence warnings } }"""
_LINK: Final = """mutation($plan: String!, $executions: [String]!) {
  addTestExecutionsToTestPlan(issueId: $plan, testExecIssueIds: $executions) { addedTestExecutions warning } }"""


class CloudStore:
    """Xray Cloud as it stands: a Store. An answer of another shape is NotTheService."""

    def __init__(self, graphql: GraphQL) -> None:
        self._graphql = graphql

    def existing_tests(self, project: str) -> Iterator[ExistingTest]:
        """Yield every Test of a project, by its key.

        Asks 100 at a time, and by project id, as JQL may find no more (D).
        """
        settings = _part(self._graphql.call(_PROJECT, {"project": project}), "getProjectSettings")
        return map(_test, self._pages(_TESTS, {"project": _text(settings, "projectId")}, "getTests"))

    def tests_named(self, keys: Sequence[str]) -> tuple[ExistingTest, ...]:
        """Return those of the keys (100 at most) that the index knows as Tests."""
        return stored.known(keys, lambda query: map(_test, self._pages(_NAMED, {"jql": query}, "getTests")))

    def execution(self, key: str) -> StoredExecution | None:
        """Return a Test Execution by its key, through the index; None when there is none."""
        return next(iter(stored.known((key,), self.executions)), None)

    def executions(self, jql: str) -> tuple[StoredExecution, ...]:
        """Return the Test Executions that JQL finds; more than 100 may be refused (D)."""
        return tuple(map(_execution, self._pages(_EXECUTIONS, {"jql": jql}, "getTestExecutions")))

    def runs(self, execution: StoredExecution) -> Iterator[StoredRun]:
        """Yield the runs of a Test Execution, with their ids."""
        for each in self._pages(_RUNS, {"id": execution.id}, "getTestExecution", "testRuns"):
            test = _text(_part(_part(each, "test"), "jira"), "key")
            yield StoredRun(id=_text(each, "id"), test=test, status=_text(_part(each, "status"), "name"))

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

    def add_evidence(self, execution: StoredExecution, run: StoredRun, evidence: EvidenceFile) -> None:  # noqa: ARG002
        """Add one file to a run; raises Refused where Xray only warns that it did not."""
        item = {"data": HOLE, "filename": evidence.filename, "mimeType": evidence.content_type}  # the hole comes first
        data = self._graphql.call(_ATTACH, {"evidence": [item], "id": run.id}, repeatable=False, pieces=evidence.data)
        result = _part(data, "addEvidenceToTestRun")
        if not result.get("addedEvidence"):
            said = "; ".join(map(str, result.get("warnings") or ())) or "nothing was added"
            raise Refused(f"Xray Cloud did not take the evidence of {run.test}", answer=f"200: {said}", service="Xray")

    def link_plan(self, plan: str, execution: StoredExecution) -> None:
        """Link a Test Execution to a Test Plan; a warning says that it was linked before."""
        found = _list(_part(self._graphql.call(_PLANS, {"jql": stored.keyed((plan,))}), "getTestPlans"), "results")
        if not found:
            raise Refused(
                f"{plan} is no Test Plan", service="Xray", advice="Set `test-plan` to the key of a Test Plan."
            )
        self._graphql.call(_LINK, {"plan": _text(found[0], "issueId"), "executions": [execution.id]})

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
