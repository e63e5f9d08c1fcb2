"""The table of the corpus at the end of a test run: what became of its samples, format by format.

Knows what `test_corpus` notes.

A plugin, because only the process that prints sees the tests of all workers: they send what they noted with their
outcome.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import pytest
from report_reading import NUMBERS, Seen

NOTE = "corpus"
FATES = ("ok", "repaired", "refused")


@dataclass
class Row:
    """The samples of one format."""

    samples: set[str] = field(default_factory=set)
    fates: Counter[str] = field(default_factory=Counter)
    numbers: Counter[str] = field(default_factory=Counter)
    different: int = 0

    def add(self, sample: str, fate: str, numbers: list[int], *, equal: bool) -> None:
        """Count a sample; one that lies in both folders counts once."""
        self.different += not equal
        if sample not in self.samples:
            self.samples.add(sample)
            self.fates[fate] += 1
            self.numbers.update(dict(zip(NUMBERS, numbers, strict=True)))

    def cells(self, title: str) -> list[str]:
        """Return the row as text."""
        counted = [len(self.samples), *(self.fates[fate] for fate in FATES), *(self.numbers[name] for name in NUMBERS)]
        return [
            title,
            *(f"{number:,}" if number else "-" for number in counted),
            "yes" if not self.different else f"{self.different} NOT",
        ]


def noted(name: str, format: str, report: Seen) -> tuple[str, list[object]]:  # noqa: A002 - as the product calls it
    """Return what a test notes of a sample, for `record_property`."""
    fate = "refused" if report.refused else "repaired" if report.restarts else "ok"
    return NOTE, [format, name, fate, [number or 0 for number in report.totals.values()]]


def table(notes: Iterable[tuple[list[object], bool]]) -> Iterator[str]:
    """Yield the lines of the table from what was noted and whether the test that did passed."""
    rows: dict[str, Row] = {}
    for (format_, name, fate, numbers), equal in notes:
        for title in (str(format_), "all"):
            rows.setdefault(title, Row()).add(str(name), str(fate), numbers, equal=equal)  # type: ignore[arg-type]
    whole = [rows.pop("all").cells("all")] if rows else []
    lines = [
        ["format", "samples", *FATES, *NUMBERS, "as expected"],
        *(rows[key].cells(key) for key in sorted(rows)),
        *whole,
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for first, *others in lines:
        yield "  ".join(
            [first.ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(others, widths[1:], strict=True))]
        )


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table when tests of the corpus ran."""
    notes = [
        (value, report.passed)
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == NOTE
    ]
    if notes:
        terminalreporter.write_sep("=", "corpus of reports")
        for line in table(notes):
            terminalreporter.write_line(line)
