"""Xray Cloud over HTTP: REST (authenticate, all imports of results) and the frame of GraphQL.

Knows paths, bodies, statuses and refusals, and who may ask; knows nothing of the GraphQL schema.
"""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from werkzeug.routing import Rule

from xray_ci.emulator import importing, issuing, logins
from xray_ci.emulator.answers import Refusal, as_html, as_json, as_text, refusal
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.importing import Import, Result, Target
from xray_ci.emulator.issuing import from_query, kinds, only
from xray_ci.emulator.logins import authorised
from xray_ci.emulator.native import JSON, READERS, XML
from xray_ci.emulator.native.xml import ReportContext, Unreadable
from xray_ci.emulator.sides import Cloud

if TYPE_CHECKING:
    from typing import IO

    from werkzeug.wrappers import Response

    from xray_ci.emulator.answers import Part
    from xray_ci.emulator.world import ApiKey


def graphql_rules() -> list[Rule]:
    """Return the routes: newer pages know version 2 only (D), older ones and several clients version 1 (O)."""
    answered = Route(kind="graphql", handle=_answer)
    return [Rule("/api/<any(v1,v2):version>/graphql", methods=["POST"], endpoint=answered)]


def _answer(call: RouteCall, version: str) -> Response:
    """Answer one document: 400 when it breaks the schema, else 200, also when a resolver fails (O)."""
    if version == "v1" and not call.emulation.switches.graphql_v1:
        raise Refusal(as_html("<!doctype html><pre>Cannot POST /api/v1/graphql</pre>", status=404, fact="graphql-v1"))
    from xray_ci.emulator.graphql import engine  # noqa: PLC0415 - 200 ms that only the first call of GraphQL pays

    key = authorised(call)  # its refusals are those of REST, not shaped as GraphQL (A)
    query, variables, operation = _asked(call)
    done = engine.run(call, key, query, variables, operation)
    call.record.kind, call.record.operations = done.kind, done.operations
    return as_json(done.document, status=200 if done.valid else 400)


def _asked(call: RouteCall) -> tuple[str, dict[str, Any], str | None]:
    try:
        body = call.body.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise _unreadable("Must provide query string.")
    variables, operation = body.get("variables") or {}, body.get("operationName")
    if not isinstance(variables, dict) or not isinstance(operation, str | None):
        raise _unreadable("Variables are invalid JSON.")
    return body["query"], variables, operation


def _unreadable(text: str) -> Refusal:
    return Refusal(as_json({"errors": [{"message": text}]}, status=400, fact="graphql-empty"))


_XML_TYPES: Final = frozenset({"application/xml", "text/xml"})
_NAMES: Final = {"xray": "xray json"}


def rules() -> list[Rule]:
    """Return the routes: the same import paths in v1 and v2 (D), and GraphQL."""
    start = "/api/<any(v1,v2):version>"
    found = [Rule(f"{start}/authenticate", methods=["POST"], endpoint=Route(kind="authenticate", handle=authenticate))]
    for name in ("xray", *XML, *JSON):
        path = f"{start}/import/execution" + ("" if name == "xray" else f"/{name}")
        plain = functools.partial(_plain, name=name)
        parts = functools.partial(_multipart, name=name)
        found.append(Rule(path, methods=["POST"], endpoint=Route(kind="import", handle=plain)))
        found.append(Rule(f"{path}/multipart", methods=["POST"], endpoint=Route(kind="import", handle=parts)))
    return [*found, *graphql_rules()]


def authenticate(call: RouteCall, version: str) -> Response:  # noqa: ARG001 - v1 and v2 answer alike
    """Exchange an API key for a token; the answer is one JSON string, quotes included (D)."""
    try:
        given = call.body.json()
    except (ValueError, RecursionError):
        given = None
    if call.body.content_type == "application/x-www-form-urlencoded" and call.emulation.switches.form_logins:
        given = dict(parse_qsl(call.body.bytes().decode(errors="replace")))
    if not isinstance(given, dict) or not all(
        isinstance(given.get(name), str) for name in ("client_id", "client_secret")
    ):
        return as_text("client_id and client_secret are required.", status=400, fact="cloud-authenticate-incomplete")
    if not call.emulation.switches.licence_active:
        return as_text("Xray license is not valid.", status=401, fact="cloud-licence")
    key = call.emulation.world.api_keys.get(given["client_id"])
    if key is None or key.secret != given["client_secret"]:
        raise refusal("Authentication failed. Invalid client credentials!", status=401, fact="cloud-authenticate-wrong")
    return as_json(logins.mint(given["client_id"], call.now))


