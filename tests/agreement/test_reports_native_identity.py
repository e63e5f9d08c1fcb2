"""What a format's reader says of a report is what Xray derives from it, as the emulator shows it.

The same Tests, the same statuses.

Without a job around it, so that every sample can be compared every time; `test_native_parity` runs whole jobs.
"""

from __future__ import annotations

import importlib
import json
import os
from io import BytesIO
from pathlib import Path

import pytest
from native_reports import REPORTS
from native_samples import SAYING

from xray_ci.deployments import JSON_FORMATS
from xray_ci.emulator.native import READERS
from xray_ci.emulator.native.xml import ReportContext, Unreadable
from xray_ci.formats import FORMATS
from xray_ci.model import Case, MarkKind, Outcome
from xray_ci.xray.mapping import native_identity

HERE = Path(__file__).parents[1] / "data" / "reports"
FOLDERS = [HERE, *(Path(folder) for folder in [os.environ.get("XRAY_CI_CORPUS", "")] if folder)]
MODULES = {row.family: row.reader for row in FORMATS if row.medium in {"xml", "json"} and row.family in READERS}
ENDPOINTS = {row.key: row.family for row in FORMATS if row.medium in {"xml", "json"} and row.family in READERS}
SAMPLES = {
    name: (ENDPOINTS[expected["format"]], folder / name)
    for folder in reversed(FOLDERS)
    for name, expected in json.loads((folder / "expected.json").read_text(encoding="utf-8")).items()
    if expected["format"] in ENDPOINTS and expected["expect"] == "ok"
}
STATUSES = {
    Outcome.PASSED: "PASS",
    Outcome.FAILED: "FAIL",
    Outcome.ERROR: "FAIL",
    Outcome.SKIPPED: "TODO",
    Outcome.OTHER: "TODO",
}


def said(family: str, content: bytes) -> list[tuple[str, str]]:
    """Return Test and status of each case, in our own words.

    Those of a key for Gherkin, else those found by identity.
    """
    module = importlib.import_module(f"xray_ci.reports.{MODULES[family]}")
    found = []
    for case in (item for item in module.read(BytesIO(content)) if isinstance(item, Case)):
        keys = [mark.value for mark in case.marks if mark.kind in {MarkKind.TEST_KEY, MarkKind.TEST_ID}]
        if family in JSON_FORMATS:
            names = list(dict.fromkeys(keys))
        else:
            definition = next(
                (mark.value for mark in case.marks if mark.kind is MarkKind.DEFINITION), native_identity(case)
            )
            names = [] if keys and family != "robot" else [definition]
        found += [(name, STATUSES[case.outcome]) for name in names]
    return sorted(found)


def stored(family: str, content: bytes) -> list[tuple[str, str]]:
    """Return Test and status of each result in the words of the emulator.

    For Gherkin all keys are Tests, else no issue exists.

    As Server reads them: what breaks the parser of Cloud (empty `properties`) is taken out before it is sent.
    """
    kind = "Test" if family in JSON_FORMATS else None
    try:
        results = READERS[family](BytesIO(content), ReportContext(kind_of=lambda _key: kind, cloud=False)).results
    except Unreadable:
        assert family in JSON_FORMATS, "a tag that is no key refuses the file, and so do scenarios without any"
        return []
    return sorted(
        (result.key if result.info is None else result.info.definition, result.status)
        for result in results
        if result.info or family in JSON_FORMATS
    )


@pytest.mark.parametrize("family", MODULES)
def test_the_smallest_and_the_richest_report_find_the_same_tests(family):
    """Every endpoint with a converter has both, of one case and of all that the format can say."""
    for report in (REPORTS[family], *(report for report, _ in SAYING[family])):
        assert said(family, report)
        assert stored(family, report) == said(family, report)


@pytest.mark.parametrize("sample", SAMPLES)
def test_samples_find_the_same_tests(sample):
    """Convert and native import reuse each other's Tests and say the same of them."""
    family, path = SAMPLES[sample]
    content = path.read_bytes()

    found = stored(family, content)

    assert found == said(family, content)
