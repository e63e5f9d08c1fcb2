"""How often somebody may call: so many calls in any 60 seconds of the emulator's clock.

Knows no routes and no answers.

The control interface below `/__emulator__/`: reset, state, requests, faults, clock, settings.

It is for whoever runs the emulator. Nothing answers under another name than those of the emulator, so that a web page
opened beside it cannot reach it by a name of its own; the control interface does not answer other pages either.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from xray_ci.emulator.answers import BASIS, Refusal, answer, as_json
from xray_ci.emulator.world import iso

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from werkzeug.wrappers import Request, Response

    from xray_ci.emulator.answers import Body
    from xray_ci.emulator.emulation import Emulation, RouteCall
    from xray_ci.emulator.records import Record


WINDOW: Final = 60
"""Seconds over which calls are counted (O)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TooMany:
    """A call that comes too early; it does not count (O)."""

    free: datetime
    """When the next one is taken."""
    seconds: int
    """Until then, at least 1."""


def count(call: RouteCall, who: str, limit: int) -> TooMany | None:
    """Count a call of somebody, or say that there were `limit` in the window; 0 = no limit."""
    now, calls = call.now, call.emulation.calls.setdefault(who, deque())
    while calls and now - calls[0] >= timedelta(seconds=WINDOW):
        calls.popleft()
    if limit and len(calls) >= limit:
        free = calls[-limit] + timedelta(seconds=WINDOW)
        return TooMany(free=free, seconds=max(1, math.ceil((free - now).total_seconds())))
    calls.append(now)
    return None


PREFIX: Final = "/__emulator__/"


def handle(emulation: Emulation, request: Request, body: Body) -> Response:
    """Answer one control call; never recorded, never met by a fault."""
    try:
        _guard(request)
        name = request.path.removeprefix(PREFIX).strip("/")
        if name.startswith("requests/"):
            return _content(emulation, name.split("/")[1:], request)
        work = _CALLS.get((request.method, name))
        if work is None:
            return as_json({"error": f"{request.method} {request.path} is no control call"}, status=404)
        given = body.json() if body.size else {}
        response = as_json(work(emulation, given if isinstance(given, dict) else {}), default=_plain)
    except Refusal as refused:
        response = refused.response
    except (ValueError, TypeError) as error:
        response = as_json({"error": str(error)}, status=400)
    response.headers[BASIS] = "documented"  # by us
    return response


def strange_host(emulation: Emulation, request: Request) -> Response | None:
    """Refuse a call under a name that is none of the emulator's: a web page could reach it by a name of its own."""
    try:
        host = urlsplit(f"//{request.headers.get('Host', '')}").hostname
    except ValueError:
        host = None
    if host is not None and host in emulation.hosts:
        return None
    text = "the emulator answers its own host names only; another one: --allow-host NAME"
    return as_json({"error": text}, status=403)


def _guard(request: Request) -> None:
    """Refuse a call that another page makes."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.partition("://")[2] != request.headers.get("Host"):
        raise Refusal(as_json({"error": "the control interface answers its own pages only"}, status=403))


def _reset(emulation: Emulation, _: Mapping[str, Any]) -> Any:
    emulation.reset()
    return {"reset": True}


def _state(emulation: Emulation, _: Mapping[str, Any]) -> Any:
    """Show the whole world; evidence by name, size and digest."""
    world = emulation.world
    return {
        "now": iso(emulation.clock.now()),
        "settings": emulation.switches.as_dict(),
        "faults": len(emulation.faults),
        "projects": world.projects,
        "issues": world.issues,
        "pages": world.pages,
        "duplicates": sum(each.execution.duplicates for each in world.executions() if each.execution is not None),
    }


def _plain(value: Any) -> Any:
    """Turn a moment into text and a part of the world into its members."""
    if isinstance(value, datetime):
        return iso(value)
    return {each.name: getattr(value, each.name) for each in fields(value)}


def _requests(emulation: Emulation, _: Mapping[str, Any]) -> Any:
    return [each.as_dict() for each in emulation.records]


def _faults(emulation: Emulation, given: Mapping[str, Any]) -> Any:
    emulation.faults.add(given)
    return {"queued": len(emulation.faults)}


def _no_faults(emulation: Emulation, _: Mapping[str, Any]) -> Any:
    emulation.faults.clear()
    return {"queued": 0}


def _clock(emulation: Emulation, given: Mapping[str, Any]) -> Any:
    """Set (`set`: a moment with offset), advance (`advance`: seconds), stand still (`freeze`: yes or no)."""
    unknown = set(given) - {"set", "advance", "freeze"}
    if unknown:
        raise ValueError(f"the clock takes set, advance and freeze, not {', '.join(sorted(unknown))}")
    if "freeze" in given:
        emulation.clock.freeze(frozen=bool(given["freeze"]))
    if "set" in given:
        moment = datetime.fromisoformat(given["set"])
        if moment.tzinfo is None:
            raise ValueError("set takes a moment with an offset")
        emulation.clock.set(moment)
    emulation.clock.advance(float(given.get("advance", 0)))
    return {"now": iso(emulation.clock.now())}


def _settings(emulation: Emulation, given: Mapping[str, Any]) -> Any:
    emulation.switches.patch(given)
    return emulation.switches.as_dict()


def _show_settings(emulation: Emulation, _: Mapping[str, Any]) -> Any:
    return emulation.switches.as_dict()


_CALLS: Final[Mapping[tuple[str, str], Callable[[Emulation, Mapping[str, Any]], Any]]] = {
    ("POST", "reset"): _reset,
    ("GET", "state"): _state,
    ("GET", "requests"): _requests,
    ("POST", "faults"): _faults,
    ("DELETE", "faults"): _no_faults,
    ("POST", "clock"): _clock,
    ("PATCH", "settings"): _settings,
    ("GET", "settings"): _show_settings,
}


def _content(emulation: Emulation, place: list[str], request: Request) -> Response:
    """`requests/{n}/body` and `requests/{n}/parts/{name}`: bytes as received."""
    record = _record(emulation, place[0])
    content = None
    if record is not None and request.method == "GET" and place[1:] == ["body"]:
        content = record.body
    elif record is not None and request.method == "GET" and place[1:2] == ["parts"] and len(place) == 3:  # noqa: PLR2004
        content = record.contents.get(place[2])
    if content is None:
        return as_json({"error": "not kept"}, status=404)
    return answer(
        content,
        kind="application/octet-stream",
        headers={"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"},
    )


def _record(emulation: Emulation, number: str) -> Record | None:
    if not number.isdigit() or not 1 <= int(number) <= len(emulation.records):
        return None
    return emulation.records[int(number) - 1]
