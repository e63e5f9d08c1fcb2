"""Ranorex's `.rxlog.data` (XML). Knows its activities; knows nothing of Xray, files or settings.

A case is an activity of type test case, at any depth: its class the suite and the folders around it. Rows of data are
results of one Test, test modules are steps, screenshots of errors are files beside the report. Its times are in the
language of the agent, so that they are read only where they are none's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Iteration, Outcome, Step
from xray_ci.reports import elements, members, texts, words
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

CHILD_LIMIT: Final = 2_000
"""Messages and steps kept of one test case."""
_SHAPE: Final = elements.Shape(
    roots=("report",),
    scopes=frozenset({"activity"}),
    units=frozenset({"item", "errmsg"}),
    inside={"item": frozenset({"message"})},
    limits={"message": 4_096, "errmsg": 4_096},
)
_RESULTS: Final = {
    "success": Outcome.PASSED,
    "failed": Outcome.FAILED,
    "ignored": Outcome.SKIPPED,
    "blocked": Outcome.SKIPPED,
}
_CASES: Final = frozenset({"test-case", "test case"})
_MODULES: Final = frozenset({"test-module", "test module"})
_AROUND: Final = frozenset({"setup-container", "teardown-container", "setup", "teardown"})
_BAD: Final = frozenset({"failure", "error"})


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test case when it ends. Durations are milliseconds.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def unit(self, unit: XmlNode, /) -> None:
        if self.scopes:
            self._keep(self.scopes[-1], unit)

    def end(self, scope: XmlNode, /) -> None:
        kind, outcome = scope.get("type"), words.outcome(scope.get("result"), _RESULTS)
        if kind in _CASES:
            self.add(_case(scope, outcome, self.scopes))
        elif kind in _MODULES and self.scopes:
            self._keep(self.scopes[-1], scope)
        elif kind in _AROUND and outcome in words.FAILURES:
            self.outside(kind, next(_said(scope), ""), scope.line)
        elif kind in {"root", "test-suite"} and outcome in words.FAILURES and not self.stated.read:
            self.stated.add(1)

    def _keep(self, scope: XmlNode, node: XmlNode) -> None:
        if len(scope.children) < CHILD_LIMIT:
            scope.children.append(node)
        else:
            self.left_out += 1


def _name(node: XmlNode) -> str:
    return node.get("testcontainername") or node.get("testcasename") or node.get("displayName")


def _case(test: XmlNode, outcome: Outcome, scopes: list[XmlNode]) -> Case:
    suite = [
        name
        for scope in scopes
        if scope.get("type") != "iteration-container"
        and (name := scope.get("testsuitename") or scope.get("foldername") or _name(scope))
    ]
    passed = outcome is Outcome.PASSED
    said = [] if passed else list(_said(test))
    row = test.get("iteration") or test.get("dataiteration")
    rows = (Iteration(outcome=outcome, name=texts.cut(row, 1_024), parameters=(("iteration", texts.cut(row, 1_024)),)),)
    shots = [item.get("errimg") for item in _items(test) if item.get("errimg")]
    return Case(
        suite=tuple(suite),
        classname=members.joined(*suite),
        name=_name(test),
        outcome=outcome,
        seconds=seconds(f"{test.get('durationms')}ms"),
        started=timestamp(test.get("timestamp")),
        message=said[0] if said else None,
        output=texts.tail("\n".join(said[1:])) or None,
        attachments=tuple(texts.named_file(path) for path in dict.fromkeys(shots))[: texts.ATTACHMENT_LIMIT],
        steps=tuple(_step(module) for module in test.all("activity")),
        iterations=rows if row else (),
        line=test.line,
    )


def _step(module: XmlNode) -> Step:
    outcome = words.outcome(module.get("result"), _RESULTS)
    return Step(
        action=texts.cut(module.get("modulename") or _name(module)) or "(module)",
        outcome=outcome,
        comment=None if outcome is Outcome.PASSED else next(_said(module), None),
    )


def _items(node: XmlNode) -> Iterator[XmlNode]:
    yield from node.all("item")
    for module in node.all("activity"):
        yield from _items(module)


def _said(node: XmlNode) -> Iterator[str]:
    """Yield what went wrong: errors of a test case and its modules, then their failed checks."""
    for child in node.children:
        if child.tag == "activity":
            yield from _said(child)
        elif (child.tag == "errmsg" and (text := child.text.strip())) or (
            child.get("level").lower() in _BAD and (text := child.said("message"))
        ):
            yield text
