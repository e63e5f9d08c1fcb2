"""What Jira tells of a site: projects, fields, types, statuses, priorities, link types, users, permissions, filters.

Cloud at the root, Server below `/jira`. Changes nothing but versions and filters.
"""

from __future__ import annotations

import functools
import re
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from werkzeug.routing import Rule

from xray_ci.emulator.answers import as_json, jira_refusal
from xray_ci.emulator.emulation import Route, RouteCall, arguments
from xray_ci.emulator.jira import (
    CLOUD,
    LINK_TYPES,
    PRIORITIES,
    SERVER,
    STATUSES,
    issue_type,
    person,
    root_of,
    status_of,
)
from xray_ci.emulator.logins import account, enter
from xray_ci.emulator.world import TEST_EXECUTION, jira_time

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from xray_ci.emulator.world import Project

PERMISSIONS: Final = (
    "BROWSE_PROJECTS",
    "CREATE_ISSUES",
    "EDIT_ISSUES",
    "DELETE_ISSUES",
    "LINK_ISSUES",
    "ADD_COMMENTS",
    "CREATE_ATTACHMENTS",
    "TRANSITION_ISSUES",
    "ASSIGN_ISSUES",
    "ADMINISTER_PROJECTS",
    "ADMINISTER",
)
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
    _system("assignee", "Assignee", "user"),
    _system("priority", "Priority", "priority"),
    _system("status", "Status", "status"),
    _system("issuelinks", "Linked Issues", "array", "issuelinks"),
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
    _custom(11811, "Test Repository Path", "any", f"{_XRAY}test-repository-path-custom-field"),
    _custom(11812, "Cucumber Test Type", "option", f"{_XRAY}automated-test-type-custom-field"),
)

CLOUD_FIELDS: Final = tuple(
    {"key": each["id"], **each}
    for each in (
        *_SYSTEM,
        _custom(10015, "Start date", "date", f"{_JIRA}datepicker"),
        _custom(10020, "Team", "string", f"{_JIRA}textfield"),
    )
)


def rules() -> list[Rule]:
    """Return the routes of both."""
    found = []
    for start, cloud in ((CLOUD, True), (SERVER, False)):
        for method, path, handle in (
            ("GET", "field", _fields),
            ("GET", "project", _projects),
            ("GET", "project/search", _project_pages),
            ("GET", "project/<project>", _project),
            ("GET", "project/<project>/versions", _versions),
            ("GET", "project/<project>/components", _nothing),
            ("GET", "project/<project>/statuses", _project_statuses),
            ("POST", "version", _make_version),
            ("GET", "version/<number>", _version),
            ("GET", "issuetype", _types),
            ("GET", "issuetype/<number>", _type),
            ("GET", "status", _statuses),
            ("GET", "priority", _priorities),
            ("GET", "resolution", _resolutions),
            ("GET", "issueLinkType", _link_types),
            ("GET", "issue/createmeta/<project>/issuetypes", _create_types),
            ("GET", "issue/createmeta/<project>/issuetypes/<number>", _create_fields),
            ("GET", "mypermissions", _permissions),
            ("GET", "user", _user),
            ("GET", "user/search", _users),
            ("GET", "user/assignable/search", _users),
            ("POST", "filter", _make_filter),
            ("GET", "filter/favourite", _nothing),
            ("GET", "filter/<number>", _filter),
        ):
            if path == "project/search" and not cloud:
                continue
            route = Route(
                kind="read" if method == "GET" else "write",
                handle=functools.partial(_entered, handle=handle, cloud=cloud),
            )
            found.append(Rule(f"{start}/{path}", methods=[method], endpoint=route))
    tokens = Route(kind="read", handle=functools.partial(_entered, handle=_tokens, cloud=False))
    found.append(Rule("/jira/rest/pat/<any('1.0','latest'):version>/tokens", methods=["GET"], endpoint=tokens))
    old = Route(kind="read", handle=functools.partial(_entered, handle=_create_all, cloud=True))
    found.append(Rule(f"{CLOUD}/issue/createmeta", methods=["GET"], endpoint=old))  # gone from Server since 9.0 (R)
    return found


