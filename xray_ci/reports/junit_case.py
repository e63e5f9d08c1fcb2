"""One JUnit `testcase`: from what its elements said to a case. Knows attributes and outcomes, not the document."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

import msgspec

from xray_ci.model import Attachment, Attempt, Case, Mark, Outcome
from xray_ci.patterns import lazy, remembered
from xray_ci.reports import texts
from xray_ci.reports.texts import seconds, timestamp

ATTACHMENT_LIMIT: Final = 1_000
"""Files kept of one case."""
PROPERTY_LIMIT: Final = 500
"""Properties without meaning kept of a case, and of the suites around it; Surefire writes those of the whole JVM."""
PROPERTY_LENGTH: Final = 2_000
"""Characters kept of the value of one."""

BY_ATTRIBUTE: Final = {
    **dict.fromkeys(
        ("notrun", "disabled", "suppressed", "skipped", "skip", "ignored", "pending", "todo", "untested"),
        Outcome.SKIPPED,
    ),
    **dict.fromkeys(("failed", "fail", "failure", "ko"), Outcome.FAILED),
    **dict.fromkeys(("error", "errored", "hook_error", "err", "broken"), Outcome.ERROR),
    **dict.fromkeys(
        ("passed", "pass", "success", "successful", "succeeded", "ok", "run", "executed", "done", "finished"),
        Outcome.PASSED,
    ),
    **dict.fromkeys(
        ("completed", "complete", "expected", "flaky", "warning", "xfail", "bpass", "bxfail"), Outcome.PASSED
    ),
    **dict.fromkeys(("undefined", "inconclusive", "blocked"), Outcome.OTHER),
}
PASSED: Final = Outcome.PASSED  # a member of an enum costs 40 ns more than a name
_TESTCAFE: Final = "TestCafe Tests: "
_UNSTABLE: Final = " (unstable)"
_SHOTS: Final = lazy(r" \(screenshots: [^()]{1,2000}\)\Z")
duration: Final = remembered(seconds)
"""The same few come again and again: looking one up costs a third of reading it."""
SPEAKING: Final = frozenset({"status", "result", "timestamp", "started-at"})
"""Attributes that say more of a case than its names and its duration."""
_UNDECIDED: Final = frozenset({"undefined", "pending"})
"""Behat's types of errors that are no results: `status` says the same."""
_RANK: Final = {Outcome.ERROR: 0, Outcome.FAILED: 1, Outcome.SKIPPED: 2}


class Open(msgspec.Struct, eq=False):
    """A case whose end was not seen yet."""

    attributes: dict[str, str]
    line: int
    out: str = ""
    err: str = ""
    # None until there is one: most cases have none, and five lists a case are felt.
    marks: list[Mark] | None = None
    verdicts: list[Verdict] | None = None
    attempts: list[Attempt] | None = None
    attachments: list[Attachment] | None = None
    properties: list[tuple[str, str]] | None = None

    def add_marks(self, marks: list[Mark]) -> None:
        """Note what the author said."""
        if self.marks is None:
            self.marks = marks
        else:
            self.marks += marks

    def add_property(self, name: str, value: str) -> None:
        """Note a property without meaning, up to the limit."""
        if self.properties is None:
            self.properties = []
        if len(self.properties) < PROPERTY_LIMIT:
            self.properties.append((name, value[:PROPERTY_LENGTH]))

    def add_verdict(self, verdict: Verdict) -> None:
        """Note an outcome element."""
        if self.verdicts is None:
            self.verdicts = []
        self.verdicts.append(verdict)

    def add_attempt(self, attempt: Attempt) -> None:
        """Note an earlier attempt."""
        if self.attempts is None:
            self.attempts = []
        self.attempts.append(attempt)

    def attach(self, found: list[Attachment]) -> None:
        """Note files, each once, up to the limit."""
        if self.attachments is None:
            self.attachments = []
        for attachment in found:
            if len(self.attachments) < ATTACHMENT_LIMIT and attachment not in self.attachments:
                self.attachments.append(attachment)

    @property
    def full(self) -> bool:
        """Say whether no more files are noted."""
        return self.attachments is not None and len(self.attachments) >= ATTACHMENT_LIMIT

    @property
    def next_file(self) -> int:
        """Return the number of the next file, from 1."""
        return len(self.attachments or ()) + 1


class Verdict(msgspec.Struct, eq=False):
    """A failure, error or skipped element, or an earlier attempt of the case."""

    outcome: Outcome
    attributes: dict[str, str]
    line: int
    text: str = ""
    stack: str | None = None

    def attempt(self) -> Attempt:
        """Return it as an earlier attempt."""
        trace = texts.cut(_framed(self.stack or self.text))
        return Attempt(outcome=self.outcome, message=_message(self), trace=trace or None)

    def words(self) -> str:
        """Return message and text as one line for a problem."""
        return " ".join(((self.attributes.get("message") or "") or self.text).split())[:300]


