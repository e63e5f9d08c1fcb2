"""One issue of Jira, in what is done around an import: files, links to other places, its way through the workflow.

Besides it what such an issue is made of: users, fields, versions, and issues that are found.

Knows Jira's REST API 2, which both deployments have and which takes plain text. Knows nothing of imports or settings.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from msgspec import Struct

from xray_ci.errors import Refused
from xray_ci.services import body
from xray_ci.services.jira import checked
from xray_ci.services.store import PAGE
from xray_ci.services.wire import Answered, Failed, Lost, RefusedAnswer

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from xray_ci.services.body import Upload
    from xray_ci.services.jira import Jira

_NO_FORM_OF_A_BROWSER: Final = (("X-Atlassian-Token", "no-check"),)
"""Without it an upload is refused (D)."""


class WorkflowStep(Struct, frozen=True, kw_only=True):
    """A transition that this user may make now."""

    id: str
    name: str
    to: str
    """Name of the status that it leads to."""


class JiraIssue:
    """One issue by its key; each method raises what the outcome is."""

    def __init__(self, jira: Jira, key: str) -> None:
        """Take an issue by its key; raises ValueError for what is none."""
        self.key = key
        self._jira = jira
        self._path = f"/rest/api/2/issue/{checked(key)}"

    def files(self) -> frozenset[tuple[str, int]]:
        """Return name and size in bytes of each file that is attached."""
        fields = self._read("?fields=attachment").get("fields")
        listed = fields.get("attachment") if isinstance(fields, dict) else None
        return frozenset(
            (str(each.get("filename")), each["size"])
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict) and isinstance(each.get("size"), int)
        )

    def attach(self, name: str, size: int, form: Upload) -> None:
        """Attach one file, the part `file` of a form (D); where its answer is lost, look whether it is there."""
        path = f"{self._path}/attachments"
        outcome = self._jira.send("POST", path, form, repeatable=False, headers=_NO_FORM_OF_A_BROWSER)
        if isinstance(outcome, Answered) and isinstance(outcome.json, list) and outcome.json:
            return
        if not isinstance(outcome, (Failed, Lost)) or (name, size) not in self.files():
            raise self._jira.failure(outcome)

    def status(self) -> str:
        """Return the name of its status."""
        match self._read("?fields=status").get("fields"):
            case {"status": {"name": str(name)}}:
                return name
            case _:
                return ""

    def transitions(self) -> tuple[WorkflowStep, ...]:
        """Return the transitions that this user may make now; none for who may make none (D)."""
        listed = self._read("/transitions").get("transitions")
        return tuple(
            WorkflowStep(
                id=str(each.get("id")), name=str(each.get("name")), to=str((each.get("to") or {}).get("name") or "")
            )
            for each in (listed if isinstance(listed, list) else ())
            if isinstance(each, dict)
        )

    def move(self, step: WorkflowStep) -> None:
        """Make a transition; one whose answer is lost is not made twice, as its status says whether it was."""
        sent = body.upload({"transition": {"id": step.id}})
        outcome = self._jira.send("POST", f"{self._path}/transitions", sent, repeatable=False)
        if not isinstance(outcome, Answered) and not (isinstance(outcome, (Failed, Lost)) and self.status() == step.to):
            raise self._jira.failure(outcome)

    def assignee(self, *, cloud: bool) -> str | None:
        """Return whom it is assigned to: account id on Cloud, name on Server/DC; None for nobody."""
        match self._read("?fields=assignee").get("fields"):
            case {"assignee": dict(who)}:
                return str(who.get("accountId" if cloud else "name") or "") or None
            case _:
                return None

    def assign(self, who: Person, *, cloud: bool) -> None:
        """Assign it to somebody."""
        sent = body.upload({"accountId" if cloud else "name": who.id})
        self._done("PUT", f"{self._path}/assignee", sent)

    def components(self) -> tuple[str, ...]:
        """Return the names of its components."""
        match self._read("?fields=components").get("fields"):
            case {"components": list(listed)}:
                return tuple(str(each.get("name")) for each in listed if isinstance(each, dict))
            case _:
                return ()

    def set_components(self, names: Sequence[str]) -> None:
        """Give it these components in place of those it has."""
        self.edit({"fields": {"components": [{"name": name} for name in names]}})

    def edit(self, change: Mapping[str, Any]) -> None:
        """Change it as Jira takes a change: `fields` in place of those it has, `update` on top of them."""
        self._done("PUT", self._path, body.upload(dict(change)))

    def link(self, number: str, url: str, title: str, *, summary: str, relationship: str) -> None:
        """Link it to a page elsewhere; `number` is a lasting id, by which a second time changes the link (D)."""
        shown = {"url": url, "title": title, "summary": summary}
        sent = body.upload({"globalId": number, "relationship": relationship, "object": shown})
        self._done("POST", f"{self._path}/remotelink", sent)

    def kept(self, name: str) -> Mapping[str, Any]:
        """Return an object that is kept with the issue, empty where there is none."""
        outcome = self._jira.send("GET", f"{self._path}/properties/{name}")
        match outcome:
            case Answered(json={"value": dict(value)}):
                return value
            case Answered() | RefusedAnswer(status=404):
                return {}
            case _:
                raise self._jira.failure(outcome)

    def keep(self, name: str, value: Mapping[str, Any]) -> None:
        """Keep an object with the issue, where nobody sees it who does not ask for it."""
        self._done("PUT", f"{self._path}/properties/{name}", body.upload(dict(value)))

    def _read(self, rest: str) -> dict[str, Any]:
        outcome = self._jira.send("GET", self._path + rest)
        if isinstance(outcome, Answered) and isinstance(outcome.json, dict):
            return outcome.json
        raise self._jira.failure(outcome)

    def _done(self, method: str, path: str, sent: Upload) -> None:
        outcome = self._jira.send(method, path, sent)
        if not isinstance(outcome, Answered):
            raise self._jira.failure(outcome)


_PAGES: Final = 20
"""Pages that are read of one search: nobody is sure that a next one does not come for ever (O)."""


def found(jira: Jira, jql: str, fields: Sequence[str], *, cloud: bool) -> Iterator[dict[str, Any]]:
    """Yield the issues that JQL finds, as Jira shows them; raises what an outcome is.

    Cloud has a search of its own: pages by a token, and no total (O).
    """
    if not cloud:
        yield from jira.search(jql, fields)
        return
    asked = {"jql": jql, "fields": list(fields), "maxResults": PAGE}
    for _ in range(_PAGES):
        outcome = jira.send("POST", "/rest/api/3/search/jql", body.upload(asked))
        if not isinstance(outcome, Answered) or not isinstance(outcome.json, dict):
            raise jira.failure(outcome)
        yield from (each for each in outcome.json.get("issues") or () if isinstance(each, dict))
        token = outcome.json.get("nextPageToken")
        if not isinstance(token, str) or not token:
            return
        asked["nextPageToken"] = token


class Person(Struct, frozen=True, kw_only=True):
    """A user, as a field of Jira names one."""

    id: str
    """Account id on Cloud, name on Server/DC."""
    shown: str
    email: str
    """Empty where Jira hides it."""


def person(jira: Jira, text: str, *, cloud: bool, key: str | None = None) -> Person | None:
    """Return the only user whom an e-mail address or a name means, None for nobody and for several.

    `key`: of those to whom this issue may be assigned. Cloud is asked by `query`, Server/DC by `username` (D); a hit by
    address counts where Jira hides addresses and finds but one. Raises what the outcome is.
    """
    place = f"/rest/api/2/user/assignable/search?issueKey={checked(key)}&" if key else "/rest/api/2/user/search?"
    outcome = jira.send("GET", f"{place}{'query' if cloud else 'username'}={quote(text, safe='')}")
    if not isinstance(outcome, Answered) or not isinstance(outcome.json, list):
        raise jira.failure(outcome)
    each = [
        Person(
            id=str(one.get("accountId" if cloud else "name") or ""),
            shown=str(one.get("displayName") or ""),
            email=str(one.get("emailAddress") or ""),
        )
        for one in outcome.json
        if isinstance(one, dict)
    ]
    wanted = text.lower()
    exact = [one for one in each if wanted in (one.id.lower(), one.email.lower(), one.shown.lower())]
    some = exact or [one for one in each if "@" in text and not one.email]
    return some[0] if len(some) == 1 and some[0].id else None


def creatable(jira: Jira, project: str, kind: str) -> Iterator[dict[str, Any]]:
    """Yield what a new issue of a type can be given in a project, as Jira shows each field; raises what an outcome is.

    Refused where the project has no such type. Pages are `fields` on Cloud and `values` on Server/DC (O).
    """
    number = jira.project(project).types.get(kind)
    if number is None:
        raise Refused(f"the project {project} has no issue type {kind}", service="Jira")
    start, place = 0, f"/rest/api/2/issue/createmeta/{quote(project, safe='')}/issuetypes/{quote(number, safe='')}"
    for _ in range(_PAGES):
        outcome = jira.send("GET", f"{place}?startAt={start}&maxResults={PAGE}")
        if not isinstance(outcome, Answered) or not isinstance(outcome.json, dict):
            raise jira.failure(outcome)
        page = outcome.json.get("fields") or outcome.json.get("values") or ()
        yield from (each for each in page if isinstance(each, dict))
        start += len(page)
        if len(page) < PAGE:
            return


def make_version(jira: Jira, project: str, name: str) -> bool:
    """Make a version in a project, False where it is there already; raises what the outcome is."""
    if name in jira.project(project).versions:
        return False
    outcome = jira.send("POST", "/rest/api/2/version", body.upload({"name": name, "project": project}))
    if isinstance(outcome, Answered):
        return True
    if name in jira.project(project).versions:  # somebody was faster, or the answer was lost
        return False
    raise jira.failure(outcome)
