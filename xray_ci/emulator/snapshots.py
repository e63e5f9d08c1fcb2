"""Snapshots for Confluence: the two triggers and every way they are refused. All of it is assumed but the requests.

Knows keys and macros; the world takes the snapshot itself, when its time has come.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

from werkzeug.routing import Rule

from xray_ci.emulator.answers import Refusal, answer, as_json, as_text
from xray_ci.emulator.emulation import Route, RouteCall
from xray_ci.emulator.seed import CONFLUENCE_TOKEN, GLOBAL_KEY, JIRA_CLOUD_USER, MACRO_KEY
from xray_ci.emulator.world import iso

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from xray_ci.emulator.world import Macro, Page

_HEADER: Final = "jira-snapshots-api-key"
_ACCEPTED: Final[Mapping[str, tuple[int, str | None, str]]] = {
    "accepted": (202, None, ""),
    "empty": (200, None, ""),
    "queued": (200, "application/json", '{"status":"queued"}'),
    "no-content": (204, None, ""),
    "text": (200, "text/plain; charset=utf-8", "OK"),
}


def rules() -> list[Rule]:
    """Return the routes; GET on a trigger is 405."""
    return [
        Rule("/take-snapshot/<page>", methods=["POST"], endpoint=Route(kind="snapshot", handle=_whole_page)),
        Rule("/macro-hooks/<opaque>", methods=["POST"], endpoint=Route(kind="snapshot", handle=_one_macro)),
        Rule("/wiki/api/v2/pages/<page>", methods=["GET"], endpoint=Route(kind="read", handle=_page)),
    ]


def _whole_page(call: RouteCall, page: str) -> Response:
    """Take every snapshot of one page; asks for the global key (D)."""
    _check(call, GLOBAL_KEY)
    switches = call.emulation.switches
    found = call.emulation.world.pages.get(page)
    if found is None or not found.macros:
        if switches.snapshots_unknown_page == 200:  # noqa: PLR2004 - nothing to do is an answer too
            return as_json({"status": "nothing to do"})
        raise _refused(call, 404, "No snapshots on this page.", "snapshots-page-unknown")
    return _accepted(call, found, None)


def _one_macro(call: RouteCall, opaque: str) -> Response:
    """Take one macro's snapshot; asks for the macro's own key (D)."""
    _check(call, MACRO_KEY)
    for page in call.emulation.world.pages.values():
        for macro in page.macros:
            if macro.opaque == opaque and call.emulation.switches.macro_automation:
                return _accepted(call, page, macro)
    raise _refused(call, 404, "Automation is not enabled for this macro.", "snapshots-macro")


def _check(call: RouteCall, key: str) -> None:
    switches = call.emulation.switches
    if not switches.snapshots_enabled:
        raise _refused(call, 403, "Automation is disabled for this site.", "snapshots-enabled")
    if call.request.headers.get(_HEADER) != key:
        raise _refused(call, 401, "Invalid API key.", "snapshots-key")
    bearer = f"Bearer {CONFLUENCE_TOKEN}"
    if switches.snapshots_bearer and call.request.headers.get("Authorization") != bearer:
        raise _refused(call, 401, "Client must be authenticated to access this resource.", "snapshots-bearer")


def _refused(call: RouteCall, status: int, text: str, fact: str) -> Refusal:
    return Refusal(as_text(text, status=call.emulation.switches.snapshots_refusal or status, fact=fact))


def _accepted(call: RouteCall, page: Page, macro: Macro | None) -> Response:
    """Queue the snapshot; the answer proves only that it was queued (D)."""
    switches = call.emulation.switches
    if not switches.snapshots_fail:
        page.pending.append((call.now + timedelta(seconds=switches.snapshots_settle_s), macro))
    status, kind, text = _ACCEPTED[switches.snapshots_answer]
    return answer(text, status=status, kind=kind, fact="snapshots-accepted")


def _page(call: RouteCall, page: str) -> Response:
    """Show a page's version; the space is open to anonymous readers, wrong credentials are refused all the same."""
    given = call.request.authorization
    if given is not None and (given.username, given.password) != JIRA_CLOUD_USER:
        raise Refusal(
            as_json({"message": "Unauthorized", "statusCode": 401}, status=401, fact="snapshots-version-unknown")
        )
    found = call.emulation.world.pages.get(page)
    if found is None:
        error = {"status": 404, "code": "NOT_FOUND", "title": "Not Found", "detail": None}
        raise Refusal(as_json({"errors": [error]}, status=404, fact="snapshots-version-unknown"))
    return as_json(
        {
            "id": found.id,
            "status": "current",
            "title": found.title,
            "version": {"number": found.version, "createdAt": iso(found.changed)},
        }
    )
