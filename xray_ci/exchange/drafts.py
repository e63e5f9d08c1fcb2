"""A file of Tests that are to be made: YAML, JSON or CSV, in our words or those of Xray's bulk import.

The file is anybody's: its size, depth and names are bounded, and all that is wrong is told before anything is sent.
Knows no service.
"""

from __future__ import annotations

import csv
import io
import json
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from msgspec import Struct

from xray_ci.errors import NoReports, UnusableFile, many
from xray_ci.safefiles import open_named
from xray_ci.services.store import KEY
from xray_ci.settings import problems, yamltext

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from xray_ci.pipeline.job import Job

_LARGEST: Final = 50_000_000
"""Bytes of a file of Tests; one of YAML has the bound of any YAML."""
_SUMMARY: Final = 255
"""Characters of a summary (D, Jira)."""
_NAMES: Final = {
    "key": "key",
    "project": "project",
    "summary": "summary",
    "description": "description",
    "labels": "labels",
    "type": "type",
    "testtype": "type",
    "definition": "definition",
    "unstructured_def": "definition",
    "scenario": "scenario",
    "gherkin_def": "scenario",
    "steps": "steps",
    "folder": "folder",
    "test_repository_folder": "folder",
    "sets": "sets",
    "test_sets": "sets",
    "fields": "fields",
}
"""What a Test may have, in our words and those of Xray's bulk import, there with `xray_` in front, too (D)."""
_COLUMNS: Final = frozenset(_NAMES) - {"steps", "fields"} | {"action", "data", "result"}
_OF_JIRA: Final = ("project", "summary", "description", "labels")
"""What Xray's bulk import also takes among the fields of Jira (D)."""
_TEXTS: Final = ("key", "project", "summary", "description", "type", "definition", "scenario", "folder")
_STEP: Final = ("action", "data", "result")


class Draft(Struct, frozen=True, kw_only=True):
    """A Test that is to be made."""

    place: str
    """Where it stands in the file, for people."""
    key: str = ""
    project: str
    summary: str
    type: str
    description: str = ""
    labels: tuple[str, ...] = ()
    definition: str = ""
    scenario: str = ""
    steps: tuple[dict[str, str], ...] = ()
    folder: str = ""
    sets: tuple[str, ...] = ()
    """Keys of Test Sets that it joins."""
    fields: dict[str, Any] = {}  # msgspec copies it
    """Any Jira fields."""

    @property
    def identity(self) -> tuple[str, str, str]:
        """What it is found again by."""
        return (self.project, self.type.lower(), self.summary)


def read(job: Job, path: Path, name: str) -> list[Draft]:
    """Return the Tests of a file; `name` is how people know it. Raises UnusableFile, NoReports for an empty one."""
    return _drafts(job, _entries(path, name, job.settings.workspace))


def _entries(path: Path, name: str, workspace: Path) -> list[tuple[str, object]]:
    """Return what a file holds, each with its place; raises UnusableFile for what is no list of Tests."""
    form = path.suffix.lower()
    if form not in (".yaml", ".yml", ".json", ".csv"):
        raise UnusableFile("the name of a file of Tests ends in .yaml, .json or .csv", where=name)
    try:
        with open_named(path, workspace) as file:
            data = file.read(_LARGEST + 1)
        text = data.decode("utf-8-sig")
    except OSError as error:
        raise UnusableFile(f"it cannot be read: {error.strerror or error}", where=name) from error
    except UnicodeDecodeError:
        raise UnusableFile("it is not UTF-8", where=name) from None
    if len(data) > _LARGEST:
        raise UnusableFile(f"it is larger than {_LARGEST:,} bytes", where=name)
    found = _of_csv(text, name) if form == ".csv" else _of_json(text, name) if form == ".json" else _of_yaml(text, name)
    if not found:
        raise NoReports(
            "there is no Test in the file", where=name, advice="Write a list of Tests, each with `summary`."
        )
    return found


def _of_json(text: str, name: str) -> list[tuple[str, object]]:
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise UnusableFile(f"it is no JSON: {error}"[:300], where=name) from None
    listed = document.get("tests") if isinstance(document, dict) else document
    if not isinstance(listed, list):
        raise UnusableFile("it is no list of Tests, and no object with such a list in `tests`", where=name)
    return [(f"tests[{place}]", each) for place, each in enumerate(listed)]


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")


def _of_yaml(text: str, name: str) -> list[tuple[str, object]]:
    try:
        root = yamltext.read(text)
    except yamltext.NotYamlError as error:
        raise UnusableFile(f"it {error.what}", where=f"{name}, line {error.line}") from None
    listed = root.entries.get("tests") if root is not None and root.entries is not None else root
    if root is not None and (listed is None or listed.items is None):
        raise UnusableFile("it is no list of Tests, and no mapping with such a list in `tests`", where=name)
    return [(f"line {each.line}", each.json()) for each in (listed.items or () if listed is not None else ())]


def _of_csv(text: str, name: str) -> list[tuple[str, object]]:
    """Return rows as Tests; one without summary holds another step of the Test above it."""
    head = text.partition("\n")[0]
    table = csv.reader(io.StringIO(text, newline=""), delimiter=";" if head.count(";") > head.count(",") else ",")
    csv.field_size_limit(_LARGEST)
    found: list[tuple[str, dict[str, Any]]] = []
    try:
        columns = [each.strip().lower() for each in next(table, [])]
        if unknown := [each for each in columns if each.removeprefix("xray_") not in _COLUMNS]:
            known = ", ".join(sorted(_COLUMNS))
            raise UnusableFile(f"there is no column {problems.shown(unknown[0])}; there are {known}", where=name)
        for row in table:
            if len(row) > len(columns):
                raise UnusableFile("this row has more cells than the head has", where=f"{name}, line {table.line_num}")
            _put(found, dict(zip(columns, row, strict=False)), table.line_num)
    except csv.Error as error:
        raise UnusableFile(f"it is no CSV: {error}", where=f"{name}, line {table.line_num}") from None
    return list(found)


