"""Robot Framework's output.xml, versions 3 to 7. Knows elements and where they stand; knows nothing of Xray, files or settings.

Outcomes are those that Robot itself comes to: a suite teardown that fails, fails the tests below it, whatever their own status says. Steps
are the keywords and control structures at the top level of a test.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case
from xray_ci.reports import units
from xray_ci.reports.robot_case import TROUBLES, Item, Test, to_case, unpaged
from xray_ci.reports.robot_verdicts import Verdicts
from xray_ci.reports.times import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.units import Node

PAGE_LIMIT: Final = 33_554_432
"""Characters kept of one logged page, which may hold a screenshot in base64."""
_STATEMENTS: Final = frozenset({"kw", "for", "if", "try", "while", "group", "var", "return", "continue", "break", "error", "variable"})
_OWN: Final = frozenset({"status", "arg", "arguments", "msg", "value", "var", "branch"})


def _page(attributes: dict[str, str]) -> bool:
    return attributes.get("html") in {"true", "yes"}


def _telling(attributes: dict[str, str]) -> bool:
    return _page(attributes) or attributes.get("level") in TROUBLES


_SHAPE: Final = units.Shape(
    roots=("robot",), scopes=frozenset({"robot", "suite"}), units=frozenset({"test", "kw"}),
    dropped=frozenset({"statistics", "errors"}),
    inside={"test": frozenset({"status", "doc", "tags", "tag"}) | _STATEMENTS, "tags": frozenset({"tag"}),
            **dict.fromkeys(_STATEMENTS - {"var"}, _OWN), "var": frozenset({"var", "status"}), "arguments": frozenset({"arg"})},
    limits={"status": TEXT_LIMIT, "doc": TEXT_LIMIT, "tag": 1_024, "arg": 4_096, "msg": TEXT_LIMIT, "value": 4_096, "for/var": 1_024,
            "var/var": 4_096},
    deep={"msg": _telling}, deep_limit=PAGE_LIMIT)


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test (task) once, in document order, when the whole document was read.

    Times are local without offset; durations are their difference, or seconds. Raises Fault where the document is broken, hostile or no
    output of Robot Framework.
    """
    with closing(Verdicts()) as verdicts:
        yield from units.read(source, _SHAPE, _Reader(verdicts))


class _Reader(units.Reader):
    def __init__(self, verdicts: Verdicts) -> None:
        super().__init__()
        self._verdicts = verdicts
        self._numbers: list[int] = []
        self._teardown: dict[int, Node] = {}
        self._judge = True

    def begin(self, scope: Node, /) -> None:
        if scope.tag == "robot":
            self._judge = not scope.get("generator").upper().startswith("REBOT")
            return
        self._numbers.append(self._verdicts.suite())
        self._verdicts.name(self._numbers[-1], scope.get("name"))

    def unit(self, unit: Node, /) -> None:
        if not self._numbers:
            return
        if unit.tag == "test":
            self.cases += 1
            self._verdicts.wait(to_case(_test(unit), ()), self._numbers)
        elif unit.tag == "kw" and unit.get("type").lower() == "teardown":
            status = unit.first("status")
            if status is not None:
                self._verdicts.fall(self._numbers[-1], status.get("status"), status.text or _failures(unit))

    def end(self, scope: Node, /) -> None:
        if scope.tag == "suite":
            self._numbers.pop()

    def last_words(self) -> Iterator[Case | Problem]:
        yield from self._verdicts.all(judge=self._judge)
        yield from super().last_words()


def _test(node: Node) -> Test:
    test = Test(name=node.get("name"), doc=node.said("doc"), line=node.line)
    test.tags = tuple(tag.text.strip() for tag in (*node.all("tag"), *(tag for held in node.all("tags") for tag in held.all("tag"))))
    status = node.first("status")
    if status is not None:
        test.status, test.message = status.get("status"), status.text
        _time(test, status)
    for child in node.all(*_STATEMENTS):
        test.items.append(_item(child))
        _pages(child, test.pages)
    return test


def _time(test: Test, status: Node) -> None:
    test.started = timestamp(status.get("start") or status.get("starttime"))
    test.finished = timestamp(status.get("endtime"))
    test.seconds = seconds(status.get("elapsed"))
    if test.seconds is None and test.started is not None and test.finished is not None:
        test.seconds = max(0.0, (test.finished - test.started).total_seconds())


def _item(node: Node) -> Item:
    status = node.first("status")
    arguments = [arg.text for arg in node.all("arg")] + [arg.text for held in node.all("arguments") for arg in held.all("arg")]
    said = [(message.get("level"), _text(message)) for message in node.all("msg") if message.get("level")]
    return Item(action=_action(node), arguments=tuple(arguments), status=status.get("status") if status is not None else "",
                message=status.text if status is not None else "", said=[entry for entry in said if entry[1]])


def _text(message: Node) -> str:
    return unpaged(message.text)[:TEXT_LIMIT] if _page(message.attributes) else message.text.strip()


def _action(node: Node) -> str:
    kind = node.get("type").lower()
    name = node.get("name")
    match node.tag:
        case "kw":
            return {"setup": "[Setup] ", "teardown": "[Teardown] ", "for": "FOR "}.get(kind, "") + name
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


def _failures(keyword: Node) -> str:
    return "\n".join(dict.fromkeys(message.text for message in keyword.all("msg") if message.get("level") == "FAIL"))


def _pages(node: Node, pages: list[str]) -> None:
    pages += [child.text for child in node.children if child.tag == "msg" and _page(child.attributes)]
    for child in node.children:
        if child.children:
            _pages(child, pages)