def _plain(call: RouteCall, version: str, name: str) -> Response:
    """Import from the standard path: raw JSON, or raw XML with everything else in the query (D)."""
    key = authorised(call)
    side = Cloud(call.emulation.switches, call.emulation.world.statuses)
    if name in XML:
        if call.body.content_type not in _XML_TYPES or not call.body.size:
            raise refusal(f"Missing data in the {name} results import request", fact="cloud-report-missing")
        _, results = _read(call, call.body.stream, name, side, v2=version == "v2")
        return _stored(call, key, side, from_query(arguments(call)), results)
    # Cucumber and Behave do not read the query (O)
    if call.body.content_type != "application/json":
        raise (
            side.format()
            if name == "xray"
            else refusal(f"Missing data in the {name} results import request", fact="cloud-report-missing-json")
        )
    return _stored(call, key, side, *_read(call, call.body.stream, name, side, v2=version == "v2"))


def _multipart(call: RouteCall, version: str, name: str) -> Response:
    """Import from the multipart path: the query is not read; the report may name the Test Execution (O)."""
    key = authorised(call)
    side = Cloud(call.emulation.switches, call.emulation.world.statuses)
    files = [part for part in call.parts if part.filename is not None]
    report, info = only(files, "results"), only(files, "info")
    if report is None or info is None:
        raise refusal(
            f"Missing data in the {_NAMES.get(name, name)} results import request", fact="cloud-report-missing"
        )
    said, results = _read(call, report.stream, name, side, v2=version == "v2", alone=False)
    if not call.emulation.switches.multipart_updates:
        said = Target()
    tests = only(files, "testInfo") if name in XML else None
    target = _target(call, info, tests, side, sees=key.sees_projects, execution=said.execution)
    return _stored(call, key, side, target, results)


def _target(
    call: RouteCall, info: Part, test_info: Part | None, side: Cloud, *, sees: bool, execution: str | None
) -> Target:
    world = call.emulation.world
    try:
        given, tests = info.json(), test_info.json() if test_info is not None else None
    except (ValueError, RecursionError) as error:
        raise refusal("Error parsing info file!", fact="cloud-info-unreadable") from error
    target = issuing.read_info(given, side, world, sees=sees, execution=execution)
    return replace(target, test_fields=issuing.read_test_info(tests, side, world) if tests is not None else {})


def _read(
    call: RouteCall, stream: IO[bytes], name: str, side: Cloud, *, v2: bool, alone: bool = True
) -> tuple[Target, list[Result]]:
    """Read a report and what it says of the Test Execution: all of it, or beside `info` the key only."""
    stream.seek(0)
    if name == "xray":
        document = _document(stream, side)
        importing.check(document, side, custom_fields=v2)
        said = importing.target(document, side) if alone else Target(execution=document.get("testExecutionKey"))
        return said, importing.results(document, side)
    try:
        around = ReportContext(kind_of=kinds(call.emulation.world), cloud=True, statuses=side.names)
        read = READERS[name](stream, around)
    except Unreadable as error:
        raise refusal(f"Error importing results: {error}!", fact="cloud-report-unreadable") from error
    return Target(execution=read.execution), read.results


def _document(stream: IO[bytes], side: Cloud) -> Any:
    try:
        return json.load(stream)
    except (ValueError, RecursionError) as error:
        raise side.format() from error


def _stored(call: RouteCall, key: ApiKey, side: Cloud, target: Target, results: list[Result]) -> Response:
    """Store, and answer with the Test Execution alone: no word on single Tests (O)."""
    emulation = call.emulation
    work = Import(emulation.world, emulation.shelf, side, call.now, sees_projects=key.sees_projects)
    issue = work.run(target, results).execution
    answer = {"id": issue.id, "key": issue.key, "self": f"{call.base}/rest/api/2/issue/{issue.id}"}
    return as_json(answer)
