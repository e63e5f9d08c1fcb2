"""TestCafe's JSON (`--reporter json`). Knows its members; knows nothing of Xray, files or settings.

A case is a test: its class its fixture, as in TestCafe's xUnit report. It passed where its list of errors is there and
empty. An unstable test needed more than one attempt; screenshots that errors name are evidence.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.model import Attachment, Attempt, Case, Mark, Outcome
from xray_ci.reports import author_marks, members, notices, texts, words
from xray_ci.reports.members import Members, picked

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Problem
    from xray_ci.reports.json_stream import Source

MILLISECONDS: Final = 1e-3
_SCREENSHOT: Final = re.compile(r"^Screenshot: (\S[^\r\n]{0,1000})$", re.MULTILINE)
_NUMBERS: Final = ("total", "passed", "skipped")


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test of each fixture, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or cut off.
    """
    stated: list[float | None] = []
    count = 0
    for item in words.against(_cases(source, stated), stated):
        count += isinstance(item, Case)
        yield item
    if not count:
        yield notices.no_cases()


def _cases(source: Source, stated: list[float | None]) -> Iterator[Case]:
    totals: dict[str, object] = {}
    number = 0
    for path, value in picked(source, *_NUMBERS, "fixtures[]", lists=("fixtures",)):
        if path in _NUMBERS:
            totals[path] = value
            continue
        fixture = Members(value, f"fixtures[{number}]")
        number += 1
        for test in fixture.each("tests"):
            yield _case(test, fixture)
    held = Members(totals, "")
    total, passed = held.number("total"), held.number("passed")
    if total is not None and passed is not None:
        stated.append(total - passed - (held.number("skipped") or 0))


def _case(test: Members, fixture: Members) -> Case:
    errors, owner = test.texts("errs"), fixture.text("name") or ""
    if test.raw("skipped") is True:
        outcome = Outcome.SKIPPED
    elif not isinstance(test.raw("errs"), list):
        outcome = Outcome.OTHER
    else:
        outcome = Outcome.FAILED if test.raw("errs") else Outcome.PASSED
    shots = dict.fromkeys(path.strip() for error in errors for path in _SCREENSHOT.findall(error))
    files: tuple[Attachment, ...] = tuple(texts.named_file(path) for path in shots)
    return Case(
        suite=(owner,) if owner else (),
        classname=owner[: members.NAME_LIMIT] or None,
        name=test.text("name") or "",
        outcome=outcome,
        seconds=test.seconds("durationMs", MILLISECONDS),
        message=texts.cut(errors[0]) if errors else None,
        trace=texts.cut("\n\n".join(errors)) or None,
        attachments=files[: texts.ATTACHMENT_LIMIT],
        marks=_marks(fixture, test),
        attempts=(Attempt(outcome=Outcome.FAILED),) if test.raw("unstable") is True else (),
    )


def _marks(*holders: Members) -> tuple[Mark, ...]:
    """Return what metadata says whose names are those of JUnit's properties."""
    found: list[Mark] = []
    for holder in holders:
        meta = holder.inner("meta") if isinstance(holder.raw("meta"), dict) else None
        for name in list(meta or ())[: author_marks.ANNOTATIONS_LIMIT]:
            found += author_marks.of_annotation(name, (meta.text(name) if meta else None) or "")
    return tuple(dict.fromkeys(found))
