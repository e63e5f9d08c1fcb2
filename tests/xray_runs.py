"""A run on disk for tests: an assembly with few words, and its finished file looked at from all sides."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xray_ci.deployments import CLOUD, Deployment
from xray_ci.model import Case, Mark, MarkKind, Outcome, Place
from xray_ci.xray import mapping, notices, render
from xray_ci.xray.assembly import Assembly, AssemblyOptions
from xray_ci.xray.evidence import EvidenceOptions
from xray_ci.xray.validate import Checker
from xray_ci.xray.writing import Assembled, Portion


def assembly(
    base: Path,
    *,
    deployment: Deployment = CLOUD,
    repeats: str = "worst",
    attachments: str = "failed",
    max_file: int = 10**7,
    max_total: int = 10**8,
    comments: str = "failed",
    statuses: Mapping[str, str] = MappingProxyType({}),
    **mapped: Any,
) -> Assembly:
    """Begin an assembly whose work folder and workspace lie in a folder."""
    (base / "work").mkdir()
    (base / "ws").mkdir(exist_ok=True)
    evidence = EvidenceOptions(workspace=base / "ws", attachments=attachments, max_file=max_file, max_total=max_total)
    return Assembly(
        base / "work",
        AssemblyOptions(
            mapping=mapping.MappingOptions(**{"project": "CALC", **mapped}),
            evidence=evidence,
            repeats=repeats,
            rendering=render.RenderOptions(deployment=deployment, comments=comments, statuses=statuses),
        ),
    )


def place(name: str) -> Place:
    """Return the place of a report that nobody opens."""
    return Place(path=Path(name), shown=name)


def case(name: str, outcome: Outcome = Outcome.PASSED, key: str | None = None, **given: Any) -> Case:
    """Return a case of class `c` at line 7."""
    marks = (Mark(kind=MarkKind.TEST_KEY, value=key),) if key else ()
    return Case(name=name, classname="c", outcome=outcome, **{"line": 7, "marks": marks, **given})


def run(assembly: Assembly, *cases: Case, **limits: int) -> tuple[Assembled, list[dict[str, Any]]]:
    """Assemble one report."""
    assembly.begin(place("build/r.xml"))
    for one in cases:
        assembly.add(one)
    assembly.commit()
    return finish(assembly, **limits)


def finish(assembly: Assembly, **limits: int) -> tuple[Assembled, list[dict[str, Any]]]:
    """Finish.

    Return the result and the tests of all portions, which fit the schema and lie in the batches without a gap.
    """
    done = assembly.finish(**limits)
    tests = [test for portion in done.portions for test in _tests(portion)]
    deployment = assembly._rules.rendering.deployment.key
    assert not tests or not Checker(deployment, assembly._rules.rendering.custom_statuses).check_document(
        {"tests": tests}
    )
    assert done.counts.sent == len(tests)
    left = {path.name for path in assembly._work.iterdir()} - {notices.FILE}
    assert {"tests", *(portion.path.name for portion in done.portions)} == left
    return done, tests


def _tests(portion: Portion) -> list[dict[str, Any]]:
    """Return the tests of one Test Execution."""
    content = portion.path.read_bytes()
    tests = json.loads(b"[" + content + b"]")
    pieces = [
        json.loads(b"[" + content[batch.offset : batch.offset + batch.length] + b"]") for batch in portion.batches
    ]
    assert tests == [test for piece in pieces for test in piece]
    assert [len(piece) for piece in pieces] == [batch.tests for batch in portion.batches]
    return tests


def both_ways(base: Path, fill: Callable[[Assembly], object], **options: Any) -> tuple[Any, Any, int]:
    """Assemble the same twice: plain cases by their short way, and all by the long one.

    Return what came of each, files first, and how many cases went the short way.
    """
    found, taken = [], [0]
    for way in ("short", "long"):
        (base / way).mkdir()
        begun = assembly(base / way, **options)
        if way == "long":
            begun._plain = None
        count = begun._count

        def counted(made: bytearray, count: Callable[[bytearray], None] = count) -> None:
            taken[0] += len(made)
            count(made)

        begun._count = counted  # type: ignore[method-assign]
        begun.begin(place("build/r.xml"))
        fill(begun)
        begun.commit()
        done = begun.finish(batch_tests=3, batch_bytes=3_000)
        files = b"".join(portion.path.read_bytes() for portion in done.portions)
        told = [
            (portion.batches, portion.environments, portion.report, portion.started, portion.finished)
            for portion in done.portions
        ]
        found.append((files, told, done.counts, done.problems, done.notices, done.decided, done.evidence_files))
    return found[0], found[1], taken[0]


def names(tests: list[dict[str, Any]]) -> list[str]:
    """Return the summary or key of each test."""
    return [test["testInfo"]["summary"] if "testInfo" in test else test["testKey"] for test in tests]


def slugs(done: Assembled) -> list[str]:
    """Return the kinds of notices."""
    return [notice.slug for notice in done.notices]
