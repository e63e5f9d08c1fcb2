"""One request from its first byte to its answer: received, recorded, met by a fault, routed, answered or cut.

Knows the order of these steps and nothing of what any route means.
"""

from __future__ import annotations

import functools
import json
import traceback
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from werkzeug.exceptions import ClientDisconnected, HTTPException, MethodNotAllowed, NotFound
from werkzeug.http import http_date
from werkzeug.routing import Map
from werkzeug.wrappers import Request, Response

from xray_ci.emulator import (
    cloud,
    cloud_files,
    control,
    datacenter,
    datacenter_runs,
    datacenter_tests,
    features,
    jira,
    jira_issues,
    jira_site,
    pages,
    repository,
    snapshots,
)
from xray_ci.emulator.answers import BASIS, Refusal, answer, as_html, as_json, as_text, fact_of, found_on, receive
from xray_ci.emulator.emulation import Late, Route, RouteCall
from xray_ci.emulator.faults import LOOKED_AT
from xray_ci.emulator.logins import TENANT
from xray_ci.emulator.records import Record, cut_headers, query_of
from xray_ci.emulator.world import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from _typeshed.wsgi import StartResponse, WSGIEnvironment

    from xray_ci.emulator.answers import Body, Part
    from xray_ci.emulator.emulation import Emulation
    from xray_ci.emulator.faults import InjectedFault

TABLES: Final = (
    cloud,
    cloud_files,
    datacenter,
    datacenter_runs,
    datacenter_tests,
    repository,
    features,
    jira,
    jira_site,
    jira_issues,
    snapshots,
    pages,
)
"""Every module that has routes."""
CUT: Final = "emulator.cut"
"""Member of the WSGI environment: a function that makes the server cut this connection."""


GATEWAY: Final = "/ex/jira/"
"""Where Atlassian's gateway has Jira Cloud, by the id of the site (D)."""


