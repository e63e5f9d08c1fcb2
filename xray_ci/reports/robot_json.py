"""Robot Framework's output.json. Knows its members; knows nothing of Xray, files or settings.

The same rules as for output.xml. Suites stream, so that only one test is in memory at a time; a suite's name and
teardown may come after its tests.
"""

from __future__ import annotations

from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from xray_ci.model import TEXT_LIMIT
from xray_ci.reports import notices
from xray_ci.reports.json_stream import Window
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, UNSAFE, Fault
from xray_ci.reports.robot import TROUBLES, RobotItem, RobotTest, Verdicts, to_case, unpaged
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Case, Problem

DEPTH_LIMIT: Final = 200
"""Suites in suites, and keywords in keywords: more than Robot Framework runs."""
_ROOTS: Final = {"IF/ELSE ROOT": "IF", "TRY/EXCEPT ROOT": "TRY"}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test (task) once, in document order, when the whole document was read.

    Raises Fault with the JSON path where a member is of a wrong type, and where the document is broken or holds no
    suite.
    """
    with closing(Verdicts()) as verdicts:
        window = Window(source)
        if window.peek() != "{":
            raise Fault(NOT_A_REPORT, "Robot Framework's JSON is one object with `suite`")
        reader = _Reader(window, verdicts)
        generator, stated = "", notices.Stated()
        for name in window.members():
            if name == "suite":
                reader.suite([], "$.suite")
            else:
                value = window.value()
                if name == "statistics" and isinstance(value, dict) and isinstance(value.get("total"), dict):
                    stated.add(value["total"].get("fail"))
                generator = str(value) if name == "generator" else generator
        window.finish()
        if not reader.suites:
            raise Fault(NOT_A_REPORT, "it holds no `suite`")
        yield from stated.against(verdicts.all(judge=not generator.upper().startswith("REBOT")))
        if not reader.tests:
            yield notices.no_cases()


class _Reader:
    def __init__(self, window: Window, verdicts: Verdicts) -> None:
        self._window = window
        self._verdicts = verdicts
        self.suites = self.tests = 0

    def suite(self, around: list[int], path: str) -> None:
        """Take the suite that begins here, with all suites in it."""
        if len(around) > DEPTH_LIMIT:
            raise Fault(UNSAFE, f"suites nest more than {DEPTH_LIMIT} deep")
        if self._window.peek() != "{":
            raise Fault(BROKEN, f"`{path}` is no object")
        self.suites += 1
        number = self._verdicts.suite()
        inside = [*around, number]
        for name in self._window.members():
            if name in {"tests", "suites"} and self._window.peek() == "[":
                for index, _ in enumerate(self._window.elements()):
                    where = f"{path}.{name}[{index}]"
                    if name == "tests":
                        self._test(_object(self._window.value(), where), inside, where)
                    else:
                        self.suite(inside, where)
                continue
            value = self._window.value()
            if name == "name":
                self._verdicts.name(number, str(value))
            elif name == "teardown" and isinstance(value, dict):
                self._verdicts.fall(number, _word(value, "status"), _word(value, "message"))
            elif name in {"tests", "suites"} and value is not None:
                raise Fault(BROKEN, f"`{path}.{name}` is no list")

    def _test(self, value: dict[str, Any], suites: list[int], path: str) -> None:
        test = RobotTest(
            name=_word(value, "name"),
            doc=_word(value, "doc"),
            status=_word(value, "status"),
            message=_word(value, "message"),
        )
        if not test.status:
            raise Fault(BROKEN, f"`{path}.status` is missing")
        tags = value.get("tags")
        test.tags = tuple(str(tag) for tag in tags) if isinstance(tags, list) else ()
        test.started = timestamp(_word(value, "start_time"))
        test.seconds = seconds(str(value.get("elapsed_time", "")))
        if test.started is not None and test.seconds is not None:
            test.finished = test.started + timedelta(seconds=test.seconds)
        _pages(value, test.pages, 1)  # first: it bounds the depth for all that walk what was read
        for entry, kind in _statements(value):
            test.items.append(_item(entry, kind))
        self.tests += 1
        test.line = self._window.line
        self._verdicts.wait(to_case(test, ()), suites)


def _object(value: object, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise Fault(BROKEN, f"`{path}` is no object")
    return value


def _word(value: dict[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""


def _words(value: dict[str, Any], name: str) -> tuple[str, ...]:
    found = value.get(name)
    return (
        tuple(str(each) for each in found)
        if isinstance(found, list | tuple)
        else (found,)
        if isinstance(found, str)
        else ()
    )


def _body(value: dict[str, Any]) -> list[dict[str, Any]]:
    body = value.get("body")
    return [entry for entry in body if isinstance(entry, dict)] if isinstance(body, list) else []


def _statements(value: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    if isinstance(setup := value.get("setup"), dict):
        yield setup, "SETUP"
    for entry in _body(value):
        if entry.get("type") != "MESSAGE":
            yield entry, _word(entry, "type")
    if isinstance(teardown := value.get("teardown"), dict):
        yield teardown, "TEARDOWN"


def _item(entry: dict[str, Any], kind: str) -> RobotItem:
    return RobotItem(
        action=_action(entry, kind),
        arguments=_words(entry, "args"),
        status=_word(entry, "status"),
        message=_word(entry, "message"),
        said=[(_word(each, "level"), _text(each)) for each in _messages(entry) if _word(each, "message")],
    )


def _messages(entry: dict[str, Any], *, inside: bool = False) -> Iterator[dict[str, Any]]:
    """Yield what a keyword logged itself, and the troubles of those in it."""
    for each in _body(entry):
        if each.get("type") != "MESSAGE":
            yield from _messages(each, inside=True)
        elif not inside or _word(each, "level") in TROUBLES:
            yield each


def _text(message: dict[str, Any]) -> str:
    text = _word(message, "message")
    return (unpaged(text) if message.get("html") else text)[:TEXT_LIMIT]


def _action(entry: dict[str, Any], kind: str) -> str:
    name = _word(entry, "name")
    match kind:
        case "" | "KEYWORD":
            return name
        case "SETUP" | "TEARDOWN":
            return f"[{kind.title()}] {name}"
        case "FOR":
            return " ".join(("FOR", *_words(entry, "assign"), _word(entry, "flavor"), *_words(entry, "values")))
        case "IF/ELSE ROOT":
            return f"IF {next((_word(branch, 'condition') for branch in _body(entry)), '')}".rstrip()
        case "VAR":
            return " ".join(("VAR", name, *_words(entry, "value")))
        case _:
            return " ".join(filter(None, (_ROOTS.get(kind, kind), name, _word(entry, "condition"))))


def _pages(value: dict[str, Any], pages: list[str], depth: int) -> None:
    """Collect what was logged as HTML anywhere in a test."""
    if depth > DEPTH_LIMIT:
        raise Fault(UNSAFE, f"keywords nest more than {DEPTH_LIMIT} deep")
    for entry, _ in _statements(value):
        _pages(entry, pages, depth + 1)
    pages += [_word(entry, "message") for entry in _body(value) if entry.get("type") == "MESSAGE" and entry.get("html")]
