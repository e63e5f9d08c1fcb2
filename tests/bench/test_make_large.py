"""What is measured are reports as tools write them: a large one holds what small samples of its format hold."""

from __future__ import annotations

import pytest
from bench.make_large import SHOTS, WRITERS, write_report, write_shots
from bench.make_mixes import MIXES, write_mix
from report_reading import seen

from xray_ci.model import MarkKind, Outcome

TESTS = 300
SIZES = {"bare": 95, "short": 185, "failing-1kB": 1_010, "text-heavy": 6_030}
"""Bytes a test, within a twentieth: a mix is named for them."""


@pytest.mark.parametrize("form", WRITERS)
def test_a_large_report_is_realistic(form, tmp_path):
    """It is recognised, comes to its number of tests, and has failures with traces, keys.

    What else the format can hold.
    """
    write_report(tmp_path / form, form, TESTS)
    write_shots(tmp_path)
    report = seen(tmp_path / form)
    attached = [file for case in report.cases for file in case.attachments]

    assert (form, TESTS) == (report.format, len(report.cases))
    assert report.problems == []
    assert {Outcome.PASSED, Outcome.FAILED, Outcome.SKIPPED} <= {case.outcome for case in report.cases}
    assert any(case.output for case in report.cases)
    assert any(mark.kind is MarkKind.TEST_KEY for case in report.cases for mark in case.marks)
    assert any(case.trace if form != "robot" else case.message for case in report.cases)
    assert (form != "testng") is bool(attached)
    assert all((tmp_path / file.path).is_file() for file in attached if file.path)
    assert (form in {"robot", "cucumber-json"}) is all(case.steps for case in report.cases)
    assert (form == "testng") is any(case.iterations for case in report.cases)
    assert len(list((tmp_path / SHOTS).iterdir())) == 100


@pytest.mark.parametrize("form", WRITERS)
def test_the_same_seed_writes_the_same_bytes(form, tmp_path):
    """Measures of two days are of the same report."""
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        write_report(tmp_path / name, form, 60, seed=seed)

    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (tmp_path / "a").read_bytes() != (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("kind", MIXES)
def test_a_mix_is_read_without_a_problem(kind, tmp_path):
    """Every test of it is one result of its own; one in ten fails where not none or all do."""
    write_mix(tmp_path / kind, kind, TESTS)
    report = seen(tmp_path / kind)
    failed = {"bare": 0, "text-heavy": TESTS, "failing-1kB": TESTS}.get(kind, TESTS // 10)

    assert report.problems == []
    assert len({(case.classname, case.name) for case in report.cases}) == TESTS
    assert sum(case.outcome is not Outcome.PASSED for case in report.cases) == failed
    assert kind not in SIZES or (tmp_path / kind).stat().st_size / TESTS == pytest.approx(SIZES[kind], rel=0.05)
