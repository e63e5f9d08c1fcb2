"""What Xray Server/DC holds and takes besides imports: Tests, Test Executions, Test Runs, Evidence.

Knows Jira's search and Xray's REST beside it. Knows nothing of markers, batches or repeating.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from xray_ci.errors import NotTheService, Refused, UnknownDelivery
from xray_ci.services import body, stored, wire
from xray_ci.services.jira import checked, definition_fields
from xray_ci.services.stored import KEY, NUMBER, PAGE, ExistingTest, StoredExecution, StoredRun, text_or_none

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.errors import Failure
    from xray_ci.services.jira import DefinitionFields, Jira
    from xray_ci.services.stored import EvidenceFile
    from xray_ci.services.wire import Outcome

_TITLE: Final = "Xray Server/Data Center"
_BAD_REQUEST: Final = 400


class ServerStore:
    """Xray Server/DC as it stands: a Store."""

    def __init__(self, jira: Jira, *, version: str = "2.0") -> None:
        self._jira = jira
        self._api = f"/rest/raven/{version}/api"
        self._fields: DefinitionFields | None = None
        self._numbers: dict[tuple[str, str], str] = {}
        """Ids of runs that were asked for, by keys of Test Execution and Test."""

    def existing_tests(self, project: str) -> Iterator[ExistingTest]:
        """Yield every Test of a project that the index knows, oldest first; asks 100 at a time."""
        return self._tests(stored.tests_of(project))

    def tests_named(self, keys: Sequence[str]) -> tuple[ExistingTest, ...]:
        """Return those of the keys (100 at most) that the index knows as Tests."""
        return stored.known(keys, lambda query: self._tests(f"{query} AND issuetype = Test"))

    def execution(self, key: str) -> StoredExecution | None:
        """Return a Test Execution by its key, through the index; None when there is none."""
        return next(
            iter(stored.known((key,), lambda query: self.executions(f'{query} AND issuetype = "Test Execution"'))), None
        )

    def executions(self, jql: str) -> tuple[StoredExecution, ...]:
        """Return the issues that JQL finds."""
        return tuple(map(_execution, self._jira.search(jql, ["summary"])))

    def runs(self, execution: StoredExecution) -> Iterator[StoredRun]:
        """Yield the runs of a Test Execution, each once, without their ids.

        Asks for pages until one brings nothing new. A Server has a largest page and refuses what is larger (D), so ours
        is halved until it is taken.
        """
        place = f"{self._api}/testexec/{checked(execution.key)}/test"
        limit, page, seen = PAGE, 0, set[str]()
        while True:
            page += 1
            outcome = self._jira.send("GET", f"{place}?limit={limit}&page={page}")
            while (
                page == 1 and limit > 1 and isinstance(outcome, wire.RefusedAnswer) and outcome.status == _BAD_REQUEST
            ):
                limit //= 2
                outcome = self._jira.send("GET", f"{place}?limit={limit}&page={page}")
            fresh = [each for each in self._listed(outcome) if each.get("key") not in seen]
            for each in fresh:
                test = str(each.get("key"))
                seen.add(test)
                yield StoredRun(test=test, status=str(each.get("status")))
            if not fresh:
                return

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

    def add_evidence(self, execution: StoredExecution, run: StoredRun, evidence: EvidenceFile) -> None:
        """Add one file to a run."""
        number = self._run_id(execution, run)
        document = {"data": body.HOLE, "filename": evidence.filename, "contentType": evidence.content_type}
        upload = body.upload(document, evidence.data)
        outcome = self._jira.send("POST", f"{self._api}/testrun/{number}/attachment", upload, repeatable=False)
        match outcome:
            case wire.Answered(status=201) if not outcome.is_page:
                return  # what else it says is not documented (O: 201)
            case wire.Answered() if not outcome.is_page:
                raise UnknownDelivery(
                    f"{_TITLE} answered {outcome.status} to a file of evidence, and not 201; it may have been added",
                    where="jira-url",
                    service="Xray",
                    answer=f"{outcome.status}: {outcome.text[:2_000]}",
                )
            case _:
                raise self._failure(outcome, repeatable=False)

    def link_plan(self, plan: str, execution: StoredExecution) -> None:
        """Link a Test Execution to a Test Plan; an empty list is success, else it holds messages (O)."""
        upload = body.upload({"add": [execution.key]})
        outcome = self._jira.send("POST", f"{self._api}/testplan/{checked(plan)}/testexecution", upload)
        match outcome:
            case wire.Answered(json=[]):
                return
            case wire.Answered(json=list(messages)):
                raise Refused(
                    f"the Test Execution was not linked to {plan}",
                    service="Xray",
                    answer="200: " + "; ".join(map(str, messages)),
                )
            case _:
                raise self._failure(outcome)

    def _tests(self, query: str) -> Iterator[ExistingTest]:
        if self._fields is None:
            self._fields = definition_fields(self._jira.fields())
        ids = self._fields
        for each in self._jira.search(query, [name for name in ("summary", ids.test_type, ids.definition) if name]):
            held = each.get("fields")
            fields: dict[str, Any] = held if isinstance(held, dict) else {}
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


def _option(value: object) -> str:
    """Return what an option field says: its value, or the text itself (R)."""
    return str((value.get("value") if isinstance(value, dict) else value) or "")
