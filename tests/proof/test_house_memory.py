"""Slow proof: memory does not grow with the size of a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.make_large import write_junit

MEASURED = Path(__file__).resolve().parents[1] / "bench" / "measured.py"
pytestmark = [pytest.mark.proof, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


def peak(folder: Path, report: Path, env: dict[str, str]) -> int:
    """Return the most memory that converting one report took, in bytes."""
    note = folder / "note.json"
    subprocess.run(
        [
            sys.executable,
            "-I",
            "-B",
            str(MEASURED),
            str(note),
            "product",
            "convert",
            "--project",
            "CALC",
            "--output",
            str(folder / "out.json"),
            "--reports",
            report.name,
        ],
        env=env,
        cwd=folder,
        check=True,
    )
    found = json.loads(note.read_text(encoding="utf-8"))
    assert found["code"] == 0
    return int(found["peak"])


@pytest.mark.timeout(600)
def test_converting_twenty_times_the_tests_takes_no_more_memory(workspace, run):
    """From 10,000 to 200,000 tests the peak of `convert` grows by less than 5 MB."""
    env = {name: value for name, value in run.env.items() if not name.startswith("COVERAGE_")}
    for tests in (10_000, 200_000):
        write_junit(workspace / f"{tests}.xml", tests)

    small, large = (peak(workspace, workspace / f"{tests}.xml", env) for tests in (10_000, 200_000))

    assert (workspace / "out.json").read_bytes().count(b'"status"') == 200_000
    assert large - small < 5_000_000
