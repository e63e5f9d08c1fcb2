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
    from xray_ci.emulator.world import Issue, Run

_WORDS: Final = {"PASSED": "PASS", "FAILED": "FAIL", "TO DO": "TODO", "BLOCKED": "TODO"}
_COLOURS: Final = {"PASS": "#95C160", "FAIL": "#D45D52", "EXECUTING": "#F1E069", "TODO": "#A2A6AE", "ABORTED": "#111111"}


def rules() -> list[Rule]:
    """Return the routes; 1.0 knows some of them without `/api` too (O)."""
    found = []
    for path, handle in (("testruns", _runs), ("testrun", _run), ("testrun/<run>", _run_by_id),
                         ("testexec/<key>/test", _tests)):
        route = Route(kind="read", handle=handle)
        found.append(Rule(f"{ROOT}/api/{path}", methods=["GET"], endpoint=route))
        old = "/jira/rest/raven/<any('1.0'):version>/" + path
        found.append(Rule(old, methods=["GET"], endpoint=route))
    return found


def _runs(call: Call, version: str) -> Response:  # noqa: ARG001 - all versions answer alike
    enter(call)
    execution = _execution(call, arguments(call).get("testExecKey", ""))
    return as_json([_shown(call, execution, run) for run in _all(execution)])


def _run(call: Call, version: str) -> Response:  # noqa: ARG001
    enter(call)
    query = arguments(call)
    execution = _execution(call, query.get("testExecIssueKey", ""))
    for run in _all(execution):
        if run.test == query.get("testIssueKey"):
            return as_json(_shown(call, execution, run))
    raise _missing(f"Test Run of {query.get('testIssueKey', '')} in {execution.key}")


def _run_by_id(call: Call, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    for execution in call.emulation.world.executions():
        for each in _all(execution):
            if each.id == run:
                return as_json(_shown(call, execution, each))
    raise _missing(f"Test Run with id {run}")


def _tests(call: Call, version: str, key: str) -> Response:  # noqa: ARG001
    """List the Tests of a Test Execution; `limit` and `page` cut it."""
    enter(call)
    query = arguments(call)
    runs = list(_all(_execution(call, key)))
    if query.get("limit", "").isdigit():
        limit, page = int(query["limit"]), int(query.get("page", "1"))
        runs = runs[(page - 1) * limit:page * limit]
    issues = call.emulation.world.issues
    return as_json([{"id": int(issues[run.test].id), "key": run.test, "rank": rank, "status": _word(run)}
                    for rank, run in enumerate(runs, start=1)])


def _execution(call: Call, key: str) -> Issue:
    issue = call.emulation.world.find(key, "Test Execution")
    if issue is None:
        raise _missing(f"Test Execution with key {key}")
    return issue


def _missing(what: str) -> Refusal:
    return refusal(f"{what} not found.", status=404, basis=Basis.ASSUMED)


def _all(execution: Issue) -> Iterator[Run]:
    return iter(execution.execution.runs.values()) if execution.execution is not None else iter(())


def _word(run: Run) -> str:
    return _WORDS.get(run.status, run.status)


def _shown(call: Call, execution: Issue, run: Run) -> dict[str, Any]:
    """Show a run as Server does (O)."""
    word = _word(run)
    details = execution.execution
    evidence = [{"id": each.id, "fileName": each.filename, "fileSize": str(each.size), "mimeType": each.content_type,
                 "fileURL": f"{call.base}/browse/{execution.key}/evidence/{each.id}"} for each in run.evidence]
    return {"id": int(run.id) if len(run.id) < 12 else run.id, "status": word, "color": _COLOURS.get(word, "#A2A6AE"),  # noqa: PLR2004
            "testKey": run.test, "testExecKey": execution.key, "comment": run.comment, "assignee": run.assignee,
            "executedBy": run.executed_by, "testEnvironments": details.environments if details is not None else [],
            "startedOn": run.started, "startedOnIso": run.started, "finishedOn": run.finished, "finishedOnIso": run.finished,
            "duration": 0, "defects": run.defects, "evidences": evidence, "iterations": run.iterations, "steps": run.steps,
            "examples": run.examples, "archived": False, "testVersion": {"id": 1, "name": "v1"}}
