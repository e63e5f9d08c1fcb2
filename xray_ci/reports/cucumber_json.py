"""Cucumber JSON of every tool that writes it: JVM, JavaScript, Ruby, Reqnroll, pytest-bdd.

Knows steps, hooks and what hangs on them.

One case a scenario or example row; what decides about it and how it is named is Gherkin's (see `gherkin`). Durations
are nanoseconds. `embeddings` are attachments, but for logged lines, which are output.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from xray_ci.reports import gherkin, texts
from xray_ci.reports.gherkin import tag_names
from xray_ci.reports.members import Members, said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xray_ci.model import Case, Problem
    from xray_ci.reports.json_stream import Source

NANOSECONDS: Final = 1e-9
_BARE: Final = frozenset({"keyword", "name", "line", "result", "match"})
"""Members of a step that neither holds nor does anything else; nearly every one is."""
_OUTLINE: Final = re.compile(r"outline|template", re.IGNORECASE)
_ROW: Final = re.compile(r"[^;]*;[^;]*;[^;]*;\d+")
"""The id of an example row, as JVM and Ruby write it."""


def read(source: Source) -> Iterator[Case | Problem]:
    """Yield each scenario and example row as a case, feature by feature, then notices.

    Raises Fault with the JSON path where the structure is wrong, and where the document is broken or ends too early;
    what was yielded before must then be dropped.
    """
    yield from gherkin.read(source, "Cucumber JSON", _scenario)


def _scenario(element: Members, background: list[Members], line: int) -> Case:
    run = gherkin.ScenarioRun()
    for hook in element.each("before"):
        _hook(run, hook, "Before hook")
    for step in (*background, *element.each("steps")):
        _step(run, step)
    for hook in element.each("after"):
        _hook(run, hook, "After hook")
    keyword = (element.text("keyword") or "").strip()
    outline = bool(_OUTLINE.search(keyword)) or _ROW.fullmatch(element.text("id") or "") is not None
    return run.case(
        feature="",
        name=element.text("name") or "",
        named=tag_names(element),
        keyword="Scenario" if outline else keyword,
        outline=outline,
        description=element.text("description"),
        started=element.time("start_timestamp"),
        line=line,
    )


def _step(run: gherkin.ScenarioRun, step: Members) -> None:
    keyword, name = (step.text("keyword") or "").strip(), step.text("name") or ""
    if step.raw("hidden") is True or not name.strip():
        _hook(run, step, f"{keyword or 'unnamed'} hook")
        return
    word, message, seconds = _result(step)
    if step.within(_BARE):
        run.step(texts.cut(f"{keyword} {name}"), word, message=message, seconds=seconds)
        return
    for hook in step.each("before"):
        _hook(run, hook, "Before step hook")
    rows, doc = _argument(step)
    run.step(texts.cut(f"{keyword} {name}"), word, message=message, seconds=seconds, rows=rows, doc=doc)
    _belongings(run, step)
    for hook in step.each("after"):
        _hook(run, hook, "After step hook")


def _hook(run: gherkin.ScenarioRun, hook: Members, name: str) -> None:
    word, message, seconds = _result(hook)
    match = hook.inner("match")
    location = match.text("location") if match is not None else None
    run.hook(texts.cut(f"{name} ({location})") if location else name, word, message=message, seconds=seconds)
    _belongings(run, hook)


def _result(step: Members) -> tuple[str | None, str | None, float | None]:
    result = step.inner("result")
    if result is None:
        return None, None, None
    return result.text("status"), result.text("error_message"), result.seconds("duration", NANOSECONDS)


def _argument(step: Members) -> tuple[str | None, str | None]:
    """Return the table and the text block of a step, in the spellings of all tools."""
    if not (step.raw("arguments") or step.raw("rows") or step.raw("doc_string")):
        return None, None
    holders = [step, *(step.each("arguments") if _objects(step.raw("arguments")) else ())]
    rows = doc = None
    for holder in holders:
        if isinstance(holder.raw("rows"), list):
            cells = [row.get("cells") if isinstance(row, dict) else row for row in holder.raw("rows")]
            rows = gherkin.table([[said(cell) for cell in row] for row in cells if isinstance(row, list)])
        if holder is not step and isinstance(holder.raw("content"), str):
            doc = holder.text("content")
    block = step.raw("doc_string")
    if isinstance(block, dict):
        doc = Members(block, "doc_string", step).text("value") or Members(block, "doc_string", step).text("content")
    return (texts.cut(rows) if rows else None), doc


def _objects(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _belongings(run: gherkin.ScenarioRun, step: Members) -> None:
    for embedding in step.each("embeddings"):
        media = embedding.raw("media")
        about = Members(media, "media", embedding) if isinstance(media, dict) else None
        kind = embedding.text("mime_type") or (about.text("type") if about is not None else None)
        encoded = True if about is not None and about.raw("encoding") == "base64" else None
        data = embedding.text("data", limit=None)
        if data:
            run.attach(data, kind, embedding.text("name"), encoded=encoded)
    output = step.raw("output")
    if output is None:
        return
    for line in output if isinstance(output, list) else [output]:
        if isinstance(line, str):
            run.log(line)
