"""JMeter's JTL, XML and CSV. Knows its fields; knows nothing of Xray, files or settings.

A case is a label: all its samples are runs of one Test, which failed where one of them did. Samples within a sample
belong to it, as they do for JMeter. The duration is the mean of the samples'.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from xray_ci.model import Case, Outcome
from xray_ci.reports import elements, lines, notices, texts, words, xml
from xray_ci.reports.notices import BROKEN, NOT_A_REPORT, UNSAFE, Fault
from xray_ci.reports.texts import bounded

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import BinaryIO

    from xray_ci.model import Problem
    from xray_ci.reports.elements import XmlNode

LABEL_LIMIT: Final = 20_000
"""Labels of one report: a name that holds an id or a time is no name of a Test."""
SAID_LIMIT: Final = 20
"""Failed samples of a label that are told of."""
_SAMPLES: Final = frozenset({"httpSample", "sample"})
_SHAPE: Final = elements.Shape(
    roots=("testResults",),
    units=_SAMPLES,
    inside={
        **dict.fromkeys(_SAMPLES, _SAMPLES | {"assertionResult"}),
        "assertionResult": frozenset({"failure", "error", "failureMessage"}),
    },
    limits={"failure": 16, "error": 16, "failureMessage": 4_096},
)
_SUCCESS: Final = {"true": Outcome.PASSED, "false": Outcome.FAILED}
_MILLISECOND: Final = 1e-3
_WORST: Final = (Outcome.FAILED, Outcome.ERROR, Outcome.OTHER, Outcome.PASSED)


@dataclass(slots=True)
class _Label:
    """What is known of a label's samples so far."""

    line: int
    samples: int = 0
    failed: int = 0
    outcome: Outcome = Outcome.PASSED
    milliseconds: float = 0.0
    first: float = float("inf")
    last: float = 0.0
    said: str = ""
    told: int = 0

    def see(self, outcome: Outcome, took: float, began: float, said: str) -> None:
        """Count a sample."""
        self.samples += 1
        self.outcome = min(self.outcome, outcome, key=_WORST.index)
        self.milliseconds += took
        if began:
            self.first, self.last = min(self.first, began), max(self.last, began + took)
        if outcome is not Outcome.PASSED:
            self.failed += 1
            if said and self.told < SAID_LIMIT:
                self.told += 1
                self.said = texts.cut(f"{self.said}\n{said}" if self.said else said)


def read(source: BinaryIO) -> Iterator[Case | Problem]:
    """Yield a result of each label when all samples were read, in the order of their first.

    Raises Fault where an XML document is broken, unsafe or of another tool; of a CSV file whose last line is cut the
    whole lines count.
    """
    begin = source.read(xml.HEAD)
    source.seek(0)
    if xml.head_text(begin).lstrip("\ufeff \t\r\n").startswith("<"):
        yield from elements.read(source, _SHAPE, _Xml())
    else:
        yield from _csv(source)


class _Labels:
    """The labels of a report."""

    def __init__(self) -> None:
        self._held: dict[str, _Label] = {}

    def see(self, label: str, line: int, success: str, fields: tuple[str, str], said: str) -> None:
        """Count a sample: its label and line, whether it succeeded, its duration and start in milliseconds."""
        held = self._held.get(label)
        if held is None:
            if len(self._held) >= LABEL_LIMIT:
                raise Fault(
                    UNSAFE, f"more than {LABEL_LIMIT} labels: names that change are no names of Tests", line=line
                )
            held = self._held[label] = _Label(line)
        took, began = (_number(text) for text in fields)
        held.see(words.outcome(success, _SUCCESS), took, began, said)

    def cases(self) -> Iterator[Case]:
        """Yield the result of each label."""
        for name, held in self._held.items():
            passed = held.outcome is Outcome.PASSED
            message = f"{held.failed} of {held.samples} samples did not succeed" if held.samples > 1 else None
            yield Case(
                name=name,
                outcome=held.outcome,
                seconds=bounded(held.milliseconds / held.samples * _MILLISECOND),
                started=_moment(held.first),
                finished=_moment(held.last),
                message=None if passed else message or held.said.partition("\n")[0] or None,
                trace=None if passed else held.said or None,
                line=held.line,
            )


class _Xml(elements.TreeReader):
    def __init__(self) -> None:
        super().__init__()
        self._labels = _Labels()

    def unit(self, unit: XmlNode, /) -> None:
        said = "; ".join(filter(None, (*_asserted(unit), f"{unit.get('rc')} {unit.get('rm')}".strip())))
        self._labels.see(
            unit.get("lb"), unit.line, unit.get("s"), (unit.get("t"), unit.get("ts")), texts.cut(said, 4_096)
        )

    def last_words(self) -> Iterator[Case | Problem]:
        for case in self._labels.cases():
            self.cases += 1
            yield case
        yield from super().last_words()


def _asserted(sample: XmlNode) -> Iterator[str]:
    for child in sample.children:
        if child.tag in _SAMPLES:
            yield from _asserted(child)
        elif "true" in {child.said("failure"), child.said("error")}:
            yield child.said("failureMessage")


def _csv(source: BinaryIO) -> Iterator[Case | Problem]:
    labels = _Labels()
    cut = None
    count = 0
    delimiter = _delimiter(source)
    rows = csv.reader((f"{line}\n" for line in _lines(source)), delimiter=delimiter)
    try:
        head = next(rows, [])
        if not {"label", "success"} <= set(head):
            raise Fault(NOT_A_REPORT, "its first line does not name the columns `label` and `success`", line=1)
        for row in rows:
            if cut is not None:
                raise Fault(BROKEN, f"a line has {cut[1]} columns and not {len(head)}", line=cut[0])
            if len(row) < len(head):
                cut = (rows.line_num, len(row)) if row else None
                continue
            said = dict(zip(head, row, strict=False))
            count += 1
            labels.see(
                said["label"],
                rows.line_num,
                said["success"],
                (said.get("elapsed", ""), said.get("timeStamp", "")),
                texts.cut(_told(said), 4_096),
            )
    except csv.Error as error:
        raise Fault(BROKEN, f"its CSV is broken ({error})", line=max(rows.line_num, 1)) from None
    yield from labels.cases()
    if cut is not None:
        yield notices.broken_run("its last line ends in the middle", line=cut[0])
    if not count:
        yield notices.no_cases()


def _told(said: Mapping[str, str]) -> str:
    code = f"{said.get('responseCode', '')} {said.get('responseMessage', '')}".strip()
    return "; ".join(filter(None, (said.get("failureMessage", ""), code)))


def _delimiter(source: BinaryIO) -> str:
    """Return what stands between the names of the first line, and leave the source at its start."""
    head = xml.head_text(source.read(xml.HEAD)).lstrip("\ufeff").partition("\n")[0]
    source.seek(0)
    return max(",;\t|", key=head.count)


def _lines(source: BinaryIO) -> Iterator[str]:
    return (line.replace("\0", "") for line in lines.lines(source))


def _number(text: str) -> float:
    return float(text) if text.isdecimal() and len(text) < 18 else 0.0  # noqa: PLR2004 - far more than any clock


def _moment(milliseconds: float) -> datetime | None:
    try:
        found = datetime.fromtimestamp(milliseconds * _MILLISECOND, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if 1970 < found.year < 9_998 else None  # noqa: PLR2004 - "not set"