def _entered(call: RouteCall, *, handle: Any, cloud: bool, version: str, **values: str) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    response: Response = as_json(handle(call, cloud=cloud, **values))
    if call.request.method == "POST":
        response.status_code = 201 if "version" in call.request.path else 200
    return response


def _fields(call: RouteCall, *, cloud: bool) -> Any:
    own = [
        {"key": each.id, **_custom(0, each.name, each.type, f"{_JIRA}textfield", each.items or None), "id": each.id}
        for each in call.emulation.world.custom_fields
    ]
    return [*(CLOUD_FIELDS if cloud else SERVER_FIELDS), *own]


def _nothing(call: RouteCall, *, cloud: bool, project: str = "") -> Any:  # noqa: ARG001
    return []


def _of(call: RouteCall, name: str) -> Project:
    for each in call.emulation.world.projects.values():
        if name in (each.key, each.id):
            return each
    raise jira_refusal(f"No project could be found with key '{name}'.", status=404, fact="jira-project-unknown")


def _shown_project(call: RouteCall, project: Project, *, cloud: bool) -> dict[str, Any]:
    root = root_of(call, cloud=cloud)
    return {
        "self": f"{root}/rest/api/2/project/{project.id}",
        "id": project.id,
        "key": project.key,
        "name": project.name,
        "projectTypeKey": "software",
    }


def _projects(call: RouteCall, *, cloud: bool) -> Any:
    return [_shown_project(call, each, cloud=cloud) for each in call.emulation.world.projects.values()]


def _page(call: RouteCall, every: list[Any], name: str = "values") -> dict[str, Any]:
    query = arguments(call)
    start, size = _number(query.get("startAt"), 0), _number(query.get("maxResults"), 50)
    page = {"startAt": start, "maxResults": size, "total": len(every), name: every[start : start + size]}
    return page if name != "values" else {**page, "isLast": start + size >= len(every)}


def _number(text: str | None, otherwise: int) -> int:
    return int(text) if text and re.fullmatch("[0-9]{1,9}", text) else otherwise


def _project_pages(call: RouteCall, *, cloud: bool) -> Any:
    wanted = arguments(call).get("query", "").lower()
    found = [
        each for each in _projects(call, cloud=cloud) if wanted in each["key"].lower() + " " + each["name"].lower()
    ]
    return _page(call, found)


def _project(call: RouteCall, *, cloud: bool, project: str) -> Any:
    owner = _of(call, project)
    return {
        **_shown_project(call, owner, cloud=cloud),
        "issueTypes": _types(call, cloud=cloud),
        "versions": _versions(call, cloud=cloud, project=project),
        "components": [],
    }


def _shown_version(call: RouteCall, owner: Project, place: int, *, cloud: bool) -> dict[str, Any]:
    number = str(int(owner.id) + place)
    return {
        "self": f"{root_of(call, cloud=cloud)}/rest/api/2/version/{number}",
        "id": number,
        "name": owner.versions[place],
        "released": False,
        "archived": False,
        "projectId": int(owner.id),
    }


def _versions(call: RouteCall, *, cloud: bool, project: str) -> Any:
    owner = _of(call, project)
    return [_shown_version(call, owner, place, cloud=cloud) for place in range(len(owner.versions))]


def _version(call: RouteCall, *, cloud: bool, number: str) -> Any:
    for owner in call.emulation.world.projects.values():
        for place in range(len(owner.versions)):
            if number == str(int(owner.id) + place):
                return _shown_version(call, owner, place, cloud=cloud)
    raise jira_refusal(f"Could not find version for id '{number}'", status=404, fact="jira-version-unknown")


def _object(call: RouteCall) -> dict[str, Any]:
    try:
        given = call.body.json()
    except (ValueError, RecursionError):
        given = None
    if not isinstance(given, dict):
        raise jira_refusal(
            "Invalid request payload. Refer to the REST API documentation and try again.", status=400, fact="jira-body"
        )
    return given


def _make_version(call: RouteCall, *, cloud: bool) -> Any:
    given = _object(call)
    owner = _of(call, str(given.get("projectId") or given.get("project") or ""))
    name = given.get("name")
    if not isinstance(name, str) or not name.strip() or name in owner.versions:
        text = "You must specify a valid version name" if not name else "A version with this name already exists."
        raise jira_refusal(status=400, errors={"name": text}, fact="jira-version-refused")
    owner.versions.append(name)
    return _shown_version(call, owner, len(owner.versions) - 1, cloud=cloud)


