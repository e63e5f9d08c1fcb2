"""ABAP Unit's `runResult`, as ADT's services answer it. Knows elements; knows nothing of Xray, files or settings.

A case is a test method: its class is the program and its test class (`ZCL_CART=>LTCL_CART`), as sapcli writes it in
JUnit XML. It passed where it has no alert; an alert's severity says how bad it is. Alerts of classes and programs are
notices.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome
from xray_ci.reports import elements, texts
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_ALERT: Final = frozenset({"title", "details", "stack"})
_SHAPE: Final = elements.Shape(
    roots=("runResult",),
    scopes=frozenset({"program", "testClass"}),
    units=frozenset({"testMethod", "alert"}),
    inside={
        "testMethod": frozenset({"alerts"}),
        "alerts": frozenset({"alert"}),
        "alert": _ALERT,
        "details": frozenset({"detail"}),
        "detail": frozenset({"details"}),
        "stack": frozenset({"stackEntry"}),
    },
    limits={"title": 4_096},
)
_SEVERE: Final = frozenset({"critical", "fatal"})
_PREREQUISITES: Final = "missing prerequisites"


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test method once; durations are seconds.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def unit(self, unit: XmlNode, /) -> None:
        names = tuple(_attribute(scope, "name") for scope in self.scopes)
        if unit.tag == "alert":
            if _outcome([unit]) is not Outcome.SKIPPED:
                self.outside("=>".join(names), unit.said("title"), unit.line)
            return
        alerts = [alert for held in unit.all("alerts") for alert in held.all("alert")]
        outcome = _outcome(alerts)
        unit_of_time = _attribute(unit, "unit") or "s"
        self.add(
            Case(
                suite=names,
                classname="=>".join(filter(None, names)) or None,
                name=_attribute(unit, "name"),
                outcome=outcome,
                seconds=seconds(f"{_attribute(unit, 'executionTime')}{unit_of_time}"),
                kind=texts.cut(_attribute(alerts[0], "kind"), 300) or None if alerts else None,
                message=alerts[0].said("title") or None if alerts else None,
                trace=texts.cut("\n".join(line for alert in alerts for line in _lines(alert))) or None,
                line=unit.line,
            )
        )


def _attribute(node: XmlNode, name: str) -> str:
    """Return an attribute whatever its prefix."""
    return next((value for key, value in node.attributes.items() if key.rpartition(":")[2] == name), "")


def _outcome(alerts: list[XmlNode]) -> Outcome:
    """Return what alerts make of a method: it failed by a severe one, and by none it passed."""
    if not alerts:
        return Outcome.PASSED
    severe = [alert for alert in alerts if _attribute(alert, "severity").lower() in _SEVERE]
    if severe:
        asserted = any(_attribute(alert, "kind").lower() == "failedassertion" for alert in severe)
        return Outcome.FAILED if asserted else Outcome.ERROR
    missing = all(
        _attribute(alert, "kind").lower() == "abortion" and alert.said("title").lower().startswith(_PREREQUISITES)
        for alert in alerts
    )
    return Outcome.SKIPPED if missing else Outcome.OTHER


def _lines(alert: XmlNode) -> Iterator[str]:
    yield from (text for held in alert.all("details") for text in _details(held))
    for held in alert.all("stack"):
        yield from (_attribute(entry, "description") for entry in held.all("stackEntry"))


def _details(node: XmlNode) -> Iterator[str]:
    """Yield the texts of details and those in them; how deep they nest is bounded with the document's depth."""
    for child in node.children:
        if child.tag == "detail":
            yield _attribute(child, "text")
        yield from _details(child)