def _put(found: list[tuple[str, dict[str, Any]]], row: dict[str, str], line: int) -> None:
    cells = {name: text for name, text in row.items() if text.strip()}
    step = {name: cells.pop(name) for name in _STEP if name in cells}
    if cells or (step and not found):
        for name in ("labels", "sets", "test_sets", "xray_test_sets"):
            if name in cells:
                cells[name] = [each for each in re.split(r"[\s,]+", cells[name]) if each]  # type: ignore[assignment]
        found.append((f"line {line}", dict(cells)))
    if step:
        found[-1][1].setdefault("steps", []).append(step)


def _drafts(job: Job, entries: Sequence[tuple[str, object]]) -> list[Draft]:
    """Return the Tests of entries; tells each that is wrong and raises UnusableFile when there is one."""
    drafts: list[Draft] = []
    wrong = 0
    seen: dict[tuple[str, str, str], str] = {}
    for place, entry in entries:
        try:
            draft = _draft(job, place, entry)
            if draft.identity in seen and not draft.key:
                raise ValueError(f"the Test of {seen[draft.identity]} has the same project, type and summary")  # noqa: TRY301
            seen[draft.identity] = place
            drafts.append(draft)
        except ValueError as error:
            wrong += 1
            job.console.error(f"{place}: {error}")
    if wrong:
        raise UnusableFile(f"{many(wrong, 'Test')} cannot be made as they stand, named above; nothing was sent")
    return drafts


def _draft(job: Job, place: str, entry: object) -> Draft:
    """Return one Test; raises ValueError with what is wrong of it."""
    if not isinstance(entry, dict):
        raise ValueError("it is no object")  # noqa: TRY004  # one kind of error for all that is wrong of a file
    given = dict(_named(entry))
    fields = given.pop("fields", None) or {}
    if not isinstance(fields, dict):
        raise ValueError("`fields` is no object")  # noqa: TRY004
    for name in _OF_JIRA:
        if name in fields:
            given.setdefault(name, fields[name])
    held = given.get("project")
    given["project"] = (held.get("key") if isinstance(held, dict) else held) or job.settings.project
    for name in _TEXTS:
        if given.get(name) is not None and not isinstance(given[name], str):
            raise ValueError(f"`{name}` is no text; put it into quotes")
    texts = {name: str(given.get(name) or "").strip() for name in _TEXTS}
    steps = tuple(_step(each) for each in _list(given, "steps"))
    texts["type"] = texts["type"] or (
        "Manual" if steps else "Cucumber" if texts["scenario"] else job.settings.test_type
    )
    rest = {name: value for name, value in fields.items() if name not in (*_OF_JIRA, "issuetype")}
    draft = Draft(
        place=place, steps=steps, labels=_words(given, "labels"), sets=_words(given, "sets"), fields=rest, **texts
    )
    if cause := next(_causes(draft), None):
        raise ValueError(cause)
    return draft


def _named(entry: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in entry.items():
        ours = _NAMES.get(str(name).removeprefix("xray_"))
        if ours is None:
            near = problems.nearest(str(name), _NAMES)
            raise ValueError(f"nothing is called {problems.shown(str(name))}" + (f"; is it `{near}`?" if near else ""))
        yield ours, value


def _list(given: Mapping[str, Any], name: str) -> list[Any]:
    held = given.get(name)
    if held is not None and not isinstance(held, list):
        raise ValueError(f"`{name}` is no list")
    return held or []


def _words(given: Mapping[str, Any], name: str) -> tuple[str, ...]:
    held = _list(given, name)
    if not all(isinstance(each, str) and each for each in held):
        raise ValueError(f"`{name}` holds something that is no text")
    return tuple(dict.fromkeys(held))


def _step(entry: object) -> dict[str, str]:
    if not isinstance(entry, dict) or set(entry) - set(_STEP):
        raise ValueError(f"a step has {', '.join(_STEP)} and nothing else")
    if not all(isinstance(text, str) for text in entry.values()) or not entry.get("action"):
        raise ValueError("a step needs an `action`, and has texts only")
    return {name: entry.get(name, "") for name in _STEP}


def _causes(draft: Draft) -> Iterator[str]:
    """Yield why a Test cannot be made as it stands."""
    if not draft.summary:
        yield "`summary` is missing"
    if len(draft.summary) > _SUMMARY or not draft.summary.isprintable():
        yield f"`summary` is one line of at most {_SUMMARY} characters"
    if not draft.project:
        yield "`project` is missing, here and in the settings"
    if draft.key and not KEY.fullmatch(draft.key):
        yield "`key` is no issue key"
    if any(any(map(str.isspace, label)) for label in draft.labels):
        yield "a label has no blanks"
    if any(not KEY.fullmatch(each) for each in draft.sets):
        yield "`sets` holds keys of Test Sets"
    if sum(map(bool, (draft.definition, draft.scenario, draft.steps))) > 1:
        yield "a Test has one of `definition`, `scenario` and `steps`"
