"""Jira's REST interface where it changes something: issues made, edited, deleted, on Cloud and on Server."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

from werkzeug.routing import Rule

from xray_ci.emulator import jira_words
from xray_ci.emulator.answers import Basis, answer, as_json, jira_refusal
from xray_ci.emulator.emulation import Call, Route
from xray_ci.emulator.issuing import Invalid, Issuing
from xray_ci.emulator.jira_login import enter

if TYPE_CHECKING:
    from werkzeug.wrappers import Response

    from xray_ci.emulator.world import Issue


def rules(start: str, *, cloud: bool) -> list[Rule]:
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


def _create(call: Call, version: str, *, cloud: bool) -> Response:
    """Make an issue; version 3 of Cloud takes rich text as a document only (R)."""
    enter(call, cloud=cloud)
    fields = _fields(call, version)
    try:
        issue = Issuing(call.emulation.world, call.now, cloud=cloud).create(fields)
    except Invalid as invalid:
        raise jira_refusal(
            status=400, errors=jira_words.said_of(invalid.errors, _language(call, cloud=cloud))
        ) from invalid
    root = call.base if cloud else f"{call.base}/jira"
    place = f"{root}/rest/api/{version}/issue/{issue.id}"
    return as_json({"id": issue.id, "key": issue.key, "self": place}, status=201, basis=Basis.RECALLED)


def _edit(call: Call, version: str, key: str, *, cloud: bool) -> Response:
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
    except Invalid as invalid:
        raise jira_refusal(
            status=400, errors=jira_words.said_of(invalid.errors, _language(call, cloud=cloud))
        ) from invalid
    return answer(status=204, basis=Basis.RECALLED)


def _delete(call: Call, version: str, key: str, *, cloud: bool) -> Response:  # noqa: ARG001 - all versions answer alike
    """Delete an issue; what links to it forgets it."""
    enter(call, cloud=cloud)
    call.emulation.world.remove(issue_of(call, key, cloud=cloud))
    return answer(status=204, basis=Basis.RECALLED)


def issue_of(call: Call, key: str, *, cloud: bool) -> Issue:
    """Return an issue by key or id; raises Refusal in the language of the site."""
    issue = call.emulation.world.find(key)
    if issue is None:
        text = "Issue does not exist or you do not have permission to see it."
        raise jira_refusal(jira_words.said(text, _language(call, cloud=cloud)), status=404)
    return issue


def _fields(call: Call, version: str, *, needed: bool = True) -> dict[str, Any]:
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


def _language(call: Call, *, cloud: bool) -> str:
    return "en" if cloud else call.emulation.switches.language
