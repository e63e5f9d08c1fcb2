"""What a report holds is kept as it was read, so that it is parsed once where two ask for it."""

import json
import os
from pathlib import Path

import pytest

from xray_ci.errors import Failure
from xray_ci.formats import Format
from xray_ci.model import Case, Outcome, Place
from xray_ci.pipeline.reading import ReportSource
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import batches
from xray_ci.reports.spill import Kept

HERE = Path(__file__).resolve().parents[1] / "data" / "reports"
FOLDERS = [HERE, *(Path(folder) for folder in [os.environ.get("XRAY_CI_CORPUS", "")] if folder)]
SAMPLES = [
    folder / name for folder in FOLDERS for name in json.loads((folder / "expected.json").read_text(encoding="utf-8"))
]
FEATURE = {"uri": "a.feature", "elements": [{"type": "scenario", "name": "adds", "steps": []}]}


def found(path: Path) -> FoundReport:
    return FoundReport(place=Place(path=path, shown=path.name))


def flat(lists):
    """Return what stands in lists, in its order."""
    return [item for each in lists for item in each]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_what_was_kept_is_what_was_read(sample, tmp_path):
    """Every case, notice and word of the corpus comes back as it was, and nothing stays on the disk."""
    kept = Kept(tmp_path / "kept")
    read = flat(batches(found(sample)))

    assert flat(kept.fill(batches(found(sample)))) == read
    assert flat(kept.batches()) == read
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_was_kept_is_not_parsed_again(tmp_path):
    """Its bytes are shown to who looks for secrets, and its items come from what was kept, once."""
    report = tmp_path / "r.json"
    report.write_text(json.dumps([FEATURE]))
    source = ReportSource(found=found(report))
    pieces: list[bytes] = []
    formats: list[Format] = []
    first = flat(source.keep(tmp_path / "kept"))
    report.write_text("what stands here now is no report")

    assert flat(source.batches(pieces.append, formats.append)) == first
    assert [case.name for case in first] == ["adds"]
    assert pieces == [b"what stands here now is no report"]
    assert [row.key for row in formats] == ["cucumber-json"]
    assert [item.slug for item in flat(source.batches(pieces.append, formats.append))] == ["unreadable-report"]


def test_a_report_that_is_gone_may_have_held_a_secret(tmp_path):
    """Who looks for secrets is told to expect one in what was kept."""
    report = tmp_path / "r.json"
    report.write_text(json.dumps([FEATURE]))
    source = ReportSource(found=found(report))
    first = flat(source.keep(tmp_path / "kept"))
    report.unlink()
    pieces: list[bytes] = []

    assert flat(source.batches(pieces.append, lambda _: None)) == first
    assert pieces == [b"\0"]


def test_half_a_character_was_replaced_before(tmp_path):
    """No file could keep it."""
    report = tmp_path / "r.json"
    report.write_text(json.dumps([{**FEATURE, "name": "\ud83d"}]))
    kept = Kept(tmp_path / "kept")

    assert [case.suite for case in flat(kept.fill(batches(found(report))))] == [("\ufffd",)]
    assert [case.suite for case in flat(kept.batches())] == [("\ufffd",)]


def test_a_full_disk_is_told():
    """It says which folder is full, and nothing of the report is taken for read."""
    with pytest.raises(Failure) as raised:
        flat(Kept(Path("/dev/full")).fill([[Case(name="adds", outcome=Outcome.PASSED)]]))

    assert (raised.value.slug, raised.value.where) == ("disk-full", "/dev")
