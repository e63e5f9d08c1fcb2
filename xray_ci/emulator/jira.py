"""Jira Server's refusals in the language of the server: they are localised (O). Data and one lookup.

The fields that `GET …/field` lists. Data only: Server's Xray fields as a real site lists them, Jira's own beside.

How Jira shows an issue: its fields by name or id, on Cloud and on Server. Knows the world; knows no requests.

Jira's REST interface where it changes something: issues made, edited, deleted, on Cloud and on Server.

The part of Jira's REST interface that an importer asks: Cloud at the root, Server below `/jira`.

Changes nothing itself.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING, Any, Final

from markupsafe import escape
from werkzeug.routing import Rule

from xray_ci.emulator import jql
from xray_ci.emulator.answers import Basis, answer, as_html, as_json, jira_refusal
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.info_parts import BEGIN_FIELD, END_FIELD, ENVIRONMENTS_FIELD, PLAN_FIELD, REVISION_FIELD
from xray_ci.emulator.issuing import InvalidFields, Issuing
from xray_ci.emulator.logins import LOGIN_PAGE, enter, need_login
from xray_ci.emulator.seed import ISSUE_TYPES, JIRA_CLOUD_USER
from xray_ci.emulator.world import jira_time

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.wrappers import Response

    from xray_ci.emulator.world import Issue, World


_TEXTS: Final = (
    (
        re.compile(r"Issue does not exist or you do not have permission to see it\."),
        {
            "de": "Der Vorgang existiert nicht oder Sie haben keine Berechtigung, ihn anzuzeigen.",
            "fr": "Le ticket n'existe pas ou vous n'avez pas l'autorisation de le voir.",
        },
    ),
    (
        re.compile(r"An issue with key '(.*)' does not exist for field 'key'\."),
        {
            "de": r"Für das Feld 'key' ist kein Vorgang mit dem Schlüssel '\1' vorhanden.",
            "fr": r"Il n'existe aucun ticket avec la clé '\1' pour le champ 'key'.",
        },
    ),
    (
        re.compile(r"The value '(.*)' does not exist for the field 'project'\."),
        {
            "de": r"Der Wert '\1' ist für das Feld 'project' nicht vorhanden.",
            "fr": r"La valeur '\1' n'existe pas pour le champ 'project'.",
        },
    ),
    (
        re.compile(r"You must specify a summary of the issue\."),
        {
            "de": "Sie müssen eine Zusammenfassung des Vorgangs angeben.",
            "fr": "Vous devez spécifier un résumé du ticket.",
        },
    ),
)
"""What was recalled of the translations (R); a text without one stays English."""


def said(text: str, language: str) -> str:
    """Return a text of Jira in a language."""
    for pattern, words in _TEXTS:
        found = pattern.fullmatch(text)
        if found is not None and language in words:
            return found.expand(words[language])
    return text


def said_of(errors: Mapping[str, str], language: str) -> dict[str, str]:
    """Return the texts of fields in a language."""
    return {name: said(text, language) for name, text in errors.items()}


_XRAY: Final = "com.xpandit.plugins.xray:"
_JIRA: Final = "com.atlassian.jira.plugin.system.customfieldtypes:"


def _custom(number: int, name: str, kind: str, plugin: str, items: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind, "custom": plugin, "customId": number}
    if items is not None:
        schema["items"] = items
    return {
        "id": f"customfield_{number}",
        "name": name,
        "custom": True,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [f"cf[{number}]", name],
        "schema": schema,
    }


def _system(name: str, label: str, kind: str, items: str | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": kind, "system": name}
    if items is not None:
        schema["items"] = items
    return {
        "id": name,
        "name": label,
        "custom": False,
        "orderable": True,
        "navigable": True,
        "searchable": True,
        "clauseNames": [name],
        "schema": schema,
    }


_SYSTEM: Final = (
    _system("summary", "Summary", "string"),
    _system("issuetype", "Issue Type", "issuetype"),
    _system("project", "Project", "project"),
    _system("description", "Description", "string"),
    _system("labels", "Labels", "array", "string"),
    _system("fixVersions", "Fix Version/s", "array", "version"),
    _system("environment", "Environment", "string"),
)

SERVER_FIELDS: Final = (
    *_SYSTEM,
    _custom(10015, "End date", "date", f"{_JIRA}datepicker"),
    _custom(11800, "Test Type", "option", f"{_XRAY}test-type-custom-field"),
    _custom(11801, "Generic Test Definition", "string", f"{_XRAY}path-editor-custom-field"),
    _custom(11802, "Cucumber Scenario", "string", f"{_XRAY}steps-editor-custom-field"),
    _custom(11803, "Manual Test Steps", "any", f"{_XRAY}manual-test-steps-custom-field"),
    _custom(11804, "Tests association with a Test Execution", "array", f"{_XRAY}testexec-tests-custom-field", "string"),
    _custom(11805, "Test Environments", "array", f"{_XRAY}test-environments-custom-field", "string"),
    _custom(11806, "Test Execution Status", "any", f"{_XRAY}test-execution-status-custom-field"),
    _custom(11807, "Test Plan", "array", f"{_XRAY}test-plan-custom-field", "string"),
    _custom(11808, "Revision", "string", f"{_JIRA}textfield"),
    _custom(11809, "Begin Date", "datetime", f"{_JIRA}datetime"),
    _custom(11810, "End Date", "datetime", f"{_JIRA}datetime"),
)

CLOUD_FIELDS: Final = tuple(
    {"key": each["id"], **each}
    for each in (
        *_SYSTEM,
        _custom(10015, "Start date", "date", f"{_JIRA}datepicker"),
        _custom(10020, "Team", "string", f"{_JIRA}textfield"),
    )
)


TYPE_FIELD: Final = "customfield_11800"
DEFINITION_FIELD: Final = "customfield_11801"
SCENARIO_FIELD: Final = "customfield_11802"
_TYPE_OPTIONS: Final = {"Manual": "10100", "Cucumber": "10101", "Generic": "10102"}


def fields_of(world: World, issue: Issue, *, cloud: bool) -> dict[str, Any]:
    """Return every field; Xray's custom fields exist on Server only (O)."""
    every = {
        "summary": issue.summary,
        "description": issue.description or None,
        "status": {"name": "To Do", "statusCategory": {"key": "new"}},
        "issuetype": {"id": ISSUE_TYPES[issue.type], "name": issue.type},
        "project": {"id": world.projects[issue.project].id, "key": issue.project},
        "labels": issue.labels,
        "fixVersions": [{"name": name} for name in issue.fix_versions],
        "created": jira_time(issue.created),
        **issue.fields,
    }
    return every if cloud else {**every, **_xray_fields(issue)}


