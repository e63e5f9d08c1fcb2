"""JSON of features that hold scenarios: Cucumber's and Behave's shape around them. Knows features, nothing of what is in a scenario.

A background that stands before a scenario as an element of its own is handed over with it. Some tools write a feature's name
behind its scenarios: those wait, on disk when they are many.
"""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Final

import msgspec

from xray_ci.model import MarkKind
from xray_ci.reports import remarks, tag_meaning
from xray_ci.reports.fault import BROKEN, NOT_A_REPORT, Fault
from xray_ci.reports.json_stream import Source, Window
from xray_ci.reports.objects import Members
from xray_ci.reports.spill import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from xray_ci.model import Case, Mark, Problem

    Scenario: TypeAlias = Callable[[Members, list[Members]], Case]

_HEAD: Final = frozenset({"name", "tags", "uri", "id", "location"})
_CREATING: Final = frozenset({MarkKind.SCENARIO, MarkKind.DESCRIPTION})


def read(source: Source, title: str, scenario: Scenario) -> Iterator[Case | Problem]:
    """Yield the case that `scenario` makes of each element and the steps of the background before it, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or ends too early; what was
    yielded before must then be dropped.
    """
    window = Window(source)
    if window.peek() not in {"[", ""}:
        raise Fault(NOT_A_REPORT if window.peek() == "{" else BROKEN, f"{title} is a list of features")
    count = 0
    for number, _ in enumerate(window.elements()):
        for case in _Feature(window, number, scenario).cases():
            count += 1
            yield msgspec.structs.replace(case, line=count)
    window.finish()
    if not count:
        yield remarks.no_cases()


def tag_names(holder: Members) -> list[str]:
    """Return the tags of a feature or scenario: objects with a name, or plain texts."""
    found = holder.raw("tags")
    if not isinstance(found, list):
        return []
    names = [each.get("name") if isinstance(each, dict) else each for each in found]
    return [name for name in names if isinstance(name, str)]


class _Feature:
    """One feature while it streams by."""

    def __init__(self, window: Window, number: int, scenario: Scenario) -> None:
        self._window = window
        self._path = f"[{number}]"
        self._scenario = scenario
        self._head: dict[str, object] = {}
        self._background: list[Members] = []
        self._title = ""
        self._above: tuple[Mark, ...] | None = None
        """What its tags say, once its head is complete."""

    def cases(self) -> Iterator[Case]:
        window = self._window
        if window.peek() not in {"{", ""}:
            raise Fault(BROKEN, f"{self._path} is no object, but a feature should be there")
        with closing(Waiting()) as waiting:
            for name in window.members():
                if name != "elements":
                    value = window.value()
                    if name in _HEAD:
                        self._head[name] = value
                elif window.peek() != "[":
                    if window.value() is not None:
                        raise Fault(BROKEN, f"{self._path}.elements is no list")
                elif {"name", "tags"} <= self._head.keys():
                    yield from map(self._completed, self._elements())
                else:
                    for case in self._elements():
                        waiting.add("", case)
            for _, case in waiting.all():
                yield self._completed(case)

    def _elements(self) -> Iterator[Case]:
        for index, _ in enumerate(self._window.elements()):
            element = Members(self._window.value(), f"{self._path}.elements[{index}]")
            if _is_background(element):
                self._background = [*element.each("before"), *element.each("steps"), *element.each("after")]
                continue
            yield self._scenario(element, self._background)
            self._background = []

    def _completed(self, case: Case) -> Case:
        """Return a case with what its feature says: its name, and tags that some tools do not repeat on the scenario."""
        if self._above is None:
            head = Members(self._head, self._path)
            self._title = head.text("name") or head.text("uri") or head.text("id") or head.text("location") or ""
            self._above = tag_meaning.marks(tag_names(head))
        feature, above = self._title, self._above
        marks = tuple(dict.fromkeys((*above, *case.marks)))
        if tag_meaning.has_key(above):
            marks = tuple(mark for mark in marks if mark.kind not in _CREATING)
        return msgspec.structs.replace(case, suite=(feature,) if feature else (), classname=feature or None, marks=marks)


def _is_background(element: Members) -> bool:
    return "background" in {element.text("type"), (element.text("keyword") or "").strip().lower()}
