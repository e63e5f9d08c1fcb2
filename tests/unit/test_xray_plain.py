"""Plain cases become their line at once, and that is what the long way makes of them, byte for byte."""

from __future__ import annotations

import itertools
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from report_reading import seen
from xray_runs import both_ways

from xray_ci.deployments import CLOUD, SERVER
from xray_ci.model import Attempt, Case, Mark, MarkKind, Outcome, Step
from xray_ci.xray.validate import Checker

HERE = Path(__file__).resolve().parents[1] / "data" / "reports"
FOLDERS = [HERE, *(Path(folder) for folder in [os.environ.get("XRAY_CI_CORPUS", "")] if folder)]
SAMPLES = [
    folder / name for folder in FOLDERS for name in json.loads((folder / "expected.json").read_text(encoding="utf-8"))
]
NAIVE, AWARE = datetime(2024, 3, 10, 2, 30), datetime(2024, 3, 10, 2, 30, tzinfo=UTC)  # noqa: DTZ001  # reports have no offset
SPANS = ((None, None), (NAIVE, None), (AWARE, None), (NAIVE, AWARE), (None, NAIVE))
"""Start and finish."""


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}-{path.name}")
def test_a_sample_is_the_same_both_ways(sample: Path, tmp_path: Path):
    """Whatever a report of the corpus holds, the short way and the long way write the same and say the same."""
    cases = seen(sample).cases
    for number, (deployment, comments) in enumerate(((CLOUD, "failed"), (SERVER, "all"))):
        base = tmp_path / str(number)
        base.mkdir()
        short, long, _ = both_ways(base, lambda run: run.add(*cases), deployment=deployment, comments=comments)

        assert short == long


KEY, TAG = Mark(kind=MarkKind.TEST_KEY, value="CALC-"), Mark(kind=MarkKind.TAG, value='t "u",v')
DESCRIPTION, PROJECT = Mark(kind=MarkKind.DESCRIPTION, value="d"), Mark(kind=MarkKind.ENVIRONMENT, value="chromium")
SCENARIO = Mark(kind=MarkKind.SCENARIO, value='Scenario: "a"\n  Given \\ b')
SAID = ((), (KEY, TAG), (KEY, SCENARIO), (TAG, DESCRIPTION), (DESCRIPTION,), (PROJECT,), (SCENARIO, TAG), (SCENARIO,))
"""What authors say, the key without its number."""
STEPS = ((), (Step(action="open", outcome=Outcome.PASSED),))
NAMES = (("c", '{} a "b" \\'), ("c", "{} ä"), (None, "{}"))
"""Class and name."""


def _plain_case(
    number: int,
    outcome: Outcome,
    seconds: float | None,
    span: tuple,
    message: str | None,
    said: tuple[Mark, ...],
    steps: tuple[Step, ...],
    name: tuple[str | None, str],
) -> Case:
    return Case(
        name=name[1].format(number),
        classname=name[0],
        suite=("s",) if name[0] is None and number % 2 else (),
        outcome=outcome,
        seconds=seconds,
        started=span[0],
        finished=span[1],
        message=message,
        marks=tuple(Mark(kind=mark.kind, value=f"CALC-{number}") if mark is KEY else mark for mark in said),
        steps=steps,
        attempts=(Attempt(outcome=Outcome.FAILED, message="before"),) if number % 7 == 0 else (),
    )


@pytest.mark.parametrize("comments", ["failed", "all", "none"])
@pytest.mark.parametrize("deployment", [CLOUD, SERVER], ids=lambda row: row.key)
def test_every_shape_of_a_plain_case_is_valid(deployment, comments: str, tmp_path: Path):
    """Nothing validates the line of a plain case in a run, because each shape it can have is validated here."""
    shapes = itertools.product(Outcome, (None, 1.5), SPANS, (None, "why"), SAID, STEPS, NAMES)
    cases = [_plain_case(number, *shape) for number, shape in enumerate(shapes, 1)]
    short, long, plain = both_ways(tmp_path, lambda run: run.add(*cases), deployment=deployment, comments=comments)

    assert short == long
    assert plain == len(cases) == len(Outcome) * 2 * len(SPANS) * 2 * len(SAID) * len(STEPS) * len(NAMES)
    checker = Checker(deployment.key)
    tests = json.loads(b"[" + short[0].replace(b",\n", b"\n").strip().replace(b"\n", b",") + b"]")
    assert len(tests) == len(cases)
    assert [problem for test in tests for problem in checker.check_document({"tests": [test]})] == []


@pytest.mark.parametrize(("word", "plain"), [("OWN", 1), ("PASS", 1), ("", 0)])
def test_a_status_of_the_site_is_validated_once(word: str, plain: int, tmp_path: Path):
    """What the user calls an outcome goes the short way when the schema takes it, else it is named as invalid."""
    case = Case(name="n", classname="c", outcome=Outcome.PASSED)
    short, long, taken = both_ways(tmp_path, lambda run: run.add(case, case), statuses={"passed": word})

    assert short == long
    assert taken == 2 * plain
