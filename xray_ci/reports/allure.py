"""Allure 2 results: a folder is one report, with one file for each result. Knows the files of such a folder.

A retried test has one file for each attempt, and each is a case. They come in the order in which they started, for their
names are random. Errors of fixtures that end no test, and of the run, stand in files of their own and are notices.
"""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, BinaryIO, Final

from xray_ci.model import Outcome
from xray_ci.reports import allure_case, remarks
from xray_ci.reports.allure_files import CONTAINER, GLOBALS, RESULT
from xray_ci.reports.fault import BROKEN, NOT_A_REPORT, Fault
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.objects import Members

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from xray_ci.model import Case, Problem

_BAD: Final = frozenset({Outcome.FAILED, Outcome.ERROR})


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield the case of a single result file; its attachments lie beside it.

    Raises Fault where the document is broken, or holds no result.
    """
    result = Members(_document(source), "$")
    if "status" not in result and "stage" not in result:
        raise Fault(NOT_A_REPORT, "it is no result of Allure")
    yield allure_case.to_case(result, 1)


def read_folder(path: Path) -> Iterator[Case | Problem]:
    """Yield each result in the folder by the time of its start, then notices; attachments are named relative to the folder's parent.

    Raises Fault that names the file which is broken or ends too early, or when the folder holds nothing of Allure; what was
    yielded before must then be dropped. Raises OSError where a file cannot be read.
    """
    with os.scandir(path) as entries:
        names = sorted(entry.name for entry in entries if entry.name.endswith((RESULT, CONTAINER, GLOBALS)))
    if not names:
        raise Fault(NOT_A_REPORT, "it is a folder without results of Allure")
    results = sorted((_started(path, name), name) for name in names if name.endswith(RESULT))
    folder = f"{path.name}/" if path.name else ""
    for number, (_, name) in enumerate(results, 1):
        result = _file(path, name)
        try:
            yield allure_case.to_case(result, number, folder=folder)
        except Fault as fault:
            raise _within(name, fault) from None
    outside = remarks.Outside()
    for name in names:
        if not name.endswith(RESULT):
            yield from _aside(outside, _file(path, name))
    yield from outside.rest()
    if not results:
        yield remarks.no_cases()


def _started(path: Path, name: str) -> float:
    return _file(path, name).number("start") or 0.0


def _aside(outside: remarks.Outside, document: Members) -> Iterator[Problem]:
    """Tell of what failed outside of results: clean-ups, preparations without a test, and the run itself."""
    fixtures = [*document.each("afters"), *(document.each("befores") if not document.raw("children") else ())]
    for fixture in fixtures:
        if allure_case.outcome_of(fixture) in _BAD:
            details = fixture.inner("statusDetails")
            yield from outside.say(f"the fixture {fixture.text('name', limit=200) or 'without a name'}",
                                   details.text("message") if details is not None else None)
    for error in document.each("errors"):
        yield from outside.say("the run", error.text("message"))


def _file(path: Path, name: str) -> Members:
    try:
        with _opened(path / name) as source:
            return Members(_document(source), name)
    except Fault as fault:
        raise _within(name, fault) from None


def _within(name: str, fault: Fault) -> Fault:
    cause = fault.cause if fault.cause.startswith(name) else f"{name}: {fault.cause}"
    return Fault(fault.slug, cause, line=fault.line, column=fault.column, advice=fault.advice)


def _opened(path: Path) -> BinaryIO:
    """Open a regular file; a pipe or a device would wait forever."""
    source = os.fdopen(os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)), "rb")
    if not stat.S_ISREG(os.fstat(source.fileno()).st_mode):
        source.close()
        raise Fault(BROKEN, "it is no regular file")
    return source


def _document(source: Source) -> object:
    window = Window(source)
    if window.peek() != "{":
        window.take("{")
    value = window.value()
    window.finish()
    return value
