"""GraphQL as HTTP: who may ask, what a body has to be, which status an answer has. Knows nothing of the schema.

Xray Cloud's REST interface: authenticate and all imports of results. Knows its paths, bodies and refusals.

Left for later: feature files, bulk import of Tests.
"""

from __future__ import annotations

import functools
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from xray_ci.emulator import importing, info_parts, logins
from xray_ci.emulator.answers import Basis, Refusal, as_json, as_text, refusal
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.importing import Import, Result, Target
from xray_ci.emulator.issuing import from_query, kinds, only
from xray_ci.emulator.logins import authorised
from xray_ci.emulator.native import JSON, READERS, XML
from xray_ci.emulator.native.xml import ReportContext, Unreadable
from xray_ci.emulator.seed import API_KEYS
from xray_ci.emulator.sides import Cloud

if TYPE_CHECKING:
    from typing import IO

    from werkzeug.wrappers import Response

    from xray_ci.emulator.answers import Part
    from xray_ci.emulator.seed import ApiKey


def graphql_rules() -> list[Rule]:
    """Return the one route: there is no GraphQL below v1 (D)."""
    return [Rule("/api/v2/graphql", methods=["POST"], endpoint=Route(kind="graphql", handle=_answer))]


def _answer(call: RouteCall) -> Response:
    """Answer one document: 400 when it breaks the schema, else 200, also when a resolver fails (O)."""
    from xray_ci.emulator.graphql import engine  # noqa: PLC0415 - 200 ms that only the first call of GraphQL pays

    key = authorised(call)  # its refusals are those of REST, not shaped as GraphQL (A)
    query, variables, operation = _asked(call)
    done = engine.run(call, key, query, variables, operation)
    call.record.kind, call.record.operations = done.kind, done.operations
    return as_json(done.document, status=200 if done.valid else 400)


def _asked(call: RouteCall) -> tuple[str, dict[str, Any], str | None]:
    try:
        body = call.body.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("query"), str):
        raise _unreadable("Must provide query string.")
    variables, operation = body.get("variables") or {}, body.get("operationName")
    if not isinstance(variables, dict) or not isinstance(operation, str | None):
        raise _unreadable("Variables are invalid JSON.")
    return body["query"], variables, operation


def _unreadable(text: str) -> Refusal:
    return Refusal(as_json({"errors": [{"message": text}]}, status=400, basis=Basis.ASSUMED))


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
    except ValueError:
        given = None
    if not isinstance(given, dict) or not all(
        isinstance(given.get(name), str) for name in ("client_id", "client_secret")
    ):
        return as_text("client_id and client_secret are required.", status=400, basis=Basis.DOCUMENTED)
    if not call.emulation.switches.licence_active:
        return as_text("Xray license is not valid.", status=401, basis=Basis.DOCUMENTED)
    key = API_KEYS.get(given["client_id"])
    if key is None or key.secret != given["client_secret"]:
        raise refusal("Authentication failed. Invalid client credentials!", status=401)
    return as_json(logins.mint(given["client_id"], call.now), basis=Basis.DOCUMENTED)


def _plain(call: RouteCall, version: str, name: str) -> Response:
    """Import from the standard path: raw JSON, or raw XML with everything else in the query (D)."""
    key = authorised(call)
    side = Cloud(call.emulation.switches)
    if name in XML:
        if call.body.content_type not in _XML_TYPES or not call.body.size:
            raise refusal(f"Missing data in the {name} results import request")
        target = from_query(arguments(call))
    else:
        target = Target()  # Cucumber and Behave pass the query over (O)
        if call.body.content_type != "application/json":
            raise (
                side.format()
                if name == "xray"
                else refusal(f"Missing data in the {name} results import request", basis=Basis.ASSUMED)
            )
    return _stored(call, key, side, *_read(call, call.body.stream, name, side, target, v2=version == "v2"))


def _multipart(call: RouteCall, version: str, name: str) -> Response:
    """Import from the multipart path: always a new Test Execution, the query is not read (O)."""
    key = authorised(call)
    side = Cloud(call.emulation.switches)
    files = [part for part in call.parts if part.filename is not None]
    report, info = only(files, "results"), only(files, "info")
    if report is None or info is None:
        raise refusal(f"Missing data in the {_NAMES.get(name, name)} results import request")
    target = _target(call, info, only(files, "testInfo") if name in XML else None, side, key)
    return _stored(call, key, side, *_read(call, report.stream, name, side, target, v2=version == "v2"))


def _target(call: RouteCall, info: Part, test_info: Part | None, side: Cloud, key: ApiKey) -> Target:
    projects = {each.id: each.key for each in call.emulation.world.projects.values()} if key.sees_projects else {}
    try:
        target = info_parts.read_info(info.json(), side, projects)
        fields = info_parts.read_test_info(test_info.json(), side) if test_info is not None else {}
    except ValueError as error:
        raise refusal("Error importing results: info file is not valid JSON!", basis=Basis.ASSUMED) from error
    return replace(target, test_fields=fields)


def _read(
    call: RouteCall, stream: IO[bytes], name: str, side: Cloud, target: Target, *, v2: bool
) -> tuple[Target, list[Result]]:
    """Read a report; what Xray JSON says of the Test Execution counts only where there is no `info`."""
    stream.seek(0)
    if name == "xray":
        document = _document(stream, side)
        importing.check(document, side, custom_fields=v2)
        return (target if target.project else importing.target(document, side)), importing.results(document, side)
    try:
        read = READERS[name](stream, ReportContext(kind_of=kinds(call.emulation.world), cloud=True))
    except Unreadable as error:
        raise refusal(f"Error importing results: {error}!", basis=Basis.ASSUMED) from error
    return (Target(execution=read.execution) if read.execution and not target.project else target), read.results


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
    return as_json(answer, basis=Basis.DOCUMENTED)
