"""Snapshots for Confluence: ask for a fresh snapshot of one macro or of one page.

Knows the request (D) and takes any 2xx for a success, because nothing about answers is published (A). Knows nothing of
when to ask or whether a failure matters. Addresses of macros are secrets: only names made here are ever shown.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Protocol, assert_never
from urllib.parse import quote, urljoin, urlsplit

from msgspec import Struct

from xray_ci.errors import SnapshotFailed
from xray_ci.services.auth import Bearer
from xray_ci.services.verdict import origin
from xray_ci.services.wire import (
    Answered,
    Call,
    Caller,
    CallKind,
    Failed,
    Lost,
    NotSent,
    Redirected,
    RefusedAnswer,
    Throttled,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from xray_ci.secret import Secret
    from xray_ci.services.wire import Outcome

GLOBAL_URL: Final = "https://snapshots.radbeeapps.com/take-snapshot/{page-id}"
"""Where the global key goes (D); the page id is the last segment of the path."""
KEY_HEADER: Final = "jira-snapshots-api-key"
_MOST_REDIRECTS: Final = 5
_KEY: Final = (
    "A key lives three months, and can be made anew where Snapshots shows it: the global one in its settings, that of "
    "a macro in the macro; one that was regenerated ends at once. Else automation is off for the site, or Confluence "
    "Data Center 9 wants `snapshot-bearer-token` besides."
)
"""Nothing about answers is published but that keys end and that a site can be off (D)."""
_UNKNOWN: Final = "the key was not refused, but there is nothing to take at this address"
_PAGE: Final = (
    "Compare `snapshot-page-ids` with the number in the page's address, and look whether the page has a snapshot and "
    "was published since."
)
_MACRO: Final = (
    "Copy the macro's web request URL again: it ends when automation is switched off, and works once the page is "
    "published."
)
_MAYBE: Final = (
    "The snapshot may have been taken, so it is not triggered again by itself: look at the page's history, then run "
    "`xray-ci snapshots`."
)
_SHOWN: Final = 20_000
"""Characters kept of an answer: sinks show fewer, after they took secrets out."""


class SnapshotCall(Protocol):
    """One snapshot as the settings say it: a macro's `url`, or a `page_id` with the global key."""

    @property
    def url(self) -> Secret | None:
        """The macro's address."""

    @property
    def page_id(self) -> str | None:
        """The page's content id."""

    @property
    def api_key(self) -> Secret:
        """The macro's key, or the global one."""

    @property
    def bearer_token(self) -> Secret | None:
        """A token that Confluence Data Center 9 wants besides (D)."""


class SnapshotResult(Struct, frozen=True, kw_only=True):
    """What became of one trigger. `ok` means queued: the service does not say whether a snapshot was taken (D)."""

    name: str
    ok: bool
    status: int | None = None
    problem: SnapshotFailed | None = None


def trigger_all(
    caller: Caller, targets: Iterable[SnapshotCall], *, template: str = GLOBAL_URL
) -> tuple[SnapshotResult, ...]:
    """Trigger each target; one that fails does not stop the others."""
    return tuple(trigger(caller, target, number, template=template) for number, target in enumerate(targets, 1))


def trigger(caller: Caller, target: SnapshotCall, number: int = 1, *, template: str = GLOBAL_URL) -> SnapshotResult:
    """Trigger one snapshot; redirects are followed within the same origin only, so that the key goes nowhere else."""
    if target.page_id is not None:
        name, url = f"page {target.page_id}", template.replace("{page-id}", quote(target.page_id, safe=""))
    else:
        url = target.url.reveal() if target.url else ""
        name = f"macro {number} at {urlsplit(url).hostname or 'no address'}"
    start = origin(url)
    outcome: Outcome
    for _ in range(_MOST_REDIRECTS + 1):
        outcome = caller.call(_call(target, url, name))
        if not isinstance(outcome, Redirected):
            break
        url = _joined(url, outcome.location or "")
        if origin(url) != start or not outcome.location:
            return _failed(
                name,
                f"it was redirected from {start} to {origin(url)}, and the key was not sent there",
                outcome,
                advice="If that is right, set the address to the new one.",
            )
    if isinstance(outcome, Answered):
        return SnapshotResult(name=name, ok=True, status=outcome.status)
    if isinstance(outcome, NotSent):
        return _failed(
            name,
            f"the service cannot be reached: {outcome.cause}",
            outcome,
            advice="Check the address, the proxy and the network of the runner.",
        )
    if isinstance(outcome, Lost):
        return _failed(name, f"the answer was lost: {outcome.cause}", outcome, advice=_MAYBE)
    return _answered_no(name, outcome)


def _answered_no(name: str, outcome: RefusedAnswer | Failed | Throttled | Redirected) -> SnapshotResult:
    match outcome:
        case Redirected():
            return _failed(name, f"after {_MOST_REDIRECTS} redirects there was still no answer", outcome)
        case Throttled():
            return _failed(
                name, "the service is busy", outcome, advice="Run `xray-ci snapshots` again in some minutes."
            )
        case Failed():
            return _failed(name, "the service is out of order", outcome, advice=_MAYBE)
        case RefusedAnswer(status=401 | 403):
            return _failed(name, "the key was refused", outcome, advice=_KEY)
        case RefusedAnswer(status=400 | 404 | 410):
            return _failed(name, _UNKNOWN, outcome, advice=_PAGE if name.startswith("page ") else _MACRO)
        case RefusedAnswer():
            return _failed(name, "it was refused", outcome)
    assert_never(outcome)


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return ""


def _call(target: SnapshotCall, url: str, name: str) -> Call:
    auth = Bearer(token=target.bearer_token) if target.bearer_token else None
    return Call(
        kind=CallKind.TRIGGER,
        method="POST",
        url=url,
        shown=f"snapshot of {name}",
        auth=auth,
        gateway=False,
        headers=((KEY_HEADER, target.api_key),),
    )


def _failed(name: str, what: str, outcome: Outcome, *, advice: str | None = None) -> SnapshotResult:
    status = None if isinstance(outcome, (NotSent, Lost)) else outcome.status
    answer = None if isinstance(outcome, (NotSent, Lost)) else f"{outcome.status}: {outcome.text[:_SHOWN]}".rstrip(": ")
    problem = SnapshotFailed(
        f"the snapshot of {name} was not triggered: {what}", answer=answer, advice=advice, service="Snapshots"
    )
    return SnapshotResult(name=name, ok=False, status=status, problem=problem)
