"""Facts around imports that are probed by writing: an issue of Jira from its making to its end, and Snapshots.

A page that the user names is triggered, rightly and wrongly; each success is a page version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from xray_ci.probe import shapes
from xray_ci.probe.asking import NOBODY, Asking, Short, member, raw
from xray_ci.probe.reading import first, status
from xray_ci.probe.sandbox import ATTACH, CREATE, EDIT, LABEL, NOT_CREATE, WORD
from xray_ci.secret import Secret
from xray_ci.services.snapshots import KEY_HEADER
from xray_ci.services.wire import Answered, CallKind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.probe.sandbox import Ours, Sandbox
    from xray_ci.services.snapshots import SnapshotCall
    from xray_ci.services.wire import Answer

Seen = dict[str, Any]
_NO_CHECK = (("X-Atlassian-Token", "no-check"),)


def _fields(box: Sandbox, **more: Any) -> dict[str, Any]:
    held = {"project": {"key": box.asking.project}, "issuetype": {"name": "Test Execution"}, "labels": [LABEL]}
    return {"fields": {**held, "summary": f"{WORD} issue", **more}}


def _noted(box: Sandbox, outcome: Answer, *place: str | int) -> Ours | None:
    held = member(outcome, *place)
    key = member(held, "key")
    return box.note(key, str(member(held, "id")), "Test Execution") if isinstance(key, str) else None


def _errors(outcome: Answer) -> Seen:
    """Look at the texts of Jira's refusal by field."""
    held = member(outcome, "errors")
    return {**status(outcome), "errors": shapes.shape(held, said=True)}


def _told(outcome: Answer) -> Seen:
    """Look whether a refusal has a text, for a field or for all."""
    told = member(outcome, "errors") or member(outcome, "errorMessages")
    return {**status(outcome), "told": bool(told)}