class Dropped(ConnectionAbortedError):
    """The connection is cut; the server sees it and says nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Match:
    """Where a request leads."""

    route: Route
    values: Mapping[str, Any]
    fact: str = ""
    """Id of the one that its answers rest on; empty where nothing is."""


@functools.cache
def _routes() -> Map:
    """Return the routes, made once and by the first request, as they cost what a start should not."""
    # Slashes are not repaired: a doubled one is the client's mistake and shows here.
    return Map([rule for table in TABLES for rule in table.rules()], merge_slashes=False, strict_slashes=False)


class Application:
    """The WSGI application of one Emulation."""

    def __init__(self, emulation: Emulation) -> None:
        self._emulation = emulation

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        through = f"{GATEWAY}{TENANT}"
        if environ["PATH_INFO"].startswith(f"{through}/rest/api/"):
            environ["SCRIPT_NAME"], environ["PATH_INFO"] = through, environ["PATH_INFO"].removeprefix(through)
        request = Request(environ)
        try:
            body = receive(environ)
        except ClientDisconnected as gone:
            raise ConnectionAbortedError from gone
        try:
            if (strange := control.strange_host(self._emulation, request)) is not None:
                response = strange
            elif request.path.startswith(control.PREFIX):
                with self._emulation.lock:
                    self._emulation.settle()
                    response = control.handle(self._emulation, request, body)
            else:
                response = self._answer(request, body)
        except Dropped:
            cut: Callable[[], None] = environ[CUT]
            cut()
            raise
        finally:
            if not body.needed:
                body.stream.close()
        # Of the emulator's clock, as every other moment in an answer is; a fault may say another.
        response.headers.setdefault("Date", http_date(self._emulation.clock.now()))
        return response(environ, start)

    def _note(self, record: Record) -> None:
        """Write a request into the file that records them, one JSON object a line."""
        emulation = self._emulation
        if emulation.record is not None:
            with emulation.lock:
                emulation.record.write(json.dumps(record.as_dict(), ensure_ascii=False) + "\n")
                emulation.record.flush()

    def _answer(self, request: Request, body: Body) -> Response:
        emulation = self._emulation
        with emulation.lock:
            emulation.settle()
            match = self._match(request)
            record = self._record(request, body, match.route.kind)
            fault = emulation.faults.take(request.method, request.path, body.start(LOOKED_AT))
            drop = fault.drop if fault is not None else None
            response = None
            if fault is not None and fault.later_s:
                body.needed = True
                due = emulation.clock.now() + timedelta(seconds=fault.later_s)
                emulation.late.append(
                    Late(due=due, work=functools.partial(self._work, request, body, record, match), body=body)
                )
            elif drop != "before" and (fault is None or fault.status is None or fault.work or drop == "after"):
                response = self._work(request, body, record, match)
                found_on(response, match.fact)
        if fault is not None and fault.delay_s:
            emulation.stopping.wait(fault.delay_s)
        if drop is not None:
            record.dropped = drop
            self._note(record)
            raise Dropped
        if fault is not None and fault.status is not None:
            response = _ordered(fault)
        response = response if response is not None else as_text("", status=500)
        record.status = response.status_code
        self._note(record)
        return response

    def _match(self, request: Request) -> _Match:
        try:
            if request.environ["PATH_INFO"].startswith("//"):
                raise NotFound
            rule, values = _routes().bind_to_environ(request.environ).match(return_rule=True)
        except HTTPException as failure:
            lost = Route(kind="other", handle=functools.partial(_lost, failure=failure))
            return _Match(route=lost, values={})
        return _Match(route=rule.endpoint, values=values, fact=fact_of(request.method, rule.rule))

    def _record(self, request: Request, body: Body, kind: str) -> Record:
        emulation = self._emulation
        record = Record(
            n=len(emulation.records) + 1,
            time=iso(emulation.clock.now()),
            method=request.method,
            path=_asked_path(request),
            query=query_of(request),
            headers=cut_headers(request),
            content_type=request.headers.get("Content-Type", ""),
            size=body.size,
            digest=body.digest,
            kind=kind,
        )
        emulation.records.append(record)
        return record

    def _work(self, request: Request, body: Body, record: Record, match: _Match) -> Response:
        switches = self._emulation.switches
        if switches.max_body and body.size > switches.max_body:
            return _too_large(switches.max_body_answer)
        if not _passes_gateway(request, switches.required_header):
            return as_html(
                "<html><body><h1>403 Forbidden</h1><p>Access gateway</p></body></html>", status=403, fact="xray-gateway"
            )
        parts: tuple[Part, ...] = ()
        if body.multipart:
            try:
                parts = tuple(body.parts())
            except ValueError:
                return as_json({"error": "Malformed multipart body"}, status=400, fact="xray-malformed-form")
        record.note_body(body, parts)
        call = RouteCall(emulation=self._emulation, request=request, body=body, parts=parts, record=record)
        try:
            return match.route.handle(call, **match.values)
        except Refusal as refused:
            return refused.response
        except Exception as defect:  # noqa: BLE001 - a defect of the emulator must not look like one of the client
            traceback.print_exception(defect)
            return as_text(f"The emulator has a defect: {defect!r}", status=500, fact="defect")
        finally:
            for part in parts:
                part.stream.close()


def _asked_path(request: Request) -> str:
    """Return the path with a doubled slash at its start, which the library would hide, and the gateway's before it."""
    path = f"{request.root_path}{request.path}"
    return f"/{path}" if request.environ["PATH_INFO"].startswith("//") else path


def _ordered(fault: InjectedFault) -> Response:
    kind = None if not fault.body else fault.content_type
    return answer(fault.body, status=fault.status or 500, kind=kind, headers={BASIS: "ordered", **fault.headers})


def _too_large(shape: str) -> Response:
    text = "Request Entity Too Large"
    if shape == "json":
        return as_json({"error": text}, status=413, fact="xray-413")
    if shape == "html":
        return as_html(
            f"<html><head><title>413 {text}</title></head><body><h1>413 {text}</h1></body></html>",
            status=413,
            fact="xray-413",
        )
    return as_text(text, status=413, fact="xray-413")


def _passes_gateway(request: Request, wanted: str) -> bool:
    name, _, value = wanted.partition(":")
    return not name or request.headers.get(name.strip()) == value.strip()


def _lost(call: RouteCall, failure: HTTPException) -> Response:
    """Answer a call that leads nowhere, as the service would whose path it is."""
    path = call.request.path
    if path.startswith("/rest/raven"):
        return jira.null_for_uri(call)
    if isinstance(failure, MethodNotAllowed):
        if path.startswith("/api/"):  # a Node server: the method is part of the route (A)
            return as_html(
                f"<!doctype html><pre>Cannot {call.request.method} the path</pre>",
                status=404,
                fact="cloud-method-unknown",
            )
        response = as_text("Method Not Allowed", status=405, fact="server-method-unknown")
        response.headers["Allow"] = ", ".join(failure.valid_methods or ())
        return response
    return as_html(
        '<!doctype html><html lang="en"><title>404</title><h1>Not found</h1></html>',
        status=404,
        fact="jira-path-unknown",
    )