def _types(call: RouteCall, *, cloud: bool) -> Any:
    world = call.emulation.world
    return [issue_type(world, name, root_of(call, cloud=cloud)) for name in world.issue_types]


def _type(call: RouteCall, *, cloud: bool, number: str) -> Any:
    for each in _types(call, cloud=cloud):
        if number == each["id"]:
            return each
    raise jira_refusal(f"Issue type with id '{number}' does not exist.", status=404, fact="jira-type-unknown")


def _statuses(call: RouteCall, *, cloud: bool) -> Any:
    return [status_of(name, root_of(call, cloud=cloud)) for name in STATUSES]


def _project_statuses(call: RouteCall, *, cloud: bool, project: str) -> Any:
    _of(call, project)
    return [{**each, "statuses": _statuses(call, cloud=cloud)} for each in _types(call, cloud=cloud)]


def _priorities(call: RouteCall, *, cloud: bool) -> Any:  # noqa: ARG001
    return [{"id": str(number), "name": name} for number, name in enumerate(PRIORITIES, start=1)]


def _resolutions(call: RouteCall, *, cloud: bool) -> Any:  # noqa: ARG001
    return [{"id": "10000", "name": "Done", "description": ""}]


def _link_types(call: RouteCall, *, cloud: bool) -> Any:  # noqa: ARG001
    return {"issueLinkTypes": [asdict(each) for each in LINK_TYPES]}


# What an issue is made of: arrays on Cloud, pages of `values` on Server (O)


def _create_types(call: RouteCall, *, cloud: bool, project: str) -> Any:
    _of(call, project)
    return _page(call, _types(call, cloud=cloud), "issueTypes" if cloud else "values")


def _create_fields(call: RouteCall, *, cloud: bool, project: str, number: str) -> Any:
    owner = _of(call, project)
    kind = _type(call, cloud=cloud, number=number)
    return _page(call, _made_of(call, owner, kind["name"], cloud=cloud), "fields" if cloud else "values")


def _made_of(call: RouteCall, owner: Project, kind: str, *, cloud: bool) -> list[dict[str, Any]]:
    world = call.emulation.world
    of_execution = {"Test Plan", "Test Environments", "Revision", "Begin Date", "End Date"}
    required = {"project", "issuetype", "summary"} | {
        each.id for each in world.custom_fields if kind in each.required_for
    }
    allowed = {
        "project": [_shown_project(call, owner, cloud=cloud)],
        "issuetype": [each for each in _types(call, cloud=cloud) if each["name"] == kind],
        "priority": _priorities(call, cloud=cloud),
        "fixVersions": _versions(call, cloud=cloud, project=owner.key),
    }
    allowed |= {each.id: _options(each.options) for each in world.custom_fields if each.options}
    found = []
    for each in _fields(call, cloud=cloud):
        own = each["id"].startswith("customfield_118")
        if each["id"] == "status" or (own and (kind != TEST_EXECUTION or each["name"] not in of_execution)):
            continue
        entry = {
            "required": each["id"] in required,
            "schema": each["schema"],
            "name": each["name"],
            "fieldId": each["id"],
            **({"key": each["id"]} if cloud else {}),
            "hasDefaultValue": False,
            "operations": ["add", "set", "remove"] if each["schema"]["type"] == "array" else ["set"],
        }
        found.append({**entry, "allowedValues": allowed[each["id"]]} if each["id"] in allowed else entry)
    return found


def _options(texts: list[str]) -> list[dict[str, Any]]:
    """Show the values of an option, with the children of each where it has some (R)."""
    found: dict[str, list[dict[str, Any]]] = {}
    for text in texts:
        value, _, child = text.partition(" > ")
        found.setdefault(value, []).extend([{"value": child}] if child else [])
    return [{"value": value, **({"children": each} if each else {})} for value, each in found.items()]


