"""What was cut off: a document is dropped whole, a stream of lines keeps what is complete and is told."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xray_ci.formats import FORMATS
from xray_ci.model import Case, Place, Problem, Severity
from xray_ci.reports.discover import FoundReport
from xray_ci.reports.reading import read

GOLDEN = Path(__file__).parents[1] / "data" / "golden"
MADE = (".cases.", ".cloud.", ".server.")
SAMPLES = [
    (row.key, row.medium, path)
    for row in FORMATS
    for path in sorted(GOLDEN.glob(f"{row.key}/*"))
    if path.is_file() and not any(word in path.name for word in MADE) and row.medium in {"xml", "json", "lines"}
]
LINES = [sample for sample in SAMPLES if sample[1] == "lines"]
DOCUMENTS = [sample for sample in SAMPLES if sample[1] != "lines"]


def results(path: Path, key: str) -> tuple[list[tuple[object, ...]], list[Problem]]:
    """Return what was read of each case that counts, and the problems."""
    items = list(read(FoundReport(place=Place(path=path, shown=path.name), format=key)))
    problems = [item for item in items if isinstance(item, Problem)]
    if any(problem.severity is Severity.ERROR for problem in problems):
        return [], problems
    cases = [item for item in items if isinstance(item, Case)]
    return [(case.suite, case.classname, case.name, case.outcome) for case in cases], problems


@cache
def whole(path: Path, key: str) -> list[tuple[object, ...]]:
    return results(path, key)[0]


@given(st.sampled_from(LINES), st.floats(0, 1))
def test_a_stream_that_was_cut_keeps_complete_results_and_says_so(tmp_path_factory, sample, part):
    """Whatever is read of it is what the whole file says of that test; nobody takes it for the whole run.

    The last line of TAP may be without its end in a file that is whole, and the text of a Go test binary ends with its
    verdict, without a package; behind the last package of a run stands nothing that could be missed.
    """
    key, _, path = sample
    content = path.read_bytes().rstrip()
    content = content.rpartition(b"\n")[0] if key == "tap" else content
    short = tmp_path_factory.mktemp("cut") / path.name
    short.write_bytes(content[: int(part * (len(content) - 1))])
    found, problems = results(short, key)

    if key == "go-text" and (short.read_bytes().rstrip().endswith((b"\nPASS", b"\nFAIL")) or found == whole(path, key)):
        return
    assert [each for each in found if each not in whole(path, key)] == []
    assert [problem for problem in problems if problem.slug in {"broken-run", "perhaps-incomplete"}] or any(
        problem.severity is Severity.ERROR for problem in problems
    )


@given(st.sampled_from(DOCUMENTS), st.floats(0, 1))
def test_a_document_that_was_cut_is_dropped_whole(tmp_path_factory, sample, part):
    """Half an XML or JSON document is refused, wherever it ends."""
    key, _, path = sample
    content = path.read_bytes().rstrip()
    short = tmp_path_factory.mktemp("cut") / path.name
    short.write_bytes(content[: int(part * (len(content) - 1))])
    _, problems = results(short, key)

    assert [problem for problem in problems if problem.severity is Severity.ERROR]


@pytest.mark.parametrize(("key", "path"), [(key, path) for key, _, path in LINES], ids=[key for key, _, _ in LINES])
def test_a_stream_keeps_its_first_results_when_its_end_is_missing(tmp_path, key, path):
    """Without its last lines it has results, and one problem of the run; Go's text lacks the name of its package."""
    lines = path.read_bytes().splitlines(keepends=True)
    short = tmp_path / path.name
    short.write_bytes(b"".join(lines[: len(lines) * 9 // 10]))
    found, problems = results(short, key)

    if key == "go-text":
        assert [problem.slug for problem in problems] == ["truncated-report"]
        return
    assert found
    assert [(problem.slug, problem.severity) for problem in problems if problem.severity is not Severity.NOTICE] == [
        ("broken-run", Severity.RESULT)
    ]
