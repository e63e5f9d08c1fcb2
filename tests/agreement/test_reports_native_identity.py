"""What a format's reader derives as identity is what Xray derives from the same report, as the emulator shows it."""

from __future__ import annotations

import json
import os
from io import BytesIO
from pathlib import Path

import pytest
from native_reports import REPORTS

from xray_ci.emulator.native import XML
from xray_ci.emulator.native.report import Surroundings
from xray_ci.model import Case, MarkKind
from xray_ci.reports import nunit, robot, testng, xunit
from xray_ci.xray.mapping import native_identity

HERE = Path(__file__).parents[1] / "data" / "reports"
FOLDERS = [HERE, *(Path(folder) for folder in [os.environ.get("XRAY_CI_CORPUS", "")] if folder)]
READERS = {"nunit": nunit, "xunit": xunit, "testng": testng, "robot": robot}
FAMILIES = {"nunit2": "nunit", "nunit3": "nunit", "xunit": "xunit", "testng": "testng", "robot": "robot"}
SAMPLES = {f"{folder.name}/{name}": (FAMILIES[expected["format"]], folder / name) for folder in FOLDERS
           for name, expected in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items()
           if expected["format"] in FAMILIES and "ok" == expected["expect"]}


def identities(family: str, content: bytes) -> list[str]:
    """Return what our reader and mapping say."""
    cases = [item for item in READERS[family].read(BytesIO(content)) if isinstance(item, Case)]
    return sorted(next((mark.value for mark in case.marks if mark.kind is MarkKind.DEFINITION), native_identity(case)) for case in cases)


def natively(family: str, content: bytes) -> list[str]:
    """Return what the stand-in of Xray says."""
    results = XML[family](BytesIO(content), Surroundings(kind_of=lambda _key: None, cloud=True)).results
    return sorted(result.info.definition for result in results if result.info is not None)


@pytest.mark.parametrize("family", READERS)
def test_the_smallest_report_finds_the_same_test(family):
    """One case each."""
    assert natively(family, REPORTS[family]) == identities(family, REPORTS[family])


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_find_the_same_tests(sample):
    """Convert and native import reuse each other's Tests."""
    family, path = SAMPLES[sample]

    assert natively(family, path.read_bytes()) == identities(family, path.read_bytes())