def shown(world: World, issue: Issue, wanted: Any, *, root: str, cloud: bool) -> dict[str, Any]:
    """Return an issue with the fields that are wanted: a list, a text with commas, or nothing for all."""
    every = fields_of(world, issue, cloud=cloud)
    names: Sequence[str] = wanted.split(",") if isinstance(wanted, str) else wanted
    chosen = every if not names or "*all" in names else {name: every[name] for name in names if name in every}
    return {"id": issue.id, "key": issue.key, "self": f"{root}/rest/api/2/issue/{issue.id}", "fields": chosen}


def _xray_fields(issue: Issue) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if issue.test is not None:
        kind = issue.test.type
        found[TYPE_FIELD] = {"id": _TYPE_OPTIONS.get(kind, "10103"), "value": kind, "disabled": False}  # an option (R)
        found[DEFINITION_FIELD] = issue.test.definition or None
        found[SCENARIO_FIELD] = issue.test.scenario or None
    if issue.execution is not None:
        found[PLAN_FIELD] = issue.execution.plans
        found[ENVIRONMENTS_FIELD] = issue.execution.environments
        found[REVISION_FIELD] = issue.execution.revision or None
        found[BEGIN_FIELD], found[END_FIELD] = issue.execution.started, issue.execution.finished
    return found


def writing_rules(start: str, *, cloud: bool) -> list[Rule]:
    """Return the routes below one Jira's root."""
    found = []
    for method, path, handle in (
        ("POST", "issue", _create),
        ("PUT", "issue/<key>", _edit),
        ("DELETE", "issue/<key>", _delete),
    ):
        route = Route(kind="write", handle=functools.partial(handle, cloud=cloud))
        found.append(Rule(f"{start}/{path}", methods=[method], endpoint=route))
    return found


def _create(call: RouteCall, version: str, *, cloud: bool) -> Response:
    """Make an issue; version 3 of Cloud takes rich text as a document only (R)."""
    enter(call, cloud=cloud)
    fields = _fields(call, version)
    try:
        issue = Issuing(call.emulation.world, call.now, cloud=cloud).create(fields)
    except InvalidFields as invalid:
        raise jira_refusal(status=400, errors=said_of(invalid.errors, _language(call, cloud=cloud))) from invalid
    root = call.base if cloud else f"{call.base}/jira"
    place = f"{root}/rest/api/{version}/issue/{issue.id}"
    return as_json({"id": issue.id, "key": issue.key, "self": place}, status=201, basis=Basis.RECALLED)


