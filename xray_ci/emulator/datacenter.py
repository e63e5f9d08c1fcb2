"""Xray Server/Data Center below `/jira/rest/raven`: imports of results, the licence, what all its resources share.

Knows its paths, bodies, refusals.
"""

from __future__ import annotations

import functools
import html
import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from xray_ci.emulator import importing, issuing
from xray_ci.emulator.answers import Refusal, as_html, as_json, as_text, refusal
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.importing import Import, Result, Target
from xray_ci.emulator.issuing import from_query, kinds, only
from xray_ci.emulator.logins import need_login, need_no_browser
from xray_ci.emulator.native import JSON, READERS, XML
from xray_ci.emulator.native.xml import ReportContext, Unreadable
from xray_ci.emulator.sides import Server
from xray_ci.emulator.world import TEST_EXECUTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from typing import IO

    from werkzeug.wrappers import Response

    from xray_ci.emulator.answers import Part
    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.importing import ImportDone
    from xray_ci.emulator.world import Issue, Project, Run


ROOT = "/jira/rest/raven/<any('1.0','2.0','latest'):version>"


def paths(method: str, path: str, handle: Callable[..., Response], kind: str | None = None) -> list[Rule]:
    """Return the two routes of a resource: below `/api`, and without it, as older pages and clients have it (O)."""
    route = Route(kind=kind or ("read" if method == "GET" else "write"), handle=handle)
    return [Rule(f"{start}/{path}", methods=[method], endpoint=route) for start in (f"{ROOT}/api", ROOT)]


def rules() -> list[Rule]:
    """Return the routes; 1.0, 2.0 and latest take the same (D)."""
    found = []
    for name in ("xray", "bundle", *XML, *JSON):
        path = "import/execution" + ("" if name == "xray" else f"/{name}")
        found += paths("POST", path, functools.partial(_plain, name=name), "import")
        if name != "bundle":
            found += paths("POST", f"{path}/multipart", functools.partial(_multipart, name=name), "import")
    return [*found, *paths("GET", "xraylicense", _licence)]


def apart(version: str, *, new: int) -> int:
    """Return the code of a change: 200 on 1.0, another one since 2.0 (O)."""
    return 200 if version == "1.0" else new


def execution_of(call: RouteCall, key: str) -> Issue:
    """Return a Test Execution; raises Refusal in the words that the vendor's own samples hold (O)."""
    issue = call.emulation.world.find(key, TEST_EXECUTION)
    if issue is None:
        if call.emulation.switches.language == "fr":
            raise refusal(
                f"Exécution des Tests {key} n'a pas été retrouvé.", status=404, fact="server-execution-unknown"
            )
        raise refusal(
            f"Issue with key {key} not found or is not of type Test Execution.",
            status=404,
            fact="server-execution-unknown",
        )
    return issue


def missing(what: str) -> Refusal:
    """Word: something is not there."""
    return refusal(f"{what} not found.", status=404, fact="server-unknown")


def project_of(call: RouteCall, key: str) -> Project:
    """Return a project by key or id; raises Refusal."""
    for each in call.emulation.world.projects.values():
        if key in (each.key, each.id):
            return each
    raise missing(f"Project {key}")


def number_of(query: Mapping[str, str], name: str, otherwise: int) -> int:
    """Return a number of the query; raises Refusal."""
    text = query.get(name) or str(otherwise)
    if not re.fullmatch("[0-9]{1,9}", text):
        raise refusal(f"{text} is not a number", fact="server-number")
    return int(text)


def given_json(call: RouteCall) -> Any:
    """Return the body as JSON; raises Refusal."""
    try:
        return call.body.json()
    except (ValueError, RecursionError) as error:
        raise refusal("The body is no JSON", fact="server-body-shape") from error


def given_object(call: RouteCall) -> dict[str, Any]:
    """Return the body as an object; raises Refusal."""
    given = given_json(call)
    if not isinstance(given, dict):
        raise refusal("The body is no object", fact="server-body-shape")
    return given


def issues_of(call: RouteCall, keys: Iterable[str], kind: str) -> tuple[list[Issue], list[str]]:
    """Return the issues of a type, and a message for each key that leads to none."""
    found, messages = [], []
    for key in keys:
        issue = call.emulation.world.find(key, kind)
        if issue is None:
            messages.append(f"Issue with key {key} does not exist or is not of type {kind}.")  # (A)
        else:
            found.append(issue)
    return found, messages


