"""mochawesome's JSON: suites within suites. Knows suites, tests and their context; errors are read by `mocha`.

Identity: as for Mocha's own JSON, so that changing the reporter keeps the Tests. Pending and skipped tests are both
skipped; failing hooks are notices. What `addContext` added is read: files, `data:` images, and values titled like
JUnit's properties.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from xray_ci.model import Attachment, Case, Mark, Outcome, Problem
from xray_ci.reports import author_marks, members, texts
from xray_ci.reports.json_stream import Window
from xray_ci.reports.lines import AfterLog
from xray_ci.reports.mocha import hook, to_case
from xray_ci.reports.notices import BROKEN, UNSAFE, Fault, Outside, Stated, no_cases

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.json_stream import Source

DEPTH_LIMIT: Final = 100
_CONTEXTS: Final = 100
_FILE: Final = re.compile(
    r"(?!https?:|data:)[^\n]{1,1000}\.(?:png|jpe?g|gif|webp|svg|mp4|webm|zip|txt|log|html|json)", re.IGNORECASE
)
_HOOKS: Final = ("beforeHooks", "afterHooks")


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each test, a suite's own before those of the suites in it, then notices.

    Durations are milliseconds. Raises Fault where the document is broken or cut off, or suites nest beyond
    `DEPTH_LIMIT`.
    """
    clean = AfterLog(source)
    window = Window(clean)
    reader, stated = _Reader(window), Stated()
    if window.peek() != "{":
        raise Fault(BROKEN, "mochawesome's JSON is one object with `results`")
    for name in window.members():
        if name == "results" and window.peek() == "[":
            for index, _ in enumerate(window.elements()):
                if window.peek() == "{":
                    for item in reader.suite(f"results[{index}]", "", 1):
                        stated.see(item)
                        yield item
                else:
                    members.scalar(window)
        elif name == "stats" and window.peek() == "{":
            stated.add(members.number(members.fields(window.value(), name), "failures"))
        else:
            members.scalar(window)
    window.finish()
    yield from clean.notices()
    yield from reader.outside.rest()
    yield from stated.rest()
    if not reader.count:
        yield no_cases()


class _Reader:
    """Reads suites member by member, so that no suite is ever held."""

    def __init__(self, window: Window) -> None:
        self._window = window
        self.outside = Outside()
        self.count = 0

    def suite(self, path: str, file: str, depth: int) -> Iterator[Case | Problem]:
        """Yield the tests of the suite that begins here; its `file` comes before its tests."""
        window = self._window
        if depth > DEPTH_LIMIT:
            raise Fault(UNSAFE, f"suites nest deeper than {DEPTH_LIMIT}")
        for name in window.members():
            if name in {"suites", "tests", *_HOOKS} and window.peek() == "[":
                for index, _ in enumerate(window.elements()):
                    here = f"{path}.{name}[{index}]"
                    if name == "suites" and window.peek() == "{":
                        yield from self.suite(here, file, depth + 1)
                    else:
                        yield from self._entry(name, members.fields(window.value(), here), here, file)
            else:
                value = members.scalar(window)
                if name in {"file", "fullFile"} and isinstance(value, str) and value:
                    file = value[: members.NAME_LIMIT]

    def _entry(self, name: str, test: dict[str, Any], path: str, file: str) -> Iterator[Case | Problem]:
        if name in _HOOKS:
            if test.get("fail") is True or test.get("state") == "failed":
                yield from hook(test, self.outside)
            return
        self.count += 1
        attachments, marks = _context(test.get("context"))
        case = to_case({"file": file, **test}, _outcome(test), path, self._window.line)
        yield msgspec.structs.replace(case, attachments=attachments, marks=marks) if attachments or marks else case


def _outcome(test: dict[str, Any]) -> Outcome:
    state = members.text(test, "state")
    if test.get("fail") is True or state == "failed":
        return Outcome.FAILED
    if test.get("pending") is True or test.get("skipped") is True or state in {"pending", "skipped"}:
        return Outcome.SKIPPED
    return Outcome.PASSED if test.get("pass") is True or state == "passed" else Outcome.OTHER


def _context(context: object) -> tuple[tuple[Attachment, ...], tuple[Mark, ...]]:
    """Return the files and marks in a test's context: JSON in a text, of one value or a list of them."""
    attachments: list[Attachment] = []
    marks: list[Mark] = []
    if isinstance(context, str) and context:
        try:
            context = json.loads(context)
        except (ValueError, RecursionError):
            return (), ()
    for item in (context if isinstance(context, list) else [context])[:_CONTEXTS]:
        title, value = (item.get("title"), item.get("value")) if isinstance(item, dict) else ("", item)
        title = title if isinstance(title, str) else ""
        for text in value[:_CONTEXTS] if isinstance(value, list) else [value]:
            if not isinstance(text, str) or not text.strip():
                continue
            if embedded := members.embedded(title or "evidence", text):
                attachments.append(embedded)
            elif found := author_marks.of_property(title.strip(), text.strip()):
                marks += found
            elif _FILE.fullmatch(text.strip()):
                attachments.append(texts.named_file(text.strip()))
    return tuple(attachments), tuple(marks)
