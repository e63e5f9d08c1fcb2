"""What surrounds an import: the clock, how often a site may be asked, folders that are written, pages that follow."""

from __future__ import annotations

import os
import stat
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from xray_ci.errors import DOCS, many
from xray_ci.probe import reading
from xray_ci.services.wire import Answer, Answered, NotSent, Unsent
from xray_ci.site.findings import CODES, doubtful, holds, wrong

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from xray_ci.deployments import Deployment
    from xray_ci.services.wire import Call, Caller, Outcome
    from xray_ci.settings.values import Settings
    from xray_ci.site.findings import Finding

_SKEW: Final = 120.0
"""Seconds; `Date` has whole ones, and an answer may have been long on its way."""
_DATE: Final = 29
"""Characters of a date of HTTP; of two such headers the first counts."""


class Watching:
    """A caller that looks at what each answer says beside its body."""

    def __init__(self, inner: Caller, now: Callable[[], datetime], deployment: str = "") -> None:
        """`deployment` is whose facts the answers are compared with; empty for nobody's."""
        self._inner = inner
        self._now = now
        self._deployment = deployment
        self.facts: dict[str, bool] = {}
        """Whether each fact that an answer showed is as it is believed."""
        self.skew: float | None = None
        """Seconds that the site's clock is ahead of ours, by its last answer; None where no answer had a date."""
        self.plan: str | None = None
        """Calls that the site allows, as it says itself (O)."""
        self.refused: str | None = None
        """An address whose certificate, or whose TLS, was refused."""

    def call(self, call: Call) -> Outcome:
        """Return what became of the call; raises as `inner` does."""
        outcome = self._inner.call(call)
        if isinstance(outcome, Answer):
            self._note(outcome)
        elif isinstance(outcome, NotSent) and outcome.reason is Unsent.TLS:
            self.refused = call.url
        if isinstance(outcome, Answered) and self._deployment:
            self.facts |= reading.compared(call.method, call.url, outcome, self._deployment)
        return outcome

    def _note(self, answer: Answer) -> None:
        self.plan = answer.headers.get("x-ratelimit-limit") or self.plan
        try:
            said = parsedate_to_datetime(answer.headers.get("date", "")[:_DATE])
        except (ValueError, OverflowError):
            return
        moment = said if said.tzinfo else said.replace(tzinfo=UTC)
        self.skew = (moment - self._now()).total_seconds()


def seen(watching: Watching, deployment: Deployment) -> Iterator[Finding]:
    """Tell what the answers said by the way."""
    skew = watching.skew
    if skew is not None and abs(skew) > _SKEW:
        yield doubtful(
            "clock",
            f"the clock of this machine is {abs(skew):,.0f} s {'behind' if skew > 0 else 'ahead of'} the site's",
            "Set it (NTP): tokens, times of results and waits for rate limits depend on it.",
        )
    elif skew is not None:
        yield holds("clock", "this machine and the site agree on the time")
    if watching.plan is not None:
        yield holds("rate-limit", f"the site says it allows {watching.plan[:20]} calls at a time")
    elif deployment.rate is not None:
        rate = deployment.rate
        yield holds("rate-limit", f"{rate.calls} calls in {rate.seconds:.0f} s are kept, the smallest published plan")
    others = [name for name, held in watching.facts.items() if not held]
    if others:
        yield doubtful(
            "facts",
            f"this site answers otherwise than is known: {', '.join(others)}",
            f"Look them up in {DOCS}/facts.md; `xray-ci probe` tells what it answers instead.",
        )
    elif watching.facts:
        yield holds("facts", f"{many(len(watching.facts), 'answer')} are as they are known of other sites")


def certificate(url: str, now: datetime, *, seconds: float) -> Iterator[Finding]:
    """Tell what the server whose certificate was refused shows: for whom, by whom, from when until when."""
    from xray_ci.services.transport import certificate_of  # noqa: PLC0415  # with requests, as who was refused has it

    shown = certificate_of(url, seconds=seconds)
    if shown is None:
        return
    begins, ends = f"{shown.begins:%Y-%m-%d}", f"{shown.ends:%Y-%m-%d}"
    if shown.ends < now:
        remedy = f"It ended on {ends}: let the server have a new one, or set the clock of this machine."
    elif shown.begins > now:
        remedy = f"It begins on {begins}: set the clock of this machine."
    else:
        remedy = (
            f"If it is yours, set `ca-bundle` to the certificate (PEM) of {shown.issuer}. It is never just ignored."
        )
    text = f"the server shows one for {shown.subject}, issued by {shown.issuer}, from {begins} to {ends}"
    yield wrong("certificate", text, remedy, CODES[-1])


def files(settings: Settings, state: Path) -> Iterator[Finding]:
    """Look whether this user may write where an import writes; makes nothing. An import goes on without these files."""
    places = (
        ("state-dir", state, True),
        ("result-file", settings.result_file, False),
        ("html-report", settings.html_report, False),
        ("dotenv-file", settings.dotenv_file, False),
    )
    for name, path, folder in places:
        if path is not None:
            yield _place(name, settings.workspace / path, folder=folder)


def _place(name: str, path: Path, *, folder: bool) -> Finding:
    there = next((each for each in (path, *path.parents) if os.access(each, os.F_OK)), path)
    remedy = f"Set `{name}` to a path that this user may write."
    if there == path and folder is not path.is_dir():
        return doubtful(name, f"{path} is {'no' if folder else 'a'} folder", remedy)
    if there != path and not there.is_dir():
        return doubtful(name, f"{there} is no folder, so {path} cannot be made", remedy)
    if not os.access(there, os.W_OK | (os.X_OK if there.is_dir() else 0)):
        return doubtful(name, f"this user may not write {there}", remedy)
    if folder and there == path and os.name == "posix" and path.stat().st_mode & stat.S_IWOTH:
        return doubtful(name, f"everybody may write {path}", f"Take that away: chmod o-w {path}.")
    return holds(name, f"{path} can be written")


def snapshots(settings: Settings) -> Iterator[Finding]:
    """Tell which pages would follow; none is triggered, as that costs a page version."""
    targets = settings.snapshots
    if targets:
        pages = sum(target.page_id is not None for target in targets)
        yield holds(
            "snapshots",
            f"{pages} by page and {len(targets) - pages} by address, with keys; whether these are accepted only a "
            "trigger shows",
        )
