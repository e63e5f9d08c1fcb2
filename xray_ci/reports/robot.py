"""Robot Framework's output.xml, versions 3 to 7.

Identity is the names of all suites and of the test, joined by points, as Xray derives it. Every tag that is a Test key
(`SHOP-12`, `TEST_SHOP-12`, `TestName:SHOP-12`) names the Test, `REQ_SHOP-7` a requirement; all others are labels.

Outcomes are those that Robot itself comes to: a suite teardown that fails, fails the tests below it, whatever their own
status says, and is known only when they are long past. Steps are the keywords and control structures at the top level
of a test.
"""

from __future__ import annotations

import re
from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct, field

from xray_ci.model import TEXT_LIMIT, Attachment, Attempt, Case, Mark, MarkKind, Outcome, Step
from xray_ci.reports import author_marks, elements, texts
from xray_ci.reports.spill import Waiting
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode


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


class RobotItem(Struct, kw_only=True):
    """One keyword or control structure at the top level of a test."""

    action: str
    arguments: tuple[str, ...] = ()
    status: str = ""
    message: str = ""
    said: list[tuple[str, str]] = field(default_factory=list)
    """Level and text of what it logged itself, and of the `TROUBLES` that keywords in it logged."""


class RobotTest(Struct, kw_only=True):
    """One test as both media tell it."""

    name: str
    doc: str = ""
    tags: tuple[str, ...] = ()
    status: str = ""
    message: str = ""
    started: datetime | None = None
    finished: datetime | None = None
    seconds: float | None = None
    items: list[RobotItem] = field(default_factory=list)
    pages: list[str] = field(default_factory=list)
    """HTML that it logged anywhere: screenshots are in it."""
    line: int | None = None


def plain(text: str) -> str:
    """Return a message without the mark-up that Robot allows in it."""
    text = text.strip()
    if not text.startswith(_HTML):
        return text
    from html import unescape  # noqa: PLC0415 - slow to load, and only mark-up needs it

    text = _BREAK.sub("\n", text[len(_HTML) :])
    return unescape(_TAG.sub("", text)).strip()


def unpaged(page: str) -> str:
    """Return the text of a page that was logged, without pictures in it."""
    return plain(_HTML + (_LINK.sub("", page) if len(page) > texts.OUTPUT_LIMIT else page))


def to_case(test: RobotTest, suite: tuple[str, ...]) -> Case:
    """Return the case of a test; `suite` are the names of the suites around it, outermost first."""
    message, attempts = _merged(test.message) if test.message else ("", ())
    outcome = OUTCOMES.get(test.status) or texts.unknown(test.status)
    output = ""
    if outcome is not Outcome.PASSED:
        output = texts.tail(
            "\n".join(f"{level}: {text}" for item in test.items for level, text in item.said if level in _PRINTED)
        )
    marks = author_marks.of_tags(test.tags)
    if test.doc:
        marks += (Mark(kind=MarkKind.DESCRIPTION, value=texts.cut(test.doc)),)
    return Case(
        suite=suite,
        classname=".".join(suite) or None,
        name=test.name,
        outcome=outcome,
        seconds=test.seconds,
        started=test.started,
        finished=test.finished,
        message=texts.cut(message) or None,
        output=output or None,
        attachments=_files(test.pages),
        marks=marks,
        steps=tuple([_step(item) for item in test.items[:STEP_LIMIT]]),
        attempts=attempts,
        line=test.line,
    )


def _step(item: RobotItem) -> Step:
    message = plain(item.message) if item.message else ""
    if not message and item.status == "FAIL":
        # Before version 7 only what logs a failure says why; a keyword that is tried again fails with the same words
        # each time.
        message = "\n".join(dict.fromkeys(text for level, text in item.said if level == "FAIL"))
    return Step(
        action=texts.cut(item.action, 8_192),
        data=texts.cut("    ".join(item.arguments), 8_192) or None if item.arguments else None,
        outcome=OUTCOMES.get(item.status),
        comment=texts.cut(message) if message else None,
    )


def _merged(message: str) -> tuple[str, tuple[Attempt, ...]]:
    """Return a message, and the earlier try that `rebot --merge` wrote into it."""
    if _MERGED not in message[:200]:
        return plain(message), ()
    new, _, old = message.partition('<span class="old-status">')
    word = next((word for word in OUTCOMES if f'<span class="{word.lower()}">' in old[:200]), "")
    told = plain(f"{_HTML}{old.partition('Old message:</span>')[2]}")
    return (
        plain(f"{_HTML}{new.partition('New message:</span>')[2]}"),
        (Attempt(outcome=OUTCOMES.get(word, Outcome.OTHER), message=texts.cut(told) or None),) if old else (),
    )


