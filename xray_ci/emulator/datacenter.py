"""Reading Test Runs from Xray Server. Knows how a run is shown; stores nothing.

Xray Server/Data Center below `/jira/rest/raven`: imports of results, the licence. Knows its paths, bodies, refusals.

Left for later: feature files.
"""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from xray_ci.emulator import importing, info_parts
from xray_ci.emulator.answers import Basis, Refusal, as_html, as_json, as_text, refusal
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.importing import Import, Result, Target
from xray_ci.emulator.issuing import from_query, kinds, only
from xray_ci.emulator.logins import need_login, need_no_browser
from xray_ci.emulator.native import JSON, READERS, XML
from xray_ci.emulator.native.xml import ReportContext, Unreadable
from xray_ci.emulator.sides import Server

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

    from werkzeug.wrappers import Response

    from xray_ci.emulator.answers import Part
    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.importing import ImportDone
    from xray_ci.emulator.world import Issue, Run


_WORDS: Final = {"PASSED": "PASS", "FAILED": "FAIL", "TO DO": "TODO", "BLOCKED": "TODO"}
_COLOURS: Final = {
    "PASS": "#95C160",
    "FAIL": "#D45D52",
    "EXECUTING": "#F1E069",
    "TODO": "#A2A6AE",
    "ABORTED": "#111111",
}


def run_rules() -> list[Rule]:
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


def _runs(call: RouteCall, version: str) -> Response:  # noqa: ARG001 - all versions answer alike
    enter(call)
    execution = execution_of(call, arguments(call).get("testExecKey", ""))
    return as_json([_shown(call, execution, run) for run in _all(execution)])