def lacking(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Try what Jira says that this login may not do in the project; what is made nevertheless is removed at the end."""
    if not box.lacking:
        raise Short("this login may do all that is tried")
    outcome = box.asking.issue("POST", "/issue", _fields(box))
    issue = _noted(box, outcome)
    if CREATE in box.lacking:
        yield "jira-may-not-create", _told(outcome)
    if issue is None:
        raise Short(NOT_CREATE)
    path = f"/issue/{quote(issue.key, safe='')}"
    if EDIT in box.lacking:
        yield "jira-may-not", _told(box.asking.issue("PUT", path, {"fields": {"summary": f"{WORD} changed"}}))
    elif ATTACH in box.lacking:
        form = box.asking.form(file=("probe.txt", "text/plain", b"probe"))
        yield "jira-may-not", _told(box.asking.issue("POST", f"{path}/attachments", form, headers=_NO_CHECK))


def created(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Make issues, and send what Jira refuses."""
    asking = box.asking
    nobody = asking.issue("POST", "/issue", _fields(box), auth=None)
    _noted(box, nobody)
    yield "jira-anonymous", status(nobody)
    if CREATE in box.lacking:
        raise Short(NOT_CREATE)
    outcome = asking.issue("POST", "/issue", _fields(box))
    _noted(box, outcome)
    yield "jira-create", shapes.seen(outcome)
    yield "jira-create-refused", _errors(asking.issue("POST", "/issue", _fields(box, summary=None)))
    yield "jira-summary-limit", _errors(asking.issue("POST", "/issue", _fields(box, summary=WORD + "a" * 300)))
    many = asking.issue("POST", "/issue/bulk", {"issueUpdates": [_fields(box), _fields(box, summary=None)]})
    _noted(box, many, "issues", 0)
    failed = member(many, "errors", 0, "failedElementNumber")
    yield "jira-create-many", {**status(many), "failed": failed}
    yield "jira-body", status(asking.issue("POST", "/issue", raw("application/json", b"no JSON")))
    version = asking.issue("POST", "/version", {"name": "", "project": asking.project})
    yield "jira-version-refused", status(version)
    if asking.cloud:
        plain = asking.issue("POST", "/rest/api/3/issue", _fields(box, description="text"))
        _noted(box, plain)
        yield "jira-document", status(plain)


def changed(box: Sandbox) -> Iterator[tuple[str, Seen]]:
    """Make an issue and do everything to it that an import does, and its refusals; then delete it."""
    asking = box.asking
    if box.lacking:
        raise Short("this login may not do all of it")
    issue, other = (_noted(box, asking.issue("POST", "/issue", _fields(box))) for _ in range(2))
    if issue is None or other is None:
        raise Short("no issue was made")
    path = f"/issue/{quote(issue.key, safe='')}"
    yield "jira-edit", status(asking.issue("PUT", path, {"fields": {"description": WORD}}))
    yield "jira-edit-refused", status(asking.issue("PUT", path, {"update": {"labels": "none"}}))
    yield "jira-comment", status(asking.issue("POST", f"{path}/comment", {"body": WORD}))
    yield "jira-comment-refused", status(asking.issue("POST", f"{path}/comment", {"body": ""}))
    yield "jira-transitions", first("transitions", 0)(asking.issue("GET", f"{path}/transitions"))
    wrong = {"transition": {"id": "1999999999"}}
    yield "jira-transition-unknown", status(asking.issue("POST", f"{path}/transitions", wrong))
    form = asking.form(file=("probe.txt", "text/plain", b"probe"))
    yield "jira-attachment", first(0)(asking.issue("POST", f"{path}/attachments", form, headers=_NO_CHECK))
    yield "jira-attachment-xsrf", status(asking.issue("POST", f"{path}/attachments", form))
    yield from _linked(box, issue, other)
    outcome = asking.issue("DELETE", path)
    box.forget(issue, outcome)
    yield "jira-delete", status(outcome)


def _linked(box: Sandbox, issue: Ours, other: Ours) -> Iterator[tuple[str, Seen]]:
    held = box.asking.issue("GET", "/issueLinkType")
    name = member(held, "issueLinkTypes", 0, "name")
    ends = {"inwardIssue": {"key": issue.key}, "outwardIssue": {"key": other.key}}
    outcome = box.asking.issue("POST", "/issueLink", {"type": {"name": name}, **ends})
    yield "jira-link", shapes.seen(outcome)
    wrong = box.asking.issue("POST", "/issueLink", {"type": {"name": "Xrayci Probe"}, **ends})
    yield "jira-link-unknown", status(wrong)


# Snapshots

_LONGEST: Final = 64.0
"""Seconds that a new version is waited for."""
_NO_PAGE: Final = "1999999999"


class Triggering:
    """A page with the global key, and maybe a macro of its own address."""

    def __init__(self, asking: Asking, page: SnapshotCall | None, macro: SnapshotCall | None, template: str) -> None:
        """`template` is the global address with `{page-id}`."""
        self.asking = asking
        self.page = page
        self.macro = macro
        self.versions = 0
        """Page versions that were made."""
        self._off = False
        self._template = template

    def _sent(
        self,
        target: SnapshotCall,
        *,
        page: str | None = None,
        key: Secret | None = None,
        method: str = "POST",
        bearer: bool = True,
    ) -> Answer:
        number = page or target.page_id
        url = (
            self._template.replace("{page-id}", quote(number, safe=""))
            if number
            else target.url.reveal()
            if target.url
            else ""
        )
        headers: list[tuple[str, str | Secret]] = [(KEY_HEADER, key or target.api_key)]
        if target.bearer_token is not None and bearer:
            headers.append(("Authorization", Secret(f"Bearer {target.bearer_token.reveal()}")))
        outcome = self.asking.call(method, url, headers=tuple(headers), kind=CallKind.TRIGGER)
        self.versions += isinstance(outcome, Answered)
        return outcome

    def page_facts(self) -> Iterator[tuple[str, Seen]]:
        """Trigger the page in every way, and wait for its new version."""
        if self.page is None:
            raise Short("no page is named: `snapshot-page-ids` and `snapshot-api-key`")
        before = self._version()
        outcome = self._sent(self.page)
        told = shapes.seen(outcome)
        self._off = not isinstance(outcome, Answered) and "disabled" in outcome.text
        yield "snapshots-enabled", {"off": self._off}
        if self._off:
            raise Short("automation is switched off")
        yield "snapshots-key", status(self._sent(self.page, key=Secret("xrayci-probe")))
        if isinstance(outcome, Answered):
            yield "snapshots-accepted", told
            yield from self._settled(before)
        yield "snapshots-page-unknown", status(self._sent(self.page, page=_NO_PAGE))
        yield "snapshots-method", status(self._sent(self.page, method="GET"))

    def bearer_facts(self) -> Iterator[tuple[str, Seen]]:
        """Trigger the page without a bearer token."""
        if self.page is None:
            raise Short("no page is named: `snapshot-page-ids` and `snapshot-api-key`")
        self._on()
        outcome = self._sent(self.page, bearer=False)
        asked = outcome.status == 401  # noqa: PLR2004
        yield "snapshots-bearer", {"asked": asked}

    def macro_facts(self) -> Iterator[tuple[str, Seen]]:
        """Trigger the macro."""
        if self.macro is None:
            raise Short("no macro is named: `snapshot-urls` and `snapshot-api-key`")
        self._on()
        yield "snapshots-macro", {"taken": isinstance(self._sent(self.macro), Answered)}

    def _on(self) -> None:
        if self._off:
            raise Short("automation is switched off")

    def version_facts(self) -> Iterator[tuple[str, Seen]]:
        """Ask Confluence for the page's version, and for a page that is not there."""
        if self.page is None:
            raise Short("no page is named: `snapshot-page-ids` and `snapshot-api-key`")
        yield "snapshots-version", shapes.seen(self._asked(str(self.page.page_id)))
        yield (
            "snapshots-version-unknown",
            {
                "unknown": status(self._asked(_NO_PAGE)).get("status"),
                "refused": status(self._asked(str(self.page.page_id), auth=NOBODY)).get("status"),
            },
        )

    def _asked(self, page: str, **more: Any) -> Answer:
        asking = self.asking
        if asking.jira is None or asking.jira_auth is None or not asking.cloud:
            raise Short("Confluence is asked with the credentials of Jira Cloud alone")
        return asking.call(
            "GET", f"{asking.jira}/wiki/api/v2/pages/{quote(page, safe='')}", **{"auth": asking.jira_auth, **more}
        )

    def _version(self) -> int | None:
        try:
            outcome = self._asked(str(self.page.page_id if self.page else ""))
        except Short:
            return None
        number = member(outcome, "version", "number")
        return number if isinstance(number, int) else None

    def _settled(self, before: int | None) -> Iterator[tuple[str, Seen]]:
        """Wait for a version after `before`, each time twice as long."""
        if before is None:
            return
        waited = 0.0
        while (now := self._version()) is not None and now <= before and waited < _LONGEST:
            pause = max(2.0, waited)
            self.asking.sleep(pause)
            waited += pause
        taken = now is not None and now > before
        yield "snapshots-taken", {"taken": taken}
        if taken:
            yield "snapshots-settle", {"soon": waited <= 2.0, "seconds": waited}  # noqa: PLR2004  # seconds
