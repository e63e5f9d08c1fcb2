"""What an import needs of Jira: which Jira it is, ids of Xray's custom fields, issues found, made and deleted.

Knows what Jira's REST APIs of both deployments have in common; its search is on Server/DC only. Knows nothing of
imports or settings.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from msgspec import Struct

from xray_ci.deployments import SERVER
from xray_ci.services import body
from xray_ci.services.store import KEY, NUMBER, PAGE, StoredExecution
from xray_ci.services.verdict import Asked, failure
from xray_ci.services.wire import Answered, Authorization, Call, Caller, CallKind, NotSent, RefusedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.errors import Failure
    from xray_ci.services.body import Upload
    from xray_ci.services.wire import Outcome

_XRAY: Final = "com.xpandit.plugins.xray:"
_TEXT: Final = "com.atlassian.jira.plugin.system.customfieldtypes:textfield"
_EVERYWHERE: Final = "/rest/api/2"
"""What both products have; which one answers is asked there."""
_TESTS: Final = "Test"


class ServerInfo(Struct, frozen=True, kw_only=True):
    """Which Jira answers."""

    deployment: str
    """Key of a row in the deployments table."""
    version: str
    base_url: str | None


class JiraField(Struct, frozen=True, kw_only=True):
    """One field as Jira lists it."""

    id: str
    name: str
    type: str | None
    custom: str | None


class XrayFields(Struct, frozen=True, kw_only=True):
    """Ids of the custom fields that Xray Server/DC reads from `info`; None where not exactly one field fits."""

    test_plan: str | None = None
    test_environments: str | None = None
    revision: str | None = None
    begin_date: str | None = None
    end_date: str | None = None


class DefinitionFields(Struct, frozen=True, kw_only=True):
    """Ids of the custom fields that say what a Test on Xray Server/DC is; None where not exactly one field fits."""

    test_type: str | None = None
    definition: str | None = None
    """Generic Test Definition."""
    scenario: str | None = None
    """Cucumber Scenario."""
    scenario_kind: str | None = None
    """Cucumber Test Type: Scenario or Scenario Outline."""
    folder: str | None = None
    """Test Repository Path."""


class JiraProject(Struct, frozen=True, kw_only=True):
    """One project as Jira lists it."""

    name: str
    types: Mapping[str, str]
    """Ids of its issue types by their names."""
    versions: Mapping[str, bool]
    """Whether each of its versions is archived, by their names."""


class CreateField(Struct, frozen=True, kw_only=True):
    """A field without which no issue of a type is made."""

    id: str
    name: str


class PersonalToken(Struct, frozen=True, kw_only=True):
    """A personal access token of Server/DC."""

    name: str
    ends: datetime


class Jira:
    """One Jira at one base URL."""

    def __init__(
        self, *, caller: Caller, base_url: str, auth: Authorization | None, root: str = SERVER.jira_root
    ) -> None:
        """`root` is where the deployment has Jira's API."""
        self._caller = caller
        self._base = base_url.rstrip("/")
        self._root = root
        self._auth = auth

    def server_info(self) -> ServerInfo | None:
        """Return which Jira this is, asked anonymously and then with credentials; None where that is blocked.

        Raises Unreachable only when nobody is there at all.
        """
        outcome = self._asked(f"{_EVERYWHERE}/serverInfo", None)
        if isinstance(outcome, NotSent):
            raise self.failure(outcome)
        found = _server_info(outcome)
        if found is None and self._auth is not None:
            found = _server_info(self._asked(f"{_EVERYWHERE}/serverInfo", self._auth))
        return found

    def fields(self) -> tuple[JiraField, ...]:
        """Return every field of the site; raises what the outcome is."""
        outcome = self._get("/field", self._auth)
        if isinstance(outcome, Answered) and isinstance(outcome.json, list):
            return tuple(_field(each) for each in outcome.json if isinstance(each, dict) and each.get("id"))
        raise self.failure(outcome)

    def myself(self) -> str:
        """Return who asks, as people know them; raises what the outcome is."""
        document = self._object("/myself")
        return str(document.get("displayName") or document.get("name") or document.get("accountId") or "somebody")

    def project(self, key: str) -> JiraProject:
        """Return a project with its issue types and versions; raises what the outcome is, Refused where there is none.

        A key goes into the path percent-encoded: a project may be called what it likes.
        """
        document = self._object(f"/project/{quote(key, safe='')}")
        types, versions = _objects(document.get("issueTypes")), _objects(document.get("versions"))
        return JiraProject(
            name=str(document.get("name") or key),
            types={str(each.get("name")): str(each.get("id")) for each in types},
            versions={str(each.get("name")): each.get("archived") is True for each in versions},
        )

    def tokens(self) -> tuple[PersonalToken, ...]:
        """Return the personal access tokens of this user on Server/DC that end; empty where Jira does not say (D)."""
        outcome = self._asked("/rest/pat/latest/tokens", self._auth)
        listed = _objects(outcome.json) if isinstance(outcome, Answered) else ()
        ends = [(str(each.get("name") or ""), _moment(each.get("expiringAt"))) for each in listed]
        return tuple(PersonalToken(name=name, ends=end) for name, end in ends if end is not None)

    def permissions(self, project: str, names: Sequence[str]) -> dict[str, bool]:
        """Return which of these permissions this user has in a project; one that Jira does not list is left out.

        Cloud wants to be asked by name, older Servers list all (O).
        """
        path = f"/mypermissions?projectKey={quote(project, safe='')}&permissions={','.join(names)}"
        listed = self._object(path).get("permissions")
        held = listed if isinstance(listed, dict) else {}
        return {
            name: held[name].get("havePermission") is True
            for name in names
            if isinstance(held.get(name), dict) and "havePermission" in held[name]
        }

    def mandatory(self, project: str, type_id: str) -> tuple[CreateField, ...] | None:
        """Return the fields without default that a new issue must have; None where Jira cannot say (R: before 8.4).

        Pages are `fields` on Cloud and `values` on Server (O).
        """
        path = f"/issue/createmeta/{quote(project, safe='')}/issuetypes/{quote(type_id, safe='')}?maxResults=200"
        outcome = self._get(path, self._auth)
        match outcome:
            case Answered(json=dict(document)):
                return tuple(
                    CreateField(id=str(each.get("fieldId")), name=str(each.get("name")))
                    for each in _objects(document.get("fields") or document.get("values"))
                    if each.get("required") is True and each.get("hasDefaultValue") is not True
                )
            case RefusedAnswer(status=400 | 404 | 405):
                return None
            case _:
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

    def search(self, jql: str, fields: Sequence[str], *, page: int = PAGE) -> Iterator[dict[str, Any]]:
        """Yield the issues that JQL finds on Server/DC, page by page, as Jira shows them; raises what an outcome is.

        A site has a largest page, 1,000 unless somebody changed it (D), and gives less where more is asked for.
        """
        asked, start = {"jql": jql, "fields": list(fields), "maxResults": page}, 0
        while True:
            outcome = self.send("POST", f"{self._root}/search", body.upload({**asked, "startAt": start}))
            match outcome:
                case Answered(json={"issues": list(issues), "total": int(total)}):
                    yield from (each for each in issues if isinstance(each, dict))
                case _:
                    raise self.failure(outcome)
            start += len(issues)
            if start >= total or not issues:
                return

    def create_issue(self, fields: Mapping[str, object]) -> StoredExecution:
        """Make an issue and return it; raises what the outcome is, UnknownDelivery when it may have been made.

        Texts are wiki markup: version 3 of Cloud's interface takes documents alone (D).
        """
        root = "/rest/api/2" if self._root.endswith("/3") else self._root
        outcome = self.send("POST", f"{root}/issue", body.upload({"fields": dict(fields)}), repeatable=False)
        match outcome:
            case Answered(json={"id": str(number), "key": str(key)}) if NUMBER.fullmatch(number) and KEY.fullmatch(key):
                return StoredExecution(id=number, key=key)
            case _:
                raise self.failure(outcome, repeatable=False)

    def cover(self, test: str, issues: Sequence[str]) -> None:
        """Link a Test to issues that it covers, those that are not linked yet; raises what the outcome is.

        Xray's type of link is called `Test`: a Test `tests` the other issue (D).
        """
        outcome = self.send("GET", f"{self._root}/issue/{checked(test)}?fields=issuelinks")
        match outcome:
            case Answered(json={"fields": {"issuelinks": list(links)}}):
                there = {
                    str((each.get("outwardIssue") or {}).get("key"))
                    for each in links
                    if isinstance(each, dict) and (each.get("type") or {}).get("name") == _TESTS
                }
            case _:
                raise self.failure(outcome)
        for issue in issues:
            if issue not in there:
                link = {"type": {"name": _TESTS}, "inwardIssue": {"key": test}, "outwardIssue": {"key": issue}}
                made = self.send("POST", f"{self._root}/issueLink", body.upload(link))
                if not isinstance(made, Answered):
                    raise self.failure(made)

    def delete_issue(self, key: str) -> bool:
        """Delete an issue; False when there is none (any more); raises what else the outcome is."""
        outcome = self.send("DELETE", f"{self._root}/issue/{checked(key)}")
        match outcome:
            case Answered():
                return True
            case RefusedAnswer(status=404):
                return False
            case _:
                raise self.failure(outcome)

    def send(
        self,
        method: str,
        path: str,
        upload: Upload | None = None,
        *,
        repeatable: bool = True,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> Outcome:
        """Return what became of a call below Jira's base URL, of Jira or of an app.

        `repeatable`: twice does no harm.
        """
        kind = CallKind.READ if repeatable else CallKind.IMPORT
        return self._caller.call(
            Call(kind=kind, method=method, url=self._base + path, headers=headers, auth=self._auth, upload=upload)
        )

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
                login=None if self._auth is None else self._auth.login,
            ),
        )

    def _object(self, path: str) -> dict[str, Any]:
        outcome = self._get(path, self._auth)
        if isinstance(outcome, Answered) and isinstance(outcome.json, dict):
            return outcome.json
        raise self.failure(outcome)

    def _get(self, path: str, auth: Authorization | None) -> Outcome:
        return self._asked(self._root + path, auth)

    def _asked(self, path: str, auth: Authorization | None) -> Outcome:
        return self._caller.call(Call(kind=CallKind.READ, method="GET", url=self._base + path, auth=auth))


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
        scenario=_of_type(fields, "steps-editor-custom-field", "Cucumber Scenario"),
        scenario_kind=_of_type(fields, "automated-test-type-custom-field", "Cucumber Test Type"),
        folder=_of_type(fields, "test-repository-path-custom-field", "Test Repository Path"),
    )


def checked(key: str) -> str:
    """Return a key that may enter a path; raises ValueError for anything else."""
    if not KEY.fullmatch(key):
        raise ValueError(f"not a key: {key!r}")
    return key


def _objects(found: object) -> tuple[dict[str, Any], ...]:
    return tuple(each for each in found if isinstance(each, dict)) if isinstance(found, list) else ()


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


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
