"""The benches that are not of the import: finding reports, and the memory that each format takes to convert."""

from __future__ import annotations

import glob
import json
import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from make_large import WRITERS, write_shots
from rows import ISOLATED, MB, Row, ran

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).resolve().parent
TESTS = 100_000
FEW_TESTS = 1_000
LARGE = 10 * MB
"""Bytes of the large report of each format."""


def walk(folder: str) -> int:
    """Count files the fastest way there is: the limit of any discovery."""
    found = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            found += walk(entry.path) if entry.is_dir(follow_symlinks=False) else 1
    return found


def discovery(folder: Path) -> Iterator[Row]:
    """Finding reports in a large checkout, over a bare walk and over the standard library's glob."""
    from xray_ci.reports.discover import discover

    tree = folder / "tree"
    if not tree.exists():
        for number in range(400):
            module = tree / f"module-{number // 20}" / f"part-{number}"
            (module / "build" / "reports").mkdir(parents=True)
            for name in [f"build/reports/TEST-{number}.xml", *(f"source-{index}.java" for index in range(50))]:
                (module / name).touch()

    def spent(work: Callable[[], object]) -> float:
        begun = time.process_time()
        work()
        return time.process_time() - begun

    rounds = [
        (
            spent(lambda: walk(str(tree))),
            spent(lambda: discover(("**/TEST-*.xml",), tree)),
            spent(lambda: discover(("module-1*/*/build/reports/*.xml",), tree)),
            spent(lambda: glob.glob("**/TEST-*.xml", root_dir=tree, recursive=True)),
        )
        for _ in range(7)
    ]
    bare, everywhere, named, globbed = map(min, zip(*rounds, strict=True))
    limit = f"20,400 files: bare walk {bare * 1000:.1f} ms, glob {globbed * 1000:.1f} ms"
    yield Row(case="discovery of **/TEST-*.xml over glob", value=everywhere / globbed, unit="×", bound=1, limit=limit)
    yield Row(
        case="discovery of a named folder over a bare walk of all", value=named / bare, unit="×", bound=1, limit=limit
    )


def most(folder: Path, form: str, tests: int) -> int:
    """Return the most memory that converting one report of a format takes, in bytes; evidence of all tests is sent."""
    report, result = folder / f"{form}-{tests}", folder / "out.json"
    if not report.exists():
        ran([*ISOLATED, str(HERE / "make_large.py"), form, str(tests), str(report)], folder)
    note = folder / "note.json"
    converting = ["convert", "--project", "CALC", "--attachments", "all", "--output", str(result)]
    ran([*ISOLATED, str(HERE / "measured.py"), str(note), "product", *converting, "--reports", report.name], folder)
    found = json.loads(note.read_text(encoding="utf-8"))
    if found["code"]:
        sys.exit(f"converting {report.name} ended with {found['code']}")
    written = result.read_bytes()
    if written.count(b'"testKey":') + written.count(b'"testInfo":') != tests:
        sys.exit(f"{report.name} did not become {tests} results")
    if form != "testng" and b'"filename"' not in written:  # TestNG's report has no place for evidence
        sys.exit(f"the evidence of {report.name} was lost")
    return int(found["peak"])


def memory(folder: Path) -> Iterator[Row]:
    """What a hundred times the results of each format cost in memory; two at a time, since nothing is timed."""
    yield from _converted(folder)
    yield from _read(folder)


def _read(folder: Path) -> Iterator[Row]:
    """Every format of the table: a sample of it with its results again and again, read to its end."""
    sys.path.insert(0, str(HERE.parent))
    from repeated_reports import READERS, repeated, sample

    def peaks(key: str) -> tuple[tuple[int, int], tuple[int, int]]:
        one = sample(key)
        home = folder / f"read-{key}"
        home.mkdir(exist_ok=True)
        many = -(-LARGE // len(one.encode()))
        few = max(1, many // 100)
        return _inspected(home, key, repeated(one, few)), _inspected(home, key, repeated(one, many))

    keys = sorted({*READERS, "jmeter-jtl"})  # which becomes one result for each label, however many samples it has
    with ThreadPoolExecutor(2) as pool:
        for key, ((small, few), (large, many)) in zip(keys, pool.map(peaks, keys), strict=True):
            if many <= few and key in READERS:
                sys.exit(f"{key}: {many} results of a large report, {few} of a small one")
            yield Row(
                case=f"inspect, {key}, memory of a report of 10 MB over a hundredth of it",
                value=(large - small) / MB,
                unit="MB",
                bound=8,
                limit=f"{small / MB:.1f} MB for {few:,} results",
                told=f"{many:,} results",
            )


def _inspected(home: Path, key: str, text: str) -> tuple[int, int]:
    """Return the most memory that reading a report takes, in bytes, and how many results were in it."""
    report, note = home / "report", home / "note.json"
    report.write_text(text, encoding="utf-8")
    reading = ["inspect", "--json", "--reports", f"{key}={report.name}"]
    said = ran([*ISOLATED, str(HERE / "measured.py"), str(note), "product", *reading], home).said
    found = next(json.loads(line) for line in said.splitlines() if line.startswith("{"))
    return json.loads(note.read_text(encoding="utf-8"))["peak"], found["tests"]


def _converted(folder: Path) -> Iterator[Row]:
    """Five formats with evidence, as large as a long night's run writes them."""

    def both(form: str) -> tuple[int, int]:
        home = folder / f"memory-{form}"
        if not home.exists():
            home.mkdir()
            write_shots(home)
        return most(home, form, FEW_TESTS), most(home, form, TESTS)

    with ThreadPoolExecutor(2) as pool:
        for form, (small, large) in zip(WRITERS, pool.map(both, WRITERS), strict=True):
            size = (folder / f"memory-{form}" / f"{form}-{TESTS}").stat().st_size
            yield Row(
                case=f"convert, {form} with evidence, memory of {TESTS:,} tests over {FEW_TESTS:,}",
                value=(large - small) / MB,
                unit="MB",
                bound=40,
                limit=f"{small / MB:.1f} MB for {FEW_TESTS:,} tests",
                told=f"{size / MB:.0f} MB of report",
            )
