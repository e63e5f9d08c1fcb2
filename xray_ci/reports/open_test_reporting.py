"""Open Test Reporting, both of its XML languages: events, and a hierarchy.

Knows their elements and those that JUnit adds.

A case is an element of type TEST, or one without children where nothing says its type; its identity is the Java method
that it was read from (class and name, as Surefire writes it), else the names around it and its own. Invocations of a
method are results of one Test. Containers that failed are notices. Entries that a test reported are properties named
like JUnit's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Iteration, Outcome
from xray_ci.reports import author_marks, elements, members, notices, texts, words
from xray_ci.reports.texts import bounded, seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Attachment, Mark, Problem
    from xray_ci.reports.elements import XmlNode

CHILD_LIMIT: Final = 1_000
"""Elements kept of one test's reports."""
_PARTS: Final = frozenset({"metadata", "sources", "attachments", "result"})
_SHAPE: Final = elements.Shape(
    roots=("events", "execution"),
    scopes=frozenset({"root", "child"}),
    units=frozenset({"started", "reported", "finished", *_PARTS}),
    dropped=frozenset({"infrastructure"}),
    inside={
        **dict.fromkeys(("started", "reported", "finished"), _PARTS),
        "metadata": frozenset({"tags", "type"}),
        "tags": frozenset({"tag"}),
        "sources": frozenset({"methodSource"}),
        "attachments": frozenset({"data", "file", "output"}),
        "data": frozenset({"entry"}),
        "result": frozenset({"reason", "throwable"}),
    },
    limits={
        "tag": 1_024,
        "type": 64,
        "entry": TEXT_LIMIT,
        "output": elements.TAIL,
        "reason": TEXT_LIMIT,
        "throwable": TEXT_LIMIT,
    },
)
_STATUS: Final = {
    "successful": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "errored": Outcome.ERROR,
    "skipped": Outcome.SKIPPED,
    "aborted": Outcome.SKIPPED,
}
"""ABORTED is a test whose assumption did not hold: the other reports of JUnit say that it was skipped."""


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test when it ends, then notices.

    Raises Fault where the document is broken, unsafe or in another language.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._open: dict[str, XmlNode] = {}
        """Started elements by their id."""
        self._parents: set[int] = set()
        """Elements, by their place in memory, that have children."""

    def begin(self, _scope: XmlNode, /) -> None:
        if len(self.scopes) > 1:
            self._parents.add(id(self.scopes[-2]))

    def end(self, scope: XmlNode, /) -> None:
        self._ended(scope, self.scopes)

    def unit(self, unit: XmlNode, /) -> None:
        name = unit.get("id")
        if unit.tag in _PARTS:
            if self.scopes and len(self.scopes[-1].children) < CHILD_LIMIT:
                self.scopes[-1].children.append(unit)
        elif unit.tag == "started":
            self._open[name] = unit
            if (above := self._open.get(unit.get("parentId"))) is not None:
                self._parents.add(id(above))
        elif (held := self._open.get(name)) is not None:
            if len(held.children) < CHILD_LIMIT or unit.tag == "finished":
                held.children += unit.children
            if unit.tag == "finished":
                held.attributes["finished"] = unit.get("time")
                self._ended(held, self._above(held))
                self._open.pop(name)

    def last_words(self) -> Iterator[Case | Problem]:
        for held in list(self._open.values()):
            self._ended(held, self._above(held))
        if self._open:
            self.done.append(notices.broken_run("some tests began and never ended"))
        yield from self.done
        yield from super().last_words()

    def _above(self, held: XmlNode) -> list[XmlNode]:
        found: list[XmlNode] = []
        while (above := self._open.get(held.get("parentId"))) is not None and len(found) < 100 and above is not held:  # noqa: PLR2004 - a circle ends
            found.insert(0, above)
            held = above
        return found

    def _ended(self, node: XmlNode, above: list[XmlNode]) -> None:
        kind = next((part.said("type") for part in node.all("metadata") if part.first("type")), "")
        parent = id(node) in self._parents
        self._parents.discard(id(node))
        result = node.first("result")
        if (kind.startswith("CONTAINER") and kind != "CONTAINER_AND_TEST") or (parent and "TEST" not in kind):
            outcome = words.outcome(result.get("status"), _STATUS) if result is not None else Outcome.PASSED
            if outcome in words.FAILURES:
                self.outside(node.get("name"), _reason(result) or _trace(result), node.line)
            elif outcome is Outcome.SKIPPED and not parent:
                self.done.append(
                    notices.notice(
                        "outside-case",
                        f"{node.get('name')[:300]} was skipped as a whole, so its tests are not in the report",
                        line=node.line,
                    )
                )
        else:
            self.add(_case(node, result, tuple(each.get("name") for each in above)))


def _case(node: XmlNode, result: XmlNode | None, suite: tuple[str, ...]) -> Case:
    outcome = words.outcome(result.get("status"), _STATUS) if result is not None else Outcome.ERROR
    method = next((part.first("methodSource") for part in node.all("sources") if part.first("methodSource")), None)
    name, classname = node.get("name"), members.joined(*suite[1:])
    shown = name
    if method is not None and method.get("className") and method.get("methodName"):
        name, classname = method.get("methodName"), method.get("className")
    passed = outcome is Outcome.PASSED
    trace = "" if passed else _trace(result)
    started, finished = timestamp(node.get("time") or node.get("start")), timestamp(node.get("finished"))
    took = seconds(node.get("duration"))
    if (
        took is None
        and started is not None
        and finished is not None
        and (started.tzinfo is None) is (finished.tzinfo is None)
    ):
        took = bounded((finished - started).total_seconds())
    printed = [output.text for part in node.all("attachments") for output in part.all("output")]
    row = method is not None and shown.removesuffix("()") != name and shown[:1] == "["
    return Case(
        suite=suite,
        name=name,
        classname=classname,
        outcome=outcome,
        seconds=took,
        started=started,
        finished=finished,
        kind=members.kind_of(trace.partition("\n")[0]),
        message=None if passed else _reason(result) or trace.partition("\n")[0] or None,
        trace=trace or None,
        output=None if passed else texts.tail("\n".join(printed)) or None,
        attachments=tuple(_files(node)),
        marks=_marks(node),
        iterations=(Iteration(outcome=outcome, name=texts.cut(shown, 1_024)),) if row else (),
        line=node.line,
    )


def _reason(result: XmlNode | None) -> str:
    return result.said("reason") if result is not None else "it began and never ended"


def _trace(result: XmlNode | None) -> str:
    return result.said("throwable") if result is not None else ""


def _files(node: XmlNode) -> Iterator[Attachment]:
    for part in node.all("attachments"):
        yield from (texts.named_file(file.get("path")) for file in part.all("file") if file.get("path"))


def _marks(node: XmlNode) -> tuple[Mark, ...]:
    tags = [tag.text for part in node.all("metadata") for held in part.all("tags") for tag in held.all("tag")]
    said = [entry for part in node.all("attachments") for data in part.all("data") for entry in data.all("entry")]
    found = [
        *author_marks.of_tags(tags),
        *(mark for entry in said for mark in author_marks.of_annotation(entry.get("key"), entry.text)),
    ]
    return tuple(dict.fromkeys(found))