def _files(pages: list[str]) -> tuple[Attachment, ...]:
    if not pages:
        return ()
    from html import unescape  # noqa: PLC0415 - slow to load, and only mark-up needs it
    from urllib.parse import unquote  # noqa: PLC0415

    found: dict[str, Attachment] = {}
    for link in (link.strip() for page in pages for link in _LINK.findall(page)):
        if len(found) >= FILE_LIMIT:
            break
        if (data := _DATA.match(link)) and (base64 := texts.without_blanks(link[data.end() :])):
            found.setdefault(
                link, Attachment(name=texts.nameless(len(found) + 1, base64), media_type=data[1].lower(), base64=base64)
            )
        elif not _ELSEWHERE.match(link):
            path = unquote(unescape(link.partition("?")[0].partition("#")[0]))
            found.setdefault(path, texts.named_file(path))
    return tuple(found.values())


_MESSAGE_LIMIT: Final = 4_096
_SUITE_NAME_LIMIT: Final = 1_024


class Verdicts:
    """Tests that wait until all is known of the suites around them. Suites are numbers."""

    def __init__(self) -> None:
        self._waiting = Waiting()
        self._names: dict[int, str] = {}
        self._fallen: dict[int, tuple[Outcome, str]] = {}
        self._suites = 0
        self._around, self._word = list[int](), ""
        """Suites around the last case, and as a word."""

    def suite(self) -> int:
        """Begin a suite and return its number."""
        self._suites += 1
        return self._suites

    def name(self, suite: int, name: str) -> None:
        """Say a suite's name, at any time."""
        self._names[suite] = name[:_SUITE_NAME_LIMIT]

    def fall(self, suite: int, status: str, message: str) -> None:
        """Say how a suite's teardown ended."""
        if status in {"FAIL", "SKIP"}:
            outcome = Outcome.FAILED if status == "FAIL" else Outcome.SKIPPED
            self._fallen[suite] = outcome, texts.cut(plain(message), _MESSAGE_LIMIT)

    def wait(self, case: Case, suites: list[int]) -> None:
        """Keep a case without suites; `suites` are those around it, outermost first."""
        if suites != self._around:
            self._around, self._word = [*suites], " ".join(map(str, suites))
        self._waiting.add(self._word, case)

    def all(self, *, judge: bool) -> Iterator[Case]:
        """Yield the cases, named and judged; not judged what rebot wrote, which has done it already."""
        before, suites = "", list[int]()
        names: tuple[str, ...] = ()
        owner: str | None = None
        with closing(self._waiting):
            for word, case in self._waiting.all():
                if word != before:
                    before, suites = word, [int(number) for number in word.split()]
                    names = tuple(self._names.get(number, "") for number in suites)
                    owner = ".".join(names) or None
                named = msgspec.structs.replace(case, suite=names, classname=owner)
                yield self._judged(named, suites) if judge and self._fallen else named

    def close(self) -> None:
        """Forget everything."""
        self._waiting.close()

    def _judged(self, case: Case, suites: list[int]) -> Case:
        for number in reversed(suites):
            if number not in self._fallen:
                continue
            outcome, said = self._fallen[number]
            own = case.message
            if outcome is Outcome.SKIPPED:
                message = f"Skipped in parent suite teardown:\n{said}" + (f"\n\nEarlier message:\n{own}" if own else "")
            else:
                outcome = case.outcome if case.outcome is Outcome.SKIPPED else outcome
                message = (
                    f"{own}\n\nAlso parent suite teardown failed:\n{said}"
                    if own
                    else f"Parent suite teardown failed:\n{said}"
                )
            case = msgspec.structs.replace(case, outcome=outcome, message=texts.cut(message))
        return case


PAGE_LIMIT: Final = 33_554_432
"""Characters kept of one logged page, which may hold a screenshot in base64."""
_STATEMENTS: Final = frozenset(
    {"kw", "for", "if", "try", "while", "group", "var", "return", "continue", "break", "error", "variable"}
)
_OWN: Final = frozenset({"status", "arg", "arguments", "msg", "value", "var", "branch"})


def _page(attributes: dict[str, str]) -> bool:
    return attributes.get("html") in {"true", "yes"}


def _telling(attributes: dict[str, str]) -> bool:
    return attributes.get("level") in TROUBLES or ("html" in attributes and _page(attributes))


