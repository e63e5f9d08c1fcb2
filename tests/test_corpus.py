"""Every sample of the corpus comes to the totals that were counted by hand, and each `expect` rule holds.

No exceptions list.

Our own samples are here; the environment variable XRAY_CI_CORPUS may name a folder of the same layout with more of
them. The table at the end of a run (`corpus_table`) is made of what the tests note here.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from conftest import least_peak
from corpus_table import noted, table
from report_reading import NUMBERS, Seen, seen

from xray_ci.model import MarkKind, Outcome, Severity

HERE = Path(__file__).parent / "data" / "reports"
FOLDERS = [HERE, *(Path(folder) for folder in [os.environ.get("XRAY_CI_CORPUS", "")] if folder)]
SAMPLES = {
    (folder, name): expected
    for folder in FOLDERS
    for name, expected in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items()
}
RULES = {"ok", "schema-invalid", "repair-or-reject", "reject", "not-a-test-report", "unsupported-format", "safe"}
SMALL = 64 * 2**20
"""Bytes that even a bomb may take while it is read."""

Note = Callable[[str, object], None]

_watchers: list[list[str]] = []


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _watchers or (event == "open" and isinstance(arguments[0], int)):
        return
    if event in {"open", "urllib.Request"} or event.startswith("socket."):
        _watchers[-1].append(f"{event} {arguments[0]}")


sys.addaudithook(_watch)


@contextmanager
def watched() -> Iterator[list[str]]:
    """Note every file that is opened and every socket that is made."""
    _watchers.append([])
    try:
        yield _watchers[-1]
    finally:
        _watchers.pop()


def ids(sample: tuple[Path, str]) -> str:
    return f"{'own' if sample[0] == HERE else 'more'}-{sample[1]}"


def of(*expectations: str) -> pytest.MarkDecorator:
    chosen = [sample for sample, expected in SAMPLES.items() if expected["expect"] in expectations]
    return pytest.mark.parametrize("sample", chosen, ids=ids)


def look(sample: tuple[Path, str], note: Note | None = None) -> tuple[Seen, dict[str, Any]]:
    expected, report = SAMPLES[sample], seen(sample[0] / sample[1])
    if note is not None:
        note(*noted(sample[1], expected["format"], report))
    return report, expected


def numbers(expected: dict[str, Any]) -> dict[str, int | None]:
    counted = {**expected, **expected.get("last_per_historyId", {})}  # attempts are no results of their own
    return {name: counted.get(name) for name in NUMBERS}


def test_every_sample_has_a_rule():
    """No sample is left out: what is expected of each is one of the rules that are tested here."""
    assert {expected["expect"] for expected in SAMPLES.values()} <= RULES


@of("ok", "schema-invalid")
def test_a_good_report_comes_to_its_totals(sample, record_property):
    """Every number is the one that was counted, and the format is recognised by content."""
    report, expected = look(sample, record_property)

    assert expected["format"] == report.format
    assert numbers(expected) == report.totals
    outside = expected.get("failures_outside_cases", expected.get("config_methods", {}).get("FAIL", 0))
    if expected["format"] in {"junit", "testng"}:
        assert outside == report.slugs().count("outside-case")
    else:  # counted under other names there, or not at all
        assert outside <= report.slugs().count("outside-case")


@of("ok", "schema-invalid")
def test_what_was_attached_is_seen(sample):
    """Keys, earlier attempts and flaky passes are those that were counted."""
    report, expected = look(sample)
    keys = [mark.value for case in report.cases for mark in case.marks if mark.kind is MarkKind.TEST_KEY]

    if "keys" in expected:
        assert expected["keys"] == keys
    if "rerun_elements" in expected:
        assert expected["rerun_elements"] == sum(len(case.attempts) for case in report.cases)
    if "flaky_passed" in expected:
        assert expected["flaky_passed"] <= sum(
            case.outcome is Outcome.PASSED and bool(case.attempts) for case in report.cases
        )
    if expected["format"] == "xray-json" and "raw" in expected:
        assert sorted(expected["raw"]) == sorted({case.status for case in report.cases})
    if "iterations" in expected:
        assert expected["iterations"] == sum(len(case.iterations) + len(case.examples) for case in report.cases)


@of("repair-or-reject")
def test_a_broken_report_is_repaired_to_its_totals_or_refused(sample, record_property):
    """There is nothing in between; a repair is told."""
    report, expected = look(sample, record_property)

    if report.refused:
        assert [problem.cause for problem in report.problems if problem.severity is Severity.ERROR]
    else:
        assert numbers(expected) == report.totals
        assert not report.restarts or "repaired-report" in report.slugs()


@of("reject", "not-a-test-report", "unsupported-format")
def test_what_is_no_whole_report_is_refused(sample, record_property):
    """One error says why, and what to do."""
    report, expected = look(sample, record_property)
    (error,) = [problem for problem in report.problems if problem.severity is Severity.ERROR]

    assert error.cause
    assert error.advice
    assert sample[1].rpartition("/")[2] == error.path
    if expected["expect"] == "not-a-test-report":
        assert error.slug == "not-a-test-report"
    if expected["expect"] == "unsupported-format":
        assert error.slug == "no-converter"


@of("safe")
def test_an_unsafe_report_reads_nothing_and_asks_nobody(sample, record_property):
    """No other file is opened and no socket made; the result is a refusal or the one test."""
    with watched() as opened:
        report, _ = look(sample, record_property)

    assert {f"open {sample[0] / sample[1]}"} == set(opened)
    assert report.refused or report.totals["tests"] == 1


@of("safe", "reject")
def test_a_bomb_is_refused_quickly_in_little_memory(sample):
    """A few bytes never become much work."""
    begun = time.process_time()
    assert least_peak(lambda: look(sample), SMALL) < SMALL
    assert time.process_time() - begun < 30  # a guard against hanging, not a measurement


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: "own" if folder == HERE else "more")
def test_inspect_prints_the_same_numbers(run, folder, tmp_path):
    """`xray-ci inspect --json` over the whole corpus says for each file what was counted."""
    names = [name for at, name in SAMPLES if at == folder]
    result = run("inspect", "--json", "--reports", "\n".join(names), cwd=folder)
    rows = {row["path"]: row for row in map(json.loads, result.out.splitlines())}

    assert sorted(name.rstrip("/") for name in names) == sorted(rows)
    for name in names:
        expected = SAMPLES[folder, name]
        row = {number: rows[name.rstrip("/")][number] for number in NUMBERS}
        allowed = (
            [numbers(expected)]
            if expected["expect"] in {"ok", "schema-invalid"}
            else [numbers(expected), dict.fromkeys(NUMBERS)]
        )
        assert row in allowed or (expected["expect"] == "safe" and row["tests"] == 1), name


def test_the_table_counts_each_sample_once_and_tells_what_differs():
    """A sample in both folders is one; a test that failed makes its format stand out."""
    notes = [
        (["junit", "a", "ok", [2, 1, 1, 0, 0, 0]], True),
        (["junit", "a", "ok", [2, 1, 1, 0, 0, 0]], True),
        (["tap", "b", "refused", [0, 0, 0, 0, 0, 0]], False),
    ]

    head, junit, tap, whole = (" ".join(line.split()) for line in table(notes))

    assert f"format samples ok repaired refused {' '.join(NUMBERS)} as expected" == head
    assert junit == "junit 1 1 - - 2 1 1 - - - yes"
    assert tap == "tap 1 - - 1 - - - - - - 1 NOT"
    assert whole == "all 2 1 - 1 2 1 1 - - - 1 NOT"
