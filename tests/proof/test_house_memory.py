"""Slow proof: memory does not grow with the size of a report."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from bench.make_large import write_junit
from bench.make_mixes import write_mix
from job_runs import CLOUD

MEASURED = Path(__file__).resolve().parents[1] / "bench" / "measured.py"
pytestmark = [pytest.mark.proof, pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")]


def peak(folder: Path, env: dict[str, str], *words: str) -> int:
    """Return the most memory that a command took, in bytes."""
    note = folder / "note.json"
    measured = [sys.executable, "-I", "-B", str(MEASURED), str(note), "product"]
    subprocess.run([*measured, *words], env=env, cwd=folder, check=True)
    found = json.loads(note.read_text(encoding="utf-8"))
    assert found["code"] == 0
    return int(found["peak"])


@pytest.mark.timeout(600)
def test_converting_twenty_times_the_tests_takes_no_more_memory(workspace, run):
    """From 10,000 to 200,000 tests the peak of `convert` grows by less than 5 MB."""
    env = {name: value for name, value in run.env.items() if not name.startswith("COVERAGE_")}
    words = ["convert", "--project", "CALC", "--output", str(workspace / "out.json"), "--reports"]
    for tests in (10_000, 200_000):
        write_junit(workspace / f"{tests}.xml", tests)

    small, large = (peak(workspace, env, *words, f"{tests}.xml") for tests in (10_000, 200_000))

    assert (workspace / "out.json").read_bytes().count(b'"status"') == 200_000
    assert large - small < 5_000_000


@pytest.mark.timeout(600)
def test_importing_forty_megabytes_takes_no_more_memory_than_one(workspace, run, emulator):
    """All failing with long texts, in one request: what lies on disk is not mapped into the process as a whole."""
    env = {name: value for name, value in run.env.items() if not name.startswith("COVERAGE_")}
    env = {**env, **CLOUD, "XRAY_CI_XRAY_URL": emulator.url, "XRAY_CI_PROJECT": "SHOP", "XRAY_CI_RECONCILE": "false"}
    for tests in (200, 7_000):
        write_mix(workspace / f"{tests}.xml", "text-heavy", tests)

    small, large = (peak(workspace, env, "import", "--reports", f"{tests}.xml") for tests in (200, 7_000))

    assert large - small < 8_000_000
