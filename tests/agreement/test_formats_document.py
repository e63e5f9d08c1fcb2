"""docs/formats.md says what the tables say, and what they say of a format is what reports of it hold."""

from __future__ import annotations

import json
import os
from io import BytesIO
from itertools import chain
from pathlib import Path

import pytest
from agreement import formats_table
from agreement.format_proofs import PROOFS
from report_reading import seen

from xray_ci.formats import FORMATS, Format
from xray_ci.model import Case
from xray_ci.reports.detect import format_of
from xray_ci.reports.format_notes import TOLD, DataRows, EvidencePlace
from xray_ci.reports.format_notes_others import KNOWN

HERE = Path(__file__).parents[1] / "data" / "reports"
FOLDERS = [HERE, *(Path(folder) for folder in [os.environ.get("XRAY_CI_CORPUS", "")] if folder)]
SAMPLES = [
    (folder / name, expected["format"])
    for folder in FOLDERS
    for name, expected in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items()
    if expected["expect"] == "ok"
]
READ = [row for row in FORMATS if row.read is not None]


def cases(row: Format) -> list[Case]:
    """Return all that samples and the proof of a format hold."""
    held = list(chain.from_iterable(seen(path).cases for path, key in SAMPLES if key == row.key))
    if row.read is not None and row.key in PROOFS:
        held += [item for item in row.read(BytesIO(PROOFS[row.key].encode())) if isinstance(item, Case)]
    return held


def rows(held: list[Case]) -> DataRows:
    iterations, examples = any(case.iterations for case in held), any(case.examples for case in held)
    if iterations:
        return DataRows.BOTH if examples else DataRows.ITERATIONS
    return DataRows.EXAMPLES if examples else DataRows.NONE


def evidence(held: list[Case]) -> EvidencePlace:
    holders = [holder for case in held for holder in (case, *case.steps)]
    files = [file for holder in holders for file in holder.attachments]
    named, inside = any(file.path for file in files), any(file.base64 for file in files)
    if named:
        return EvidencePlace.BOTH if inside else EvidencePlace.FILES
    return EvidencePlace.HELD if inside else EvidencePlace.NONE


def test_the_page_of_formats_is_made_from_the_tables():
    """All that is generated equals what `make generate` writes."""
    assert formats_table.PAGE.read_text(encoding="utf-8") == formats_table.page()


def test_every_format_is_listed_once():
    """A row of the formats table is a row of the page, and something is known of it."""
    listed = [line.split("`")[1] for line in formats_table.table().splitlines()[2:]]

    assert [row.key for row in FORMATS] == listed
    assert sorted(row.key for row in FORMATS) == sorted(KNOWN)


def test_every_link_of_the_table_has_its_heading():
    """No two formats share a heading."""
    anchors = [
        formats_table.anchor(line[4:]) for line in formats_table.sections().splitlines() if line.startswith("### ")
    ]

    assert sorted(set(anchors)) == sorted(anchors)
    assert [formats_table.anchor(row.title) for row in FORMATS] == anchors


@pytest.mark.parametrize("row", READ, ids=lambda row: row.key)
def test_what_is_known_of_a_format_is_what_its_reports_hold(row):
    """Marks, steps, rows, attempts and evidence that are claimed occur, and none occurs that is not claimed."""
    held, known = cases(row), KNOWN[row.key]

    assert held
    assert known.marks == {mark.kind for case in held for mark in case.marks} & TOLD
    assert known.steps is any(case.steps for case in held)
    assert known.rows is rows(held)
    assert known.attempts is any(case.attempts for case in held)
    assert known.evidence is evidence(held)


@pytest.mark.parametrize("key", [key for key in PROOFS if key != "allure2-dir"])
def test_a_proof_is_a_report_of_its_format(key):
    """What shows that a format can hold something is recognised as that format, like a real report."""
    assert key == format_of(PROOFS[key].encode()).key


def test_every_kind_that_authors_attach_has_a_word():
    """The page names each kind of mark that a claim may hold."""
    assert set(formats_table.WORDS) == TOLD
