"""How Jira shows an issue and finds it: Cloud at the root, Server below `/jira`, its refusals in its language.

Knows the world; changes nothing itself.
"""

from __future__ import annotations

import functools
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from markupsafe import escape
from werkzeug.routing import Rule

from xray_ci.emulator import jql
from xray_ci.emulator.answers import answer, as_html, as_json, jira_refusal
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.issuing import (
    BEGIN_FIELD,
    DEFINITION_FIELD,
    END_FIELD,
    ENVIRONMENTS_FIELD,
    PLAN_FIELD,
    REVISION_FIELD,
    SCENARIO_FIELD,
    TYPE_FIELD,
)
from xray_ci.emulator.logins import LOGIN_PAGE, TENANT, account, enter, need_login
from xray_ci.emulator.world import jira_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.world import Issue, World


_TEXTS: Final = (
    (
        re.compile(r"Issue does not exist or you do not have permission to see it\.|Issue Does Not Exist"),
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


_DEEPEST: Final = 50
_TYPE_OPTIONS: Final = {"Manual": "10100", "Cucumber": "10101", "Generic": "10102"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkType:
    """A kind of link between issues."""

    id: str
    name: str
    inward: str
    outward: str


LINK_TYPES: Final = (
    LinkType(id="10100", name="Test", inward="is tested by", outward="tests"),
    LinkType(id="10000", name="Blocks", inward="is blocked by", outward="blocks"),
    LinkType(id="10001", name="Duplicate", inward="is duplicated by", outward="duplicates"),
    LinkType(id="10002", name="Relates", inward="relates to", outward="relates to"),
    LinkType(id="10101", name="Defect", inward="is created by", outward="created"),
)
STATUSES: Final = {
    "To Do": ("10000", "new", "11"),
    "In Progress": ("3", "indeterminate", "21"),
    "Done": ("10001", "done", "31"),
}
"""Name → id, category, and the transition that leads there."""
PRIORITIES: Final = ("Highest", "High", "Medium", "Low", "Lowest")


def status_of(name: str, root: str) -> dict[str, Any]:
    """Show a status of issues."""
    number, category, _transition = STATUSES[name]
    return {
        "self": f"{root}/rest/api/2/status/{number}",
        "id": number,
        "name": name,
        "description": "",
        "statusCategory": {"id": {"new": 2, "indeterminate": 4, "done": 3}[category], "key": category, "name": name},
    }


def fields_of(world: World, issue: Issue, *, cloud: bool, root: str = "", version: str = "2") -> dict[str, Any]:
    """Return every field; Xray's custom fields exist on Server only (O), documents in version 3 only (O)."""
    start = f"{root}/rest/api/2"
    priority = issue.fields.get("priority")
    name = priority.get("name") if isinstance(priority, dict) else None
    every = {
        "summary": issue.summary,
        "description": rich(issue.description, version) or None,
        "status": status_of(issue.status, root),
        "issuetype": issue_type(world, issue.type, root),
        "project": {
            "self": f"{start}/project/{world.projects[issue.project].id}",
            "id": world.projects[issue.project].id,
            "key": issue.project,
            "name": world.projects[issue.project].name,
        },
        "labels": issue.labels,
        "fixVersions": [{"name": name} for name in issue.fix_versions],
        "versions": [],
        "components": [],
        "created": jira_time(issue.created),
        "updated": jira_time(issue.updated or issue.created),
        "resolution": {"id": "10000", "name": "Done"} if issue.status == "Done" else None,
        "assignee": person(world, issue.assignee, root, cloud=cloud) if issue.assignee else None,
        "issuelinks": [shown_link(world, each, root) for each in issue.links],
        "attachment": [shown_attachment(world, each, root, cloud=cloud) for each in issue.attachments],
        "comment": shown_comments(world, issue, root, version, cloud=cloud),
        "subtasks": [],
        **issue.fields,
        "priority": {"id": str(PRIORITIES.index(name) + 1) if name in PRIORITIES else "3", "name": name or "Medium"},
    }
    return every if cloud else {**every, **_xray_fields(issue)}


def issue_type(world: World, name: str, root: str) -> dict[str, Any]:
    """Show an issue type."""
    number = world.issue_types.get(name, "0")
    return {
        "self": f"{root}/rest/api/2/issuetype/{number}",
        "id": number,
        "name": name,
        "description": "",
        "subtask": False,
    }


def person(world: World, name: str | None, root: str, *, cloud: bool) -> dict[str, Any]:
    """Show a user by the name on Server or the account id on Cloud; one who is not known has just that."""
    known = next((each for each in world.accounts if name in (each.name, each.account_id)), None)
    if cloud:
        account = known.account_id if known is not None else name
        return {
            "self": f"{root}/rest/api/2/user?accountId={account}",
            "accountId": account,
            "accountType": "atlassian",
            "emailAddress": known.email if known is not None else "",
            "displayName": known.display if known is not None else name,
            "active": True,
            "timeZone": "Etc/UTC",
        }
    return {
        "self": f"{root}/rest/api/2/user?username={known.name if known is not None else name}",
        "key": f"JIRAUSER{10000 + world.accounts.index(known)}" if known is not None else name,
        "name": known.name if known is not None else name,
        "emailAddress": known.email if known is not None else "",
        "displayName": known.display if known is not None else name,
        "active": True,
        "timeZone": "Etc/UTC",
    }


def rich(value: Any, version: str) -> Any:
    """Return rich text as a version has it: a document in 3, else text."""
    if version == "3" and isinstance(value, str) and value:
        paragraphs = [
            {"type": "paragraph", "content": [{"type": "text", "text": line}] if line else []}
            for line in value.split("\n")
        ]
        return {"type": "doc", "version": 1, "content": paragraphs}
    if version != "3" and isinstance(value, dict):
        return _plain_text(value).strip("\n")
    return value


def _plain_text(node: Any, depth: int = 0) -> str:
    if not isinstance(node, dict) or depth > _DEEPEST:
        return ""
    if node.get("type") == "text":
        return str(node.get("text", ""))
    inside = node.get("content")
    held = "".join(_plain_text(each, depth + 1) for each in inside) if isinstance(inside, list) else ""
    return f"{held}\n" if node.get("type") in ("paragraph", "heading", "hardBreak", "codeBlock") else held


def shown_link(world: World, link: Mapping[str, str], root: str) -> dict[str, Any]:
    """Show a link from the end that holds it."""
    kind = next(each for each in LINK_TYPES if each.name == link["type"])
    other = world.issues[link["key"]]
    small = {
        "id": other.id,
        "key": other.key,
        "self": f"{root}/rest/api/2/issue/{other.id}",
        "fields": {
            "summary": other.summary,
            "status": status_of(other.status, root),
            "issuetype": issue_type(world, other.type, root),
        },
    }
    return {
        "id": link["id"],
        "self": f"{root}/rest/api/2/issueLink/{link['id']}",
        "type": asdict(kind),
        f"{link['direction']}Issue": small,
    }


def shown_attachment(world: World, evidence: Evidence, root: str, *, cloud: bool) -> dict[str, Any]:
    """Show a file of an issue."""
    place = f"/rest/api/2/attachment/content/{evidence.id}" if cloud else f"/secure/attachment/{evidence.id}/file"
    return {
        "self": f"{root}/rest/api/2/attachment/{evidence.id}",
        "id": str(evidence.id),
        "filename": evidence.filename,
        "author": person(world, world.accounts[0].name if world.accounts else "", root, cloud=cloud),
        "created": evidence.created or "",
        "size": evidence.size,
        "mimeType": evidence.content_type,
        "content": f"{root}{place}",
    }


def shown_comment(
    world: World, issue: Issue, comment: Mapping[str, Any], at: tuple[str, str], *, cloud: bool
) -> dict[str, Any]:
    """Show a comment; `at` is root and version."""
    author = person(world, comment.get("author"), at[0], cloud=cloud)
    return {
        "self": f"{at[0]}/rest/api/{at[1]}/issue/{issue.id}/comment/{comment['id']}",
        "id": comment["id"],
        "author": author,
        "updateAuthor": author,
        "body": rich(comment["body"], at[1]),
        "created": comment["created"],
        "updated": comment["created"],
    }


def shown_comments(world: World, issue: Issue, root: str, version: str, *, cloud: bool) -> dict[str, Any]:
    """Show the comments of an issue."""
    found = [shown_comment(world, issue, each, (root, version), cloud=cloud) for each in issue.comments]
    return {"comments": found, "maxResults": len(found), "total": len(found), "startAt": 0}


def shown(world: World, issue: Issue, wanted: Any, *, root: str, cloud: bool, version: str = "2") -> dict[str, Any]:
    """Return an issue with the fields that are wanted: a list, a text with commas, or nothing for all."""
    every = fields_of(world, issue, root=root, cloud=cloud, version=version)
    names = wanted.split(",") if isinstance(wanted, str) else [str(each) for each in wanted or ()]
    names = [each.strip() for each in names]
    chosen = (
        every if not names or "*all" in names or "*navigable" in names else {n: every[n] for n in names if n in every}
    )
    return {
        "expand": "renderedFields,names,schema,operations,editmeta,changelog",
        "id": issue.id,
        "key": issue.key,
        "self": f"{root}/rest/api/{version}/issue/{issue.id}",
        "fields": chosen,
    }


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


def issue_of(call: RouteCall, key: str, *, cloud: bool) -> Issue:
    """Return an issue by key or id; raises Refusal in the language of the site."""
    issue = call.emulation.world.find(key)
    if issue is None:
        text = (
            "Issue does not exist or you do not have permission to see it." if cloud else "Issue Does Not Exist"
        )  # (O)
        raise jira_refusal(
            said(text, language_of(call, cloud=cloud)),
            status=404,
            fact="jira-issue-unknown-cloud" if cloud else "jira-issue-unknown-server",
        )
    return issue


def language_of(call: RouteCall, *, cloud: bool) -> str:
    """Return the language of a site's texts."""
    return "en" if cloud else call.emulation.switches.language


CLOUD: Final = "/rest/api/<any('2','3','latest'):version>"
SERVER: Final = "/jira/rest/api/<any('2','latest'):version>"
_REMOVED = (
    "The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. "
    "A full migration guideline is available. CHANGE-2046"
)


_JQL: Final = {False: "jira-search-unknown", True: "jira-search-unbounded"}


def rules() -> list[Rule]:
    """Return the routes of both."""
    found = [
        Rule("/_edge/tenant_info", methods=["GET"], endpoint=Route(kind="read", handle=_tenant)),
        Rule("/jira/login.jsp", methods=["GET", "POST"], endpoint=Route(kind="page", handle=_login_page)),
        Rule(f"{CLOUD}/search", methods=["GET", "POST"], endpoint=Route(kind="lookup", handle=_removed)),
        Rule(f"{CLOUD}/search/jql", methods=["GET", "POST"], endpoint=Route(kind="lookup", handle=_search_cloud)),
        Rule(f"{SERVER}/search", methods=["GET", "POST"], endpoint=Route(kind="lookup", handle=_search_server)),
    ]
    for start, cloud in ((CLOUD, True), (SERVER, False)):
        for path, handle in (("serverInfo", _server_info), ("myself", _myself), ("issue/<key>", _issue)):
            route = Route(kind="read", handle=functools.partial(handle, cloud=cloud))
            found.append(Rule(f"{start}/{path}", methods=["GET"], endpoint=route))
    return found


def _tenant(call: RouteCall) -> Response:  # noqa: ARG001
    return as_json({"cloudId": TENANT})


def _login_page(call: RouteCall) -> Response:  # noqa: ARG001
    return as_html(LOGIN_PAGE)


def _server_info(call: RouteCall, version: str, *, cloud: bool) -> Response:  # noqa: ARG001
    """Say which Jira this is; anonymous callers may ask (D), unless single sign-on guards everything."""
    if not cloud and call.emulation.switches.sso_redirect:
        need_login(call)
    if cloud and call.request.root_path:  # the gateway lets nobody through who says not who he is (A)
        enter(call, cloud=True)
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


def _myself(call: RouteCall, version: str, *, cloud: bool) -> Response:  # noqa: ARG001
    known = enter(call, cloud=cloud)
    shown_user = person(call.emulation.world, known.name, root_of(call, cloud=cloud), cloud=cloud)
    return as_json({**shown_user, "locale": "en_US"})


def root_of(call: RouteCall, *, cloud: bool) -> str:
    """Return the base URL of a Jira."""
    return call.base if cloud else f"{call.base}/jira"


def _issue(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:
    """Read an issue by key or id; no index lag here (O)."""
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    return as_json(_shown(call, issue, arguments(call).get("fields"), version, cloud=cloud))


def _shown(call: RouteCall, issue: Issue, fields: Any, version: str, *, cloud: bool) -> dict[str, Any]:
    """Show an issue; `latest` of Cloud is version 3 (R: it was 2 until it changed)."""
    said = {"latest": "3" if cloud else "2"}.get(version, version)
    return shown(call.emulation.world, issue, fields, root=root_of(call, cloud=cloud), cloud=cloud, version=said)


def _removed(call: RouteCall, version: str) -> Response:  # noqa: ARG001
    raise jira_refusal(_REMOVED, status=410, fact="jira-search-removed")


def _asked(call: RouteCall) -> dict[str, Any]:
    if call.request.method == "GET":
        return arguments(call)
    try:
        asked = call.body.json()
    except (ValueError, RecursionError):
        asked = None
    if not isinstance(asked, dict):
        raise jira_refusal(
            "Invalid request payload. Refer to the REST API documentation and try again.", status=400, fact="jira-body"
        )
    return asked


def _found(call: RouteCall, *, cloud: bool) -> tuple[list[Issue], dict[str, Any]]:
    asked = _asked(call)
    given = asked.get("reconcileIssues")
    fresh = {str(each) for each in given} if isinstance(given, list) else set()
    known = account(call, cloud=cloud)
    me = "" if known is None else known.account_id if cloud else known.name
    try:
        query = jql.Query(str(asked.get("jql") or ""), bounded=cloud)
        found = jql.search(call.emulation, query, call.now, fresh=fresh, me=me.lower())
    except jql.InvalidQuery as error:
        language = "en" if cloud else call.emulation.switches.language
        raise jira_refusal(
            *(said(text, language) for text in error.messages),
            status=400,
            fact=_JQL[any("nbounded" in text for text in error.messages)],
        ) from error
    return found, asked


def _wanted(asked: dict[str, Any]) -> Any:
    """Return the fields that are asked for: a text with commas, or a list of texts."""
    fields = asked.get("fields")
    return fields if isinstance(fields, str | list) else None


def _number(asked: dict[str, Any], name: str, otherwise: int) -> int:
    text = str(asked.get(name, otherwise))
    if not re.fullmatch("[0-9]{1,9}", text):
        raise jira_refusal(f"{name} is not a number.", status=400, fact="jira-search-number")
    return int(text)


def _search_cloud(call: RouteCall, version: str) -> Response:
    """Search page by page with a token and no total (O); without `fields` only ids (O)."""
    enter(call, cloud=True)
    found, asked = _found(call, cloud=True)
    size, start = _number(asked, "maxResults", 50), _number(asked, "nextPageToken", 0)
    page = [
        _shown(call, issue, _wanted(asked), version, cloud=True) if _wanted(asked) else {"id": issue.id}
        for issue in found[start : start + size]
    ]
    last = start + size >= len(found)
    return as_json({"issues": page, "isLast": last, **({} if last else {"nextPageToken": str(start + size)})})


def _search_server(call: RouteCall, version: str) -> Response:
    need_login(call)
    found, asked = _found(call, cloud=False)
    size, start = _number(asked, "maxResults", 50), _number(asked, "startAt", 0)
    page = [_shown(call, issue, _wanted(asked), version, cloud=False) for issue in found[start : start + size]]
    return as_json({"startAt": start, "maxResults": size, "total": len(found), "issues": page})


def null_for_uri(call: RouteCall) -> Response:
    """Answer a call of Xray Server on a Cloud site: the clearest sign of a wrong deployment (O)."""
    place = f"{call.base}{call.request.path}"
    if "xml" in call.request.headers.get("Accept", "") and "json" not in call.request.headers.get("Accept", ""):
        return answer(
            f"<status><status-code>404</status-code><message>null for uri: {escape(place)}</message></status>",
            status=404,
            kind="application/xml; charset=utf-8",
        )
    return as_json({"message": f"null for uri: {place}", "status-code": 404}, status=404, fact="jira-null")
