"""One Robot Framework test: from what its elements or members said to a case. Knows statuses and messages, not the document.

Identity is the names of all suites and of the test, joined by points, as Xray derives it. Every tag that is a Test key
(`SHOP-12`, `TEST_SHOP-12`, `TestName:SHOP-12`) names the Test, `REQ_SHOP-7` a requirement; all others are labels.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from xray_ci.model import Attachment, Attempt, Case, Mark, MarkKind, Outcome, Step
from xray_ci.reports import tag_meaning, texts

if TYPE_CHECKING:
    from datetime import datetime

OUTCOMES: Final = {"PASS": Outcome.PASSED, "FAIL": Outcome.FAILED, "SKIP": Outcome.SKIPPED, "NOT RUN": Outcome.SKIPPED}
STEP_LIMIT: Final = 1_000
"""Steps kept of one test."""
FILE_LIMIT: Final = 1_000
"""Files kept of one test."""
_HTML: Final = "*HTML*"
_MERGED: Final = '<span class="merge">'
_BREAK: Final = re.compile(r"<(?:br|hr)\s{0,9}/?>", re.IGNORECASE)
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,4000}>")
_LINK: Final = re.compile(r"(?:src|href)\s{0,9}=\s{0,9}[\"']([^\"'<>]+)[\"']", re.IGNORECASE)
_DATA: Final = re.compile(r"data:([\w./+-]{1,100});base64,", re.IGNORECASE)
_ELSEWHERE: Final = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]{1,20}:|#|//)")
"""A link that is no file: another scheme, a place in the log."""
TROUBLES: Final = frozenset({"WARN", "ERROR", "FAIL"})
"""Levels of messages that are kept from the keywords within a step too."""
_PRINTED: Final = TROUBLES | {"INFO"}


@dataclass(slots=True, kw_only=True)
class Item:
    """One keyword or control structure at the top level of a test."""

    action: str
    arguments: tuple[str, ...] = ()
    status: str = ""
    message: str = ""
    said: list[tuple[str, str]] = field(default_factory=list)
    """Level and text of what it logged itself, and of the `TROUBLES` that keywords in it logged."""


@dataclass(slots=True, kw_only=True)
class Test:
    """One test as both media tell it."""

    name: str
    doc: str = ""
    tags: tuple[str, ...] = ()
    status: str = ""
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    seconds: float | None = None
    items: list[Item] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    """HTML that it logged anywhere: screenshots are in it."""
    line: int | None = None


def plain(text: str) -> str:
    """Return a message without the mark-up that Robot allows in it."""
    text = text.strip()
    if not text.startswith(_HTML):
        return text
    from html import unescape  # noqa: PLC0415 - slow to load, and only mark-up needs it

    text = _BREAK.sub("\n", text[len(_HTML):])
    return unescape(_TAG.sub("", text)).strip()


def unpaged(page: str) -> str:
    """Return the text of a page that was logged, without pictures in it."""
    return plain(_HTML + (_LINK.sub("", page) if len(page) > texts.OUTPUT_LIMIT else page))


def to_case(test: Test, suite: tuple[str, ...]) -> Case:
    """Return the case of a test; `suite` are the names of the suites around it, outermost first."""
    message, attempts = _merged(test.message)
    outcome = OUTCOMES.get(test.status, Outcome.OTHER)
    output = ""
    if outcome is not Outcome.PASSED:
        output = texts.tail("\n".join(f"{level}: {text}" for item in test.items for level, text in item.said if level in _PRINTED))
    marks = [Mark(kind=MarkKind.DESCRIPTION, value=texts.cut(test.doc))] if test.doc else []
    return Case(
        suite=suite, classname=".".join(suite) or None, name=test.name, outcome=outcome, seconds=test.seconds, started=test.started,
        finished=test.finished, message=texts.cut(message) or None, output=output or None, attachments=_files(test.pages),
        marks=(*tag_meaning.marks(test.tags), *marks), steps=tuple(map(_step, test.items[:STEP_LIMIT])), attempts=attempts, line=test.line)


def _step(item: Item) -> Step:
    message = plain(item.message)
    if not message and item.status == "FAIL":
        # Before version 7 only what logs a failure says why; a keyword that is tried again fails with the same words each time.
        message = "\n".join(dict.fromkeys(text for level, text in item.said if level == "FAIL"))
    return Step(action=texts.cut(item.action, 8_192), data=texts.cut("    ".join(item.arguments), 8_192) or None,
                outcome=OUTCOMES.get(item.status), comment=texts.cut(message) or None)


def _merged(message: str) -> tuple[str, tuple[Attempt, ...]]:
    """Return a message, and the earlier try that `rebot --merge` wrote into it."""
    if _MERGED not in message[:200]:
        return plain(message), ()
    new, _, old = message.partition('<span class="old-status">')
    word = next((word for word in OUTCOMES if f'<span class="{word.lower()}">' in old[:200]), "")
    told = plain(f"{_HTML}{old.partition('Old message:</span>')[2]}")
    return (plain(f"{_HTML}{new.partition('New message:</span>')[2]}"),
            (Attempt(outcome=OUTCOMES.get(word, Outcome.OTHER), message=texts.cut(told) or None),) if old else ())


def _files(pages: list[str]) -> tuple[Attachment, ...]:
    if not pages:
        return ()
    from html import unescape  # noqa: PLC0415 - slow to load, and only mark-up needs it
    from urllib.parse import unquote  # noqa: PLC0415

    found: dict[str, Attachment] = {}
    for link in (link.strip() for page in pages for link in _LINK.findall(page)):
        if len(found) >= FILE_LIMIT:
            break
        if (data := _DATA.match(link)) and (base64 := texts.packed(link[data.end():])):
            found.setdefault(link, Attachment(name=texts.nameless(len(found) + 1, base64), media_type=data[1].lower(), base64=base64))
        elif not _ELSEWHERE.match(link):
            path = unquote(unescape(link.partition("?")[0].partition("#")[0]))
            found.setdefault(path, texts.named_file(path))
    return tuple(found.values())