def finish(case: Open, suite: tuple[str, ...], stamp: datetime | None, properties: tuple[tuple[str, str], ...]) -> Case:
    """Return the case that is complete now.

    `stamp` and `properties` are its suite's, the former for a case without a time of its own.
    """
    get = case.attributes.get
    name = get("name", "")
    if name.endswith(")") and is_decorated(suite):
        name = _undecorated(case, name)
    outcome = PASSED
    kind = message = trace = output = finished = None
    if case.verdicts is not None:
        outcome, kind, message, trace = _judge(case.verdicts)
        if get("flaky") == "true" and outcome in {Outcome.FAILED, Outcome.ERROR}:  # Flank's: another attempt passed
            case.add_attempt(Attempt(outcome=outcome, message=message, trace=trace))
            outcome, kind, message, trace = PASSED, None, None, None
        if outcome is Outcome.ERROR and kind in _UNDECIDED and (get("status") or "").lower() == kind:
            outcome = Outcome.OTHER
    elif (status := get("status")) is not None or "result" in case.attributes:
        outcome = _by_attributes(status, get("result"))
    if outcome is not PASSED and (case.out or case.err):
        output = "\n".join(filter(None, (texts.tail(case.out), texts.tail(case.err)))) or None
    if own := get("timestamp"):
        stamp = timestamp(own) or stamp
    elif own := get("started-at"):
        stamp, finished = _utc(own), _utc(get("finished-at") or "")
    # Sixteen members at most: CPython calls with more keywords take three times as long, and this runs for every case.
    found = Case(
        suite=suite,
        name=name,
        classname=get("classname") or None,
        outcome=outcome,
        seconds=duration(get("time", "")),
        started=stamp,
        kind=kind,
        message=message,
        trace=trace,
        output=output,
        attachments=tuple(case.attachments) if case.attachments else (),
        marks=tuple(case.marks) if case.marks else (),
        attempts=tuple(case.attempts) if case.attempts else (),
        properties=(*properties, *case.properties) if case.properties else properties,
        line=case.line,
    )
    return found if finished is None else msgspec.structs.replace(found, finished=finished)


def is_decorated(suite: tuple[str, ...]) -> bool:
    """Say whether names in a suite hold more than names."""
    return bool(suite) and suite[-1].startswith(_TESTCAFE)


def _undecorated(case: Open, name: str) -> str:
    """Return the name without what TestCafe's reporter appends: screenshots, which are evidence, and `unstable`."""
    if found := _SHOTS.search(name):
        name = name[: found.start()]
    if name.endswith(_UNSTABLE):
        name = name.removesuffix(_UNSTABLE)
        case.add_attempt(Attempt(outcome=Outcome.FAILED))
    return name


def _utc(text: str) -> datetime | None:
    # `started-at` and `finished-at` are UTC in a form without offset (API notes, observed).
    found = timestamp(text)
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found


def _by_attributes(*words: str | None) -> Outcome:
    for word in words:
        if word and word.strip():
            found = BY_ATTRIBUTE.get(word.strip().lower()) or texts.unknown(word)
            if found is not PASSED:
                return found
    return Outcome.PASSED


def _message(verdict: Verdict) -> str | None:
    return texts.cut(verdict.attributes.get("message") or "") or None


def _framed(text: str) -> str:
    """Return a text without blank lines around it.

    Its first line keeps its indentation, which a trace of Python needs.
    """
    text = text.rstrip()
    return text[text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1 :] if text[:1].isspace() else text


def _judge(verdicts: list[Verdict]) -> tuple[Outcome, str | None, str | None, str | None]:
    """Return outcome, type and message of the worst element (the first of equals).

    The texts of all of that outcome.
    """
    if len(verdicts) == 1:
        (only,) = verdicts
        trace = texts.cut(_framed(only.text)) or None
        return only.outcome, only.attributes.get("type") or None, _message(only), trace
    worst = min(verdicts, key=lambda verdict: _RANK[verdict.outcome])
    parts = []
    for verdict in verdicts:
        if verdict.outcome is worst.outcome:
            message, text = verdict.attributes.get("message") or "", _framed(verdict.text)
            if verdict is not worst and message and message not in text:
                text = f"{message}\n{text}".rstrip()
            parts.append(text)
    trace = texts.cut("\n\n".join(filter(None, parts))) or None
    return worst.outcome, worst.attributes.get("type") or None, _message(worst), trace
