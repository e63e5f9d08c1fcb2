"""Measures speed, memory and start-up against their bounds, prints every number.

Ends with 1 when a bound is broken.

Rounds are interleaved, so that whatever else the machine does falls on both sides of a ratio; medians are compared. A
broken bound is measured a second time before it counts. Linux only: it reads /proc.
"""

from __future__ import annotations

import compileall
import glob
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from make_large import WRITERS, write_junit, write_shots

CHECKOUT = Path(__file__).resolve().parents[2]
MEASURED = Path(__file__).with_name("measured.py")
MAKE_LARGE = Path(__file__).with_name("make_large.py")
ISOLATED = [sys.executable, "-I", "-u", "-B"]
ENVIRONMENT = {"PATH": os.defpath, "HOME": "/nowhere", "TZ": "UTC"}
TESTS = 100_000
FEW_TESTS = 1_000
MB = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """One number and the most it may be."""

    what: str
    value: float
    bound: float
    unit: str

    @property
    def holds(self) -> bool:
        return self.value <= self.bound

    def __str__(self) -> str:
        return (
            f"{'ok    ' if self.holds else 'BROKEN'} {self.what}: {self.value:.2f} {self.unit} (at most {self.bound:g})"
        )


def cpu(command: list[str], cwd: Path = CHECKOUT) -> float:
    """Run a command to its end and return its processor seconds, start-up included."""
    child = subprocess.Popen(command, env=ENVIRONMENT, cwd=cwd, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    said = child.stderr.read() if child.stderr else b""
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.stderr:
        child.stderr.close()
    if child.returncode:
        sys.exit(f"{command} ended with {child.returncode}: {said.decode(errors='replace')[-2000:]}")
    return used.ru_utime + used.ru_stime


def noted(folder: Path, *arguments: str, cwd: Path = CHECKOUT) -> dict[str, object]:
    """Run `measured.py` and return what it wrote down."""
    note = folder / "note.json"
    cpu([*ISOLATED, str(MEASURED), str(note), *arguments], cwd)
    found = json.loads(note.read_text(encoding="utf-8"))
    if found["code"]:
        sys.exit(f"{arguments} ended with {found['code']}")
    return found


def medians(rounds: int, *timed: Callable[[], float]) -> list[float]:
    """Return the median of each, from rounds in which each runs once."""
    taken = [[one() for one in timed] for _ in range(rounds)]
    return [statistics.median(column) for column in zip(*taken, strict=True)]


def conversion(folder: Path) -> Iterator[Measure]:
    """Reports to Xray JSON: processor time over the bare parser, and memory above the imports."""
    large, small, listed = folder / "large.xml", folder / "small.xml", folder / "modules.json"
    if not large.exists():
        write_junit(large, TESTS)
        write_junit(small, 1)
    converting = ["convert", "--project", "CALC", "--output", str(folder / "out.json"), "--reports"]

    bare, whole = medians(
        5,
        lambda: float(str(noted(folder, "raw", str(large))["seconds"])),
        lambda: cpu([*ISOLATED, str(CHECKOUT / "entrypoint.py"), *converting, str(large)]),
    )
    written = (folder / "out.json").stat().st_size
    (start,) = medians(5, lambda: cpu([*ISOLATED, str(CHECKOUT / "entrypoint.py"), *converting, str(small)]))
    print(
        f"       {TESTS} tests, {large.stat().st_size / MB:.1f} MB in, {written / MB:.1f} MB out: raw expat {bare:.3f} "
        "s, "
        f"convert {whole:.3f} s, of it {start:.3f} s for a report of one test"
    )
    # The same code comes to 7 on one machine and to 8.8 on another: expat gains more from a fast one than Python does.
    yield Measure(
        what="convert over raw expat, processor time of the whole process", value=whole / bare, bound=10, unit="times"
    )

    listed.write_text(json.dumps(noted(folder, "product", *converting, str(small))["modules"]), encoding="utf-8")
    imports = int(str(noted(folder, "imports", str(listed))["peak"]))
    most = int(str(noted(folder, "product", *converting, str(large))["peak"]))
    print(f"       memory: {imports / MB:.1f} MB with everything imported, at most {most / MB:.1f} MB while converting")
    yield Measure(what="convert, memory above its imports", value=(most - imports) / MB, bound=20, unit="MB")


def most(folder: Path, form: str, tests: int) -> int:
    """Return the most memory that converting one report of a format takes, in bytes; evidence of all tests is sent."""
    report, result = folder / f"{form}-{tests}", folder / "out.json"
    if not report.exists():
        cpu([*ISOLATED, str(MAKE_LARGE), form, str(tests), str(report)])
    found = noted(
        folder,
        "product",
        "convert",
        "--project",
        "CALC",
        "--attachments",
        "all",
        "--output",
        str(result),
        "--reports",
        report.name,
        cwd=folder,
    )
    written = result.read_bytes()
    if written.count(b'"testKey":') + written.count(b'"testInfo":') != tests:
        sys.exit(f"{report.name} did not become {tests} results")
    if form != "testng" and b'"filename"' not in written:  # TestNG's report has no place for evidence
        sys.exit(f"the evidence of {report.name} was lost")
    return int(str(found["peak"]))


def memory(folder: Path) -> Iterator[Measure]:
    """What a hundred times the tests of each format cost in memory; two formats at a time, since nothing is timed."""

    def both(form: str) -> tuple[int, int]:
        home = folder / form
        if not home.exists():
            home.mkdir()
            write_shots(home)
        return most(home, form, FEW_TESTS), most(home, form, TESTS)

    with ThreadPoolExecutor(2) as pool:
        for form, (small, large) in zip(WRITERS, pool.map(both, WRITERS), strict=True):
            size = (folder / form / f"{form}-{TESTS}").stat().st_size
            print(
                f"       {form}: {small / MB:.1f} MB for {FEW_TESTS} tests, {large / MB:.1f} MB for {TESTS} "
                f"({size / MB:.0f} MB of report)"
            )
            more = (large - small) / MB
            yield Measure(what=f"{form}, memory of {TESTS} tests over {FEW_TESTS}", value=more, bound=40, unit="MB")


def starting(_folder: Path) -> Iterator[Measure]:
    """What `--version` and `--help` cost above an interpreter that does nothing."""
    entrypoint = str(CHECKOUT / "entrypoint.py")
    bare, version, usage = medians(
        21,
        lambda: cpu([*ISOLATED, "-c", "pass"]),
        lambda: cpu([*ISOLATED, entrypoint, "--version"]),
        lambda: cpu([*ISOLATED, entrypoint, "--help"]),
    )
    print(f"       a bare interpreter: {bare * 1000:.1f} ms")
    yield Measure(what="--version above it", value=(version - bare) * 1000, bound=15, unit="ms")
    yield Measure(what="--help above it", value=(usage - bare) * 1000, bound=40, unit="ms")


def walk(folder: str) -> int:
    """Count files the fastest way there is: the limit of any discovery."""
    found = 0
    with os.scandir(folder) as entries:
        for entry in entries:
            found += walk(entry.path) if entry.is_dir(follow_symlinks=False) else 1
    return found


def discovery(folder: Path) -> Iterator[Measure]:
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

    bare, everywhere, named, globbed = medians(
        7,
        lambda: spent(lambda: walk(str(tree))),
        lambda: spent(lambda: discover(("**/TEST-*.xml",), tree)),
        lambda: spent(lambda: discover(("module-1*/*/build/reports/*.xml",), tree)),
        lambda: spent(lambda: glob.glob("**/TEST-*.xml", root_dir=tree, recursive=True)),
    )
    print(f"       20,400 files in 1,220 folders: bare walk {bare * 1000:.1f} ms, glob {globbed * 1000:.1f} ms")
    yield Measure(what="discovery of **/TEST-*.xml over glob", value=everywhere / globbed, bound=1, unit="times")
    yield Measure(what="discovery of a named folder over a bare walk of all", value=named / bare, bound=1, unit="times")


def main() -> int:
    """Run what is asked for by name, or everything."""
    benches = (starting, discovery, conversion, memory)
    wanted = [bench for bench in benches if not sys.argv[1:] or bench.__name__ in sys.argv[1:]]
    for folder in ("xray_ci", "tests/bench"):
        compileall.compile_dir(CHECKOUT / folder, quiet=2)
    broken = 0
    with tempfile.TemporaryDirectory() as folder:
        for bench in wanted:
            measures = list(bench(Path(folder)))
            if not all(measure.holds for measure in measures):
                print("       a bound is broken: once more")
                measures = list(bench(Path(folder)))
            broken += sum(not measure.holds for measure in measures)
            print(*measures, sep="\n")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
