"""What people met with their own tools: small reports of their shapes in `data/field`, each with what is right.

`NAME.expected.json` has the reports, arguments, counts of `inspect`, Tests and statuses of `convert` for both
deployments, how many files of evidence, which reports name the same Tests, and what a notice must say.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from conftest import SEALED

from xray_ci.cli import execute
from xray_ci.model import Process

DATA = Path(__file__).parents[1] / "data" / "field"
CASES = sorted(path.name.removesuffix(".expected.json") for path in DATA.glob("*.expected.json"))
WORDS = {"PASS": "PASSED", "FAIL": "FAILED", "TODO": "TO DO"}
COUNTS = ("tests", "passed", "failed", "errors", "skipped", "other")


def run(folder: Path, *args: str) -> tuple[int, str, str]:
    """Run a command in a folder; return its exit code and what it printed."""
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    code = execute(Process(args, dict(SEALED), str(folder), out, err))
    out.seek(0)
    return code, out.read(), err.getvalue()


def convert(folder: Path, deployment: str, args: list[str], reports: list[str]) -> dict[str, Any]:
    """Return the document; nothing was refused."""
    globs = [word for report in reports for word in ("--reports", report)]
    code, out, err = run(folder, "convert", "--project", "SHOP", "--deployment", deployment, *args, *globs)
    assert code == 0, err
    document: dict[str, Any] = json.loads(out)
    return document


def identity(test: dict[str, Any]) -> str:
    info = test.get("testInfo") or {}
    return str(test.get("testKey") or info.get("definition") or info.get("scenario") or info.get("summary"))


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


@pytest.mark.parametrize("name", CASES)
def test_a_report_of_the_field(name: str):
    """Counts, identities, statuses, evidence and notices are those that are right."""
    case = json.loads((DATA / f"{name}.expected.json").read_text(encoding="utf-8"))
    folder, reports, args = DATA / case.get("folder", "."), case.get("reports", []), case.get("args", [])
    if "inspect" in case:
        code, out, _ = run(folder, "inspect", "--json", *(word for each in reports for word in ("--reports", each)))
        rows = [json.loads(line) for line in out.splitlines()]
        assert {count: sum(row.get(count) or 0 for row in rows) for count in COUNTS} in listed(case["inspect"])
        assert code == case.get("inspect_exit", 0)
    if case.keys() & {"convert", "convert_count", "evidence"}:
        for deployment in ("cloud", "server"):
            tests = convert(folder, deployment, args, reports)["tests"]
            made = {identity(test): WORDS.get(test["status"], test["status"]) for test in tests}
            assert made in listed(case.get("convert", made))
            assert len(tests) == case.get("convert_count", len(tests))
            files = sum(len(test.get("evidence") or test.get("evidences") or []) for test in tests)
            assert files == case.get("evidence", files)
    if "same_identities" in case:
        made_of = [
            {identity(test) for test in convert(folder, "cloud", args, [report])["tests"]}
            for report in case["same_identities"]
        ]
        assert made_of[0]
        assert made_of == [made_of[0]] * len(made_of)
    if "says" in case:
        globs = [word for each in reports for word in ("--reports", each)]
        _, _, said = run(folder, "convert", "--project", "SHOP", "--deployment", "cloud", *globs)
        assert case["says"] in said.lower()