def _run(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    enter(call)
    query = arguments(call)
    execution = execution_of(call, query.get("testExecIssueKey", ""))
    for run in _all(execution):
        if run.test == query.get("testIssueKey"):
            return as_json(_shown(call, execution, run))
    raise missing(f"Test Run of {query.get('testIssueKey', '')} in {execution.key}")


def _run_by_id(call: RouteCall, version: str, run: str) -> Response:  # noqa: ARG001
    enter(call)
    for execution in call.emulation.world.executions():
        for each in _all(execution):
            if each.id == run:
                return as_json(_shown(call, execution, each))
    raise missing(f"Test Run with id {run}")


def _tests(call: RouteCall, version: str, key: str) -> Response:  # noqa: ARG001
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


def execution_of(call: RouteCall, key: str) -> Issue:
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


def shown_evidence(call: RouteCall, execution: Issue, evidence: Evidence) -> dict[str, Any]:
    """Show a file as Server does (O)."""
    return {
        "id": evidence.id,
        "fileName": evidence.filename,
        "fileSize": str(evidence.size),
        "mimeType": evidence.content_type,
        "fileURL": f"{call.base}/browse/{execution.key}/evidence/{evidence.id}",
    }


def _shown(call: RouteCall, execution: Issue, run: Run) -> dict[str, Any]:
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


ROOT = "/jira/rest/raven/<any('1.0','2.0','latest'):version>"


def rules() -> list[Rule]:
    """Return the routes; 1.0, 2.0 and latest take the same (D)."""
    found = []
    for name in ("xray", "bundle", *XML, *JSON):
        path = f"{ROOT}/import/execution" + ("" if name == "xray" else f"/{name}")
        plain = functools.partial(_plain, name=name)
        found.append(Rule(path, methods=["POST"], endpoint=Route(kind="import", handle=plain)))
        if name != "bundle":
            parts = functools.partial(_multipart, name=name)
            found.append(Rule(f"{path}/multipart", methods=["POST"], endpoint=Route(kind="import", handle=parts)))
    found.append(Rule(f"{ROOT}/api/xraylicense", methods=["GET"], endpoint=Route(kind="read", handle=_licence)))
    return [*found, *run_rules()]


def enter(call: RouteCall) -> Server:
    """Let a call of a known user through to an installed Xray; raises Refusal."""
    if not call.emulation.switches.xray_installed:
        raise Refusal(as_html("<html><head><title>Oops, you've found a dead link.</title></head></html>", status=404))
    need_login(call)
    need_no_browser(call)
    return Server(call.emulation.switches)


def _licence(call: RouteCall, version: str) -> Response:  # noqa: ARG001 - all versions answer alike
    enter(call)
    return as_json({"active": call.emulation.switches.licence_active, "licenseType": "Demo License"})


def _plain(call: RouteCall, version: str, name: str) -> Response:  # noqa: ARG001
    """Import from the standard path: raw JSON, or a form with the one part `file` and the rest in the query (O)."""
    side = enter(call)
    if name in XML or name == "bundle":
        report = only(call.parts, "file")
        if report is None:
            raise refusal("Error: the part file is missing", basis=Basis.ASSUMED)
        stream, target = report.stream, from_query(arguments(call)) if name in XML else Target()
    else:
        if call.body.content_type != "application/json":
            raise Refusal(as_text("Unsupported Media Type", status=415))
        stream, target = call.body.stream, Target()
    return _stored(call, side, *_read(call, stream, name, side, target))


def _multipart(call: RouteCall, version: str, name: str) -> Response:  # noqa: ARG001
    """Import from the multipart path: part `file` for XML, `result` for JSON, always a new Test Execution (O)."""
    side = enter(call)
    report, info = only(call.parts, "file" if name in XML else "result"), only(call.parts, "info")
    if report is None or info is None:
        raise refusal("Error: a part is missing", basis=Basis.ASSUMED)
    target = _target(call, info, only(call.parts, "testInfo") if name in XML else None, side)
    return _stored(call, side, *_read(call, report.stream, name, side, target))


def _target(call: RouteCall, info: Part, test_info: Part | None, side: Server) -> Target:
    projects = {each.id: each.key for each in call.emulation.world.projects.values()}
    try:
        target = info_parts.read_info(info.json(), side, projects)
        fields = info_parts.read_test_info(test_info.json(), side) if test_info is not None else {}
    except ValueError as error:
        raise refusal("Error assembling issue data: info is not valid JSON", basis=Basis.ASSUMED) from error
    return replace(target, test_fields=fields)


def _read(call: RouteCall, stream: IO[bytes], name: str, side: Server, target: Target) -> tuple[Target, list[Result]]:
    stream.seek(0)
    if name == "xray":
        document = _document(stream, side)
        importing.check(document, side)
        return (target if target.project else importing.target(document, side)), importing.results(document, side)
    try:
        read = READERS[name](stream, ReportContext(kind_of=kinds(call.emulation.world), cloud=False))
    except Unreadable as error:
        raise refusal(f"Error: {error}", basis=Basis.ASSUMED) from error
    return (
        replace(target, execution=read.execution) if read.execution and not target.project else target
    ), read.results


def _document(stream: IO[bytes], side: Server) -> Any:
    try:
        return json.load(stream)
    except (ValueError, RecursionError) as error:
        raise side.format() from error


def _stored(call: RouteCall, side: Server, target: Target, results: list[Result]) -> Response:
    if not call.emulation.switches.licence_active:
        raise refusal("Xray license is not valid.", status=401, basis=Basis.DOCUMENTED)
    emulation = call.emulation
    done = Import(emulation.world, emulation.shelf, side, call.now).run(target, results)
    return as_json(_answer(call, done))


def _answer(call: RouteCall, done: ImportDone) -> dict[str, Any]:
    """Say which Tests were stored and which were not; both lists can be absent (O)."""

    def issue(one: Any) -> dict[str, str]:
        return {"id": one.id, "key": one.key, "self": f"{call.base}/jira/rest/api/2/issue/{one.id}"}

    tests: dict[str, Any] = {}
    if done.stored:
        tests["success"] = [{**issue(each), "testVersionId": each.id} for each in done.stored]
    if done.errors:
        tests["error"] = [{"testKey": name, "messages": [message]} for name, message in done.errors]
    return {"testExecIssue": issue(done.execution), "testIssues": tests, "infoMessages": []}