def _edit(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:
    """Change fields, and labels by `update.labels: [{add|remove}]`."""
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    fields = _fields(call, version, needed=False)
    changes: dict[str, list[str]] = {}
    for each in call.body.json().get("update", {}).get("labels", ()):
        for verb, label in each.items():
            changes.setdefault(verb, []).append(label)
    try:
        Issuing(call.emulation.world, call.now, cloud=cloud).edit(issue, fields, changes)
    except InvalidFields as invalid:
        raise jira_refusal(status=400, errors=said_of(invalid.errors, _language(call, cloud=cloud))) from invalid
    return answer(status=204, basis=Basis.RECALLED)


def _delete(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001 - all versions answer alike
    """Delete an issue; what links to it forgets it."""
    enter(call, cloud=cloud)
    call.emulation.world.remove(issue_of(call, key, cloud=cloud))
    return answer(status=204, basis=Basis.RECALLED)


def issue_of(call: RouteCall, key: str, *, cloud: bool) -> Issue:
    """Return an issue by key or id; raises Refusal in the language of the site."""
    issue = call.emulation.world.find(key)
    if issue is None:
        text = "Issue does not exist or you do not have permission to see it."
        raise jira_refusal(said(text, _language(call, cloud=cloud)), status=404)
    return issue


def _fields(call: RouteCall, version: str, *, needed: bool = True) -> dict[str, Any]:
    try:
        body = call.body.json()
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("fields", None if needed else {}), dict):
        raise jira_refusal("Invalid request payload. Refer to the REST API documentation and try again.", status=400)
    fields: dict[str, Any] = body.get("fields", {})
    if version == "3" and isinstance(fields.get("description"), str):
        text = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
        raise jira_refusal(status=400, errors={"description": text})
    return fields


def _language(call: RouteCall, *, cloud: bool) -> str:
    return "en" if cloud else call.emulation.switches.language


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
            ("field", _jira_fields),
            ("project/<project>", _project),
            ("issue/<key>", _issue),
        ):
            route = Route(kind="read", handle=functools.partial(handle, cloud=cloud))
            found.append(Rule(f"{start}/{path}", methods=["GET"], endpoint=route))
        found += writing_rules(start, cloud=cloud)
    return found


def _tenant(call: RouteCall) -> Response:  # noqa: ARG001
    return as_json({"cloudId": "11111111-2222-3333-4444-555555555555"}, basis=Basis.RECALLED)


def _login_page(call: RouteCall) -> Response:  # noqa: ARG001
    return as_html(LOGIN_PAGE, basis=Basis.OBSERVED)


def _server_info(call: RouteCall, version: str, *, cloud: bool) -> Response:  # noqa: ARG001
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


def _myself(call: RouteCall, version: str, *, cloud: bool) -> Response:
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


def _jira_fields(call: RouteCall, version: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    return as_json(list(CLOUD_FIELDS if cloud else SERVER_FIELDS))


def _project(call: RouteCall, version: str, project: str, *, cloud: bool) -> Response:  # noqa: ARG001
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


def _issue(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001
    """Read an issue by key or id; no index lag here (O)."""
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    return as_json(_shown(call, issue, arguments(call).get("fields"), cloud=cloud), basis=Basis.RECALLED)


def _shown(call: RouteCall, issue: Issue, fields: Any, *, cloud: bool) -> dict[str, Any]:
    root = call.base if cloud else f"{call.base}/jira"
    return shown(call.emulation.world, issue, fields, root=root, cloud=cloud)


def _removed(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    raise jira_refusal(_REMOVED, status=410, basis=Basis.OBSERVED)


def _asked(call: RouteCall) -> dict[str, Any]:
    if call.request.method == "GET":
        return arguments(call)
    try:
        asked = call.body.json()
    except ValueError:
        asked = None
    if not isinstance(asked, dict):
        raise jira_refusal("Invalid request payload. Refer to the REST API documentation and try again.", status=400)
    return asked


def _found(call: RouteCall, *, cloud: bool) -> tuple[list[Issue], dict[str, Any]]:
    asked = _asked(call)
    fresh = {str(each) for each in asked.get("reconcileIssues") or ()}
    try:
        query = jql.Query(str(asked.get("jql", "")), bounded=cloud)
        found = jql.search(call.emulation, query, call.now, fresh=fresh)
    except jql.InvalidQuery as error:
        language = "en" if cloud else call.emulation.switches.language
        raise jira_refusal(*(said(text, language) for text in error.messages), status=400) from error
    return found, asked


def _number(asked: dict[str, Any], name: str, otherwise: int) -> int:
    text = str(asked.get(name, otherwise))
    if not re.fullmatch("[0-9]{1,9}", text):
        raise jira_refusal(f"{name} is not a number.", status=400)
    return int(text)


def _search_cloud(call: RouteCall) -> Response:
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


def _search_server(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    need_login(call)
    found, asked = _found(call, cloud=False)
    size, start = _number(asked, "maxResults", 50), _number(asked, "startAt", 0)
    page = [_shown(call, issue, asked.get("fields"), cloud=False) for issue in found[start : start + size]]
    return as_json({"startAt": start, "maxResults": size, "total": len(found), "issues": page}, basis=Basis.RECALLED)


def null_for_uri(call: RouteCall) -> Response:
    """Answer a call of Xray Server on a Cloud site: the clearest sign of a wrong deployment (O)."""
    place = f"{call.base}{call.request.path}"
    if "xml" in call.request.headers.get("Accept", "") and "json" not in call.request.headers.get("Accept", ""):
        return answer(
            f"<status><status-code>404</status-code><message>null for uri: {escape(place)}</message></status>",
            status=404,
            kind="application/xml; charset=utf-8",
        )
    return as_json({"message": f"null for uri: {place}", "status-code": 404}, status=404)
