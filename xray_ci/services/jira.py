"""What an import needs of Jira: which Jira it is, ids of Xray's custom fields, issues found, made and deleted.

Knows Jira's REST API 2, which both deployments have; its search is on Server/DC only. Knows nothing of imports or
settings.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from xray_ci.services import body
from xray_ci.services.stored import KEY, NUMBER, PAGE, StoredExecution
from xray_ci.services.verdict import Asked, failure
from xray_ci.services.wire import Answered, Authorization, Call, Caller, CallKind, NotSent, RefusedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.errors import Failure
    from xray_ci.services.body import Upload
    from xray_ci.services.wire import Outcome

_XRAY: Final = "com.xpandit.plugins.xray:"
_TEXT: Final = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
_API: Final = "/rest/api/2"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class DefinitionFields:
    """Ids of the custom fields that say what a Test on Xray Server/DC is; None where not exactly one field fits."""

    test_type: str | None = None
    definition: str | None = None
    """Generic Test Definition."""


class Jira:
    """One Jira at one base URL."""

    def __init__(self, *, caller: Caller, base_url: str, auth: Authorization | None) -> None:
        self._caller = caller
        self._base = base_url.rstrip("/")
        self._auth = auth

    def server_info(self) -> ServerInfo | None:
        """Return which Jira this is, asked anonymously and then with credentials; None where that is blocked.

        Raises Unreachable only when nobody is there at all.
        """
        outcome = self._get("/serverInfo", None)
        if isinstance(outcome, NotSent):
            raise self.failure(outcome)
        found = _server_info(outcome)
        if found is None and self._auth is not None:
            found = _server_info(self._get("/serverInfo", self._auth))
        return found

    def fields(self) -> tuple[JiraField, ...]:
        """Return every field of the site; raises what the outcome is."""
        outcome = self._get("/field", self._auth)
        if isinstance(outcome, Answered) and isinstance(outcome.json, list):
            return tuple(_field(each) for each in outcome.json if isinstance(each, dict) and each.get("id"))
        raise self.failure(outcome)

    def key_of_issue(self, issue_id: str) -> str | None:
        """Return the key of a numeric issue id, None when this user sees no such issue; raises what else it is."""
        if not NUMBER.fullmatch(issue_id):
            return None
        outcome = self._get(f"/issue/{issue_id}?fields=summary", self._auth)
        match outcome:
            case Answered(json=dict(document)) if isinstance(document.get("key"), str):
                return str(document["key"])
            case RefusedAnswer(status=404):
                return None
            case _:
                raise self.failure(outcome)

    def search(self, jql: str, fields: Sequence[str]) -> Iterator[dict[str, Any]]:
        """Yield the issues that JQL finds on Server/DC, page by page, as Jira shows them; raises what an outcome is."""
        asked, start = {"jql": jql, "fields": list(fields), "maxResults": PAGE}, 0
        while True:
            outcome = self.send("POST", f"{_API}/search", body.upload({**asked, "startAt": start}))
            match outcome:
                case Answered(json={"issues": list(issues), "total": int(total)}):
                    yield from (each for each in issues if isinstance(each, dict))
                case _:
                    raise self.failure(outcome)
            start += len(issues)
            if start >= total or not issues:
                return

    def create_issue(self, fields: Mapping[str, object]) -> StoredExecution:
        """Make an issue and return it; raises what the outcome is, UnknownDelivery when it may have been made."""
        outcome = self.send("POST", f"{_API}/issue", body.upload({"fields": dict(fields)}), repeatable=False)
        match outcome:
            case Answered(json={"id": str(number), "key": str(key)}) if NUMBER.fullmatch(number) and KEY.fullmatch(key):
                return StoredExecution(id=number, key=key)
            case _:
                raise self.failure(outcome, repeatable=False)

    def delete_issue(self, key: str) -> bool:
        """Delete an issue; False when there is none (any more); raises what else the outcome is."""
        outcome = self.send("DELETE", f"{_API}/issue/{checked(key)}")
        match outcome:
            case Answered():
                return True
            case RefusedAnswer(status=404):
                return False
            case _:
                raise self.failure(outcome)

    def send(self, method: str, path: str, upload: Upload | None = None, *, repeatable: bool = True) -> Outcome:
        """Return what became of a call below Jira's base URL, of Jira or of an app.

        `repeatable`: twice does no harm.
        """
        kind = CallKind.READ if repeatable else CallKind.IMPORT
        return self._caller.call(Call(kind=kind, method=method, url=self._base + path, auth=self._auth, upload=upload))

    def failure(self, outcome: Outcome, *, service: str = "Jira", repeatable: bool = True) -> Failure:
        """Return the failure that an outcome of `send` is."""
        kind = CallKind.READ if repeatable else CallKind.IMPORT
        return failure(
            outcome,
            Asked(
                kind=kind,
                service=service,
                setting="jira-url",
                url=self._base,
                credentials="jira-token, or jira-username and jira-password",
            ),
        )

    def _get(self, path: str, auth: Authorization | None) -> Outcome:
        return self._caller.call(Call(kind=CallKind.READ, method="GET", url=self._base + _API + path, auth=auth))


def xray_fields(fields: tuple[JiraField, ...]) -> XrayFields:
    """Return the ids of Xray's fields: by Xray's own type where there is one, else by exact name and type (O).

    Begin and end date have no type of their own, and sites have an `End date` of Jira besides: only the exact name
    together with `datetime` counts.
    """
    return XrayFields(
        test_plan=_of_type(fields, "test-plan-custom-field", "Test Plan"),
        test_environments=_of_type(fields, "test-environments-custom-field", "Test Environments"),
        revision=_only(
            [
                field
                for field in fields
                if field.name == "Revision" and field.type == "string" and field.custom in {None, _TEXT}
            ]
        ),
        begin_date=_only([field for field in fields if field.name == "Begin Date" and field.type == "datetime"]),
        end_date=_only([field for field in fields if field.name == "End Date" and field.type == "datetime"]),
    )


def definition_fields(fields: tuple[JiraField, ...]) -> DefinitionFields:
    """Return the ids of a Test's fields, by Xray's own types (O)."""
    return DefinitionFields(
        test_type=_of_type(fields, "test-type-custom-field", "Test Type"),
        definition=_of_type(fields, "path-editor-custom-field", "Generic Test Definition"),
    )


def checked(key: str) -> str:
    """Return a key that may enter a path; raises ValueError for anything else."""
    if not KEY.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return key


def _of_type(fields: tuple[JiraField, ...], custom: str, name: str) -> str | None:
    typed = [field for field in fields if field.custom == _XRAY + custom]
    named = [field for field in typed if field.name == name]
    return _only(typed) or _only(named)


def _only(fields: list[JiraField]) -> str | None:
    return fields[0].id if len(fields) == 1 else None


def _field(entry: dict[str, object]) -> JiraField:
    schema = entry.get("schema")
    known = schema if isinstance(schema, dict) else {}
    return JiraField(
        id=str(entry["id"]), name=str(entry.get("name") or ""), type=known.get("type"), custom=known.get("custom")
    )


def _server_info(outcome: Outcome) -> ServerInfo | None:
    document = outcome.json if isinstance(outcome, Answered) else None
    if not isinstance(document, dict) or not isinstance(document.get("version"), str):
        return None
    # Data Center says "Server" as well (A); old Servers say nothing.
    deployment = "cloud" if document.get("deploymentType") == "Cloud" else "server"
    base = document.get("baseUrl")
    return ServerInfo(
        deployment=deployment, version=document["version"], base_url=base if isinstance(base, str) else None
    )
