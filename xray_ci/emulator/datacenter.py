"""Xray Server/Data Center below `/jira/rest/raven`: imports of results, the licence. Knows its paths, bodies, refusals.

Left for later: feature files.
"""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from werkzeug.routing import Rule

from xray_ci.emulator import info_part, xray_json
from xray_ci.emulator.answers import Basis, Refusal, as_html, as_json, as_text, refusal
from xray_ci.emulator.arriving import Result, Target
from xray_ci.emulator.emulation import Call, Route, arguments
from xray_ci.emulator.importing import Import
from xray_ci.emulator.native import JSON, READERS, XML
from xray_ci.emulator.native.report import Surroundings, Unreadable
from xray_ci.emulator.server_login import need_login, need_no_browser
from xray_ci.emulator.sides import Server
from xray_ci.emulator.targets import from_query, kinds, only

if TYPE_CHECKING:
    from typing import IO

    from werkzeug.wrappers import Response

    from xray_ci.emulator.arriving import Done
    from xray_ci.emulator.body import Part

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
    return found


def enter(call: Call) -> Server:
    """Let a call of a known user through to an installed Xray; raises Refusal."""
    if not call.emulation.switches.xray_installed:
        raise Refusal(as_html("<html><head><title>Oops, you've found a dead link.</title></head></html>", status=404))
    need_login(call)
    need_no_browser(call)
    return Server(call.emulation.switches)


def _licence(call: Call, version: str) -> Response:  # noqa: ARG001 - all versions answer alike
    enter(call)
    return as_json({"active": call.emulation.switches.licence_active, "licenseType": "Demo License"})


def _plain(call: Call, version: str, name: str) -> Response:  # noqa: ARG001
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


def _multipart(call: Call, version: str, name: str) -> Response:  # noqa: ARG001
    """Import from the multipart path: part `file` for XML, `result` for JSON, always a new Test Execution (O)."""
    side = enter(call)
    report, info = only(call.parts, "file" if name in XML else "result"), only(call.parts, "info")
    if report is None or info is None:
        raise refusal("Error: a part is missing", basis=Basis.ASSUMED)
    target = _target(call, info, only(call.parts, "testInfo") if name in XML else None, side)
    return _stored(call, side, *_read(call, report.stream, name, side, target))


def _target(call: Call, info: Part, test_info: Part | None, side: Server) -> Target:
    projects = {each.id: each.key for each in call.emulation.world.projects.values()}
    try:
        target = info_part.read_info(info.json(), side, projects)
        fields = info_part.read_test_info(test_info.json(), side) if test_info is not None else {}
    except ValueError as error:
        raise refusal("Error assembling issue data: info is not valid JSON", basis=Basis.ASSUMED) from error
    return replace(target, test_fields=fields)


def _read(call: Call, stream: IO[bytes], name: str, side: Server, target: Target) -> tuple[Target, list[Result]]:
    stream.seek(0)
    if name == "xray":
        document = _document(stream, side)
        xray_json.check(document, side)
        return (target if target.project else xray_json.target(document, side)), xray_json.results(document, side)
    try:
        read = READERS[name](stream, Surroundings(kind_of=kinds(call.emulation.world), cloud=False))
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


def _stored(call: Call, side: Server, target: Target, results: list[Result]) -> Response:
    if not call.emulation.switches.licence_active:
        raise refusal("Xray license is not valid.", status=401, basis=Basis.DOCUMENTED)
    emulation = call.emulation
    done = Import(emulation.world, emulation.shelf, side, call.now).run(target, results)
    return as_json(_answer(call, done))


def _answer(call: Call, done: Done) -> dict[str, Any]:
    """Say which Tests were stored and which were not; both lists can be absent (O)."""

    def issue(one: Any) -> dict[str, str]:
        return {"id": one.id, "key": one.key, "self": f"{call.base}/jira/rest/api/2/issue/{one.id}"}

    tests: dict[str, Any] = {}
    if done.stored:
        tests["success"] = [{**issue(each), "testVersionId": each.id} for each in done.stored]
    if done.errors:
        tests["error"] = [{"testKey": name, "messages": [message]} for name, message in done.errors]
    return {"testExecIssue": issue(done.execution), "testIssues": tests, "infoMessages": []}
