"""The part of Jira's REST interface that an importer asks: Cloud at the root, Server below `/jira`.

Changes nothing itself.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any

from markupsafe import escape
from werkzeug.routing import Rule

from xray_ci.emulator import jira_shown, jira_words, jira_writing, jql
from xray_ci.emulator.answers import Basis, answer, as_html, as_json, jira_refusal
from xray_ci.emulator.clock import jira_time
from xray_ci.emulator.emulation import Call, Route, arguments
from xray_ci.emulator.jira_fields import CLOUD_FIELDS, SERVER_FIELDS
from xray_ci.emulator.jira_login import enter
from xray_ci.emulator.seed import ISSUE_TYPES, JIRA_CLOUD_USER
from xray_ci.emulator.server_login import LOGIN_PAGE, need_login

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from xray_ci.emulator.world import Issue

_CLOUD = "/rest/api/<any('2','3'):version>"
_SERVER = "/jira/rest/api/<any('2','latest'):version>"
_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available. CHANGE-2046"
)


def rules() -> list[Rule]:
    """Return the routes of both."""
    found = [
        Rule("/_edge/tenant_info", methods=["GET"], endpoint=Route(kind="read", handle=_tenant)),
        Rule("/jira/login.jsp", methods=["GET", "POST"], endpoint=Route(kind="page", handle=_login_page)),
        Rule(f"{_CLOUD}/search", methods=["GET", "POST"], endpoint=Route(kind="lookup", handle=_removed)),
        Rule("/rest/api/3/search/jql", methods=["GET", "POST"], endpoint=Route(kind="lookup", handle=_search_cloud)),
        Rule(f"{_SERVER}/search", methods=["GET", "POST"], endpoint=Route(kind="lookup", handle=_search_server)),
    ]
    for start, cloud in ((_CLOUD, True), (_SERVER, False)):
        for path, handle in (
            ("serverInfo", _server_info),
            ("myself", _myself),
            ("field", _fields),
            ("project/<project>", _project),
            ("issue/<key>", _issue),
        ):
            route = Route(kind="read", handle=functools.partial(handle, cloud=cloud))
            found.append(Rule(f"{start}/{path}", methods=["GET"], endpoint=route))
        found += jira_writing.rules(start, cloud=cloud)
    return found


def _tenant(call: Call) -> Response:  # noqa: ARG001
    return as_json({"cloudId": "11111111-2222-3333-4444-555555555555"}, basis=Basis.RECALLED)


def _login_page(call: Call) -> Response:  # noqa: ARG001
    return as_html(LOGIN_PAGE, basis=Basis.OBSERVED)


def _server_info(call: Call, version: str, *, cloud: bool) -> Response:  # noqa: ARG001
    """Say which Jira this is; anonymous callers may ask (D), unless single sign-on guards everything."""
    if not cloud and call.emulation.switches.sso_redirect:
        need_login(call)
    common = {
        "buildDate": "2024-01-01T00:00:00.000+0000",
        "serverTime": jira_time(call.now),
        "scmInfo": "0000000",
        "serverTitle": "Jira",
    }
    if cloud:
        return as_json(
            {
                "baseUrl": call.base,
                "version": "1001.0.0-SNAPSHOT",
                "versionNumbers": [1001, 0, 0],
                "deploymentType": "Cloud",
                "buildNumber": 100200,
                **common,
                "defaultLocale": {"locale": "en_US"},
            }
        )
    return as_json(
        {
            "baseUrl": f"{call.base}/jira",
            "version": "9.12.0",
            "versionNumbers": [9, 12, 0],
            "deploymentType": "Server",
            "buildNumber": 912000,
            "databaseBuildNumber": 912000,
            **common,
        }
    )


def _myself(call: Call, version: str, *, cloud: bool) -> Response:
    enter(call, cloud=cloud)
    common = {"active": True, "timeZone": "Etc/UTC", "locale": "en_US"}
    if cloud:
        account = "5b10a0000000000000000001"
        return as_json(
            {
                "self": f"{call.base}/rest/api/{version}/user?accountId={account}",
                "accountId": account,
                "accountType": "atlassian",
                "emailAddress": JIRA_CLOUD_USER[0],
                "displayName": "Dev",
                **common,
            },
            basis=Basis.RECALLED,
        )
    return as_json(
        {
            "self": f"{call.base}/jira/rest/api/2/user?username=emu",
            "key": "JIRAUSER10000",
            "name": "emu",
            "emailAddress": "emu@example.com",
            "displayName": "Emu",
            **common,
        },
        basis=Basis.RECALLED,
    )


def _fields(call: Call, version: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    return as_json(list(CLOUD_FIELDS if cloud else SERVER_FIELDS))


def _project(call: Call, version: str, project: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    for each in call.emulation.world.projects.values():
        if project in (each.key, each.id):
            kinds = [{"id": number, "name": name, "subtask": False} for name, number in ISSUE_TYPES.items()]
            versions = [
                {"id": str(10000 + number), "name": name, "released": False, "archived": False}
                for number, name in enumerate(each.versions)
            ]
            return as_json(
                {"id": each.id, "key": each.key, "name": each.name, "issueTypes": kinds, "versions": versions},
                basis=Basis.RECALLED,
            )
    raise jira_refusal(f"No project could be found with key '{project}'.", status=404)


def _issue(call: Call, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001
    """Read an issue by key or id; no index lag here (O)."""
    enter(call, cloud=cloud)
    issue = jira_writing.issue_of(call, key, cloud=cloud)
    return as_json(_shown(call, issue, arguments(call).get("fields"), cloud=cloud), basis=Basis.RECALLED)


def _shown(call: Call, issue: Issue, fields: Any, *, cloud: bool) -> dict[str, Any]:
    root = call.base if cloud else f"{call.base}/jira"
    return jira_shown.shown(call.emulation.world, issue, fields, root=root, cloud=cloud)


def _removed(call: Call, version: str) -> Response:  # noqa: ARG001
    raise jira_refusal(_REMOVED, status=410, basis=Basis.OBSERVED)


def _asked(call: Call) -> dict[str, Any]:
    if call.request.method == "GET":
        return arguments(call)
    try:
        asked = call.body.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise jira_refusal("Invalid request payload. Refer to the REST API documentation and try again.", status=400)
    return asked


def _found(call: Call, *, cloud: bool) -> tuple[list[Issue], dict[str, Any]]:
    asked = _asked(call)
    fresh = {str(each) for each in asked.get("reconcileIssues") or ()}
    try:
        query = jql.Query(str(asked.get("jql", "")), bounded=cloud)
        found = jql.search(call.emulation, query, call.now, fresh=fresh)
    except jql.Invalid as error:
        language = "en" if cloud else call.emulation.switches.language
        raise jira_refusal(*(jira_words.said(text, language) for text in error.messages), status=400) from error
    return found, asked


def _number(asked: dict[str, Any], name: str, otherwise: int) -> int:
    text = str(asked.get(name, otherwise))
    if not re.fullmatch("[0-9]{1,9}", text):
        raise jira_refusal(f"{name} is not a number.", status=400)
    return int(text)


def _search_cloud(call: Call) -> Response:
    """Search page by page with a token and no total (O); without `fields` only ids (O)."""
    enter(call, cloud=True)
    found, asked = _found(call, cloud=True)
    size, start = _number(asked, "maxResults", 50), _number(asked, "nextPageToken", 0)
    page = [
        _shown(call, issue, asked.get("fields"), cloud=True) if asked.get("fields") else {"id": issue.id}
        for issue in found[start : start + size]
    ]
    last = start + size >= len(found)
    return as_json({"issues": page, "isLast": last, **({} if last else {"nextPageToken": str(start + size)})})


def _search_server(call: Call, version: str) -> Response:  # noqa: ARG001
    need_login(call)
    found, asked = _found(call, cloud=False)
    size, start = _number(asked, "maxResults", 50), _number(asked, "startAt", 0)
    page = [_shown(call, issue, asked.get("fields"), cloud=False) for issue in found[start : start + size]]
    return as_json({"startAt": start, "maxResults": size, "total": len(found), "issues": page}, basis=Basis.RECALLED)


def null_for_uri(call: Call) -> Response:
    """Answer a call of Xray Server on a Cloud site: the clearest sign of a wrong deployment (O)."""
    place = f"{call.base}{call.request.path}"
    if "xml" in call.request.headers.get("Accept", "") and "json" not in call.request.headers.get("Accept", ""):
        return answer(
            f"<status><status-code>404</status-code><message>null for uri: {escape(place)}</message></status>",
            status=404,
            kind="application/xml; charset=utf-8",
        )
    return as_json({"message": f"null for uri: {place}", "status-code": 404}, status=404)
