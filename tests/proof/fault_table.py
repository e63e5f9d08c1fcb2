"""The table of the fault matrix at the end of a test run, by step and fault.

Exit code, requests, whether it was completed.

A plugin, because only the process that prints sees the tests of all workers: they send what they noted with their
outcome.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

NOTE = "fault"
HEAD = ("product", "step", "fault", "met", "exit", "requests", "then", "as promised")


def noted(row: list[object]) -> tuple[str, list[object]]:
    """Return what a test notes of one cell, for `record_property`."""
    return NOTE, row


def table(rows: Iterable[list[object]]) -> Iterator[str]:
    """Yield the lines of the table."""
    lines = [
        HEAD,
        *(
            tuple({True: "yes", False: "NO"}[cell] if isinstance(cell, bool) else str(cell) for cell in row)
            for row in rows
        ),
    ]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        yield "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table when the fault matrix ran."""
    rows = [
        value
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        for name, value in report.user_properties
        if name == NOTE
    ]
    if rows:
        terminalreporter.write_sep("=", f"fault matrix: {len(rows)} cells")
        for line in table(rows):
            terminalreporter.write_line(line)
