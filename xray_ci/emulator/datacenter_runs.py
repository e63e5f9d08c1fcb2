"""Reading Test Runs from Xray Server. Knows how a run is shown; stores nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from xray_ci.emulator.answers import Basis, as_json, refusal
from xray_ci.emulator.datacenter import ROOT, enter
from xray_ci.emulator.emulation import Call, Route, arguments

if TYPE_CHECKING:
    from collections.abc import Iterator

    from werkzeug.wrappers import Response

    from xray_ci.emulator.answers import Refusal
    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.world import Issue, Run

_WORDS: Final = {"PASSED": "PASS", "FAILED": "FAIL", "TO DO": "TODO", "BLOCKED": "TODO"}
_COLOURS: Final = {
    "PASS": "#95C160",
    "FAIL": "#D45D52",
    "EXECUTING": "#F1E069",
    "TODO": "#A2A6AE",
    "ABORTED": "#111111",
}


def rules() -> list[Rule]:
    """Return the routes; 1.0 knows some of them without `/api` too (O)."""
    found = []
    for path, handle in (
        ("testruns", _runs),
        ("testrun", _run),
        ("testrun/<run>", _run_by_id),
        ("testexec/<key>/test", _tests),
    ):
        route = Route(kind="read", handle=handle)
        found.append(Rule(f"{ROOT}/api/{path}", methods=["GET"], endpoint=route))
        old = "/jira/rest/raven/<any('1.0'):version>/" + path
        found.append(Rule(old, methods=["GET"], endpoint=route))
    return found


def _runs(call: Call, version: str) -> Response:  # noqa: ARG001 - all versions answer alike
    enter(call)
    execution = execution_of(call, arguments(call).get("testExecKey", ""))
    return as_json([_shown(call, execution, run) for run in _all(execution)])


def _run(call: Call, version: str) -> Response:  # noqa: ARG001
    enter(call)
    query = arguments(call)
    execution = execution_of(call, query.get("testExecIssueKey", ""))
    for run in _all(execution):
        if run.test == query.get("testIssueKey"):
            return as_json(_shown(call, execution, run))
    raise missing(f"Test Run of {query.get('testIssueKey', '')} in {execution.key}")


def _run_by_id(call: Call, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    for execution in call.emulation.world.executions():
        for each in _all(execution):
            if each.id == run:
                return as_json(_shown(call, execution, each))
    raise missing(f"Test Run with id {run}")


def _tests(call: Call, version: str, key: str) -> Response:  # noqa: ARG001
    """List the Tests of a Test Execution page by page, with the ids of their runs (D)."""
    enter(call)
    query, largest = arguments(call), call.emulation.switches.server_page
    runs = list(_all(execution_of(call, key)))
    limit, page = _number(query.get("limit", str(len(runs)))), _number(query.get("page", "1"))
    if limit > largest or page < 1:  # without a limit too (O)
        raise refusal("Maximum results per request exceeded.")
    runs = runs[(page - 1) * limit : page * limit]
    return as_json(
        [
            {"id": _id(run), "key": run.test, "rank": rank, "status": word(run)}
            for rank, run in enumerate(runs, start=(page - 1) * limit + 1)
        ]
    )


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise refusal(f"{text} is not a number", basis=Basis.ASSUMED)
    return int(text)


def execution_of(call: Call, key: str) -> Issue:
    """Return a Test Execution; raises Refusal."""
    issue = call.emulation.world.find(key, "Test Execution")
    if issue is None:
        raise missing(f"Test Execution with key {key}")
    return issue


def missing(what: str) -> Refusal:
    """Word: something is not there."""
    return refusal(f"{what} not found.", status=404, basis=Basis.ASSUMED)


def _all(execution: Issue) -> Iterator[Run]:
    return iter(execution.execution.runs.values()) if execution.execution is not None else iter(())


def word(run: Run) -> str:
    """Return the status of a run in Server's words."""
    return _WORDS.get(run.status, run.status)


def _id(run: Run) -> int | str:
    return int(run.id) if len(run.id) < 12 else run.id  # noqa: PLR2004 - a run that Cloud's import made has 24 digits


def shown_evidence(call: Call, execution: Issue, evidence: Evidence) -> dict[str, Any]:
    """Show a file as Server does (O)."""
    return {
        "id": evidence.id,
        "fileName": evidence.filename,
        "fileSize": str(evidence.size),
        "mimeType": evidence.content_type,
        "fileURL": f"{call.base}/browse/{execution.key}/evidence/{evidence.id}",
    }


def _shown(call: Call, execution: Issue, run: Run) -> dict[str, Any]:
    """Show a run as Server does (O)."""
    status = word(run)
    details = execution.execution
    evidence = [shown_evidence(call, execution, each) for each in run.evidence]
    return {
        "id": _id(run),
        "status": status,
        "color": _COLOURS.get(status, "#A2A6AE"),
        "testKey": run.test,
        "testExecKey": execution.key,
        "comment": run.comment,
        "assignee": run.assignee,
        "executedBy": run.executed_by,
        "testEnvironments": details.environments if details is not None else [],
        "startedOn": run.started,
        "startedOnIso": run.started,
        "finishedOn": run.finished,
        "finishedOnIso": run.finished,
        "duration": 0,
        "defects": run.defects,
        "evidences": evidence,
        "iterations": run.iterations,
        "steps": run.steps,
        "examples": run.examples,
        "archived": False,
        "testVersion": {"id": 1, "name": "v1"},
    }