def _create_all(call: RouteCall, *, cloud: bool) -> Any:
    """Answer the older way, which Cloud still has (R): everything at once, fields only where they are asked for."""
    query = arguments(call)
    keys = {each for each in query.get("projectKeys", "").split(",") if each}
    deep = "fields" in query.get("expand", "")
    projects = []
    for owner in call.emulation.world.projects.values():
        if keys and owner.key not in keys:
            continue
        types = [
            {
                **each,
                **(
                    {"fields": {f["fieldId"]: f for f in _made_of(call, owner, each["name"], cloud=cloud)}}
                    if deep
                    else {}
                ),
            }
            for each in _types(call, cloud=cloud)
        ]
        projects.append({**_shown_project(call, owner, cloud=cloud), "issuetypes": types})
    return {"expand": "projects", "projects": projects}


# Users, permissions, filters


def _tokens(call: RouteCall, *, cloud: bool) -> Any:
    """List the personal access tokens of who asks (D); each ends or does not."""
    known = account(call, cloud=cloud)
    if known is None or not known.token:
        return []
    made = {"id": 1, "name": "pipeline", "createdAt": jira_time(call.now), "lastAccessed": jira_time(call.now)}
    return [{**made, "expiringAt": jira_time(known.token_ends)} if known.token_ends is not None else made]


def _permissions(call: RouteCall, *, cloud: bool) -> Any:
    """Say what the caller may: Cloud wants to be asked by name (O)."""
    asked = [each.strip() for each in arguments(call).get("permissions", "").split(",") if each.strip()]
    if cloud and not asked:
        raise jira_refusal("The 'permissions' query parameter is required.", status=400, fact="jira-permissions-asked")
    unknown = [each for each in asked if each not in PERMISSIONS]
    if unknown:
        raise jira_refusal(f"Unrecognized permission: {unknown[0]}", status=400, fact="jira-permission-unknown")
    known = account(call, cloud=cloud)
    may_not = known.may_not if known is not None else []
    return {
        "permissions": {
            name: {
                "id": str(number),
                "key": name,
                "name": name.replace("_", " ").capitalize(),
                "type": "GLOBAL" if name == "ADMINISTER" else "PROJECT",
                "description": "",
                "havePermission": name not in may_not,
            }
            for number, name in enumerate(PERMISSIONS, start=10)
            if not asked or name in asked
        }
    }


def _user(call: RouteCall, *, cloud: bool) -> Any:
    query = arguments(call)
    wanted = query.get("accountId") if cloud else query.get("username") or query.get("key")
    for number, each in enumerate(call.emulation.world.accounts):
        if wanted and wanted in ((each.account_id,) if cloud else (each.name, f"JIRAUSER{10000 + number}")):
            return person(call.emulation.world, each.name, root_of(call, cloud=cloud), cloud=cloud)
    raise jira_refusal(f"The user named '{wanted}' does not exist", status=404, fact="jira-users")


def _users(call: RouteCall, *, cloud: bool) -> Any:
    query = arguments(call)
    wanted = (query.get("query") or query.get("username") or query.get("accountId") or "").lower()
    return [
        person(call.emulation.world, each.name, root_of(call, cloud=cloud), cloud=cloud)
        for each in call.emulation.world.accounts
        if wanted in ("", ".") or wanted in f"{each.name} {each.email} {each.display} {each.account_id}".lower()
    ]


def _shown_filter(call: RouteCall, number: str, *, cloud: bool) -> dict[str, Any]:
    root = root_of(call, cloud=cloud)
    return {
        "self": f"{root}/rest/api/2/filter/{number}",
        "id": number,
        "name": f"Filter {number}",
        "jql": call.emulation.world.filters[number],
        "viewUrl": f"{root}/issues/?filter={number}",
        "searchUrl": f"{root}/rest/api/2/search",
    }


def _filter(call: RouteCall, *, cloud: bool, number: str) -> Any:
    if number not in call.emulation.world.filters:
        raise jira_refusal(
            "The selected filter is not available to you, perhaps it has been deleted.", status=400, fact="jira-filters"
        )
    return _shown_filter(call, number, cloud=cloud)


def _make_filter(call: RouteCall, *, cloud: bool) -> Any:
    given = _object(call)
    if not isinstance(given.get("jql"), str) or not isinstance(given.get("name"), str):
        raise jira_refusal(
            status=400, errors={"name": "The filter must have a name and a query."}, fact="jira-filter-refused"
        )
    number = call.emulation.world.next_id()
    call.emulation.world.filters[number] = given["jql"]
    return _shown_filter(call, number, cloud=cloud)
