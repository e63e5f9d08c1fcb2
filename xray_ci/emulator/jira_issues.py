"""Jira's REST interface where it changes an issue: made, edited, deleted, commented, linked, moved, files attached.

Cloud at the root, Server below `/jira`.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from werkzeug.routing import Rule

from xray_ci.emulator.answers import Refusal, answer, as_json, as_text, jira_refusal
from xray_ci.emulator.emulation import Route, RouteCall
from xray_ci.emulator.issuing import InvalidFields, Issuing, assignee_of
from xray_ci.emulator.jira import (
    CLOUD,
    LINK_TYPES,
    SERVER,
    STATUSES,
    issue_of,
    language_of,
    root_of,
    said_of,
    shown_attachment,
    shown_comment,
    shown_comments,
    shown_link,
    status_of,
)
from xray_ci.emulator.logins import enter
from xray_ci.emulator.world import TEST, jira_time

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.wrappers import Response

    from xray_ci.emulator.evidence import Evidence
    from xray_ci.emulator.world import Issue, Login


def rules() -> list[Rule]:
    """Return the routes of both."""
    found = []
    for start, cloud in ((CLOUD, True), (SERVER, False)):
        for method, path, handle in (
            ("POST", "issue", _create),
            ("POST", "issue/bulk", _create_many),
            ("PUT", "issue/<key>", _edit),
            ("DELETE", "issue/<key>", _delete),
            ("PUT", "issue/<key>/assignee", _assign),
            ("GET", "issue/<key>/comment", _comments),
            ("POST", "issue/<key>/comment", _add_comment),
            ("GET", "issue/<key>/comment/<number>", _comment),
            ("PUT", "issue/<key>/comment/<number>", _change_comment),
            ("DELETE", "issue/<key>/comment/<number>", _delete_comment),
            ("GET", "issue/<key>/transitions", _transitions),
            ("POST", "issue/<key>/transitions", _move),
            ("POST", "issue/<key>/attachments", _attach),
            ("GET", "attachment/<int:number>", _attachment),
            ("DELETE", "attachment/<int:number>", _detach),
            ("GET", "attachment/content/<int:number>", _content),
            ("GET", "issue/<key>/remotelink", _remote_links),
            ("POST", "issue/<key>/remotelink", _link_remotely),
            ("GET", "issue/<key>/properties/<name>", _property),
            ("PUT", "issue/<key>/properties/<name>", _set_property),
            ("POST", "issueLink", _link),
            ("GET", "issueLink/<number>", _one_link),
            ("DELETE", "issueLink/<number>", _unlink),
        ):
            route = Route(kind="read" if method == "GET" else "write", handle=functools.partial(handle, cloud=cloud))
            found.append(Rule(f"{start}/{path}", methods=[method], endpoint=route))
    content = Route(kind="read", handle=functools.partial(_content, version="2", cloud=False))
    found.append(Rule("/jira/secure/attachment/<int:number>/<name>", methods=["GET"], endpoint=content))
    return found


def _create(call: RouteCall, version: str, *, cloud: bool) -> Response:
    """Make an issue; version 3 of Cloud takes rich text as a document only (R)."""
    _may(enter(call, cloud=cloud), "CREATE_ISSUES", "project", "You do not have permission to create issues in it.")
    fields = _fields(_body(call), version, cloud=cloud)
    try:
        issue = Issuing(call.emulation.world, call.now, cloud=cloud).create(fields)
    except InvalidFields as invalid:
        raise jira_refusal(
            status=400, errors=said_of(invalid.errors, language_of(call, cloud=cloud)), fact="jira-create-refused"
        ) from invalid
    return as_json(_made(call, issue, version, cloud=cloud), status=201)


def _made(call: RouteCall, issue: Issue, version: str, *, cloud: bool) -> dict[str, str]:
    place = f"{root_of(call, cloud=cloud)}/rest/api/{version}/issue/{issue.id}"
    return {"id": issue.id, "key": issue.key, "self": place}


def _create_many(call: RouteCall, version: str, *, cloud: bool) -> Response:
    """Make several; each that fails is listed with its place (R)."""
    enter(call, cloud=cloud)
    given = _body(call).get("issueUpdates")
    if not isinstance(given, list) or not all(isinstance(each, dict) for each in given):
        raise jira_refusal("issueUpdates is a list of objects", status=400, fact="jira-body")
    made, errors = [], []
    for place, each in enumerate(given):
        try:
            issue = Issuing(call.emulation.world, call.now, cloud=cloud).create(_fields(each, version, cloud=cloud))
            made.append(_made(call, issue, version, cloud=cloud))
        except InvalidFields as invalid:
            held = {"errorMessages": [], "errors": invalid.errors}
            errors.append({"status": 400, "elementErrors": held, "failedElementNumber": place})
    return as_json({"issues": made, "errors": errors}, status=201 if made else 400)


def _edit(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:
    """Change fields, labels by `update.labels: [{add|remove|set}]`, other fields by `set`, comments by `add`."""
    known = enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    _may(known, "EDIT_ISSUES", "summary", "You do not have permission to edit issues in this project.")
    body = _body(call)
    fields = dict(_fields(body, version, cloud=cloud, needed=False))
    labels: dict[str, list[str]] = {}
    said: list[dict[str, Any]] = []
    for name, changes in _updates(body).items():
        for verb, value in changes:
            if name == "comment" and verb == "add" and isinstance(value, dict):
                said.append(value)
            elif verb == "set":
                fields[name] = value
            elif name == "labels" and isinstance(value, str):
                labels.setdefault(verb, []).append(value)
            else:
                raise jira_refusal(
                    status=400, errors={name: "Operation value could not be used"}, fact="jira-edit-refused"
                )
    try:
        Issuing(call.emulation.world, call.now, cloud=cloud).edit(issue, fields, labels)
    except InvalidFields as invalid:
        raise jira_refusal(
            status=400, errors=said_of(invalid.errors, language_of(call, cloud=cloud)), fact="jira-create-refused"
        ) from invalid
    for each in said:
        _say(call, issue, each.get("body"), known, cloud=cloud)
    return answer(status=204)


def _updates(body: Mapping[str, Any]) -> dict[str, list[tuple[str, Any]]]:
    """Return the verbs and values of `update` by field; raises Refusal for what has another shape."""
    given = body.get("update") or {}
    found: dict[str, list[tuple[str, Any]]] = {}
    wrong = not isinstance(given, dict)
    for name, changes in given.items() if isinstance(given, dict) else ():
        if not isinstance(changes, list) or not all(isinstance(each, dict) for each in changes):
            wrong = True
            continue
        found[name] = [both for each in changes for both in each.items()]
    if wrong:
        raise jira_refusal(
            status=400, errors={"update": "data was not an array of operations"}, fact="jira-edit-refused"
        )
    return found


def _delete(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001 - all versions answer alike
    """Delete an issue; what links to it forgets it."""
    enter(call, cloud=cloud)
    call.emulation.world.remove(issue_of(call, key, cloud=cloud))
    return answer(status=204)


def _assign(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    issue.assignee = assignee_of(_body(call))
    issue.touch(call.now)
    return answer(status=204)


# Comments


def _comments(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    root = root_of(call, cloud=cloud)
    return as_json(shown_comments(call.emulation.world, issue, root, version, cloud=cloud))


def _add_comment(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:
    known = enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    made = _say(call, issue, _body(call).get("body"), known, cloud=cloud)
    at = (root_of(call, cloud=cloud), version)
    return as_json(shown_comment(call.emulation.world, issue, made, at, cloud=cloud), status=201)


def _say(call: RouteCall, issue: Issue, body: Any, author: Login, *, cloud: bool) -> dict[str, Any]:
    if not body or not isinstance(body, (str, dict) if cloud else str):
        raise jira_refusal(
            status=400, errors={"comment": "Comment body can not be empty!"}, fact="jira-comment-refused"
        )
    made = {
        "id": call.emulation.world.next_id(),
        "author": author.account_id if cloud else author.name,
        "body": body,
        "created": jira_time(call.now),
    }
    issue.comments.append(made)
    issue.touch(call.now)
    return made


def _held(issue: Issue, number: str) -> dict[str, Any]:
    for each in issue.comments:
        if each["id"] == number:
            return each
    raise jira_refusal(f"Can not find a comment for the id: {number}.", status=404, fact="jira-comment-refused")


def _comment(call: RouteCall, version: str, key: str, number: str, *, cloud: bool) -> Response:
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    at = (root_of(call, cloud=cloud), version)
    shown = shown_comment(call.emulation.world, issue, _held(issue, number), at, cloud=cloud)
    return as_json(shown)


def _change_comment(call: RouteCall, version: str, key: str, number: str, *, cloud: bool) -> Response:
    enter(call, cloud=cloud)
    held, body = _held(issue_of(call, key, cloud=cloud), number), _body(call).get("body")
    if not body or not isinstance(body, (str, dict) if cloud else str):
        raise jira_refusal(
            status=400, errors={"comment": "Comment body can not be empty!"}, fact="jira-comment-refused"
        )
    held["body"] = body
    return _comment(call, version, key, number, cloud=cloud)


def _delete_comment(call: RouteCall, version: str, key: str, number: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    issue.comments.remove(_held(issue, number))
    return answer(status=204)


# Transitions


def _transitions(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001
    """List what the caller may do; nothing for who may not move issues (D)."""
    known = enter(call, cloud=cloud)
    issue_of(call, key, cloud=cloud)
    root = root_of(call, cloud=cloud)
    found = [
        {"id": each[2], "name": name, "to": status_of(name, root), "isAvailable": True}
        for name, each in STATUSES.items()
        if "TRANSITION_ISSUES" not in known.may_not
    ]
    return as_json({"expand": "transitions", "transitions": found})


def _move(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    given = _body(call).get("transition")
    number = str(given.get("id")) if isinstance(given, dict) else ""
    for name, each in STATUSES.items():
        if number == each[2]:
            issue.status = name
            issue.touch(call.now)
            return answer(status=204)
    raise jira_refusal(
        f"Transition id '{number}' is not valid for this issue.", status=400, fact="jira-transition-unknown"
    )


# Files


def _attach(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001
    """Keep the parts `file`; a form without the header that says it is no browser's is refused (O)."""
    known = enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    _may(known, "CREATE_ATTACHMENTS", "file", "You do not have permission to create attachments for this issue.")
    if call.request.headers.get("X-Atlassian-Token") not in ("no-check", "nocheck"):
        raise Refusal(as_text("XSRF check failed", status=403, fact="jira-attachment-xsrf"))
    kept: list[Evidence] = []
    for part in call.parts:
        if part.name == "file" and part.filename is not None:
            part.stream.seek(0)
            made = call.emulation.shelf.put(part.stream.read(), part.filename, part.content_type)
            made.created = jira_time(call.now)
            kept.append(made)
    issue.attachments.extend(kept)
    root = root_of(call, cloud=cloud)
    return as_json([shown_attachment(call.emulation.world, each, root, cloud=cloud) for each in kept])


