"""Where a result stands in its report: its line, or nothing; never its number among others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from xray_ci.formats import FORMATS
from xray_ci.model import Case, Place
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import read

DATA = Path(__file__).parents[1] / "data"
KNOWN = json.loads((DATA / "reports" / "expected.json").read_text(encoding="utf-8"))
MEDIA = {row.key: row.medium for row in FORMATS}


def movable(path: Path) -> bool:
    """Whether empty lines may stand before a report: it is JSON, in no encoding of two bytes a character."""
    content = path.read_bytes()
    return content.lstrip()[:1] in {b"{", b"["} and content.isascii()


SAMPLES = [
    (said["format"], DATA / "reports" / name)
    for name, said in KNOWN.items()
    if said["expect"] == "ok" and MEDIA[said["format"]] in {"xml", "json", "lines"} and movable(DATA / "reports" / name)
]


def cases(path: Path, key: str) -> list[Case]:
    items = read(FoundReport(place=Place(path=path, shown=path.name), format=key))
    return [item for item in items if isinstance(item, Case)]


@pytest.mark.parametrize(("key", "path"), SAMPLES, ids=[f"{key}-{path.name}" for key, path in SAMPLES])
def test_the_line_of_a_result_moves_with_it(tmp_path, key, path):
    """Three empty lines before a report move every line by three; a file has no line that it does not have."""
    content = path.read_bytes()
    moved = tmp_path / path.name
    moved.write_bytes(b"\n\n\n" + content)
    before, after = cases(path, key), cases(moved, key)
    lines = [case.line for case in before]

    assert [None if line is None else line + 3 for line in lines] == [case.line for case in after]
    assert max((line or 0 for line in lines), default=0) <= content.count(b"\n") + 1
