"""What a `gherkinDocument` message says of scenarios: where they stand, and their text. Knows the tree of Gherkin, no results."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xray_ci.model import TEXT_LIMIT
from xray_ci.reports import gherkin, texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.reports.objects import Members

Kept = tuple[str, object]
"""A name, and what is kept under it."""


def kept(document: Members) -> Iterator[Kept]:
    """Yield for each step its keyword (`step:<id>`), for each scenario what is known of it (`node:<id>`).

    A scenario is a list: feature, rule or "", keyword, description, whole text.
    """
    feature = document.inner("feature")
    if feature is None:
        return
    title = feature.text("name") or document.text("uri") or ""
    before: list[str] = []
    for child in feature.each("children"):
        rule = child.inner("rule")
        if rule is None:
            yield from _child(child, title, "", before)
            continue
        inside = list(before)
        for grandchild in rule.each("children"):
            yield from _child(grandchild, title, rule.text("name") or "", inside)


def _child(child: Members, feature: str, rule: str, before: list[str]) -> Iterator[Kept]:
    background = child.inner("background")
    if background is not None:
        yield from _keywords(background)
        before += _lines(background)
    scenario = child.inner("scenario")
    if scenario is None:
        return
    yield from _keywords(scenario)
    keyword = scenario.text("keyword") or "Scenario"
    text = "\n".join([f"{keyword}: {scenario.text('name') or ''}", *before, *_lines(scenario), *_examples(scenario)])
    yield f"node:{scenario.text('id') or ''}", [feature, rule, keyword, texts.cut(scenario.text("description") or ""), texts.cut(text)]


def _keywords(holder: Members) -> Iterator[Kept]:
    for step in holder.each("steps"):
        yield f"step:{step.text('id') or ''}", step.text("keyword") or ""


def _lines(holder: Members) -> list[str]:
    found: list[str] = []
    for step in holder.each("steps"):
        found.append(f"  {(step.text('keyword') or '').strip()} {step.text('text') or ''}".rstrip())
        rows, doc = argument(step)
        found += [f"    {line}" for line in (rows or "").splitlines()]
        if doc is not None:
            found += ['    """', *(f"    {line}" for line in doc.splitlines()), '    """']
    return found


def argument(step: Members) -> tuple[str | None, str | None]:
    """Return the table and the text block of a step, of the tree or of a pickle's `argument`."""
    table, block = step.inner("dataTable"), step.inner("docString")
    rows = gherkin.table([_cells(row) for row in table.each("rows")]) if table is not None else None
    return texts.cut(rows, TEXT_LIMIT) if rows else None, block.text("content") or "" if block is not None else None


def _cells(row: Members) -> list[str]:
    return [cell.text("value") or "" for cell in row.each("cells")]


def _examples(scenario: Members) -> list[str]:
    found: list[str] = []
    for examples in scenario.each("examples"):
        header = examples.inner("tableHeader")
        rows = [_cells(row) for row in ([header] if header is not None else []) + list(examples.each("tableBody"))]
        found += ["", f"  {examples.text('keyword') or 'Examples'}: {examples.text('name') or ''}".rstrip(),
                  *(f"    {line}" for line in gherkin.table(rows).splitlines())]
    return found
