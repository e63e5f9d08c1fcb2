"""Behave JSON. Knows its members, and how it differs from Cucumber's: own statuses, tags without `@`, seconds.

One case a scenario or example row. A row is named `outline -- @1.1 examples` in the report; the case has the outline's
name, for all rows are results of one Test. The status of the scenario decides; where it has none, its steps do.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.model import Outcome
from xray_ci.reports import gherkin, texts
from xray_ci.reports.gherkin import tag_names
from xray_ci.reports.members import Members, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Case, Problem
    from xray_ci.reports.json_stream import Source

_ROW: Final = re.compile(r"(?P<outline>.*?) -- @\d+\.\d+(?: .*)?", re.DOTALL)


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each scenario and example row as a case, feature by feature, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or ends too early;
    what was yielded before must then be dropped.
    """
    yield from gherkin.read(source, "Behave JSON", _scenario)


def _scenario(element: Members, background: list[Members], line: int) -> Case:
    run = gherkin.ScenarioRun()
    steps = list(element.each("steps"))
    # Scenarios repeat the steps of their background, which stand alone once more, without results.
    for step in (*(step for step in background if "result" in step), *steps):
        _step(run, step)
    own = gherkin.outcome_of(element.text("status"))
    name, row = element.text("name") or "", None
    if found := _ROW.fullmatch(name):
        row, name = name, found["outline"]
    if own in {Outcome.ERROR, Outcome.FAILED} and all(step.outcome in {None, Outcome.PASSED} for step in run.steps):
        run.hook("a hook or a cleanup", element.text("status"), message=element.text("error_message"))
    return run.case(
        feature="",
        name=name,
        named=tag_names(element),
        keyword="Scenario",
        outline=row is not None,
        description=element.text("description"),
        outcome=own,
        line=line,
    )


def _step(run: gherkin.ScenarioRun, step: Members) -> None:
    result = step.inner("result")
    word, message, seconds = None, None, None
    if result is not None:
        word, message, seconds = result.text("status"), result.text("error_message"), result.seconds("duration")
    table = step.inner("table")
    rows = doc = None
    if table is not None:
        cells = [table.raw("headings"), *(table.raw("rows") if isinstance(table.raw("rows"), list) else ())]
        rows = texts.cut(gherkin.table([[said(cell) for cell in row] for row in cells if isinstance(row, list)]))
    if "text" in step:
        doc = step.text("text")
    keyword = (step.text("keyword") or "").strip()
    run.step(
        texts.cut(f"{keyword} {step.text('name') or ''}"), word, message=message, seconds=seconds, rows=rows, doc=doc
    )
    for embedding in step.each("embeddings"):
        data = embedding.text("data", limit=None)
        if data:
            run.attach(data, embedding.text("mime_type"), embedding.text("name"))