def texts(given: Any) -> list[str]:
    """Return the texts of a list, and nothing of what is none."""
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []


def enter(call: RouteCall) -> Server:
    """Let a call of a known user through to an installed Xray; raises Refusal."""
    if not call.emulation.switches.xray_installed:
        raise Refusal(
            as_html(
                "<html><head><title>Oops, you've found a dead link.</title></head></html>",
                status=404,
                fact="server-installed",
            )
        )
    need_login(call)
    need_no_browser(call)
    return Server(call.emulation.switches, call.emulation.world.statuses)


def _licence(call: RouteCall, version: str) -> Response:  # noqa: ARG001 - all versions answer alike
    enter(call)
    return as_json({"active": call.emulation.switches.licence_active, "licenseType": "Demo License"})


def _plain(call: RouteCall, version: str, name: str) -> Response:  # noqa: ARG001
    """Import from the standard path: raw JSON, or a form with the one part `file` and the rest in the query (O)."""
    side = enter(call)
    if name in XML or name == "bundle":
        report = only(call.parts, "file")
        if report is None:
            raise refusal("Error: the part file is missing", fact="server-part-missing")
        said, results = _read(call, report.stream, name, side)
        return _stored(call, side, from_query(arguments(call)) if name in XML else said, results)
    if call.body.content_type != "application/json":
        raise Refusal(as_text("Unsupported Media Type", status=415, fact="server-media-type"))
    return _stored(call, side, *_read(call, call.body.stream, name, side))


def _multipart(call: RouteCall, version: str, name: str) -> Response:  # noqa: ARG001
    """Import from the multipart path: part `file` for XML, `result` for JSON; JSON may name the Test Execution (O)."""
    side = enter(call)
    report, info = only(call.parts, "file" if name in XML else "result"), only(call.parts, "info")
    if report is None or info is None:
        raise refusal("Error: a part is missing", fact="server-part-missing")
    said, results = _read(call, report.stream, name, side, alone=False)
    if not call.emulation.switches.multipart_updates:
        said = Target()
    target = _target(call, info, only(call.parts, "testInfo") if name in XML else None, side, said.execution)
    return _stored(call, side, target, results)


def _target(call: RouteCall, info: Part, test_info: Part | None, side: Server, execution: str | None) -> Target:
    world = call.emulation.world
    try:
        given, tests = info.json(), test_info.json() if test_info is not None else None
    except (ValueError, RecursionError) as error:
        raise refusal("Error assembling issue data: info is not valid JSON", fact="server-info-unreadable") from error
    target = issuing.read_info(given, side, world, execution=execution)
    return replace(target, test_fields=issuing.read_test_info(tests, side, world) if tests is not None else {})


def _read(
    call: RouteCall, stream: IO[bytes], name: str, side: Server, *, alone: bool = True
) -> tuple[Target, list[Result]]:
    """Read a report and what it says of the Test Execution: all of it, or beside `info` the key only."""
    stream.seek(0)
    if name == "xray":
        document = _document(stream, side)
        importing.check(document, side)
        said = importing.target(document, side) if alone else Target(execution=document.get("testExecutionKey"))
        return said, importing.results(document, side)
    try:
        around = ReportContext(kind_of=kinds(call.emulation.world), cloud=False, statuses=side.names)
        read = READERS[name](stream, around)
    except Unreadable as error:
        raise refusal(f"Error: {error}", fact="server-report-unreadable") from error
    return Target(execution=read.execution), read.results


def _document(stream: IO[bytes], side: Server) -> Any:
    try:
        return json.load(stream)
    except (ValueError, RecursionError) as error:
        raise side.format() from error


def _stored(call: RouteCall, side: Server, target: Target, results: list[Result]) -> Response:
    if not call.emulation.switches.licence_active:
        raise refusal("Xray license is not valid.", status=401, fact="server-licence")
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


WORDS: Final = {"PASSED": "PASS", "FAILED": "FAIL", "TO DO": "TODO", "BLOCKED": "TODO"}
COLOURS: Final = {"PASS": "#95C160", "FAIL": "#D45D52", "EXECUTING": "#F1E069", "TODO": "#A2A6AE", "ABORTED": "#111111"}


