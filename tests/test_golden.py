"""A rich sample of every format, and beside it what xray-ci makes of it.

The cases, and the Xray JSON of each deployment.

The samples are the rows of the table in `data/golden/README.md`. `XRAY_CI_REWRITE_GOLDEN=1 pytest tests/test_golden.py`
writes the golden files anew and removes those of no sample, instead of comparing: read the difference before it is
committed.
"""

from __future__ import annotations

import difflib
import io
import json
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from report_reading import Seen, seen

from xray_ci.cli import execute
from xray_ci.formats import FORMATS
from xray_ci.model import Attachment, Case, MarkKind, Process
from xray_ci.xray.validate import Checker

DATA = Path(__file__).parent / "data"
GOLDEN = DATA / "golden"
DEPLOYMENTS = ("cloud", "server")
VARIANTS = {
    "": (),
    "manual": ("--test-type", "Manual"),
    "iterations": ("--test-type", "Manual", "--repeats", "iterations"),
}
"""How a sample is converted: as it is by default; with its steps; with its rows of data."""
_NAMES = re.compile(r".+\.(?:cases|cloud|server)\.json")
_MARKS = {MarkKind.TEST_KEY: "key", MarkKind.TAG: "label"}
_checker = cache(Checker)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One row of the table: a report, and the depth that it shows."""

    format: str
    path: Path
    shows: frozenset[str]

    @property
    def variants(self) -> tuple[str, ...]:
        """How it is converted."""
        return (
            "",
            *(("manual",) if "steps" in self.shows else ()),
            *(("iterations",) if "parameters" in self.shows else ()),
        )

    def golden(self, *words: str) -> Path:
        """Return the golden file of these words, beside the sample or in the format's folder."""
        return GOLDEN / self.format / ".".join((self.path.stem, *filter(None, words), "json"))


def _samples() -> tuple[Sample, ...]:
    rows = re.findall(
        r"^\| ([a-z0-9-]+) \| `([^`]+)` \|[^|\n]*\| ([^|\n]*) \|$",
        (GOLDEN / "README.md").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return tuple(
        Sample(format=format_, path=GOLDEN / path, shows=frozenset(shows.strip().split(", ")))
        for format_, path, shows in rows
    )


SAMPLES = _samples()


def _id(sample: Sample) -> str:
    return f"{sample.format}-{sample.path.name}"


@cache
def _read(sample: Sample) -> Seen:
    return seen(sample.path)


def _plain(item: Any) -> Any:
    """Return a value with what it says only, as it is written in JSON."""
    if isinstance(item, msgspec.Struct):
        said = ((name, _plain(getattr(item, name))) for name in item.__struct_fields__)
        return {name: value for name, value in said if value is not None and value != []}
    if isinstance(item, tuple):
        return [_plain(each) for each in item]
    if isinstance(item, datetime):
        return item.isoformat()
    return item if isinstance(item, str | int | float | None) else item.value


def _attached(case: Case) -> list[Attachment]:
    return [*case.attachments, *(attached for step in case.steps for attached in step.attachments)]


_SHOWN: dict[str, Callable[[Case], object]] = {
    "steps": lambda case: case.steps,
    "step comments": lambda case: any(step.comment for step in case.steps),
    "step data": lambda case: any(step.data for step in case.steps),
    "defined steps": lambda case: case.defined_steps,
    "examples": lambda case: case.examples,
    "parameters": lambda case: any(row.parameters for row in case.iterations),
    "iterations": lambda case: len(case.iterations) > 1,
    "attempts": lambda case: case.attempts,
    "class of the failure": lambda case: case.kind,
    "message": lambda case: case.message,
    "trace": lambda case: case.trace,
    "output": lambda case: case.output,
    "start": lambda case: case.started,
    "finish": lambda case: case.finished,
    "duration": lambda case: case.seconds is not None,
    "evidence in it": lambda case: any(attached.base64 for attached in _attached(case)),
    "evidence files": lambda case: any(attached.path for attached in _attached(case)),
    "properties": lambda case: case.properties,
}


def _depth(cases: list[Case]) -> set[str]:
    """Return what some cases say, in the words of the table."""
    marked = {_MARKS.get(mark.kind, mark.kind.value) for case in cases for mark in case.marks}
    return marked | {word for word, shown in _SHOWN.items() if any(shown(case) for case in cases)}


def _rewriting() -> bool:
    return bool(os.environ.get("XRAY_CI_REWRITE_GOLDEN"))


def _check(golden: Path, found: Any) -> None:
    """Compare with a golden file, or write it."""
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if _rewriting():
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(text, encoding="utf-8")
        return
    held = golden.read_text(encoding="utf-8")
    assert held == text, "\n" + "\n".join(
        difflib.unified_diff(held.split("\n"), text.split("\n"), str(golden.relative_to(DATA)), "now", n=2, lineterm="")
    )


@pytest.mark.parametrize("key", [row.key for row in FORMATS if row.reader is not None])
def test_every_format_that_is_read_has_a_sample(key):
    """A reader without golden files is not done."""
    assert [sample for sample in SAMPLES if key == sample.format]


@pytest.mark.parametrize("sample", SAMPLES, ids=_id)
def test_what_a_sample_says_arrives_in_its_cases(sample):
    """Each thing that a report can hold is read, and the cases are those of the golden file."""
    report = _read(sample)

    assert sample.format == report.format
    assert not report.refused
    assert sorted(sample.shows) == sorted(_depth(report.cases))
    problems = [_plain(problem) for problem in report.problems]
    _check(
        sample.golden("cases"),
        {"cases": [_plain(case) for case in report.cases]} | ({"problems": problems} if problems else {}),
    )


@pytest.mark.parametrize("deployment", DEPLOYMENTS)
@pytest.mark.parametrize(
    ("sample", "variant"),
    [(sample, variant) for sample in SAMPLES for variant in sample.variants],
    ids=lambda value: _id(value) if isinstance(value, Sample) else value or "default",
)
def test_a_sample_becomes_the_same_document(sample, variant, deployment):
    """What `convert` writes is the golden file, and each deployment's schema accepts it."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8"), io.StringIO()
    arguments = [
        "convert",
        "--project",
        "SHOP",
        "--deployment",
        deployment,
        "--reports",
        sample.path.name,
        *VARIANTS[variant],
    ]
    code = execute(Process(arguments, {}, str(sample.path.parent), out, err))

    assert code == 0, err.getvalue()
    document = json.loads(out.buffer.getvalue())
    assert _checker(deployment).check_document(document) == ()
    _check(sample.golden(variant, deployment), document)


def test_no_golden_file_is_left_over():
    """A golden file belongs to a sample of the table."""
    wanted = {sample.golden("cases") for sample in SAMPLES}
    wanted |= {
        sample.golden(variant, deployment)
        for sample in SAMPLES
        for variant in sample.variants
        for deployment in DEPLOYMENTS
    }

    found = {path for path in GOLDEN.glob("*/*.json") if _NAMES.fullmatch(path.name)}
    if _rewriting():  # in random order: those that are wanted may not be there yet
        for path in found - wanted:
            path.unlink()
        return
    assert sorted(wanted) == sorted(found)