_SHAPE: Final = elements.Shape(
    roots=("robot",),
    scopes=frozenset({"robot", "suite"}),
    units=frozenset({"test", "kw", "stat"}),
    dropped=frozenset({"errors"}),
    inside={
        "test": frozenset({"status", "doc", "tags", "tag"}) | _STATEMENTS,
        "tags": frozenset({"tag"}),
        **dict.fromkeys(_STATEMENTS - {"var"}, _OWN),
        "var": frozenset({"var", "status"}),
        "arguments": frozenset({"arg"}),
    },
    limits={
        "stat": 1_024,
        "status": TEXT_LIMIT,
        "doc": TEXT_LIMIT,
        "tag": 1_024,
        "arg": 4_096,
        "msg": TEXT_LIMIT,
        "value": 4_096,
        "for/var": 1_024,
        "var/var": 4_096,
    },
    deep={"msg": _telling},
    deep_limit=PAGE_LIMIT,
)


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test (task) once, in document order, when the whole document was read.

    Times are local without offset; durations are their difference, or seconds. Raises Fault where the document is
    broken, unsafe or no output of Robot Framework.
    """
    with closing(Verdicts()) as verdicts:
        yield from elements.read(source, _SHAPE, _Reader(verdicts))


class _Reader(elements.TreeReader):
    def __init__(self, verdicts: Verdicts) -> None:
        super().__init__()
        self._verdicts = verdicts
        self._numbers: list[int] = []
        self._teardown: dict[int, XmlNode] = {}
        self._judge = True
        self._failed: str | None = None
        """Failed tests as the statistics of all tests have it."""

    def begin(self, scope: XmlNode, /) -> None:
        if scope.tag == "robot":
            self._judge = not scope.get("generator").upper().startswith("REBOT")
            return
        self._numbers.append(self._verdicts.suite())
        self._verdicts.name(self._numbers[-1], scope.get("name"))

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "stat":
            self._failed = self._failed or (unit.get("fail") if unit.text.strip() == "All Tests" else None)
        if not self._numbers:
            return
        if unit.tag == "test":
            self.cases += 1
            self._verdicts.wait(to_case(_test(unit), ()), self._numbers)
        elif unit.tag == "kw" and unit.get("type").lower() == "teardown":
            status = unit.first("status")
            if status is not None:
                self._verdicts.fall(self._numbers[-1], status.get("status"), status.text or _failures(unit))

    def end(self, scope: XmlNode, /) -> None:
        if scope.tag == "suite":
            self._numbers.pop()

    def last_words(self) -> Iterator[Case | Problem]:
        for item in self._verdicts.all(judge=self._judge):
            self.stated.see(item)
            yield item
        self.stated.add(self._failed)
        yield from super().last_words()


def _test(node: XmlNode) -> RobotTest:
    test = RobotTest(name=node.get("name"), line=node.line)
    tags, statements = [], []
    status = doc = None
    for child in node.children:
        tag = child.tag
        if tag in _STATEMENTS:
            statements.append(child)
        elif tag == "tag":
            tags.append(child.text.strip())
        elif tag == "tags":
            tags += [each.text.strip() for each in child.children]
        elif tag == "status":
            status = status or child
        elif tag == "doc":
            doc = doc or child
    test.tags = tuple(tags)
    if doc is not None:
        test.doc = doc.text.strip()
    heard = status is None or status.get("status") != "PASS"  # nobody asks what a test that passed logged
    test.items = [_item(each, test.pages, heard=heard) for each in statements]
    if status is not None:
        test.status, test.message = status.get("status"), status.text
        _time(test, status)
    return test


def _time(test: RobotTest, status: XmlNode) -> None:
    test.started = timestamp(status.get("start") or status.get("starttime"))
    test.finished = timestamp(status.get("endtime"))
    test.seconds = seconds(status.get("elapsed"))
    if test.seconds is None and test.started is not None and test.finished is not None:
        test.seconds = max(0.0, (test.finished - test.started).total_seconds())


def _item(node: XmlNode, pages: list[str], *, heard: bool) -> RobotItem:
    item = RobotItem(action=_action(node))
    arguments, status, messages, deep = [], None, [], False
    for child in node.children:
        tag = child.tag
        deep = deep or bool(child.children)
        if tag == "msg":
            messages.append(child)
            if "html" in child.attributes and _page(child.attributes):
                pages.append(child.text)
        elif tag == "status":
            status = status or child
        elif tag == "arg":
            arguments.append(child.text)
        elif tag == "arguments":
            arguments += [arg.text for arg in child.children]
    item.arguments = tuple(arguments)
    if status is not None:
        item.status, item.message = status.get("status"), status.text
    if deep:
        for child in node.children:
            _pages(child, pages)
    if heard or item.status == "FAIL":
        item.said += [(level, text) for each in messages if (level := each.get("level")) and (text := _text(each))]
    return item


def _text(message: XmlNode) -> str:
    return unpaged(message.text)[:TEXT_LIMIT] if _page(message.attributes) else message.text.strip()


_KINDS: Final = {"setup": "[Setup] ", "teardown": "[Teardown] ", "for": "FOR "}


def _action(node: XmlNode) -> str:
    name = node.get("name")
    match node.tag:
        case "kw":
            return _KINDS.get(node.get("type").lower(), "") + name if "type" in node.attributes else name
        case "for":
            named = [each.text.strip() for each in node.all("var")]
            return " ".join(("FOR", *named, node.get("flavor"), *(each.text.strip() for each in node.all("value"))))
        case "while":
            return f"WHILE {node.get('condition')}".rstrip()
        case "if":
            branch = node.first("branch")
            return f"IF {branch.get('condition') if branch is not None else ''}".rstrip()
        case "var" | "variable":
            return " ".join(("VAR", name, *(each.text.strip() for each in node.all("var"))))
        case _:
            return f"{node.tag.upper()} {name}".rstrip()


def _failures(keyword: XmlNode) -> str:
    return "\n".join(dict.fromkeys(message.text for message in keyword.all("msg") if message.get("level") == "FAIL"))


def _pages(node: XmlNode, pages: list[str]) -> None:
    pages += [
        child.text
        for child in node.children
        if child.tag == "msg" and "html" in child.attributes and _page(child.attributes)
    ]
    for child in node.children:
        if child.children:
            _pages(child, pages)