def _file(call: RouteCall, number: int) -> tuple[Issue, Evidence]:
    for issue in call.emulation.world.issues.values():
        for each in issue.attachments:
            if each.id == number:
                return issue, each
    raise jira_refusal(f"The attachment with id '{number}' does not exist", status=404, fact="jira-attachment-unknown")


def _attachment(call: RouteCall, version: str, number: int, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    root, (_, held) = root_of(call, cloud=cloud), _file(call, number)
    return as_json(shown_attachment(call.emulation.world, held, root, cloud=cloud))


def _content(call: RouteCall, version: str, number: int, *, cloud: bool, name: str = "") -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    _, held = _file(call, number)
    headers = {"X-Content-Type-Options": "nosniff", "Content-Disposition": "attachment"}
    return answer(call.emulation.shelf.content(held), kind="application/octet-stream", headers=headers)


def _detach(call: RouteCall, version: str, number: int, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    issue, held = _file(call, number)
    issue.attachments.remove(held)
    return answer(status=204)


# Links


def _link(call: RouteCall, version: str, *, cloud: bool) -> Response:  # noqa: ARG001
    """Link two issues: the inward one does to the outward one what the type's outward word says (D)."""
    enter(call, cloud=cloud)
    body = _body(call)
    given = body.get("type") if isinstance(body.get("type"), dict) else {}
    kind = next(
        (each for each in LINK_TYPES if given and (given.get("name") == each.name or given.get("id") == each.id)), None
    )
    if kind is None:
        raise jira_refusal(
            f"No issue link type with name '{(given or {}).get('name')}' found.", status=404, fact="jira-link-unknown"
        )
    ends = []
    for name in ("inwardIssue", "outwardIssue"):
        end = body.get(name) if isinstance(body.get(name), dict) else {}
        ends.append(issue_of(call, str((end or {}).get("key") or (end or {}).get("id") or ""), cloud=cloud))
    number = call.emulation.world.next_id()
    first, second = ends
    first.links.append({"id": number, "type": kind.name, "direction": "outward", "key": second.key})
    second.links.append({"id": number, "type": kind.name, "direction": "inward", "key": first.key})
    if kind.name == "Test" and first.type == TEST and first.test is not None:  # a Test covers what it tests (D)
        first.test.requirements = list(dict.fromkeys([*first.test.requirements, second.key]))
    return answer(status=201)


def _ends(call: RouteCall, number: str) -> list[tuple[Issue, dict[str, str]]]:
    found = [
        (issue, link) for issue in call.emulation.world.issues.values() for link in issue.links if link["id"] == number
    ]
    if not found:
        raise jira_refusal(f"No issue link with id '{number}' exists.", status=404, fact="jira-link-unknown")
    return found


def _one_link(call: RouteCall, version: str, number: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    shown: dict[str, Any] = {}
    for _, link in _ends(call, number):
        shown |= shown_link(call.emulation.world, link, root_of(call, cloud=cloud))
    return as_json(shown)


def _unlink(call: RouteCall, version: str, number: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    for issue, link in _ends(call, number):
        issue.links.remove(link)
        if link["type"] == "Test" and issue.test is not None and link["key"] in issue.test.requirements:
            issue.test.requirements.remove(link["key"])
    return answer(status=204)


# Links to other places, and properties


def _remote_links(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    return as_json(issue_of(call, key, cloud=cloud).remote_links)


def _link_remotely(call: RouteCall, version: str, key: str, *, cloud: bool) -> Response:
    """Keep a link; one with a global id that is there already is replaced (D)."""
    known = enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    _may(known, "LINK_ISSUES", "error", "You do not have permission to link issues in this project.")
    body = _body(call)
    shown = body.get("object")
    if not isinstance(shown, dict) or not shown.get("url") or not shown.get("title"):
        errors = {"title": "'title' is required.", "url": "'url' is required."}
        raise jira_refusal(status=400, errors=errors, fact="jira-remote-link-refused")
    number = body.get("globalId")
    there = next((each for each in issue.remote_links if number and each.get("globalId") == number), None)
    made = there or {"id": int(call.emulation.world.next_id())}
    made |= {name: body[name] for name in ("globalId", "application", "relationship", "object") if name in body}
    if there is None:
        issue.remote_links.append(made)
    place = f"{root_of(call, cloud=cloud)}/rest/api/{version}/issue/{issue.key}/remotelink/{made['id']}"
    status = 201 if there is None else 200
    return as_json({"id": made["id"], "self": place}, status=status)


def _property(call: RouteCall, version: str, key: str, name: str, *, cloud: bool) -> Response:  # noqa: ARG001
    enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    if name not in issue.properties:
        raise jira_refusal(f"The property {name} does not exist.", status=404, fact="jira-property-unknown")
    return as_json({"key": name, "value": issue.properties[name]})


def _set_property(call: RouteCall, version: str, key: str, name: str, *, cloud: bool) -> Response:  # noqa: ARG001
    known = enter(call, cloud=cloud)
    issue = issue_of(call, key, cloud=cloud)
    _may(known, "EDIT_ISSUES", "error", "You do not have permission to edit issues in this project.")
    there = name in issue.properties
    issue.properties[name] = _body(call)  # any JSON in Jira, objects here
    return answer(status=200 if there else 201)


# Reading bodies


def _body(call: RouteCall) -> dict[str, Any]:
    try:
        body = call.body.json()
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise jira_refusal(
            "Invalid request payload. Refer to the REST API documentation and try again.", status=400, fact="jira-body"
        )
    return body


def _fields(body: Mapping[str, Any], version: str, *, cloud: bool, needed: bool = True) -> dict[str, Any]:
    if not isinstance(body.get("fields", None if needed else {}), dict):
        raise jira_refusal(
            "Invalid request payload. Refer to the REST API documentation and try again.", status=400, fact="jira-body"
        )
    fields: dict[str, Any] = body.get("fields", {})
    if version == "3" and cloud and isinstance(fields.get("description"), str):
        text = "Operation value must be an Atlassian Document (see the Atlassian Document Format)"
        raise jira_refusal(status=400, errors={"description": text}, fact="jira-document")
    return fields


def _may(who: Login, permission: str, field: str, text: str) -> None:
    """Refuse what somebody may not (R: the words)."""
    if permission not in who.may_not:
        return
    if permission == "CREATE_ISSUES":
        raise jira_refusal(status=400, errors={field: text}, fact="jira-may-not-create")
    raise jira_refusal(status=403, errors={field: text}, fact="jira-may-not")
