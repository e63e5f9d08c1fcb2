"""Qt Test's XML. Knows elements and where they stand; knows nothing of Xray, files or settings.

One case for each test function, `initTestCase` and `cleanupTestCase` among them; its rows of data are iterations. Its
identity is the test class's name, a point, and its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import TEXT_LIMIT, Case, Iteration, Outcome
from xray_ci.reports import elements, texts
from xray_ci.reports.texts import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_SHAPE: Final = elements.Shape(
    roots=("TestCase",),
    scopes=frozenset({"TestCase"}),
    units=frozenset({"TestFunction"}),
    inside={
        "TestFunction": frozenset({"Incident", "Message", "Duration"}),
        "Incident": frozenset({"DataTag", "Description"}),
        "Message": frozenset({"DataTag", "Description"}),
    },
    limits={"DataTag": 1_024, "Description": TEXT_LIMIT},
)
_OUTCOMES: Final = {
    "fail": Outcome.FAILED,
    "xpass": Outcome.FAILED,
    "skip": Outcome.SKIPPED,
    "pass": Outcome.PASSED,
    "xfail": Outcome.PASSED,
    "bpass": Outcome.PASSED,
    "bxfail": Outcome.PASSED,
}
"""By incident; those of blacklisted tests that fail count for nothing: other."""
_WORST: Final = (Outcome.FAILED, Outcome.OTHER, Outcome.SKIPPED, Outcome.PASSED)


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test function once. Durations are milliseconds.

    Raises Fault where the document is broken, unsafe or of another tool.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def unit(self, unit: XmlNode, /) -> None:
        self.add(_case(unit, self.scopes[-1].get("name")))


def _case(function: XmlNode, owner: str) -> Case:
    told = [each for each in function.children if each.tag == "Incident" or each.get("type") == "skip"]
    rows: dict[str, Outcome] = {}
    for each in told:
        row = each.said("DataTag")
        rows[row] = _worse(rows.get(row), _OUTCOMES.get(each.get("type"), Outcome.OTHER))
    outcome = min(rows.values(), key=_WORST.index, default=Outcome.OTHER)
    reasons = [each for each in told if _OUTCOMES.get(each.get("type")) is outcome and each.said("Description")]
    words = [": ".join(filter(None, (each.said("DataTag"), each.said("Description")))) for each in reasons]
    duration = function.first("Duration")
    output = "\n".join(
        f"{each.get('type')}: {each.said('Description')}"
        for each in function.all("Message")
        if each.get("type") != "skip"
    )
    passed = outcome is Outcome.PASSED
    return Case(
        suite=(owner,),
        classname=owner or None,
        name=function.get("name"),
        outcome=outcome,
        seconds=seconds(f"{duration.get('msecs')}ms" if duration is not None else ""),
        message=words[0] if words and not passed else None,
        trace=_where(reasons) if not passed else None,
        output=None if passed else texts.tail(output) or None,
        iterations=tuple(
            Iteration(outcome=each, name=row, parameters=(("data", row),)) for row, each in rows.items() if row
        ),
        line=function.line,
    )


def _worse(one: Outcome | None, other: Outcome) -> Outcome:
    return other if one is None else min(one, other, key=_WORST.index)


def _where(reasons: list[XmlNode]) -> str | None:
    return (
        texts.cut("\n".join(f"{each.get('file')}:{each.get('line')}: {each.said('Description')}" for each in reasons))
        or None
    )
