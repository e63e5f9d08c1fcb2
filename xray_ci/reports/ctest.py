"""CTest's Test.xml. Knows elements and where they stand; knows nothing of Xray, files or settings.

A case's identity is the folder of the test within the build, a point and its name; the name alone at the top of the
build. Labels that are Test keys name the Test, all others are tags.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome
from xray_ci.reports import author_marks, elements, texts
from xray_ci.reports.texts import seconds, timestamp

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

_SHAPE: Final = elements.Shape(
    roots=("Site",),
    units=frozenset({"Test", "StartTestTime"}),
    dropped=frozenset({"TestList", "Build", "Configure", "Update", "Coverage"}),
    inside={
        "Test": frozenset({"Name", "Path", "Results", "Labels"}),
        "Labels": frozenset({"Label"}),
        "Results": frozenset({"NamedMeasurement", "Measurement"}),
        "NamedMeasurement": frozenset({"Value"}),
        "Measurement": frozenset({"Value"}),
    },
    limits={"Name": 4_096, "Path": 4_096, "Label": 1_024, "StartTestTime": 64, "Value": elements.TAIL},
)
_OUTCOMES: Final = {"passed": Outcome.PASSED, "failed": Outcome.FAILED, "notrun": Outcome.SKIPPED}


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield each test once; a test without a time of its own has that of the run.

    Raises Fault where the document is broken, unsafe or no CTest report.
    """
    yield from elements.read(source, _SHAPE, _Reader())


class _Reader(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._stamp: datetime | None = None

    def unit(self, unit: XmlNode, /) -> None:
        if unit.tag == "Test":
            self.add(_case(unit, self._stamp))
        else:
            self._stamp = timestamp(unit.text)


def _case(test: XmlNode, stamp: datetime | None) -> Case:
    outcome = _OUTCOMES.get(test.get("Status").lower()) or texts.unknown(test.get("Status"))
    measured = {
        each.get("name"): each.said("Value") for held in test.all("Results") for each in held.all("NamedMeasurement")
    }
    reason = "; ".join(filter(None, (measured.get("Completion Status"), _exit(measured))))
    folder = test.said("Path").removeprefix(".").strip("/")
    output = "" if outcome is Outcome.PASSED else _output(test)
    return Case(
        name=test.said("Name"),
        classname=folder or None,
        suite=(folder,) if folder else (),
        outcome=outcome,
        started=stamp,
        seconds=seconds(measured.get("Execution Time")),
        message=None if outcome is Outcome.PASSED else reason or None,
        output=output or None,
        marks=author_marks.of_tags(label.text for held in test.all("Labels") for label in held.all("Label")),
        line=test.line,
    )


def _exit(measured: dict[str, str]) -> str:
    code, value = measured.get("Exit Code", ""), measured.get("Exit Value", "")
    return f"{code} ({value})" if code and value else code or value


def _output(test: XmlNode) -> str:
    """Return what the test printed; compressed output is left out."""
    values = (value for held in test.all("Results") for each in held.all("Measurement") for value in each.all("Value"))
    return texts.tail("\n".join(value.text for value in values if not value.get("encoding")))