# Showing


def word(status: str) -> str:
    """Return a status in Server's words."""
    return WORDS.get(status, status)


def run_number(run: Run) -> int | str:
    """Return the id of a run: a small number, or the 24 digits of one that Cloud's import made."""
    return int(run.id) if len(run.id) < 12 else run.id  # noqa: PLR2004


def all_runs(execution: Issue) -> Iterator[Run]:
    """Yield the runs of a Test Execution, in the order they came."""
    return iter(execution.execution.runs.values()) if execution.execution is not None else iter(())


def shown_evidence(call: RouteCall, execution: Issue, evidence: Evidence) -> dict[str, Any]:
    """Show a file as Server does (O)."""
    return {
        "id": evidence.id,
        "fileName": evidence.filename,
        "fileSize": str(evidence.size),
        "numericalFileSize": evidence.size,
        "mimeType": evidence.content_type,
        "fileURL": f"{call.base}/browse/{execution.key}/evidence/{evidence.id}",
        "fileIcon": "file.gif",
        "created": evidence.created or "",
        "author": "emu",
    }


def shown(call: RouteCall, execution: Issue, run: Run) -> dict[str, Any]:
    """Show a run as Server does (O): no steps where there are iterations, and no iterations where there are none."""
    status = word(run.status)
    details = execution.execution
    found: dict[str, Any] = {
        "id": run_number(run),
        "status": status,
        "color": COLOURS.get(status, "#A2A6AE"),
        "testKey": run.test,
        "testExecKey": execution.key,
        "comment": run.comment,
        "assignee": run.assignee,
        "executedBy": run.executed_by,
        "testEnvironments": details.environments if details is not None else [],
        "fixVersions": execution.fix_versions,
        "startedOn": run.started,
        "startedOnIso": run.started,
        "finishedOn": run.finished,
        "finishedOnIso": run.finished,
        "duration": 0,
        "defects": run.defects,
        "evidences": [shown_evidence(call, execution, each) for each in run.evidence],
        "customFields": run.custom_fields,
        "examples": run.examples,
        "archived": False,
        "testVersion": "v1",
    }
    if run.iterations:
        found["iterations"] = shown_iterations(run)
    else:
        found["steps"] = shown_steps(call, execution, run)
    return found


def shown_iterations(run: Run) -> list[dict[str, Any]]:
    """Show the iterations of a run."""
    return [
        {
            "id": number,
            "status": word(each["status"]),
            "color": COLOURS.get(word(each["status"]), "#A2A6AE"),
            "parameters": each.get("parameters", []),
        }
        for number, each in enumerate(run.iterations, start=1)
    ]


def shown_steps(call: RouteCall, execution: Issue, run: Run) -> list[dict[str, Any]]:
    """Show the steps of a run; before it was run, those of its Test."""
    test = call.emulation.world.issues.get(run.test)
    made_of = test.test.steps if test is not None and test.test is not None else []
    held: list[dict[str, Any]] = run.steps or [{"status": "TODO"} for _ in made_of]
    return [
        {
            "id": number,
            "index": number,
            "status": word(each["status"]),
            "comment": {"raw": each.get("comment", ""), "rendered": rendered(each.get("comment", ""))},
            "actualResult": {"raw": each.get("actualResult", ""), "rendered": rendered(each.get("actualResult", ""))},
            "defects": each.get("defects", []),
            "evidences": [shown_evidence(call, execution, file) for file in each.get("evidence", ())],
            "attachments": [],
            "fields": _step_fields(made_of[number - 1]) if number <= len(made_of) else {},
        }
        for number, each in enumerate(held, start=1)
    ]


def _step_fields(step: dict[str, Any]) -> dict[str, Any]:
    names = {"Action": "action", "Data": "data", "Expected Result": "result"}
    return {
        shown_name: {"type": "Wiki", "value": {"raw": step.get(name, ""), "rendered": rendered(step.get(name, ""))}}
        for shown_name, name in names.items()
    }


def rendered(text: Any) -> str:
    """Return wiki text as Jira renders its plainest form (O)."""
    return f"<p>{html.escape(str(text))}</p>" if text else ""
