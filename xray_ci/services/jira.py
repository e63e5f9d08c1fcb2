"""The few reads of Jira that an import needs: which Jira it is, ids of Xray's custom fields, keys of issue ids.

Knows Jira's REST API 2, which both deployments have. Knows nothing of imports or settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from xray_ci.services.call import Authorization, Call, Caller, CallKind
from xray_ci.services.outcome import Answered, NotSent, Refused
from xray_ci.services.verdict import Asked, failure

if TYPE_CHECKING:
    from xray_ci.services.outcome import Outcome

_XRAY: Final = "com.xpandit.plugins.xray:"
_TEXT: Final = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
_ID: Final = re.compile(r"[0-9]{1,19}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """Which Jira answers."""

    deployment: str
    """Key of a row in the deployments table."""
    version: str
    base_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JiraField:
    """One field as Jira lists it."""

    id: str
    name: str
    type: str | None
    custom: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class XrayFields:
    """Ids of the custom fields that Xray Server/DC reads from `info`; None where not exactly one field fits."""

    test_plan: str | None = None
    test_environments: str | None = None
    revision: str | None = None
    begin_date: str | None = None
    end_date: str | None = None


class Jira:
    """One Jira at one base URL."""

    def __init__(self, *, caller: Caller, base_url: str, auth: Authorization | None) -> None:
        self._caller = caller
        self._api = f"{base_url.rstrip('/')}/rest/api/2"
        self._auth = auth

    def server_info(self) -> ServerInfo | None:
        """Return which Jira this is, asked anonymously and then with credentials; None where that is blocked.

        Raises Unreachable only when nobody is there at all.
        """
        outcome = self._get("/serverInfo", None)
        if isinstance(outcome, NotSent):
            raise self._failure(outcome)
        found = _server_info(outcome)
        if found is None and self._auth is not None:
            found = _server_info(self._get("/serverInfo", self._auth))
        return found

    def fields(self) -> tuple[JiraField, ...]:
        """Return every field of the site; raises what the outcome is."""
        outcome = self._get("/field", self._auth)
        if isinstance(outcome, Answered) and isinstance(outcome.json, list):
            return tuple(_field(each) for each in outcome.json if isinstance(each, dict) and each.get("id"))
        raise self._failure(outcome)

    def key_of_issue(self, issue_id: str) -> str | None:
        """Return the key of a numeric issue id, None when this user sees no such issue; raises what else it is."""
        if not _ID.fullmatch(issue_id):
            return None
        outcome = self._get(f"/issue/{issue_id}?fields=summary", self._auth)
        match outcome:
            case Answered(json=dict(document)) if isinstance(document.get("key"), str):
                return str(document["key"])
            case Refused(status=404):
                return None
            case _:
                raise self._failure(outcome)

    def _get(self, path: str, auth: Authorization | None) -> Outcome:
        return self._caller.call(Call(kind=CallKind.READ, method="GET", url=self._api + path, auth=auth))

    def _failure(self, outcome: Outcome) -> Exception:
        return failure(outcome, Asked(kind=CallKind.READ, service="Jira", setting="jira-url", url=self._api,
                                      credentials="jira-token, or jira-username and jira-password"))


def xray_fields(fields: tuple[JiraField, ...]) -> XrayFields:
    """Return the ids of Xray's fields: by Xray's own type where there is one, else by exact name and type (O).

    Begin and end date have no type of their own, and sites have an `End date` of Jira besides: only the exact name
    together with `datetime` counts.
    """
    return XrayFields(
        test_plan=_of_type(fields, "test-plan-custom-field", "Test Plan"),
        test_environments=_of_type(fields, "test-environments-custom-field", "Test Environments"),
        revision=_only([field for field in fields if field.name == "Revision" and field.type == "string"
                        and field.custom in {None, _TEXT}]),
        begin_date=_only([field for field in fields if field.name == "Begin Date" and field.type == "datetime"]),
        end_date=_only([field for field in fields if field.name == "End Date" and field.type == "datetime"]))


def _of_type(fields: tuple[JiraField, ...], custom: str, name: str) -> str | None:
    typed = [field for field in fields if field.custom == _XRAY + custom]
    named = [field for field in typed if field.name == name]
    return _only(typed) or _only(named)


def _only(fields: list[JiraField]) -> str | None:
    return fields[0].id if len(fields) == 1 else None


def _field(entry: dict[str, object]) -> JiraField:
    schema = entry.get("schema")
    known = schema if isinstance(schema, dict) else {}
    return JiraField(id=str(entry["id"]), name=str(entry.get("name") or ""), type=known.get("type"),
                     custom=known.get("custom"))


def _server_info(outcome: Outcome) -> ServerInfo | None:
    document = outcome.json if isinstance(outcome, Answered) else None
    if not isinstance(document, dict) or not isinstance(document.get("version"), str):
        return None
    # Data Center says "Server" as well (A); old Servers say nothing.
    deployment = "cloud" if document.get("deploymentType") == "Cloud" else "server"
    base = document.get("baseUrl")
    return ServerInfo(deployment=deployment, version=document["version"], base_url=base if isinstance(base, str) else None)
